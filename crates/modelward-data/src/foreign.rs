//! What is no data: programs, pickles, source code among the files and cells of a set.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use modelward_formats::{Bytes, executable::Executable};

/// A program, by its header.
pub(crate) fn program(bytes: &[u8]) -> Option<&'static str> {
    let head = bytes.get(..bytes.len().min(MOST_HEAD))?;
    if !BEGINNINGS.iter().any(|magic| head.starts_with(magic)) {
        return None;
    }
    let head = Bytes::from(head);
    match Executable::of(&head).or_else(|| Executable::script(&head))? {
        Executable::Script(_) => Some("a script"),
        found => Some(found.kind()),
    }
}

/// A pickle of protocol 2 or later: its first opcodes and its last.
pub(crate) fn pickle(first: &[u8], last: Option<u8>) -> Option<&'static str> {
    let framed = match first {
        [0x80, 4 | 5, 0x95, ..] => true,
        [0x80, 2 | 3, next, ..] => matches!(next, b'c' | b'}' | b']' | b'(' | b')' | b'X'),
        _ => false,
    };
    (framed && last == Some(b'.')).then_some("a pickle")
}

/// A program for a processor, or a pickle. A script is none: sets of source code hold nothing else.
pub(crate) fn binary(bytes: &[u8]) -> Option<&'static str> {
    let found = program(bytes).filter(|_| !bytes.starts_with(b"#!"));
    found.or_else(|| pickle(bytes, bytes.last().copied()))
}

/// What the file of a set is that is code by its bytes, or by its name where its bytes are text.
pub(crate) fn code(name: &str, bytes: &Bytes) -> Option<&'static str> {
    let head = bytes.head(MOST_HEAD as u64).ok()?;
    let last = bytes.len().checked_sub(1).and_then(|at| bytes.take(at, 1).ok());
    let last = last.and_then(|last| last.first().copied());
    if let Some(what) = program(&head).or_else(|| pickle(&head, last)) {
        return Some(what);
    }
    let name = name.to_lowercase();
    let (_, ending) = name.rsplit_once('.')?;
    SOURCES.iter().find(|(known, _)| *known == ending).map(|(_, what)| *what)
}

/// What programs begin with: ELF, PE, a script, Mach-O in either order, for one processor or several.
const BEGINNINGS: [&[u8]; 7] = [
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xca\xfe\xba\xbe",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"jartsr='",
];
/// Endings of what is run as it is: no header tells it from other text.
const SOURCES: [(&str, &str); 8] = [
    ("py", "a Python module"),
    ("pyc", "a compiled Python module"),
    ("sh", "a shell script"),
    ("ps1", "a PowerShell script"),
    ("bat", "a batch file"),
    ("js", "a JavaScript file"),
    ("pkl", "a pickle by its name"),
    ("pickle", "a pickle by its name"),
];
/// Bytes of a header that are looked at.
const MOST_HEAD: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_data() {
        let of = |name: &str, bytes: &[u8]| code(name, &Bytes::from(bytes));
        assert_eq!(of("a.bin", b"\x80\x04\x95\x01\0\0\0\0\0\0\0N."), Some("a pickle"));
        assert_eq!(of("a", b"#!/bin/sh\n"), Some("a script"));
        assert_eq!(of("load.PY", b"import os\n"), Some("a Python module"));
        for (name, plain) in
            [("a.csv", &b"a,b\n1,2\n"[..]), ("a.txt", b"MZ"), ("a", b""), ("b", b"\x80\x02abc.")]
        {
            assert_eq!(of(name, plain), None, "{name}");
        }
    }
}
