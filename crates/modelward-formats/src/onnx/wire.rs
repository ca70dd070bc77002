//! The wire format, read in place: one cursor over the whole file, messages by their end.

use crate::{Bytes, Cursor, Gap, Refusal};

use super::{Limits, Unknown, over, refused};

/// A field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) number: u64,
    /// Offset of its tag.
    pub(super) at: u64,
    pub(super) content: Content,
}

/// The content of a field by wire type; a length-delimited one begins where the cursor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Varint(u64),
    Fixed64(u64),
    Length(u64),
    Fixed32(u32),
}

impl Field {
    fn wrong(self, expected: &str) -> Refusal {
        refused(self.at, format!("expected {expected} in field {}", self.number))
    }

    #[expect(clippy::cast_possible_wrap, reason = "protocol buffers write negative numbers so")]
    pub(super) fn int(self) -> Result<i64, Refusal> {
        match self.content {
            Content::Varint(value) => Ok(value as i64),
            _ => Err(self.wrong("a number")),
        }
    }

    pub(super) fn float(self) -> Result<f32, Refusal> {
        match self.content {
            Content::Fixed32(bits) => Ok(f32::from_bits(bits)),
            _ => Err(self.wrong("a float")),
        }
    }

    pub(super) fn length(self) -> Result<u64, Refusal> {
        match self.content {
            Content::Length(length) => Ok(length),
            _ => Err(self.wrong("bytes")),
        }
    }
}

/// Where the reading stands.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    cursor: Cursor<'a>,
    pub(super) limits: &'a Limits,
    items: u64,
    /// Bytes of names, texts and numbers that were copied out of the file.
    held: u64,
    /// Fields that ONNX does not have.
    pub(super) unknown: Vec<Unknown>,
    /// Where documentation and metadata lie that nothing acts upon.
    pub(super) remarks: Vec<super::Span>,
}

impl<'a> Wire<'a> {
    pub(super) fn new(bytes: &'a Bytes, limits: &'a Limits) -> Self {
        let (unknown, remarks) = Default::default();
        Self { cursor: bytes.cursor(), limits, items: 0, held: 0, unknown, remarks }
    }

    pub(super) fn position(&self) -> u64 {
        self.cursor.position()
    }

    /// Count one more of what there may be many of.
    pub(super) fn item(&mut self, at: u64) -> Result<(), Refusal> {
        self.items = self.items.saturating_add(1);
        if self.items > self.limits.items {
            return Err(over(at, Gap::ManyMembers, self.limits.items, "nodes, tensors and names"));
        }
        Ok(())
    }

    /// Refuse a singular message that stands twice: some readers take the last, others merge.
    pub(super) fn once(&self, seen: &mut u64, field: Field, what: &str) -> Result<(), Refusal> {
        let bit = 1_u64.checked_shl(u32::try_from(field.number).unwrap_or(63)).unwrap_or(0);
        if *seen & bit != 0 {
            return Err(refused(field.at, format!("{what} stands twice")));
        }
        *seen |= bit;
        Ok(())
    }

    /// Visit every field of the message in this field. `visit` reads or skips its content.
    pub(super) fn nested(
        &mut self,
        field: Field,
        visit: impl FnMut(&mut Self, Field) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let end = self.end(field)?;
        self.message(end, visit)
    }

    /// Where the content of a field ends.
    pub(super) fn end(&self, field: Field) -> Result<u64, Refusal> {
        let length = field.length()?;
        self.position().checked_add(length).filter(|_| length <= self.cursor.left()).ok_or_else(
            || {
                let left = self.cursor.left();
                let why = format!("expected {length} bytes, but only {left} are left");
                Refusal::new(field.at, Gap::OversizedLength, why)
            },
        )
    }

    /// Visit every field up to an offset.
    pub(super) fn message(
        &mut self,
        end: u64,
        mut visit: impl FnMut(&mut Self, Field) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        while self.position() < end {
            let field = self.field(end)?;
            visit(self, field)?;
            if self.position() > end {
                return Err(refused(field.at, "a field reaches beyond its message"));
            }
        }
        Ok(())
    }

    /// The next field, whose content ends at `end` at the latest.
    pub(super) fn field(&mut self, end: u64) -> Result<Field, Refusal> {
        let at = self.position();
        let tag = self.varint()?;
        let number = tag >> 3;
        let content = match tag & 7 {
            0 => Content::Varint(self.varint()?),
            1 => Content::Fixed64(u64::from_le_bytes(self.cursor.array()?)),
            2 => {
                let length = self.varint()?;
                let left = end.saturating_sub(self.position());
                if length > left {
                    let why = format!("expected {length} bytes, but the message has {left} left");
                    return Err(Refusal::new(at, Gap::OversizedLength, why));
                }
                Content::Length(length)
            }
            5 => Content::Fixed32(u32::from_le_bytes(self.cursor.array()?)),
            3 | 4 => return Err(refused(at, "a group, which ONNX never uses")),
            _ => return Err(refused(at, "a field of no known wire type")),
        };
        if number == 0 || number > 0x1fff_ffff {
            return Err(refused(at, format!("a field of the impossible number {number}")));
        }
        Ok(Field { number, at, content })
    }

    /// A number of variable length, at most ten bytes long.
    pub(super) fn varint(&mut self) -> Result<u64, Refusal> {
        let at = self.position();
        let window = self.cursor.peek(10)?;
        let mut value = 0_u64;
        let all = window.len().min(10);
        for ((&byte, shift), used) in window.iter().zip((0..70).step_by(7)).zip(1..) {
            if shift == 63 && byte > 1 {
                return Err(refused(at, "a number of more than 64 bits"));
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                self.cursor.advance(used);
                return Ok(value);
            }
        }
        Err(match all {
            10 => refused(at, "a number of more than ten bytes"),
            _ => refused(at, "the file ends within a number"),
        })
    }

    /// Go past the content of a field.
    pub(super) fn skip(&mut self, field: Field) -> Result<(), Refusal> {
        match field.content {
            Content::Length(length) => self.cursor.skip(length),
            _ => Ok(()),
        }
    }

    /// Go past a field that is of no use here: one of these numbers, of which all have a meaning in
    /// ONNX, or one that is noted as unknown.
    pub(super) fn pass(&mut self, field: Field, known: &[u64]) -> Result<(), Refusal> {
        let start = self.position();
        self.skip(field)?;
        let span = start..self.position();
        if !known.contains(&field.number) {
            if self.unknown.len() < MOST_UNKNOWN {
                self.unknown.push(Unknown { number: field.number, at: field.at, span });
            }
        } else if span.end.saturating_sub(span.start) >= SHORTEST_FILE {
            self.remarks.push(span);
        }
        Ok(())
    }

    /// Count bytes that are copied out of the file.
    fn hold(&mut self, at: u64, bytes: u64) -> Result<(), Refusal> {
        self.held = self.held.saturating_add(bytes);
        if self.held > self.limits.held {
            return Err(over(at, Gap::LargeMemory, self.limits.held, "bytes of names and numbers"));
        }
        Ok(())
    }

    /// Go past the content of a field and say where it lies.
    pub(super) fn span(&mut self, field: Field) -> Result<super::Span, Refusal> {
        let end = self.end(field)?;
        let start = self.position();
        self.skip(field)?;
        Ok(start..end)
    }

    /// The bytes of a field, up to the limit of one name.
    pub(super) fn bytes(&mut self, field: Field, most: u64) -> Result<Vec<u8>, Refusal> {
        let length = field.length()?;
        self.end(field)?;
        if length > most {
            return Err(over(field.at, Gap::LargeMemory, most, "bytes of one value"));
        }
        self.hold(field.at, length)?;
        Ok(self.cursor.take(usize::try_from(length).unwrap_or(usize::MAX))?.to_vec())
    }

    /// The text of a field.
    pub(super) fn text(&mut self, field: Field) -> Result<String, Refusal> {
        let bytes = self.bytes(field, self.limits.name)?;
        String::from_utf8(bytes).map_err(|_| refused(field.at, "a name that is not UTF-8"))
    }

    /// Numbers of a repeated field, packed or one at a time.
    pub(super) fn ints(&mut self, field: Field, into: &mut Vec<i64>) -> Result<(), Refusal> {
        let Content::Length(_) = field.content else {
            into.push(field.int()?);
            return self.bounded(field, into.len() as u64, 8);
        };
        let end = self.end(field)?;
        while self.position() < end {
            #[expect(clippy::cast_possible_wrap, reason = "negative numbers are written so")]
            into.push(self.varint()? as i64);
            self.hold(field.at, 8)?;
            self.bounded(field, into.len() as u64, 8)?;
        }
        Ok(())
    }

    /// Floats of a repeated field, packed or one at a time.
    pub(super) fn floats(&mut self, field: Field, into: &mut Vec<f32>) -> Result<(), Refusal> {
        let Content::Length(length) = field.content else {
            into.push(field.float()?);
            return self.bounded(field, into.len() as u64, 4);
        };
        if length % 4 != 0 {
            return Err(refused(field.at, "packed floats of no whole number"));
        }
        self.bounded(field, length / 4, 4)?;
        self.hold(field.at, length)?;
        for _ in 0..length / 4 {
            into.push(f32::from_le_bytes(self.cursor.array()?));
        }
        Ok(())
    }

    fn bounded(&self, field: Field, count: u64, size: u64) -> Result<(), Refusal> {
        if count.saturating_mul(size) > self.limits.attribute {
            let limit = self.limits.attribute;
            return Err(over(
                field.at,
                Gap::LargeMemory,
                limit,
                "bytes of numbers in one attribute",
            ));
        }
        Ok(())
    }

    /// A key and its value.
    pub(super) fn pair(&mut self, field: Field) -> Result<(String, String), Refusal> {
        self.pair_by(field, Self::text)
    }

    /// A key and its value, which may name a file: what is not UTF-8 in it becomes U+FFFD, for whoever
    /// uses it to refuse.
    pub(super) fn pair_of_any_bytes(&mut self, field: Field) -> Result<(String, String), Refusal> {
        self.pair_by(field, |wire, field| {
            let bytes = wire.bytes(field, wire.limits.name)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        })
    }

    fn pair_by(
        &mut self,
        field: Field,
        text: fn(&mut Self, Field) -> Result<String, Refusal>,
    ) -> Result<(String, String), Refusal> {
        self.item(field.at)?;
        let (mut key, mut value) = Default::default();
        self.nested(field, |wire, field| {
            match field.number {
                1 => key = text(wire, field)?,
                2 => value = text(wire, field)?,
                _ => wire.pass(field, &[])?,
            }
            Ok(())
        })?;
        Ok((key, value))
    }
}

/// How many unknown fields are noted.
const MOST_UNKNOWN: usize = 64;

/// What is shorter can hold no file.
const SHORTEST_FILE: u64 = 16;
