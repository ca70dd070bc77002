//! The first bytes of programs, archives and pickles.
//!
//! Where numbers are expected, these say that something else is hidden there. Each is long
//! enough that random numbers begin with it less than once in 2^24 times. What they do not
//! name is not thereby harmless: they only ever raise an alarm.

use crate::Bytes;

/// What the bytes begin as, if it is a program, an archive or a pickle.
pub fn find(bytes: &Bytes) -> Option<&'static str> {
    let mut head = [0; 16];
    let filled = bytes.read_at(0, &mut head).ok()?;
    let head = head.get(..filled)?;
    match head {
        [0x7f, b'E', b'L', b'F', 1 | 2, 1 | 2, ..] => Some("an ELF program"),
        [b'M', b'Z', ..] if is_portable_executable(bytes) => Some("a Windows program"),
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => {
            Some("a Mach-O program")
        }
        [b'#', b'!', rest @ ..] if is_interpreter(rest) => Some("a script"),
        [b'P', b'K', 3, 4, ..] => Some("a zip archive"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some("a 7z archive"),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some("an array of numpy"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz-compressed bytes"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd-compressed bytes"),
        [0x1f, 0x8b, 8, flags, _, _, _, _, 0 | 2 | 4, 0..=13 | 255, ..] if *flags < 32 => {
            Some("gzip-compressed bytes")
        }
        [0x80, 4 | 5, 0x95, length @ ..] if is_frame(length, bytes.len()) => Some("a pickle"),
        // Protocols 2 and 3: a global name, or the first container, memoised at once.
        [0x80, 2 | 3, b'c', b'_' | b'a'..=b'z' | b'A'..=b'Z', ..] => Some("a pickle"),
        [0x80, 2 | 3, b'}' | b']' | b')', b'q', ..] => Some("a pickle"),
        _ => None,
    }
}

/// Whether the old DOS header points at the header of a Windows program.
fn is_portable_executable(bytes: &Bytes) -> bool {
    bytes.u32_le(0x3c).is_ok_and(|at| bytes.has(at.into(), b"PE\0\0"))
}

/// Whether a path follows.
fn is_interpreter(rest: &[u8]) -> bool {
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    rest.first() == Some(&b'/') && rest.iter().all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\r'))
}

/// Whether these eight bytes are the length of a frame that fits.
fn is_frame(length: &[u8], whole: u64) -> bool {
    let length = length.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
    length.is_some_and(|length| length <= whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_numbers() {
        let find = |bytes: &[u8]| find(&bytes.into());
        assert_eq!(find(b"\x7fELF\x02\x01\x01"), Some("an ELF program"));
        assert_eq!(find(b"#!/bin/sh\nid\n"), Some("a script"));
        assert_eq!(find(b"\x80\x02cos\nsystem\n"), Some("a pickle"));
        assert_eq!(find(b"\x80\x04\x95\x05\0\0\0\0\0\0\0aaaaa"), Some("a pickle"));
        assert_eq!(find(b"\x80\x04\x95\x05\0\0\0\0\0\0\x01aaaaa"), None);
        assert_eq!(find(b"\x93NUMPY\x01\0"), Some("an array of numpy"));
        assert_eq!(find(b"MZ\x90\0"), None);
        assert_eq!(find(b""), None);
    }
}
