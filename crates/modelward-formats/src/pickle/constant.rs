//! Constants of a pickle program, looked up by the offset of their opcode.

use super::opcode::{self as op, Argument, describe};
use crate::Bytes;

/// How a piece inside a program is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As it is.
    Raw,
    /// A constant that may be a file of its own.
    Constant,
    /// A constant that torch loads as a checkpoint of its own.
    Checkpoint,
    /// The same, as text whose characters are its bytes: a tensor in a pickle of protocol 1 or 2.
    Latin1,
    /// The same, escaped as a UNICODE of protocol 0 is.
    Latin1Escaped,
    /// A constant that may be a file of its own, in base64.
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

/// The text of the constant whose opcode stands at `at`, if it is at most `most` bytes long; ten
/// times that where each character may be an escape.
pub(super) fn text(bytes: &Bytes, at: u64, most: u64) -> Option<String> {
    let (start, length) = range(bytes, at)?;
    let line = matches!(bytes.array(at), Ok([op::STRING | op::UNICODE]));
    if length > if line { most.saturating_mul(10) } else { most } {
        return None;
    }
    let raw = bytes.take(start, length).ok()?;
    Some(match bytes.take(at, 1).ok()?.as_slice() {
        [op::STRING] => unescape(&unquote(&raw)),
        [op::UNICODE] => unescape_unicode(&raw),
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
        Encoding::Latin1 => latin1(std::str::from_utf8(text).ok()?),
        Encoding::Latin1Escaped => latin1(&unescape_unicode(text)),
        Encoding::Base64 => decode_base64(text),
        Encoding::Hexadecimal => hexadecimal(text),
    }
}

fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|character| u8::try_from(character).ok()).collect()
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

/// Whether the text of a STRING (without its quotes) or a UNICODE begins with two underscores,
/// however they are escaped.
pub(super) fn is_dunder(raw: &[u8], code: u8) -> bool {
    // The longest escape, twice.
    const HEAD: usize = 20;
    let head = raw.get(..HEAD).unwrap_or(raw);
    let text = if code == op::STRING { unescape(head) } else { unescape_unicode(head) };
    text.starts_with("__")
}

/// Undo the escapes of a STRING. An octal number keeps its low eight bits, and an escape that is
/// none stays as it is.
///
/// Source: CPython `Objects/bytesobject.c`, `_PyBytes_DecodeEscape`.
fn unescape(raw: &[u8]) -> String {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let (b'\\', Some((&escape, behind))) = (byte, after.split_first()) else {
            out.push(byte);
            continue;
        };
        rest = behind;
        let simple = match escape {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'a' => 7,
            b'b' => 8,
            b'v' => 11,
            b'f' => 12,
            b'\\' | b'\'' | b'"' => escape,
            b'x' | b'0'..=b'7' => {
                let (digits, radix) = match escape {
                    b'x' => (behind.get(..2).unwrap_or(behind), 16),
                    _ => {
                        let octal = |byte: &&u8| (b'0'..=b'7').contains(byte);
                        (
                            after
                                .get(..after.iter().take(3).take_while(octal).count())
                                .unwrap_or_default(),
                            8,
                        )
                    }
                };
                let start = if escape == b'x' { behind } else { after };
                let digit = |byte: &u8| char::from(*byte).to_digit(radix);
                let code = digits.iter().try_fold(0_u32, |code, byte| {
                    Some(code.wrapping_mul(radix).wrapping_add(digit(byte)?))
                });
                match code {
                    Some(code) => {
                        rest = start.get(digits.len()..).unwrap_or_default();
                        code.to_le_bytes()[0]
                    }
                    None => escape,
                }
            }
            other => {
                out.extend([b'\\', other]);
                continue;
            }
        };
        out.push(simple);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Undo the escapes of a UNICODE: latin-1, with `\u` and `\U` (raw-unicode-escape). Of two
/// backslashes in a row neither begins an escape.
///
/// Source: CPython `Objects/unicodeobject.c`, `_PyUnicode_DecodeRawUnicodeEscapeStateful`.
fn unescape_unicode(raw: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        out.push(char::from(byte));
        let (b'\\', Some((&escape, behind))) = (byte, after.split_first()) else { continue };
        let digits = match escape {
            b'u' => behind.get(..4),
            b'U' => behind.get(..8),
            _ => None,
        };
        let code = digits.and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            char::from_u32(u32::from_str_radix(digits, 16).ok()?)
        });
        match (code, digits) {
            (Some(character), Some(digits)) => {
                out.pop();
                out.push(character);
                rest = behind.get(digits.len()..).unwrap_or_default();
            }
            _ => {
                out.push(char::from(escape));
                rest = behind;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_python_reads_it() {
        assert_eq!(unescape(br"a\x5fb\n\101\\"), "a_b\nA\\");
        assert_eq!(
            unescape(br"o\563\q\u0041\7"),
            "os\\q\\u0041\u{7}",
            "eight bits of an octal number"
        );
        assert_eq!(unescape_unicode(br"a\u005fb\x5f\\u005f"), "a_b\\x5f\\\\u005f");
        assert_eq!(unescape_unicode(b"\xe9\\U0001f40d\\"), "é🐍\\");
        assert!(
            is_dunder(br"\u005f\U0000005fclass__", op::UNICODE) && is_dunder(br"_\537", op::STRING)
        );
        assert!(!is_dunder(br"\u0070__", op::UNICODE) && !is_dunder(br"\u005f", op::STRING));
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

    #[test]
    fn a_character_of_latin1_is_a_byte() {
        assert_eq!(decode(Encoding::Latin1, b"\xc2\x80\x02\xc3\xbf"), Some(vec![0x80, 2, 0xff]));
        assert_eq!(decode(Encoding::Latin1Escaped, b"\x80\\u0002\xff"), Some(vec![0x80, 2, 0xff]));
        for wide in ["\u{100}", "\u{ff}\u{20ac}"] {
            assert_eq!(decode(Encoding::Latin1, wide.as_bytes()), None);
        }
        assert_eq!(decode(Encoding::Latin1, b"\x80"), None, "no text at all");
    }
}
