//! The block of 512 bytes before each member (POSIX.1-2017, `pax`, "ustar Interchange Format").

use crate::Bytes;

pub(super) const BLOCK: u64 = 512;

/// A header whose checksum fits.
pub(super) struct Header {
    pub(super) at: u64,
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) size: u64,
    /// The type flag.
    pub(super) kind: u8,
}

impl Header {
    /// The header at an offset; none where there is none.
    pub(super) fn read(bytes: &Bytes, at: u64) -> Option<Self> {
        // Most bytes that are no header are told by the digits of the checksum alone.
        let stored = number(&bytes.array::<8>(at.checked_add(148)?).ok()?)?;
        let block = bytes.array::<512>(at).ok()?;
        if !checksum_fits(&block, stored) {
            return None;
        }
        let field = |from: usize, len: usize| block.get(from..)?.get(..len);
        let mut name = text(field(0, 100)?);
        // GNU puts other things where ustar has the first part of a long name.
        let prefix = text(field(345, 155)?);
        if field(257, 6)? == b"ustar\0" && !prefix.is_empty() {
            name = [&prefix, &b"/"[..], &name].concat();
        }
        let [kind] = *field(156, 1)?.first_chunk()?;
        let (size, link) = (number(field(124, 12)?)?, text(field(157, 100)?));
        Some(Self { at, name, link, size, kind })
    }
}

/// Whether the sum of all bytes, with spaces for the checksum itself, is the one stored. Old
/// writers summed signed bytes.
fn checksum_fits(block: &[u8; 512], stored: u64) -> bool {
    let (mut unsigned, mut signed) = (8 * 0x20_i64, 8 * 0x20_i64);
    for (at, &byte) in block.iter().enumerate() {
        if !(148..156).contains(&at) {
            unsigned = unsigned.saturating_add(byte.into());
            signed = signed.saturating_add(byte.cast_signed().into());
        }
    }
    [unsigned, signed].iter().any(|&sum| u64::try_from(sum) == Ok(stored))
}

/// A number in octal digits, or in base 256 where the first bit is set (GNU). Python's reader takes
/// whatever its `int(text, 8)` takes: a sign, `0o`, underscores between digits.
///
/// Source: CPython `tarfile.py`, `nti`.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if *first == 0x80 {
        return rest
            .iter()
            .try_fold(0_u64, |number, &byte| number.checked_mul(256)?.checked_add(byte.into()));
    }
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    let text = field.get(..end)?.trim_ascii();
    let text = text.strip_prefix(b"+").unwrap_or(text);
    let text = text.strip_prefix(b"0o").or(text.strip_prefix(b"0O")).unwrap_or(text);
    let mut digits = text.iter().filter(|byte| **byte != b'_').peekable();
    if !matches!(digits.peek(), Some(b'0'..=b'7')) {
        // An empty field counts as zero, but for the checksum, which is never empty.
        let empty = field.len() > 8 && field.iter().all(|byte| matches!(byte, 0 | b' '));
        return empty.then_some(0);
    }
    let mut number = 0_u64;
    for digit in digits {
        match digit {
            b'0'..=b'7' => {
                let digit = u64::from(digit.saturating_sub(b'0'));
                number = number.checked_mul(8)?.checked_add(digit)?;
            }
            b' ' => break,
            _ => return None,
        }
    }
    Some(number)
}

fn text(field: &[u8]) -> Vec<u8> {
    field.split(|&byte| byte == 0).next().unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_some_reader_reads_them() {
        let plain: [&[u8]; 6] =
            [b"0000026\0", b"   26 \0x", b"26      ", b"0o26\0\0\0\0", b"+2_6\0", b"\x80\0\0\x16"];
        assert!(plain.iter().all(|field| number(field) == Some(0o26)));
        assert_eq!(number(&[0; 12]), Some(0));
        assert!([&b"0x16"[..], b"28", b"abc", &[0; 8]].iter().all(|field| number(field).is_none()));
    }
}
