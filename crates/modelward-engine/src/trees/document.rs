//! JSON and UBJSON documents as XGBoost writes them, as one tree of values.
//!
//! Lists of numbers make up nearly all of a model: they stay as they stand in the file and are read
//! when they are asked for, so that a document takes no more memory than a small multiple of its
//! size. Nothing is read recursively.
//!
//! Source: RFC 8259; UBJSON draft 12, with numbers in big-endian order.

use std::borrow::Cow;

use crate::{Result, Trouble};

/// A value of a document.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// A number, a truth value or null, as JSON writes it.
    Word(Cow<'a, str>),
    /// A text.
    Text(Cow<'a, str>),
    /// A list of numbers as JSON writes it, without its brackets.
    Words(&'a str),
    /// A list of numbers of UBJSON: their type and their bytes.
    Packed(u8, &'a [u8]),
    /// A list of other values.
    List(Vec<Self>),
    /// Values by their names.
    Map(Vec<(Cow<'a, str>, Self)>),
}

/// How deep values lie in each other.
const DEEPEST: usize = 64;

/// How many values there are, without those in lists of numbers.
const MOST: usize = 2 << 20;

impl<'a> Value<'a> {
    /// The value of this name in a map.
    pub(super) fn find(&self, name: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The value of this name in a map that must have it.
    pub(super) fn field(&self, name: &str) -> Result<&Self> {
        self.find(name)
            .ok_or_else(|| Trouble::graph(format!("expected a value `{name}`, got none")))
    }

    /// The values of a list.
    pub(super) fn list(&self) -> Result<&[Self]> {
        match self {
            Self::List(list) => Ok(list),
            Self::Words(words) if words.trim().is_empty() => Ok(&[]),
            Self::Packed(_, []) => Ok(&[]),
            _ => Err(Trouble::graph("expected a list")),
        }
    }

    /// A text.
    pub(super) fn text(&self) -> Result<&str> {
        match self {
            Self::Text(text) | Self::Word(text) => Ok(text),
            _ => Err(Trouble::graph("expected a text")),
        }
    }

    /// A whole number, also one that is written as a text.
    pub(super) fn int(&self) -> Result<i64> {
        let text = self.text()?;
        text.parse().map_err(|_| no_number(text))
    }

    /// Whole numbers; truth values count as 0 and 1.
    pub(super) fn ints(&self) -> Result<Vec<i64>> {
        self.numbers(
            |word| match word {
                "true" => Ok(1),
                "false" => Ok(0),
                word => word.parse().map_err(|_| no_number(word)),
            },
            |whole, _| whole.ok_or_else(|| Trouble::graph("expected whole numbers, got floats")),
        )
    }

    /// Floats, rounded once to `f32`.
    pub(super) fn floats(&self) -> Result<Vec<f32>> {
        self.numbers(|word| word.parse().map_err(|_| no_number(word)), |_, float| Ok(float as f32))
    }

    fn numbers<T>(
        &self,
        word: impl Fn(&str) -> Result<T>,
        packed: impl Fn(Option<i64>, f64) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self {
            Self::Words(words) if words.trim().is_empty() => Ok(Vec::new()),
            Self::Words(words) => words.split(',').map(|one| word(one.trim())).collect(),
            Self::List(list) => list.iter().map(|one| word(one.text()?)).collect(),
            Self::Packed(kind, bytes) => {
                let size = size_of(*kind).unwrap_or(1);
                bytes
                    .chunks_exact(size)
                    .map(|one| number(*kind, one))
                    .map(|(w, f)| packed(w, f))
                    .collect()
            }
            _ => Err(Trouble::graph("expected numbers")),
        }
    }
}

fn no_number(word: &str) -> Trouble {
    Trouble::graph(format!("expected a number, got `{}`", crate::graph::shorten(word)))
}

/// Bytes of a number of UBJSON.
fn size_of(kind: u8) -> Option<usize> {
    Some(match kind {
        b'i' | b'U' | b'T' | b'F' | b'B' => 1,
        b'I' => 2,
        b'l' | b'd' => 4,
        b'L' | b'D' => 8,
        _ => return None,
    })
}

/// A number of UBJSON: whole where its type is.
fn number(kind: u8, bytes: &[u8]) -> (Option<i64>, f64) {
    let bits = bytes.iter().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
    let whole = match kind {
        b'i' => i64::from(bits as u8 as i8),
        b'I' => i64::from(bits as u16 as i16),
        b'l' => i64::from(bits as u32 as i32),
        b'd' => return (None, f64::from(f32::from_bits(bits as u32))),
        b'D' => return (None, f64::from_bits(bits)),
        _ => bits as i64,
    };
    (Some(whole), whole as f64)
}

/// Read a document: the sign behind the first brace says which format it is in. A list is JSON.
pub(super) fn read(bytes: &[u8]) -> Result<Value<'_>> {
    let behind = bytes.get(1..).unwrap_or_default();
    let second = behind.iter().find(|byte| !byte.is_ascii_whitespace());
    let mut reader = Reader { bytes, at: 0, values: 0, open: Vec::new() };
    match second {
        _ if bytes.starts_with(b"[") => reader.document(Reader::json),
        Some(b'"' | b'}') => reader.document(Reader::json),
        Some(_) => reader.document(Reader::ubjson),
        None => Err(Trouble::new(crate::Kind::Malformed, "the document ends early")),
    }
}

/// A list or a map that is being read.
struct Open<'a> {
    value: Value<'a>,
    /// The name under which it stands in what is around it.
    name: Option<Cow<'a, str>>,
    /// How many values are still to come, where the file says so.
    left: Option<usize>,
    /// Whether a value was read already.
    begun: bool,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
    open: Vec<Open<'a>>,
}

/// What a step has read.
enum Step<'a> {
    /// A whole value under its name.
    Value(Option<Cow<'a, str>>, Value<'a>),
    /// The beginning of a list or a map.
    Open(Open<'a>),
    /// The end of the innermost.
    Close,
}

impl<'a> Reader<'a> {
    fn document(&mut self, step: fn(&mut Self) -> Result<Step<'a>>) -> Result<Value<'a>> {
        loop {
            self.values = self.values.saturating_add(1);
            if self.values > MOST {
                return Err(Trouble::limit(format!("a document of more than {MOST} values")));
            }
            let (name, value) = match step(self)? {
                Step::Value(name, value) => (name, value),
                Step::Open(open) => {
                    if self.open.len() >= DEEPEST {
                        let why = format!("values lie more than {DEEPEST} deep in each other");
                        return Err(Trouble::limit(why));
                    }
                    self.open.push(open);
                    continue;
                }
                Step::Close => match self.open.pop() {
                    Some(open) => (open.name, open.value),
                    None => return Err(self.wrong("a bracket")),
                },
            };
            let Some(around) = self.open.last_mut() else { return Ok(value) };
            around.begun = true;
            around.left = around.left.map(|left| left.saturating_sub(1));
            match (&mut around.value, name) {
                (Value::List(list), _) => list.push(value),
                (Value::Map(entries), Some(name)) => entries.push((name, value)),
                _ => return Err(self.wrong("a value")),
            }
        }
    }

    fn wrong(&self, what: &str) -> Trouble {
        let why = format!("expected {what} at byte {:#x} of the document", self.at);
        Trouble::new(crate::Kind::Malformed, why)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.skip(1);
        }
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.peek() != Some(byte) {
            return Err(self.wrong(&format!("`{}`", char::from(byte))));
        }
        self.skip(1);
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.wrong(&format!("{count} more bytes")))?;
        self.skip(count);
        Ok(taken)
    }

    fn json(&mut self) -> Result<Step<'a>> {
        self.space();
        let mut name = None;
        if let Some(around) = self.open.last() {
            let (map, begun) = (matches!(around.value, Value::Map(_)), around.begun);
            if self.peek() == Some(if map { b'}' } else { b']' }) {
                self.skip(1);
                return Ok(Step::Close);
            }
            if begun {
                self.expect(b',')?;
                self.space();
            }
            if map {
                name = Some(self.quoted()?);
                self.space();
                self.expect(b':')?;
                self.space();
            }
        }
        let value = match self.peek() {
            Some(b'"') => Value::Text(self.quoted()?),
            Some(b'{') => {
                self.skip(1);
                return Ok(Step::Open(opened(Value::Map(Vec::new()), name, None)));
            }
            Some(b'[') => {
                self.skip(1);
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                let end = rest.iter().position(|byte| matches!(byte, b']' | b'[' | b'{' | b'"'));
                let end = end.ok_or_else(|| self.wrong("`]`"))?;
                if rest.get(end) != Some(&b']') {
                    return Ok(Step::Open(opened(Value::List(Vec::new()), name, None)));
                }
                let words = self.take(end)?;
                self.skip(1);
                Value::Words(std::str::from_utf8(words).map_err(|_| self.wrong("numbers"))?)
            }
            _ => {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                let ends = |byte: &u8| byte.is_ascii_whitespace() || b",]}:[{\"".contains(byte);
                let end = rest.iter().position(ends).unwrap_or(rest.len());
                let word = self.take(end)?;
                match std::str::from_utf8(word) {
                    Ok(word) if !word.is_empty() => Value::Word(word.into()),
                    _ => return Err(self.wrong("a value")),
                }
            }
        };
        Ok(Step::Value(name, value))
    }

    /// A text in quotes.
    fn quoted(&mut self) -> Result<Cow<'a, str>> {
        self.expect(b'"')?;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let mut end = 0_usize;
        let mut escaped = false;
        loop {
            match rest.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    end = end.saturating_add(2);
                }
                Some(_) => end = end.saturating_add(1),
                None => return Err(self.wrong("a closing quote")),
            }
        }
        let raw = self.take(end)?;
        self.skip(1);
        let text = std::str::from_utf8(raw).map_err(|_| self.wrong("text in UTF-8"))?;
        Ok(if escaped { unescaped(text).into() } else { text.into() })
    }

    fn ubjson(&mut self) -> Result<Step<'a>> {
        let mut name = None;
        if let Some(around) = self.open.last() {
            let (map, left) = (matches!(around.value, Value::Map(_)), around.left);
            match left {
                Some(0) => return Ok(Step::Close),
                Some(_) => {}
                None if self.peek() == Some(if map { b'}' } else { b']' }) => {
                    self.skip(1);
                    return Ok(Step::Close);
                }
                None => {}
            }
            if map {
                name = Some(self.sized()?);
            }
        }
        let kind = self.peek().ok_or_else(|| self.wrong("a value"))?;
        self.skip(1);
        let value = match kind {
            b'Z' => Value::Word("null".into()),
            b'T' => Value::Word("true".into()),
            b'F' => Value::Word("false".into()),
            b'S' => Value::Text(self.sized()?),
            b'C' => {
                let one = self.take(1)?;
                Value::Text(String::from_utf8_lossy(one).into_owned().into())
            }
            b'{' => {
                let left = self.counted()?;
                return Ok(Step::Open(opened(Value::Map(Vec::new()), name, left)));
            }
            b'[' if self.peek() == Some(b'$') => {
                self.skip(1);
                let kind = self.peek().ok_or_else(|| self.wrong("a type"))?;
                self.skip(1);
                let count = self.counted()?.ok_or_else(|| self.wrong("`#`"))?;
                let size = size_of(kind).ok_or_else(|| self.wrong("a type of numbers"))?;
                let bytes = count.checked_mul(size).ok_or_else(|| self.wrong("a smaller count"))?;
                Value::Packed(kind, self.take(bytes)?)
            }
            b'[' => {
                let left = self.counted()?;
                return Ok(Step::Open(opened(Value::List(Vec::new()), name, left)));
            }
            kind => {
                let size = size_of(kind).ok_or_else(|| self.wrong("a type that UBJSON has"))?;
                let (whole, float) = number(kind, self.take(size)?);
                Value::Word(match (whole, kind) {
                    (Some(whole), _) => whole.to_string().into(),
                    (None, b'd') => (float as f32).to_string().into(),
                    (None, _) => float.to_string().into(),
                })
            }
        };
        Ok(Step::Value(name, value))
    }

    /// How many values follow, where the file says so.
    fn counted(&mut self) -> Result<Option<usize>> {
        if self.peek() != Some(b'#') {
            return Ok(None);
        }
        self.skip(1);
        self.length().map(Some)
    }

    fn length(&mut self) -> Result<usize> {
        let kind = self.peek().ok_or_else(|| self.wrong("a length"))?;
        self.skip(1);
        let whole = matches!(kind, b'i' | b'U' | b'I' | b'l' | b'L');
        let size = size_of(kind).filter(|_| whole).ok_or_else(|| self.wrong("a length"))?;
        let (whole, _) = number(kind, self.take(size)?);
        let length = whole.and_then(|whole| usize::try_from(whole).ok());
        length.ok_or_else(|| self.wrong("a length"))
    }

    /// A text behind its length.
    fn sized(&mut self) -> Result<Cow<'a, str>> {
        let length = self.length()?;
        let text = self.take(length)?;
        std::str::from_utf8(text).map(Cow::from).map_err(|_| self.wrong("text in UTF-8"))
    }
}

fn opened<'a>(value: Value<'a>, name: Option<Cow<'a, str>>, left: Option<usize>) -> Open<'a> {
    Open { value, name, left, begun: false }
}

/// A text of JSON without its escapes. Names of features may have them; nothing here depends on
/// one.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut left = text.chars();
    while let Some(character) = left.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match left.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('b') => plain.push('\u{8}'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => {
                let digits = left.by_ref().take(4).collect::<String>();
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                plain.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}
