//! Tables of tensors, as safetensors and GGUF files hold them.
//!
//! Both formats promise the same: names, element types, shapes, and ranges of the file that each
//! tensor owns alone. They share one asset, so one check holds both to the promise. A promise
//! that is broken is kept as a [`Flaw`]: a reader that stopped at the first would hide the rest.

use std::{
    collections::BTreeMap,
    ops::{ControlFlow, Range},
};

use crate::{Asset, Bytes, Expects, Gap, Part, Refusal, signature};

mod layout;

pub(crate) use layout::claim;

/// A file of tensors: what it declares, and where it breaks its word.
#[derive(Debug)]
pub struct Weights {
    /// `safetensors` or `gguf`.
    pub format: &'static str,
    /// The whole file.
    pub bytes: Bytes,
    /// Whether numbers are stored with the highest byte first (GGUF only).
    pub big_endian: bool,
    /// The tensors, in the order of the table.
    pub tensors: Vec<Tensor>,
    /// Named texts: metadata, chat templates.
    pub texts: Vec<Text>,
    /// Rules of the format that the file breaks, each with its offset.
    pub flaws: Vec<Flaw>,
    /// Ranges of the file that belong to no tensor and not to the format itself.
    pub unowned: Vec<Range<u64>>,
    /// What was not read.
    pub gaps: Vec<Refusal>,
}

/// One tensor of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: Box<str>,
    /// What its elements are; `None` where the type is not known.
    pub element: Option<&'static Element>,
    /// Its shape, as the file writes it.
    pub shape: Box<[u64]>,
    /// The bytes that it claims, from the start of the file; not checked against its end.
    pub range: Range<u64>,
    /// Offset of its entry in the table.
    pub at: u64,
}

/// A type of element, stored in blocks.
#[derive(Debug, PartialEq, Eq)]
pub struct Element {
    /// Its name in the format's own terms.
    pub name: &'static str,
    /// Elements of one block.
    pub block: u64,
    /// Bits of one block.
    pub bits: u64,
    /// Which plain floating-point number it is, if any.
    pub float: Option<Float>,
}

/// Floating-point numbers that are stored as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Float {
    /// IEEE 754 binary16.
    F16,
    /// The upper half of binary32.
    BF16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

/// A named text.
#[derive(Debug)]
pub struct Text {
    /// Its key.
    pub key: Box<str>,
    /// Offset of its value in the file.
    pub at: u64,
    /// The text itself, escapes undone.
    pub bytes: Bytes,
}

/// A rule of the format that the file breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Which rule.
    pub kind: FlawKind,
    /// Offset of what breaks it.
    pub at: u64,
    /// What was expected there and what came, in words.
    pub why: String,
}

/// The rules that a file of tensors can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlawKind {
    /// The header's length is impossible.
    HeaderSize,
    /// The header is not written as the format demands.
    HeaderSyntax,
    /// Two tensors, or two keys, have one name.
    DuplicateName,
    /// Two tensors share bytes.
    Overlap,
    /// Bytes belong to no tensor.
    Unowned,
    /// A tensor reaches beyond the file.
    OutOfBounds,
    /// Shape and element type do not give the length of the range.
    SizeMismatch,
    /// The element type is not known.
    UnknownElement,
    /// A count or a length does not fit the file.
    CountOverflow,
    /// Data are not aligned or ordered as declared.
    Alignment,
    /// Dimensions are too many, negative, or too large to multiply.
    Shape,
}

/// Where a reader notes flaws. Of each kind the first thousand are kept: a hostile file cannot
/// fill the memory with its own flaws.
#[derive(Debug, Default)]
pub(crate) struct Flaws {
    list: Vec<Flaw>,
    counts: BTreeMap<FlawKind, u64>,
}

impl Flaws {
    pub(crate) fn note(&mut self, kind: FlawKind, at: u64, why: impl Into<String>) {
        let count = self.counts.entry(kind).or_default();
        *count = count.saturating_add(1);
        if *count <= MOST_FLAWS {
            self.list.push(Flaw { kind, at, why: why.into() });
        }
    }

    #[cfg(test)]
    pub(crate) fn has(&self, kind: FlawKind) -> bool {
        self.counts.contains_key(&kind)
    }

    /// The flaws in the order of their offsets.
    pub(crate) fn finish(mut self) -> Vec<Flaw> {
        self.list.sort_by_key(|flaw| (flaw.at, flaw.kind));
        self.list
    }
}

impl Element {
    /// Bytes of this many elements; `None` where they do not fit 64 bits or are no whole bytes.
    pub fn bytes(&self, elements: u64) -> Option<u64> {
        let whole = elements.checked_rem(self.block)? == 0;
        let blocks = u128::from(elements.checked_div(self.block)?);
        let bits = blocks.checked_mul(self.bits.into())?;
        let bytes = u64::try_from(bits >> 3).ok()?;
        (whole && bits.is_multiple_of(8)).then_some(bytes)
    }
}

impl Tensor {
    /// How many elements the shape declares; `None` where they do not fit 64 bits.
    pub fn elements(&self) -> Option<u64> {
        self.shape.iter().try_fold(1_u64, |product, &size| product.checked_mul(size))
    }

    /// How many bytes shape and type declare; `None` where they are no number of 64 bits.
    pub fn length(&self) -> Option<u64> {
        self.element?.bytes(self.elements()?)
    }
}

impl Text {
    /// Whether it may be a Jinja template: it is where a loader looks for one, or has the marks.
    pub fn expects(&self) -> Option<Expects> {
        if self.key.contains("chat_template") {
            return Some(Expects::Template);
        }
        has_jinja_marks(&self.bytes).then_some(Expects::Data)
    }
}

/// Whether the bytes hold a mark that opens a Jinja block.
pub(crate) fn has_jinja_marks(bytes: &Bytes) -> bool {
    let mut cursor = bytes.cursor();
    while let Ok(window @ [_, _, ..]) = cursor.peek(2) {
        if window.windows(2).any(|pair| matches!(pair, b"{{" | b"{%" | b"{#")) {
            return true;
        }
        // The last byte is looked at again, as the first of the next pair.
        let seen = window.len().saturating_sub(1);
        if cursor.take(seen).is_err() {
            return false;
        }
    }
    false
}

impl Asset for Weights {
    fn format(&self) -> &'static str {
        self.format
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        let texts = self.texts.iter().filter_map(|text| {
            let (name, bytes) = (text.key.to_string(), Ok(text.bytes.clone()));
            text.expects().map(|expects| Part { name, bytes, expects })
        });
        let unowned = self.unowned.iter().take(MOST_RANGES).map(|range| self.part(range));
        // A tensor is numbers, unless it begins as a program or an archive does.
        let programs = self.tensors.iter().filter_map(|tensor| {
            let bytes = self.bytes.slice(tensor.range.start, length(&tensor.range)).ok()?;
            signature::find(&bytes)?;
            Some(Part { name: tensor.name.to_string(), bytes: Ok(bytes), expects: Expects::Data })
        });
        let hidden = self.unowned.get(MOST_RANGES).map(|range| {
            let why = format!("more than {MOST_RANGES} ranges that no tensor owns");
            Refusal::new(range.start, Gap::ManyMembers, why)
        });
        let gaps = self.gaps.iter().cloned().chain(hidden).map(|refusal| Part {
            name: "table of tensors".into(),
            bytes: Err(refusal),
            expects: Expects::Data,
        });
        let _ = texts.chain(unowned).chain(programs).chain(gaps).try_for_each(visit);
    }
}

impl Weights {
    fn part(&self, range: &Range<u64>) -> Part {
        let name = format!("bytes {:#x} to {:#x}", range.start, range.end);
        let bytes = self.bytes.slice(range.start, length(range));
        Part { name, bytes, expects: Expects::Data }
    }
}

fn length(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}

/// How many flaws of one kind are kept.
const MOST_FLAWS: u64 = 1000;

/// How many unowned ranges are read in their own right.
const MOST_RANGES: usize = 1000;

/// How much memory one table of tensors may take, in bytes.
pub(crate) const MOST_MEMORY: u64 = 32 << 20;
