//! The objects of a marshal stream: `Python/marshal.c` of CPython, `r_object`.
//!
//! Values stay in the input or in one flat list, so that a stream whose references nest a million
//! deep costs what its bytes cost, and nothing is freed by recursion.

use super::{
    Code, Constant,
    layout::{Kind, Layout},
};
use crate::{Gap, Refusal};

/// A value, as far as code objects ask for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    /// Of no interest, or not finished yet.
    Other,
    None,
    Number(i32),
    /// Text: offset and length.
    Text(usize, usize),
    /// Bytes, which are text to Python 2.
    Bytes(usize, usize),
    /// Items of a container: first and count, among all items.
    Items(usize, usize),
    Code,
}

/// Reads one stream under one layout of code objects.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    layout: &'static Layout,
    /// What back references reach.
    references: Vec<Value>,
    /// What back references to text reach, in Python 2.
    interned: Vec<Value>,
    items: Vec<Value>,
    pub(super) codes: Vec<Code>,
    /// What may still be spent, about in bytes of memory.
    left: usize,
}

/// Containers in containers; CPython goes to 2000.
const DEEPEST: usize = 100;
/// Bytes of memory, or what costs as much time, for one stream.
const MOST: usize = 64 << 20;
/// The flag of a value that later references may name.
const REFERENCED: u8 = 0x80;

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], layout: &'static Layout) -> Self {
        let (references, interned, items, codes) = Default::default();
        Self { bytes, at: 0, layout, references, interned, items, codes, left: MOST }
    }

    /// Read one object to its end.
    pub(super) fn object(&mut self, depth: usize) -> Result<Value, Refusal> {
        let at = self.at;
        self.maybe(depth)?.ok_or_else(|| broken(at, "expected an object, got the end of a dict"))
    }

    /// Read one object, or the mark that ends a dict.
    fn maybe(&mut self, depth: usize) -> Result<Option<Value>, Refusal> {
        let at = self.at;
        if depth > DEEPEST {
            let why = format!("objects nested more than {DEEPEST} deep");
            return Err(Refusal::new(at as u64, Gap::DeepNesting, why));
        }
        self.spend(64)?;
        let [code] = self.array()?;
        let (code, referenced) = (code & !REFERENCED, code & REFERENCED != 0);
        let place = (referenced && !matches!(code, b'0' | b'N' | b'F' | b'T' | b'S' | b'.' | b'r'))
            .then(|| {
                self.references.push(Value::Other);
                self.references.len().saturating_sub(1)
            });
        let deeper = depth.saturating_add(1);
        let value = match code {
            b'0' => return Ok(None),
            b'N' => Value::None,
            b'F' | b'T' | b'S' | b'.' => Value::Other,
            b'i' => Value::Number(self.number()?),
            b'I' | b'g' => self.skip(8)?,
            b'y' => self.skip(16)?,
            b'f' => self.skip_short()?,
            b'x' => {
                self.skip_short()?;
                self.skip_short()?
            }
            b'l' => {
                let digits = self.number()?.unsigned_abs() as usize;
                self.skip(digits.saturating_mul(2))?
            }
            b's' => self.span().map(|(at, len)| Value::Bytes(at, len))?,
            b't' => {
                let text = self.span().map(|(at, len)| Value::Text(at, len))?;
                self.interned.push(text);
                text
            }
            b'u' | b'a' | b'A' => self.span().map(|(at, len)| Value::Text(at, len))?,
            b'z' | b'Z' => {
                let [len] = self.array()?;
                self.run(len.into()).map(|(at, len)| Value::Text(at, len))?
            }
            b'(' | b'[' | b'<' | b'>' => {
                let count = self.count()?;
                self.container(count, deeper)?
            }
            b')' => {
                let [count] = self.array()?;
                self.container(count.into(), deeper)?
            }
            b':' => self.container(3, deeper)?,
            b'{' => {
                let mut items = Vec::new();
                while let Some(key) = self.maybe(deeper)? {
                    items.push(key);
                    // A key without a value ends the dict too.
                    let Some(value) = self.maybe(deeper)? else { break };
                    items.push(value);
                }
                self.keep(items)
            }
            b'r' => {
                let index = self.number()?;
                *self.back(&self.references, index, at)?
            }
            b'R' => {
                let index = self.number()?;
                *self.back(&self.interned, index, at)?
            }
            b'c' => self.code(at, deeper)?,
            other => return Err(broken(at, format!("expected a type code, got {other:#04x}"))),
        };
        if let Some(place) = place.and_then(|place| self.references.get_mut(place)) {
            *place = value;
        }
        Ok(Some(value))
    }

    /// A code object, under the layout.
    fn code(&mut self, at: usize, depth: usize) -> Result<Value, Refusal> {
        for _ in 0..self.layout.numbers {
            self.number()?;
        }
        let mut objects = [Value::Other; 8];
        for object in objects.iter_mut().take(self.layout.objects) {
            *object = self.object(depth)?;
        }
        self.number()?;
        let mut tables = [Value::Other; 2];
        for table in tables.iter_mut().take(self.layout.tables) {
            *table = self.object(depth)?;
        }
        let [code, constants, names, ..] = objects;
        let parts = (code, self.listed(constants), self.texts(names)?);
        let (Value::Bytes(start, len), Some(constants), Some(names)) = parts else {
            return Err(broken(at, "expected a code object, and its parts are of other types"));
        };
        // The empty table is interned in Python 2, as text is.
        let table = |table: &Value| matches!(table, Value::Bytes(..) | Value::Text(..));
        let tables_fit = tables.iter().take(self.layout.tables).all(table);
        if !(self.layout.fits)(&objects.map(kind)) || !tables_fit {
            return Err(broken(at, "expected a code object of another version of Python"));
        }
        let name = self.text(objects.get(self.layout.name).copied().unwrap_or(Value::Other))?;
        let mut kept = Vec::new();
        for constant in constants {
            let value = self.items.get(constant).copied().unwrap_or(Value::Other);
            kept.push(self.constant(value)?);
        }
        self.spend(len.saturating_mul(8))?;
        let code = self.bytes.get(start..start.saturating_add(len)).unwrap_or_default();
        let code = Code::under(name.unwrap_or_default(), code, names, &kept, self.layout.dialects);
        self.spend(code.weight())?;
        self.codes.push(code);
        Ok(Value::Code)
    }

    fn constant(&mut self, value: Value) -> Result<Constant, Refusal> {
        self.spend(64)?;
        Ok(match value {
            Value::None => Constant::None,
            Value::Number(number) => Constant::Number(number.into()),
            Value::Items(..) => {
                let mut texts = Vec::new();
                self.collect(value, &mut texts, 0)?;
                Constant::Texts(texts)
            }
            other => self.text(other)?.map_or(Constant::Other, Constant::Text),
        })
    }

    /// The text in a tuple or a set, and in those inside it.
    fn collect(
        &mut self,
        value: Value,
        texts: &mut Vec<String>,
        depth: usize,
    ) -> Result<(), Refusal> {
        const FAR: usize = 16;
        self.spend(32)?;
        if let Some(items) = self.listed(value).filter(|_| depth < FAR) {
            for item in items {
                let item = self.items.get(item).copied().unwrap_or(Value::Other);
                self.collect(item, texts, depth.saturating_add(1))?;
            }
        } else if let Some(text) = self.text(value)? {
            texts.push(text);
        }
        Ok(())
    }

    /// The items of a tuple of text.
    fn texts(&mut self, value: Value) -> Result<Option<Vec<String>>, Refusal> {
        let Some(items) = self.listed(value) else { return Ok(None) };
        let mut texts = Vec::new();
        for item in items {
            let item = self.items.get(item).copied().unwrap_or(Value::Other);
            let Some(text) = self.text(item)? else { return Ok(None) };
            texts.push(text);
        }
        Ok(Some(texts))
    }

    fn text(&mut self, value: Value) -> Result<Option<String>, Refusal> {
        let (Value::Text(at, len) | Value::Bytes(at, len)) = value else { return Ok(None) };
        self.spend(len.saturating_mul(3).saturating_add(32))?;
        let text = self.bytes.get(at..at.saturating_add(len)).unwrap_or_default();
        Ok(Some(String::from_utf8_lossy(text).into_owned()))
    }

    fn listed(&self, value: Value) -> Option<std::ops::Range<usize>> {
        match value {
            Value::Items(first, count) => Some(first..first.saturating_add(count)),
            _ => None,
        }
    }

    fn container(&mut self, count: usize, depth: usize) -> Result<Value, Refusal> {
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(self.object(depth)?);
        }
        Ok(self.keep(items))
    }

    fn keep(&mut self, items: Vec<Value>) -> Value {
        let first = self.items.len();
        let count = items.len();
        self.items.extend(items);
        Value::Items(first, count)
    }

    fn back<'v>(&self, of: &'v [Value], index: i32, at: usize) -> Result<&'v Value, Refusal> {
        let found = usize::try_from(index).ok().and_then(|index| of.get(index));
        found
            .ok_or_else(|| broken(at, format!("a reference to object {index}, which is not there")))
    }

    /// A declared count of items, each of which takes a byte at least.
    fn count(&mut self) -> Result<usize, Refusal> {
        let at = self.at;
        let count = self.number()?;
        let left = self.bytes.len().saturating_sub(self.at);
        usize::try_from(count).ok().filter(|&count| count <= left).ok_or_else(|| {
            let why = format!("expected {count} items, but only {left} bytes are left");
            Refusal::new(at as u64, Gap::OversizedLength, why)
        })
    }

    /// A declared length, and where those bytes lie.
    fn span(&mut self) -> Result<(usize, usize), Refusal> {
        let len = self.count()?;
        self.run(len)
    }

    fn run(&mut self, len: usize) -> Result<(usize, usize), Refusal> {
        let at = self.at;
        self.skip(len)?;
        Ok((at, len))
    }

    fn skip_short(&mut self) -> Result<Value, Refusal> {
        let [len] = self.array()?;
        self.skip(len.into())
    }

    fn skip(&mut self, count: usize) -> Result<Value, Refusal> {
        let left = self.bytes.len().saturating_sub(self.at);
        if count > left {
            let why = format!("expected {count} bytes, but only {left} are left");
            return Err(broken(self.at, why));
        }
        self.at = self.at.saturating_add(count);
        Ok(Value::Other)
    }

    fn number(&mut self) -> Result<i32, Refusal> {
        self.array().map(i32::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let found = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>()).copied();
        let found =
            found.ok_or_else(|| broken(self.at, format!("expected {N} bytes, got the end")));
        self.at = self.at.saturating_add(N);
        found
    }

    fn spend(&mut self, cost: usize) -> Result<(), Refusal> {
        self.left = self.left.checked_sub(cost).ok_or_else(|| {
            let why = format!("more than the limit of {MOST} bytes of code objects");
            Refusal::new(self.at as u64, Gap::LargeMemory, why)
        })?;
        Ok(())
    }
}

fn kind(value: Value) -> Kind {
    match value {
        Value::Text(..) => Kind::Text,
        Value::Bytes(..) => Kind::Bytes,
        Value::Items(..) => Kind::Items,
        _ => Kind::Other,
    }
}

fn broken(at: usize, why: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::truncated(at as u64, why)
}
