//! The wire format of Protocol Buffers: fields with numbers, without their names.

use crate::{Bytes, Refusal};

/// A field: its number, and where its content lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) number: u64,
    pub(crate) content: Content,
}

/// The content of a field by wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A number of variable length.
    Varint(u64),
    /// Eight bytes.
    Fixed64,
    /// Text, bytes or another message: offset and length.
    Bytes(u64, u64),
    /// Four bytes.
    Fixed32,
}

/// Visit every field of a message up to its exact end, as long as `visit` says so. Content is
/// skipped, so the cost does not grow with its size.
pub(crate) fn fields(
    bytes: &Bytes,
    visit: &mut dyn FnMut(Field) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut cursor = bytes.cursor();
    while cursor.left() > 0 {
        let at = cursor.position();
        let tag = varint(&mut cursor)?;
        let content = match tag & 7 {
            0 => Content::Varint(varint(&mut cursor)?),
            1 => {
                cursor.skip(8)?;
                Content::Fixed64
            }
            2 => {
                let length = varint(&mut cursor)?;
                let start = cursor.position();
                cursor.skip(length)?;
                Content::Bytes(start, length)
            }
            5 => {
                cursor.skip(4)?;
                Content::Fixed32
            }
            _ => return Err(Refusal::truncated(at, "a field of no known wire type")),
        };
        if tag >> 3 == 0 {
            return Err(Refusal::truncated(at, "a field without a number"));
        }
        visit(Field { number: tag >> 3, content })?;
    }
    Ok(())
}

fn varint(cursor: &mut crate::Cursor<'_>) -> Result<u64, Refusal> {
    let mut value: u64 = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = cursor.array()?;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Refusal::truncated(cursor.position(), "a number longer than ten bytes"))
}
