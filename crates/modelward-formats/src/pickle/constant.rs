//! Constants of a pickle program, looked up by the offset of their opcode.

use super::opcode::{self as op, Argument, describe};
use crate::Bytes;

/// How a piece inside a program is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Raw,
    /// A constant that may be a file of its own.
    Constant,
    /// A constant that torch loads as a checkpoint of its own.
    Checkpoint,
    /// The same, in base64.
    Base64,
    /// The same, in hexadecimal digits.
    Hexadecimal,
}

/// Where the bytes of the constant lie whose opcode stands at `at`: offset and length.
pub(super) fn range(bytes: &Bytes, at: u64) -> Option<(u64, u64)> {
    let mut head = [0; 9];
    let read = bytes.read_at(at, &mut head).ok()?;
    let (&code, rest) = head.get(..read)?.split_first()?;
    match describe(code)?.1 {
        Argument::Counted(width) => {
            let length = rest.get(..usize::from(width))?;
            let length = length.iter().rev().fold(0_u64, |n, &byte| n << 8 | u64::from(byte));
            Some((at.checked_add(1)?.checked_add(width.into())?, length))
        }
        Argument::Line => {
            let mut cursor = bytes.cursor();
            cursor.seek(at.checked_add(1)?);
            let line = cursor.peek(64 << 10).ok()?;
            let end = line.iter().position(|&byte| byte == b'\n')?;
            Some((at.checked_add(1)?, end as u64))
        }
        _ => None,
    }
}

/// The text of the constant whose opcode stands at `at`, if it is at most `most` bytes long.
pub(super) fn text(bytes: &Bytes, at: u64, most: u64) -> Option<String> {
    let (start, length) = range(bytes, at)?;
    if length > most {
        return None;
    }
    let raw = bytes.take(start, length).ok()?;
    Some(match bytes.take(at, 1).ok()?.as_slice() {
        [op::STRING] => unescape(&unquote(&raw), false),
        [op::UNICODE] => unescape(&raw, true),
        _ => String::from_utf8_lossy(&raw).into_owned(),
    })
}

/// Whether a constant that begins like this may be a file of its own: a pickle, an archive, a
/// compressed stream, a program, as it is or in text.
pub(super) fn sniff(head: &[u8], len: u64) -> Option<Encoding> {
    if len < SMALLEST {
        return None;
    }
    let (&first, rest) = head.split_first()?;
    if is_file(head) {
        return Some(Encoding::Constant);
    }
    // Almost every constant ends here: base64 and hex need a first byte of their alphabet.
    if !first.is_ascii_alphanumeric() && !matches!(first, b'+' | b'/') {
        return None;
    }
    if !rest.iter().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
    }) {
        return None;
    }
    let base64 = head.get(..16)?;
    if hexadecimal(base64).is_some_and(|decoded| is_file(&decoded)) {
        return Some(Encoding::Hexadecimal);
    }
    let decoded = decode_base64(base64)?;
    is_file(&decoded).then_some(Encoding::Base64)
}

/// Decode a piece in text; `None` where it is not in that encoding to its end.
pub(super) fn decode(encoding: Encoding, text: &[u8]) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Raw | Encoding::Constant | Encoding::Checkpoint => None,
        Encoding::Base64 => decode_base64(text),
        Encoding::Hexadecimal => hexadecimal(text),
    }
}

/// The smallest constant that is looked into.
const SMALLEST: u64 = 12;

/// Whether bytes begin like a file that some loader acts upon.
fn is_file(head: &[u8]) -> bool {
    match head {
        [0x80, 2..=5, ..]
        | [b'P', b'K', 3 | 5, 4 | 6, ..]
        | [0x1f, 0x8b, 8, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', ..]
        | [0xfd, b'7', b'z', b'X', b'Z', ..]
        | [0x28, 0xb5, 0x2f, 0xfd, ..]
        | [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]
        | [0x7f, b'E', b'L', b'F', ..]
        | [b'#', b'!', ..]
        | [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => true,
        // Protocol 0 and 1: GLOBAL or INST with a name of at most a dozen letters.
        [b'c' | b'i', rest @ ..] | [b'(', b'c' | b'i', rest @ ..] => {
            let name = rest.iter().position(|&byte| byte == b'\n');
            let name = name.and_then(|end| rest.get(..end)).unwrap_or_default();
            !name.is_empty()
                && name
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
        }
        _ => false,
    }
}

fn hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    let digits = digits.map(|&byte| char::from(byte).to_digit(16)).collect::<Option<Vec<_>>>()?;
    let pair = |pair: &[u32]| match *pair {
        [high, low] => u8::try_from(high << 4 | low).ok(),
        _ => None,
    };
    digits.chunks(2).map(pair).collect()
}

fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let (mut bits, mut held) = (0_u32, 0_u32);
    for &byte in text.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        let six = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held = held.saturating_add(6);
        if held >= 8 {
            held = held.saturating_sub(8);
            out.push(u8::try_from((bits >> held) & 0xff).unwrap_or(0));
        }
    }
    Some(out)
}

/// Take off the quotes of a STRING.
fn unquote(raw: &[u8]) -> Vec<u8> {
    let trimmed = raw.trim_ascii();
    match trimmed {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner.to_vec(),
        _ => trimmed.to_vec(),
    }
}

/// Undo backslash escapes: all of Python's in a STRING, only `\u` and `\U` in a UNICODE
/// (raw-unicode-escape).
fn unescape(raw: &[u8], only_unicode: bool) -> String {
    let text = String::from_utf8_lossy(raw);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut after = escape.chars();
        let digits: usize = match after.next() {
            Some('x') if !only_unicode => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        let code = escape.get(1..digits.saturating_add(1)).filter(|_| digits > 0);
        let code =
            code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        rest = match (code, escape.chars().next()) {
            (Some(character), _) => {
                out.push(character);
                escape.get(digits.saturating_add(1)..).unwrap_or_default()
            }
            (None, Some(simple)) if !only_unicode => {
                let octal = escape.chars().take(3).take_while(|c| ('0'..='7').contains(c)).count();
                let code = escape.get(..octal).and_then(|code| u32::from_str_radix(code, 8).ok());
                match (code.and_then(char::from_u32), simple) {
                    (Some(character), _) => out.push(character),
                    (None, 'n') => out.push('\n'),
                    (None, 't') => out.push('\t'),
                    (None, 'r') => out.push('\r'),
                    (None, other) => out.push(other),
                }
                escape.get(octal.max(simple.len_utf8())..).unwrap_or_default()
            }
            (None, _) => {
                out.push('\\');
                escape
            }
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_python_reads_it() {
        assert_eq!(unescape(br"a\x5fb\n\101\\", false), "a_b\nA\\");
        assert_eq!(unescape(br"a\u005fb\x5f", true), "a_b\\x5f");
        assert_eq!(unquote(b"'it'"), b"it");
    }

    #[test]
    fn payloads_are_seen_through_base64_and_hex() {
        assert_eq!(sniff(b"gASVHwAAAAAAAACM", 60), Some(Encoding::Base64));
        assert_eq!(sniff(b"80049520000000000000", 60), Some(Encoding::Hexadecimal));
        assert_eq!(sniff(b"cos\nsystem\n(S'id", 60), Some(Encoding::Constant));
        assert_eq!(sniff(b"an ordinary text", 60), None);
        assert_eq!(sniff(b"configuration000", 60), None);
        assert_eq!(decode(Encoding::Base64, b"aGk="), Some(b"hi".to_vec()));
    }
}
