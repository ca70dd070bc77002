//! The named values: scalars, texts, arrays. Only what is judged is kept; the tokens of a
//! vocabulary are passed over.

use std::sync::Arc;

use super::fields::Fields;
use crate::{
    Budget, Gap, Refusal,
    weights::{FlawKind, Text, has_jinja_marks},
};

/// What the values say.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) texts: Vec<Text>,
    /// Whole numbers and truths, and how many elements arrays have.
    pub(super) numbers: Vec<(Box<str>, u64)>,
    /// Bytes; a power of two.
    pub(super) alignment: u64,
    /// Why reading stopped before the last value, if it did.
    pub(super) gap: Option<Refusal>,
}

/// A name's length, a type, one byte; as in version 1.
pub(super) const SMALLEST_ENTRY: u64 = 9;

/// Read this many values.
pub(super) fn read(fields: &mut Fields<'_, '_>, count: u64, budget: &Arc<Budget>) -> Values {
    let (texts, numbers) = (Vec::new(), Vec::new());
    let values = Values { texts, numbers, alignment: DEFAULT_ALIGNMENT, gap: None };
    let mut reader = Reader { fields, values, budget };
    if let Err(refusal) = reader.all(count) {
        reader.values.gap = Some(refusal);
    }
    reader.values
}

struct Reader<'r, 'a, 'f> {
    fields: &'r mut Fields<'a, 'f>,
    values: Values,
    budget: &'r Arc<Budget>,
}

impl Reader<'_, '_, '_> {
    fn all(&mut self, count: u64) -> Result<(), Refusal> {
        let mut keys = Vec::new();
        let outcome = (0..count).try_for_each(|_| {
            let at = self.fields.position();
            self.budget.tick(at)?;
            let key = self.fields.name()?;
            let kind = self.fields.u32()?;
            if &*key == "general.alignment" {
                self.alignment(kind)?;
            } else {
                self.value(&key, kind, 0)?;
            }
            keys.push((key, at));
            Ok(())
        });
        keys.sort_unstable();
        for pair in keys.windows(2) {
            if let [(key, _), (again, at)] = pair
                && key == again
            {
                let why = format!("key `{key}` stands twice");
                self.fields.flaws.note(FlawKind::DuplicateName, *at, why);
            }
        }
        outcome
    }

    fn alignment(&mut self, kind: u32) -> Result<(), Refusal> {
        let at = self.fields.position();
        if kind != UINT32 {
            let why = "expected `general.alignment` to be a number of 32 bits";
            self.fields.flaws.note(FlawKind::Alignment, at, why);
            return self.value("general.alignment", kind, 0);
        }
        let alignment = self.fields.u32()?;
        if alignment.is_power_of_two() {
            self.values.alignment = alignment.into();
        } else {
            let why = format!("expected an alignment that is a power of two, got {alignment}");
            self.fields.flaws.note(FlawKind::Alignment, at, why);
        }
        Ok(())
    }

    fn value(&mut self, key: &str, kind: u32, depth: u32) -> Result<(), Refusal> {
        match kind {
            STRING => self.string(key, depth > 0),
            ARRAY => self.array(key, depth),
            _ => {
                let width = self.width(kind)?;
                let bytes = self.fields.span(1, width, "a value")?;
                if depth == 0 && self.values.numbers.len() < MOST_NUMBERS {
                    let number = number(&bytes.head(width)?, kind, self.fields.big_endian());
                    self.values.numbers.extend(number.map(|number| (key.into(), number)));
                }
                Ok(())
            }
        }
    }

    fn array(&mut self, key: &str, depth: u32) -> Result<(), Refusal> {
        let at = self.fields.position();
        if depth >= DEEPEST {
            let why = format!("arrays nested more than {DEEPEST} deep");
            return Err(Refusal::new(at, Gap::DeepNesting, why));
        }
        let kind = self.fields.u32()?;
        if !matches!(kind, STRING | ARRAY) {
            let width = self.width(kind)?;
            let count = self.fields.size()?;
            self.elements(key, count, depth);
            return self.fields.span(count, width, "an array").map(drop);
        }
        let smallest = if kind == STRING { 4 } else { 8 };
        let count = self.fields.count("elements of an array", smallest)?;
        self.elements(key, count, depth);
        for index in 0..count {
            if index.trailing_zeros() >= 12 {
                self.budget.tick(self.fields.position())?;
            }
            self.value(key, kind, depth.saturating_add(1))?;
        }
        Ok(())
    }

    /// Keep how many elements an array has.
    fn elements(&mut self, key: &str, count: u64, depth: u32) {
        if depth == 0 && self.values.numbers.len() < MOST_NUMBERS {
            self.values.numbers.push((key.into(), count));
        }
    }

    /// A text of its own is kept; one of an array only where it may be a template.
    fn string(&mut self, key: &str, in_array: bool) -> Result<(), Refusal> {
        let length = self.fields.size()?;
        let at = self.fields.position();
        let short = usize::try_from(length).ok().filter(|&length| length <= LONGEST_PEEKED);
        let kept = match short {
            _ if !in_array || key.contains("chat_template") => true,
            // A vocabulary has tokens like `{{`, which are no programs.
            Some(length) if length < SHORTEST_TEMPLATE => false,
            Some(length) => {
                let window = self.fields.peek(length)?;
                has_jinja_marks(&window.get(..length).unwrap_or(window).into())
            }
            None => true,
        };
        let bytes = self.fields.span(length, 1, "a text")?;
        if kept && !bytes.is_empty() {
            self.fields.spend(at, key.len() as u64)?;
            self.values.texts.push(Text { key: key.into(), at, bytes });
        }
        Ok(())
    }

    fn width(&self, kind: u32) -> Result<u64, Refusal> {
        let width = usize::try_from(kind).ok().and_then(|kind| WIDTHS.get(kind));
        let at = self.fields.position();
        width.copied().filter(|&width| width > 0).ok_or_else(|| {
            Refusal::truncated(at, format!("expected a type of value below 13, got {kind}"))
        })
    }
}

/// A whole number that is not negative, or a truth.
fn number(bytes: &[u8], kind: u32, big_endian: bool) -> Option<u64> {
    if FLOATS.contains(&kind) || bytes.len() > 8 {
        return None;
    }
    let mut least_first = bytes.to_vec();
    if big_endian {
        least_first.reverse();
    }
    let negative = SIGNED.contains(&kind) && least_first.last().is_some_and(|byte| byte >> 7 == 1);
    let number = least_first.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    (!negative).then_some(number)
}

/// Bytes of a value, by its type; 0 for those that have no fixed width.
const WIDTHS: [u64; 13] = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

const SIGNED: [u32; 4] = [1, 3, 5, 11];
const FLOATS: [u32; 2] = [6, 12];
const UINT32: u32 = 4;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// ggml itself reads no arrays within arrays; other readers do.
const DEEPEST: u32 = 4;

/// In bytes, where the file says nothing.
const DEFAULT_ALIGNMENT: u64 = 32;

/// A text of an array that is shorter than this, in bytes, is a token.
const SHORTEST_TEMPLATE: usize = 64;

/// A text of an array that is longer than this, in bytes, is kept unseen.
const LONGEST_PEEKED: usize = 64 << 10;

/// How many numbers of one file are kept; models in use have some fifty.
const MOST_NUMBERS: usize = 1024;
