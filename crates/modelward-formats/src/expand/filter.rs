//! Filters that 7z puts before its compressors: they change bytes and keep their number.

use std::io::{self, Read};

use lzma_rust2::filter::{bcj::BcjReader, delta::DeltaReader};

use super::{Branch, Decoder, input::Input};

/// A branch converter: addresses in machine code, made absolute.
pub(super) struct Bcj(BcjReader<Input>);

impl Bcj {
    pub(super) fn new(input: Input, branch: Branch) -> Self {
        Self(match branch {
            Branch::X86 => BcjReader::new_x86(input, 0),
            Branch::PowerPc => BcjReader::new_ppc(input, 0),
            Branch::Ia64 => BcjReader::new_ia64(input, 0),
            Branch::Arm => BcjReader::new_arm(input, 0),
            Branch::ArmThumb => BcjReader::new_arm_thumb(input, 0),
            Branch::Sparc => BcjReader::new_sparc(input, 0),
            Branch::Arm64 => BcjReader::new_arm64(input, 0),
            Branch::RiscV => BcjReader::new_riscv(input, 0),
        })
    }
}

impl Read for Bcj {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Decoder for Bcj {
    fn position(&self) -> u64 {
        self.0.inner().position()
    }
}

/// Each byte is the difference to the one `distance` before it.
pub(super) struct Delta(DeltaReader<Input>);

impl Delta {
    pub(super) fn new(input: Input, distance: u8) -> Self {
        Self(DeltaReader::new(input, usize::from(distance).saturating_add(1)))
    }
}

impl Read for Delta {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Decoder for Delta {
    fn position(&self) -> u64 {
        self.0.inner().position()
    }
}
