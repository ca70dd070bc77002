//! Text that no other reader recognises, and files of no bytes: nothing loads code from them.

use std::sync::Arc;

use crate::{Asset, Budget, Bytes, Format, Refusal};

/// Text in UTF-8, or in an encoding of one byte a character.
pub const FORMAT: Format = Format { name: "text", read };
/// No bytes at all.
pub const EMPTY: Format = Format { name: "empty", read: read_empty };

/// Text, or nothing.
#[derive(Debug)]
pub struct Plain {
    format: &'static str,
}

impl Asset for Plain {
    fn format(&self) -> &'static str {
        self.format
    }
}

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    if bytes.is_empty() {
        return None;
    }
    match is_text(bytes, budget) {
        Ok(true) => Some(Ok(Box::new(Plain { format: FORMAT.name }))),
        Ok(false) => None,
        Err(refusal) => Some(Err(refusal)),
    }
}

fn read_empty(bytes: &Bytes, _: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let empty = || Ok(Box::new(Plain { format: EMPTY.name }) as Box<dyn Asset>);
    bytes.is_empty().then(empty)
}

/// Read to the end: one control character anywhere, and it is no text.
fn is_text(bytes: &Bytes, budget: &Budget) -> Result<bool, Refusal> {
    let mut cursor = bytes.cursor();
    let (mut high, mut utf8, mut rest) = (0_u64, true, 0_usize);
    while cursor.left() > 0 {
        budget.tick(cursor.position())?;
        let window = cursor.peek(rest.saturating_add(1))?;
        if window.iter().copied().any(is_control) {
            return Ok(false);
        }
        let mut length = window.len();
        high = high.saturating_add(window.iter().filter(|&&b| b >= 0x80).count() as u64);
        if let Err(error) = std::str::from_utf8(window) {
            // A character cut by the window's end is looked at again with the next window.
            let cut = error.error_len().is_none() && (length as u64) < cursor.left();
            utf8 &= cut;
            if cut {
                length = error.valid_up_to();
            }
        }
        let window = cursor.peek(1)?;
        rest = window.len().saturating_sub(length);
        let again = window.get(length..).unwrap_or_default().iter().filter(|&&b| b >= 0x80);
        high = high.saturating_sub(again.count() as u64);
        cursor.skip(length as u64)?;
    }
    // Text of one byte a character is mostly ASCII; numbers and compressed data are not.
    Ok(utf8 || high.saturating_mul(3) < bytes.len())
}

/// A control character other than white space; escape sequences of terminals are let through.
pub(crate) fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, 0x09..=0x0d | 0x1b) || byte == 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> bool {
        is_text(&bytes.into(), &Budget::default()).unwrap()
    }

    #[test]
    fn text_is_told_from_bytes() {
        assert!(text("plain, \u{1f600} and umlauts: äöü\n".as_bytes()));
        assert!(text(b"Latin-1: \xe4\xf6\xfc in a longer line"));
        assert!(!text(b"\x80\x02X") && !text(b"a\0b") && !text(&[0xff; 100]));
        assert!(!text(b"\xff\xfea\0b\0") && !text(&[0xc3, 0x28, 0x80, 0x81]));
        let long = "ä".repeat(200_000);
        assert!(text(long.as_bytes()) && !text(&long.as_bytes()[1..]));
    }
}
