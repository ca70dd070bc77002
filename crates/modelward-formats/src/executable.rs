//! Programs: ELF, PE, Mach-O, Actually Portable Executables, and scripts with a `#!` line.
//!
//! Only headers are read, enough to tell a program from bytes that happen to begin like one.

use std::sync::Arc;

use crate::{Asset, Budget, Bytes, Format, Refusal};

/// A program that the operating system runs itself.
pub const FORMAT: Format = Format { name: "executable", read };
/// Text whose first line names the program that runs it.
pub const SCRIPT: Format = Format { name: "script", read: read_script };

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executable {
    /// Executable and Linkable Format: Linux and most other systems.
    Elf,
    /// Portable Executable: Windows.
    Pe,
    /// Mach-O, for one processor or several: macOS.
    MachO,
    /// Actually Portable Executable, as llamafiles are: one file for all of these systems.
    Portable,
    /// A script, and the program that its first line names.
    Script(String),
}

impl Executable {
    /// What users call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Elf => "an ELF program or library",
            Self::Pe => "a Windows program or library",
            Self::MachO => "a macOS program or library",
            Self::Portable => "a program for several systems (llamafile)",
            Self::Script(_) => "a script",
        }
    }

    /// Recognise a program by its header.
    pub fn of(bytes: &Bytes) -> Option<Self> {
        let head = bytes.head(64).ok()?;
        if head.starts_with(b"MZqFpD") || head.starts_with(b"jartsr='") {
            return Some(Self::Portable);
        }
        if let [0x7f, b'E', b'L', b'F', 1 | 2, 1 | 2, 1, ..] = head.as_slice() {
            return Some(Self::Elf);
        }
        if head.starts_with(b"MZ") {
            let header = u64::from(bytes.u32_le(60).ok()?);
            return bytes.has(header, b"PE\0\0").then_some(Self::Pe);
        }
        is_mach_o(&head).then_some(Self::MachO)
    }

    /// Recognise a script by its first line.
    pub fn script(bytes: &Bytes) -> Option<Self> {
        let head = bytes.head(256).ok()?;
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        let line = head.strip_prefix(b"#!")?.split(|&b| b == b'\n').next()?;
        let line = std::str::from_utf8(line).ok()?.trim();
        let path = line.starts_with('/') && !line.contains(|c: char| c.is_control());
        path.then(|| Self::Script(line.to_owned()))
    }
}

impl Asset for Executable {
    fn format(&self) -> &'static str {
        match self {
            Self::Script(_) => SCRIPT.name,
            _ => FORMAT.name,
        }
    }
}

fn read(bytes: &Bytes, _: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    Executable::of(bytes).map(|program| Ok(Box::new(program) as Box<dyn Asset>))
}

fn read_script(bytes: &Bytes, _: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    Executable::script(bytes).map(|script| Ok(Box::new(script) as Box<dyn Asset>))
}

/// The magic numbers of `mach-o/loader.h` and `mach-o/fat.h`, with the fields that follow them.
fn is_mach_o(head: &[u8]) -> bool {
    let word = |at: usize, big: bool| {
        let bytes: [u8; 4] = head.get(at..)?.first_chunk().copied()?;
        Some(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    match word(0, true) {
        Some(0xfeed_face | 0xfeed_facf) => matches!(word(12, true), Some(1..=12)),
        Some(0xcefa_edfe | 0xcffa_edfe) => matches!(word(12, false), Some(1..=12)),
        // A Java class has the same magic, and its version where the count of programs stands.
        Some(0xcafe_babe) => matches!(word(4, true), Some(1..=40)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_what_only_begins_like_one() {
        let of = |bytes: &[u8]| Executable::of(&bytes.into());
        assert_eq!(of(b"\x7fELF\x02\x01\x01\0\0"), Some(Executable::Elf));
        let mut pe = b"MZ".to_vec();
        pe.resize(60, 0);
        pe.extend(b"\x40\0\0\0PE\0\0");
        assert_eq!(of(&pe), Some(Executable::Pe));
        assert_eq!(of(b"\xcf\xfa\xed\xfe\x0c\0\0\x01\0\0\0\0\x02\0\0\0"), Some(Executable::MachO));
        for other in [&b"MZ is a name"[..], b"\x7fELF", b"\xca\xfe\xba\xbe\0\0\0\x34", b""] {
            assert_eq!(of(other), None);
        }
        let script = |bytes: &[u8]| Executable::script(&bytes.into());
        assert_eq!(script(b"#!/bin/sh\n"), Some(Executable::Script("/bin/sh".to_owned())));
        assert_eq!(script(b"#![feature(x)]\n"), None);
    }
}
