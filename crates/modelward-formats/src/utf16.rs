//! Text in UTF-16 with a byte order mark, which readers of JSON and YAML take as they take UTF-8:
//! what it says is a part of its own.

use std::{ops::ControlFlow, sync::Arc};

use crate::{Asset, Budget, Bytes, Expects, Format, Gap, Part, Refusal};

/// Text of 16 bits a unit.
pub(crate) const FORMAT: Format = Format { name: "text-utf16", read };

/// What the text says, in UTF-8.
#[derive(Debug)]
struct Wide(Bytes);

impl Asset for Wide {
    fn format(&self) -> &'static str {
        FORMAT.name
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        let (name, bytes) = ("text".to_owned(), Ok(self.0.clone()));
        let _ = visit(Part { name, bytes, expects: Expects::Data });
    }
}

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let unit = match bytes.array::<2>(0).ok()? {
        [0xff, 0xfe] => u16::from_le_bytes as fn([u8; 2]) -> u16,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    if bytes.len() > MOST {
        let why = format!("more than {} MiB of text in UTF-16", MOST >> 20);
        return Some(Err(Refusal::new(0, Gap::LargeMemory, why)));
    }
    let raw = bytes.tail(2).head(MOST).ok()?;
    let (units, rest) = raw.as_chunks::<2>();
    let units = units.iter().map(|&pair| unit(pair));
    let text = char::decode_utf16(units).collect::<Result<String, _>>().ok()?;
    if !rest.is_empty() || text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    if let Err(refusal) = budget.expand(0, text.len() as u64) {
        return Some(Err(refusal));
    }
    Some(Ok(Box::new(Wide(text.into_bytes().into()))))
}

/// The longest text, in bytes.
const MOST: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_are_read_and_nothing_else() {
        let said = |bytes: &[u8]| {
            let asset = read(&bytes.into(), &Arc::default())?.unwrap();
            let mut said = Vec::new();
            asset.parts(&mut |part| {
                said = part.bytes.unwrap().head(100).unwrap();
                ControlFlow::Continue(())
            });
            Some(said)
        };
        assert_eq!(said(b"\xff\xfe{\0}\0"), Some(b"{}".to_vec()));
        assert_eq!(said(b"\xfe\xff\0{\0}"), Some(b"{}".to_vec()));
        assert_eq!(said(b"\xff\xfe{\0}"), None);
        assert_eq!(said(b"\xff\xfe\0\xd8a\0"), None);
        assert_eq!(said(b"\xff\xfe\x01\0"), None);
        assert_eq!(said(b"{}"), None);
    }
}
