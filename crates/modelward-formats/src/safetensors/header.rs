//! The header: an object of tensors by name, and `__metadata__`, an object of texts.

use std::{ops::Range, sync::Arc};

use super::{
    element,
    json::{Json, Stop},
    too_large,
};
use crate::{
    Budget, Bytes, Refusal,
    weights::{FlawKind, Flaws, MOST_MEMORY, Tensor, Text},
};

/// What the header holds.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// The tensors; their ranges count from the start of the data.
    pub(super) tensors: Vec<Tensor>,
    pub(super) texts: Vec<Text>,
    pub(super) gaps: Vec<Refusal>,
    /// Offset behind the last brace; `None` where reading stopped before it.
    pub(super) closed: Option<u64>,
}

/// Read the header in a range of the file.
pub(super) fn read(
    bytes: &Bytes,
    range: Range<u64>,
    flaws: &mut Flaws,
    budget: &Arc<Budget>,
) -> Result<Header, Refusal> {
    let json = Json::new(bytes, range.start, range.end);
    let header = Header::default();
    let mut reader = Reader { json, flaws, header, memory: 0, names: Vec::new() };
    match reader.object(range.start, budget) {
        Ok(()) => reader.header.closed = Some(reader.json.position()),
        Err(Stop::Syntax(at, why)) => {
            reader.header.gaps.push(Refusal::truncated(at, format!("header: {why}")));
            reader.flaws.note(FlawKind::HeaderSyntax, at, why);
        }
        Err(Stop::Refused(refusal)) => reader.header.gaps.push(refusal),
    }
    reader.duplicates();
    Ok(reader.header)
}

struct Reader<'a, 'f> {
    json: Json<'a>,
    flaws: &'f mut Flaws,
    header: Header,
    /// Bytes of memory that the table takes, about.
    memory: u64,
    /// Where the keys of the header stand, that of `__metadata__` included.
    names: Vec<(Box<str>, u64)>,
}

impl Reader<'_, '_> {
    fn object(&mut self, start: u64, budget: &Arc<Budget>) -> Result<(), Stop> {
        self.json.next()?;
        if self.json.position() != start {
            let why = "expected `{` as the header's first byte, got white space";
            self.flaws.note(FlawKind::HeaderSyntax, start, why);
        }
        self.json.expect(b'{')?;
        let mut first = true;
        while self.json.more(first, b'}')? {
            first = false;
            budget.tick(self.json.position())?;
            self.json.next()?;
            let at = self.json.position();
            let name = self.json.string(LONGEST_NAME)?;
            self.json.expect(b':')?;
            if name == METADATA {
                self.metadata()?;
                self.remember(&name, at)?;
            } else {
                self.tensor(name, at)?;
            }
        }
        Ok(())
    }

    fn metadata(&mut self) -> Result<(), Stop> {
        if self.json.next()? != b'{' {
            return self.pass_over("expected `__metadata__` to be an object");
        }
        self.json.expect(b'{')?;
        let mut first = true;
        while self.json.more(first, b'}')? {
            first = false;
            let key = self.json.string(LONGEST_NAME)?;
            self.json.expect(b':')?;
            if self.json.next()? != b'"' {
                self.pass_over(&format!("expected `{key}` of `__metadata__` to be a text"))?;
                continue;
            }
            let at = self.json.position();
            let text = self.json.string(LONGEST_TEXT)?;
            self.spend(key.len(), text.len())?;
            let bytes = Bytes::from(text.into_bytes());
            self.header.texts.push(Text { key: key.into(), at, bytes });
        }
        Ok(())
    }

    fn tensor(&mut self, name: String, at: u64) -> Result<(), Stop> {
        if self.json.next()? != b'{' {
            self.remember(&name, at)?;
            return self.pass_over(&format!("expected tensor `{name}` to be an object"));
        }
        self.json.expect(b'{')?;
        let (mut dtype, mut shape, mut offsets) = (None, None, None);
        let mut first = true;
        while self.json.more(first, b'}')? {
            first = false;
            self.json.next()?;
            let key_at = self.json.position();
            let key = self.json.string(LONGEST_NAME)?;
            self.json.expect(b':')?;
            let again = match key.as_str() {
                "dtype" => dtype.replace(self.text()?).is_some(),
                "shape" => shape.replace(self.numbers(&name)?).is_some(),
                "data_offsets" => offsets.replace(self.numbers(&name)?).is_some(),
                _ => {
                    self.pass_over(&format!("unknown key `{key}` of tensor `{name}`"))?;
                    false
                }
            };
            if again {
                let why = format!("key `{key}` stands twice in tensor `{name}`");
                self.flaws.note(FlawKind::DuplicateName, key_at, why);
            }
        }
        let offsets = offsets.flatten();
        let (Some(dtype), Some(shape), Some([start, end])) =
            (dtype.flatten(), shape.flatten(), offsets.as_deref())
        else {
            let why = format!("tensor `{name}` lacks a dtype, a shape or two data offsets");
            self.flaws.note(FlawKind::HeaderSyntax, at, why);
            return self.remember(&name, at);
        };
        let element = element::named(&dtype);
        self.spend(name.len(), shape.len().saturating_mul(8))?;
        let shape = shape.into_boxed_slice();
        let tensor = Tensor { name: name.into(), element, shape, range: *start..*end, at };
        self.judge(&tensor, &dtype);
        self.header.tensors.push(tensor);
        Ok(())
    }

    /// Hold a tensor's shape and type against its range.
    fn judge(&mut self, tensor: &Tensor, dtype: &str) {
        let Tensor { name, at, .. } = tensor;
        if tensor.element.is_none() {
            let why = format!("tensor `{name}` is of unknown type `{dtype}`");
            return self.flaws.note(FlawKind::UnknownElement, *at, why);
        }
        let length = tensor.range.end.saturating_sub(tensor.range.start);
        let needed = tensor.length();
        let shape = &tensor.shape;
        let why = match needed {
            Some(needed) if needed == length => return,
            Some(needed) => format!(
                "tensor `{name}` claims {length} bytes, but {shape:?} of {dtype} takes {needed}",
            ),
            None => format!("tensor `{name}` of {shape:?} {dtype} is no number of whole bytes"),
        };
        self.flaws.note(FlawKind::SizeMismatch, *at, why);
    }

    /// A text; `None`, with a flaw, where another value stands.
    fn text(&mut self) -> Result<Option<String>, Stop> {
        if self.json.next()? == b'"' {
            return self.json.string(LONGEST_NAME).map(Some);
        }
        self.pass_over("expected a text")?;
        Ok(None)
    }

    /// An array of whole numbers; `None`, with a flaw, where another value stands.
    fn numbers(&mut self, name: &str) -> Result<Option<Vec<u64>>, Stop> {
        if self.json.next()? != b'[' {
            self.pass_over(&format!("expected an array of numbers in tensor `{name}`"))?;
            return Ok(None);
        }
        self.json.expect(b'[')?;
        let mut numbers = Some(Vec::new());
        let mut first = true;
        while self.json.more(first, b']')? {
            first = false;
            let (byte, at) = (self.json.next()?, self.json.position());
            let number = match byte {
                b'-' | b'0'..=b'9' => self.json.number()?,
                _ => self.json.skip(0).map(|()| None)?,
            };
            let room = |list: &Vec<u64>| list.len() < MOST_DIMENSIONS;
            match (number, &mut numbers) {
                (Some(number), Some(list)) if room(list) => list.push(number),
                (_, None) => {}
                (_, Some(_)) => {
                    numbers = None;
                    let why = format!(
                        "expected at most {MOST_DIMENSIONS} whole numbers of 64 bits in tensor \
                         `{name}`",
                    );
                    self.flaws.note(FlawKind::HeaderSyntax, at, why);
                }
            }
        }
        Ok(numbers)
    }

    /// Note a value that should be another, and go past it.
    fn pass_over(&mut self, why: &str) -> Result<(), Stop> {
        self.flaws.note(FlawKind::HeaderSyntax, self.json.position(), why);
        self.json.skip(0)
    }

    /// Keep a key that gives no tensor, so that a second one is noticed.
    fn remember(&mut self, name: &str, at: u64) -> Result<(), Stop> {
        self.spend(name.len(), 0)?;
        self.names.push((name.into(), at));
        Ok(())
    }

    /// Spend memory for one entry, about as much as it takes.
    fn spend(&mut self, name: usize, rest: usize) -> Result<(), Stop> {
        let entry = name.saturating_add(rest).saturating_add(ENTRY);
        self.memory = self.memory.saturating_add(entry as u64);
        if self.memory > MOST_MEMORY {
            return Err(too_large(self.json.position()).into());
        }
        Ok(())
    }

    /// Note each name that stands twice.
    fn duplicates(&mut self) {
        let keys = self.names.iter().map(|(name, at)| (&**name, *at));
        let keys = keys.chain(self.header.tensors.iter().map(|tensor| (&*tensor.name, tensor.at)));
        note_twice(keys.collect(), "tensor", self.flaws);
        let texts = self.header.texts.iter().map(|text| (&*text.key, text.at));
        note_twice(texts.collect(), "metadata", self.flaws);
    }
}

fn note_twice(mut keys: Vec<(&str, u64)>, what: &str, flaws: &mut Flaws) {
    keys.sort_unstable();
    for pair in keys.windows(2) {
        if let [(name, _), (again, at)] = pair
            && name == again
        {
            flaws.note(FlawKind::DuplicateName, *at, format!("{what} `{name}` stands twice"));
        }
    }
}

/// The key that holds texts instead of a tensor.
const METADATA: &str = "__metadata__";

/// The longest name of a tensor or key, in bytes.
const LONGEST_NAME: usize = 1 << 20;

/// The longest text of the metadata, in bytes.
const LONGEST_TEXT: usize = 16 << 20;

/// numpy's and PyTorch's limit.
const MOST_DIMENSIONS: usize = 64;

/// What an entry takes beside its name, with the allocator's own cost, in bytes.
const ENTRY: usize = 160;
