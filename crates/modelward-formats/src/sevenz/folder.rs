//! A folder of a 7z archive: one run of content, and the chain of coders that unpacks it.

use std::sync::Arc;

use crate::{
    Budget, Bytes, Gap, Refusal,
    expand::{Branch, Codec, expand},
};

/// One run of content.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    pub(super) coders: Vec<Coder>,
    /// Which input takes which output.
    pub(super) bonds: Vec<(u64, u64)>,
    /// How many packed streams it takes.
    pub(super) packed_streams: usize,
    /// Where those lie in the archive, and how long they are.
    pub(super) packed: Vec<(u64, u64)>,
    /// How many outputs its coders have.
    pub(super) outputs: usize,
    /// Bytes of each output.
    pub(super) sizes: Vec<u64>,
    /// Whether the whole has a checksum.
    pub(super) has_crc: bool,
}

/// One step of unpacking.
#[derive(Clone, Debug)]
pub(super) struct Coder {
    pub(super) id: u64,
    pub(super) properties: Vec<u8>,
    /// Whether it has one input and one output.
    pub(super) simple: bool,
}

impl Folder {
    /// Bytes of content.
    pub(super) fn size(&self) -> u64 {
        let bound = |output: usize| self.bonds.iter().any(|&(_, from)| from == output as u64);
        let last = (0..self.sizes.len()).rev().find(|&output| !bound(output));
        last.and_then(|output| self.sizes.get(output)).copied().unwrap_or(0)
    }

    /// The content, and why it ends early where it does.
    pub(super) fn decode(
        &self,
        archive: &Bytes,
        budget: &Arc<Budget>,
    ) -> Result<(Bytes, Option<Refusal>), Refusal> {
        let &(at, size) = self.packed.first().ok_or_else(|| chain(0))?;
        if self.packed.len() != 1 || self.coders.iter().any(|coder| !coder.simple) {
            let encrypted = self.coders.iter().any(|coder| coder.id == AES);
            return Err(if encrypted { encrypted_at(at) } else { chain(at) });
        }
        let mut content = archive.slice(at, size)?;
        let mut broken = None;
        for index in self.order().ok_or_else(|| chain(at))? {
            let size = self.sizes.get(index).copied().unwrap_or(0);
            let coder = self.coders.get(index).ok_or_else(|| chain(at))?;
            let Some(codec) = coder.codec(size, at)? else { continue };
            let expanded = expand(&content, codec, budget);
            let refusal = expanded.refusal.map(|refusal| Refusal { at, ..refusal });
            broken = broken.or(refusal);
            content = expanded.bytes;
        }
        Ok((content, broken))
    }

    /// The coders from the packed stream to the content.
    fn order(&self) -> Option<Vec<usize>> {
        let count = self.coders.len();
        let taken = |input: usize| self.bonds.iter().any(|&(to, _)| to == input as u64);
        let mut order = vec![(0..count).find(|&input| !taken(input))?];
        while let Some(&last) = order.last() {
            let next = self.bonds.iter().find(|&&(_, from)| from == last as u64);
            match next {
                Some(&(to, _)) if order.len() < count => order.push(usize::try_from(to).ok()?),
                Some(_) => return None,
                None => break,
            }
        }
        (order.len() == count).then_some(order)
    }
}

impl Coder {
    /// How it unpacks; none where it copies.
    fn codec(&self, size: u64, at: u64) -> Result<Option<Codec>, Refusal> {
        let properties = &*self.properties;
        Ok(Some(match (self.id, properties) {
            (0, _) => return Ok(None),
            (0x21, &[bits]) if bits <= 40 => Codec::Lzma2 { dictionary: dictionary(bits) },
            (0x03_01_01, &[properties, a, b, c, d]) => {
                let dictionary = u32::from_le_bytes([a, b, c, d]);
                Codec::Lzma { properties, dictionary, length: size }
            }
            (0x04_01_08, _) => Codec::Deflate,
            (0x04_01_09, _) => Codec::Deflate64,
            (0x04_02_02, _) => Codec::Bzip2,
            (0x04_f7_11_01, _) => Codec::Zstd,
            (0x04_f7_11_04, _) => Codec::Lz4,
            (3, &[distance]) => Codec::Delta(distance),
            (4 | 0x03_03_01_03, _) => Codec::Bcj(Branch::X86),
            (5 | 0x03_03_02_05, _) => Codec::Bcj(Branch::PowerPc),
            (6 | 0x03_03_04_01, _) => Codec::Bcj(Branch::Ia64),
            (7 | 0x03_03_05_01, _) => Codec::Bcj(Branch::Arm),
            (8 | 0x03_03_07_01, _) => Codec::Bcj(Branch::ArmThumb),
            (9 | 0x03_03_08_05, _) => Codec::Bcj(Branch::Sparc),
            (10, _) => Codec::Bcj(Branch::Arm64),
            (11, _) => Codec::Bcj(Branch::RiscV),
            (AES, _) => return Err(encrypted_at(at)),
            (id, _) => {
                let why = format!("the 7z method {id:x}");
                return Err(Refusal::new(at, Gap::Unsupported, why));
            }
        }))
    }
}

/// LZMA2 gives the dictionary as 2^n or 3 * 2^n.
fn dictionary(bits: u8) -> u32 {
    if bits >= 40 {
        return u32::MAX;
    }
    let mantissa = 2 | u32::from(bits & 1);
    mantissa.checked_shl(u32::from(bits >> 1).saturating_add(11)).unwrap_or(u32::MAX)
}

fn encrypted_at(at: u64) -> Refusal {
    Refusal::new(at, Gap::Encrypted, "the content is encrypted with AES")
}

fn chain(at: u64) -> Refusal {
    Refusal::new(at, Gap::Unsupported, "a 7z folder whose coders form no simple chain")
}

/// AES-256 with SHA-256.
const AES: u64 = 0x06_f1_07_01;
