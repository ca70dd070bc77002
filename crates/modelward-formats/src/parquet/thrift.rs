//! The compact protocol of Apache Thrift, read field by field.

use std::borrow::Cow;

use crate::{Budget, Bytes, Cursor, Gap, Refusal};

/// A type of the protocol, as far as readers mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// A truth, which in a field is its type alone.
    Bool,
    /// A number of 8 bits.
    Byte,
    /// A number of variable length.
    Int,
    /// A number of 64 bits in floating point.
    Double,
    /// Text or bytes behind their length.
    Text,
    /// A list or a set.
    List,
    /// A map.
    Map,
    /// A structure.
    Struct,
    /// A UUID of 16 bytes.
    Uuid,
}

/// The head of a field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) id: i64,
    pub(super) kind: Type,
    /// What it says, where it is a truth.
    pub(super) truth: bool,
}

pub(super) struct Thrift<'a> {
    cursor: Cursor<'a>,
    budget: &'a Budget,
    depth: u32,
    steps: u64,
}

impl<'a> Thrift<'a> {
    pub(super) fn new(bytes: &'a Bytes, budget: &'a Budget) -> Self {
        Self { cursor: bytes.cursor(), budget, depth: 0, steps: 0 }
    }

    pub(super) fn position(&self) -> u64 {
        self.cursor.position()
    }

    pub(super) fn broken(&self, why: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::truncated(self.position(), why)
    }

    /// Read a structure: `take` reads or skips the value of each field.
    pub(super) fn fields(
        &mut self,
        mut take: impl FnMut(&mut Self, Field) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        self.enter()?;
        let mut id = 0_i64;
        loop {
            self.step()?;
            let [head] = self.cursor.array()?;
            if head == 0 {
                break;
            }
            id = match head >> 4 {
                0 => self.int()?,
                delta => id.saturating_add(delta.into()),
            };
            let kind = self.kind(head & 0xf)?;
            take(self, Field { id, kind, truth: head & 0xf == 1 })?;
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// Read a list: `take` reads or skips each item.
    pub(super) fn list(
        &mut self,
        mut take: impl FnMut(&mut Self, Type) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        self.enter()?;
        let [head] = self.cursor.array()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            count => count.into(),
        };
        // An item takes at least a byte.
        if count > self.cursor.left() {
            let why = format!("a list of {count} items, more than there are bytes");
            return Err(Refusal::new(self.position(), Gap::OversizedLength, why));
        }
        let kind = self.kind(head & 0xf)?;
        for _ in 0..count {
            self.step()?;
            take(self, kind)?;
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// A whole number: zigzag, seven bits a byte.
    pub(super) fn int(&mut self) -> Result<i64, Refusal> {
        let number = self.varint()?;
        let half = (number >> 1).cast_signed();
        Ok(if number & 1 == 0 { half } else { !half })
    }

    fn varint(&mut self) -> Result<u64, Refusal> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.cursor.array()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.broken("expected a number of at most ten bytes"))
    }

    /// Go past the value of a field.
    pub(super) fn skip(&mut self, kind: Type) -> Result<(), Refusal> {
        match kind {
            Type::Bool => Ok(()),
            _ => self.pass(kind),
        }
    }

    /// Go past an item of a list or a map, where a truth takes a byte.
    fn pass(&mut self, kind: Type) -> Result<(), Refusal> {
        match kind {
            Type::Bool | Type::Byte => self.cursor.skip(1),
            Type::Int => self.varint().map(drop),
            Type::Double => self.cursor.skip(8),
            Type::Uuid => self.cursor.skip(16),
            Type::Text => {
                let length = self.varint()?;
                self.cursor.skip(length)
            }
            Type::List => self.list(Self::pass),
            Type::Struct => self.fields(|thrift, field| thrift.skip(field.kind)),
            Type::Map => {
                self.enter()?;
                let count = self.varint()?;
                if count > 0 {
                    let [kinds] = self.cursor.array()?;
                    let (key, value) = (self.kind(kinds >> 4)?, self.kind(kinds & 0xf)?);
                    if count > self.cursor.left() {
                        return Err(self.broken("a map of more items than there are bytes"));
                    }
                    for _ in 0..count {
                        self.step()?;
                        self.pass(key)?;
                        self.pass(value)?;
                    }
                }
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
        }
    }

    fn kind(&self, code: u8) -> Result<Type, Refusal> {
        Ok(match code {
            1 | 2 => Type::Bool,
            3 => Type::Byte,
            4..=6 => Type::Int,
            7 => Type::Double,
            8 => Type::Text,
            9 | 10 => Type::List,
            11 => Type::Map,
            12 => Type::Struct,
            13 => Type::Uuid,
            _ => return Err(self.broken(format!("expected a type of Thrift, got {code}"))),
        })
    }

    fn enter(&mut self) -> Result<(), Refusal> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MOST_DEPTH {
            let why = format!("structures nested deeper than {MOST_DEPTH}");
            return Err(Refusal::new(self.position(), Gap::DeepNesting, why));
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Refusal> {
        self.steps = self.steps.saturating_add(1);
        if self.steps.is_multiple_of(4096) {
            self.budget.tick(self.position())?;
        }
        Ok(())
    }
}

/// The deepest that structures and lists nest; a footer has six.
const MOST_DEPTH: u32 = 32;
