//! The many ways to write a number, a text, or bytes.

use super::{Effect, encoder::Encoder};

impl Encoder<'_, '_> {
    pub(super) fn constant(&mut self, effect: &Effect) {
        match effect {
            Effect::Bool(value) if self.choices.below(2) == 0 => {
                self.op(if *value { 0x88 } else { 0x89 });
            }
            Effect::Bool(value) => self.with(b'I', format!("0{}\n", u8::from(*value)).as_bytes()),
            Effect::Int(number) => self.int(*number),
            Effect::Float(number) if self.choices.below(2) == 0 => {
                self.with(b'G', &number.to_be_bytes());
            }
            Effect::Float(number) => self.with(b'F', format!("{number:?}\n").as_bytes()),
            Effect::Text(text) => self.text(text),
            Effect::Bytes(bytes) => self.bytes(bytes),
            _ => self.op(b'N'),
        }
    }

    fn int(&mut self, number: i64) {
        match self.choices.below(7) {
            1 if u8::try_from(number).is_ok() => self.with(b'K', &[number as u8]),
            2 if u16::try_from(number).is_ok() => {
                self.with(b'M', &(number as u16).to_le_bytes());
            }
            3 if i32::try_from(number).is_ok() => {
                self.with(b'J', &(number as i32).to_le_bytes());
            }
            4 => self.with(b'L', format!("{number}L\n").as_bytes()),
            5 => self.with(0x8a, &[&[8], &number.to_le_bytes()[..]].concat()),
            6 => self.with(0x8b, &[&8_u32.to_le_bytes()[..], &number.to_le_bytes()].concat()),
            _ => self.with(b'I', format!("{number}\n").as_bytes()),
        }
    }

    fn text(&mut self, text: &str) {
        let (bytes, short) = (text.as_bytes(), text.len() < 256);
        let ascii = text.bytes().all(|byte| (b' '..0x7f).contains(&byte));
        let counted = |width: usize| [&(bytes.len() as u64).to_le_bytes()[..width], bytes].concat();
        match self.choices.below(8) {
            1 if ascii => {
                let each = text.bytes().map(|byte| match self.choices.below(8) {
                    6 => format!("\\x{byte:02x}"),
                    7 => format!("\\{byte:03o}"),
                    _ if matches!(byte, b'\'' | b'\\') => format!("\\{}", char::from(byte)),
                    _ => char::from(byte).to_string(),
                });
                let quoted = format!("'{}'\n", each.collect::<String>());
                self.with(b'S', quoted.as_bytes());
            }
            2 if ascii && short => self.with(b'U', &counted(1)),
            3 if ascii => self.with(b'T', &counted(4)),
            4 if short => self.with(0x8c, &counted(1)),
            5 | 6 => self.with(b'X', &counted(4)),
            7 => self.with(0x8d, &counted(8)),
            _ => {
                let each = text.chars().map(|c| match self.choices.below(6) {
                    _ if !c.is_ascii_graphic() || c == '\\' => escaped(c),
                    5 => escaped(c),
                    _ => c.to_string(),
                });
                let line = each.collect::<String>() + "\n";
                self.with(b'V', line.as_bytes());
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let counted = |width: usize| [&(bytes.len() as u64).to_le_bytes()[..width], bytes].concat();
        match self.choices.below(4) {
            0 if bytes.len() < 256 => self.with(b'C', &counted(1)),
            1 => self.with(0x8e, &counted(8)),
            // As Python 3 writes bytes for Python 2.
            2 => {
                let text = bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
                let arguments = [Effect::Text(text), Effect::text("latin1")];
                self.call(&Effect::import("_codecs", "encode"), &arguments);
            }
            _ => self.with(b'B', &counted(4)),
        }
    }
}

/// A character as raw-unicode-escape writes any.
fn escaped(c: char) -> String {
    let code = u32::from(c);
    if code > 0xffff { format!("\\U{code:08x}") } else { format!("\\u{code:04x}") }
}
