//! The second pass over a text: its rows in batches.

use std::{collections::HashMap, ops::Range, sync::Arc};

use arrow_array::{
    Array, ArrayRef, RecordBatch, RecordBatchOptions,
    builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder},
};
use modelward_formats::Gap;

use super::{
    Form, Part, json,
    scan::Records,
    split::Field,
    value::{self, Type},
};
use crate::{
    Chunk, Note, Rows, Unread,
    limits::{BATCH_BYTES, BATCH_ROWS},
    rules::DATA_MALFORMED,
};

/// A column that is filled.
enum Builder {
    Int(Int64Builder),
    Float(Float64Builder),
    Truth(BooleanBuilder),
    Text(StringBuilder),
}

/// Numbers of a column that may hold some that stand for nothing.
#[derive(Clone, Default)]
struct Nines {
    /// How often which was met.
    met: HashMap<u64, u64>,
    least: f64,
    greatest: f64,
}

/// The rows of a text.
pub(super) struct Reading<'a> {
    part: &'a Part,
    records: Records<'a>,
    fields: Vec<Field>,
    builders: Vec<Builder>,
    keys: HashMap<&'a str, usize>,
    nines: Vec<Option<Nines>>,
    given: Vec<bool>,
    done: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn new(part: &'a Part) -> Result<Self, Unread> {
        let file = &part.file;
        let mut fields = Vec::new();
        let mut records = Records::new(&file.name, &file.bytes, file.form, &file.limits)?;
        if matches!(file.form, Form::Table(_)) && records.next(&mut fields)?.is_some() {
            records.advance();
        }
        // What a small file needs at once; growing by doubling would need it twice.
        let texts = part.types.iter().filter(|kind| **kind == Type::Text).count();
        let least = usize::try_from(file.bytes.len()).unwrap_or(BATCH_BYTES).min(BATCH_BYTES);
        let least = least.checked_div(texts).unwrap_or(0);
        let rows = usize::try_from(file.scan.rows).unwrap_or(BATCH_ROWS).min(BATCH_ROWS);
        let builders = part.types.iter().map(|kind| match kind {
            Type::Int => Builder::Int(Int64Builder::new()),
            Type::Float => Builder::Float(Float64Builder::new()),
            Type::Truth => Builder::Truth(BooleanBuilder::new()),
            Type::Text if texts < FEW => Builder::Text(StringBuilder::with_capacity(rows, least)),
            Type::Text => Builder::Text(StringBuilder::new()),
        });
        let columns = file.scan.columns.iter();
        let keys = columns.zip(&part.target).map(|(column, at)| (column.name.as_str(), *at));
        let columns = file.scan.columns.iter();
        let nines = columns.map(|column| {
            let much =
                column.nines >= LEAST_NINES && column.nines.saturating_mul(200) >= file.scan.rows;
            let empty =
                Nines { least: f64::INFINITY, greatest: f64::NEG_INFINITY, ..Nines::default() };
            much.then_some(empty)
        });
        Ok(Self {
            part,
            records,
            fields,
            builders: builders.collect(),
            keys: keys.collect(),
            nines: nines.collect(),
            given: vec![false; part.types.len()],
            done: false,
        })
    }

    /// Take in the record that stands next; gives about how many bytes it takes.
    fn take(&mut self) -> Result<(), Unread> {
        let changed = || {
            self.records.unread(
                Gap::Malformed,
                "expected what was read before, got other values: the file changed",
            )
        };
        let text = self.records.text()?;
        if self.part.file.form == Form::Json {
            let depth = self.part.file.limits.depth;
            let entries = json::object(text, depth).map_err(|fault| self.records.fault(&fault))?;
            self.given.fill(false);
            // Of a key that stands twice the last is read, as most loaders do.
            for entry in entries.iter().rev() {
                let at = *self.keys.get(entry.key.as_ref()).ok_or_else(changed)?;
                let given = self.given.get_mut(at).ok_or_else(changed)?;
                if std::mem::replace(given, true) {
                    continue;
                }
                let builder = self.builders.get_mut(at).ok_or_else(changed)?;
                let raw = text.get(entry.value.clone()).unwrap_or_default();
                match builder {
                    _ if entry.seen == 0 => builder.missing(),
                    Builder::Text(texts) if entry.seen == value::TEXT => {
                        texts.append_value(json::unescape(raw));
                    }
                    Builder::Text(texts) => texts.append_value(raw),
                    _ => builder.add(raw.as_bytes()).ok_or_else(changed)?,
                }
            }
            let given = self.given.iter().zip(&mut self.builders);
            given.filter(|(given, _)| !**given).for_each(|(_, builder)| builder.missing());
            return Ok(());
        }
        let text = text.as_bytes();
        let table = matches!(self.part.file.form, Form::Table(_));
        let mut fields = self.fields.iter();
        for (at, nines) in self.part.target.iter().zip(&mut self.nines) {
            let builder = self.builders.get_mut(*at).ok_or_else(changed)?;
            let Some(field) = fields.next() else {
                builder.missing();
                continue;
            };
            if let Builder::Text(texts) = builder {
                let cell = field.text(text);
                if table && !field.quoted && matches!(cell.as_ref(), b"" | b"NA") {
                    texts.append_null();
                } else {
                    texts.append_value(std::str::from_utf8(&cell).map_err(|_| changed())?);
                }
                continue;
            }
            let cell = text.get(field.range.clone()).unwrap_or_default().trim_ascii();
            if let Some(nines) = nines {
                nines.add(cell);
            }
            if value::is_missing(cell) {
                builder.missing();
            } else {
                builder.add(cell).ok_or_else(changed)?;
            }
        }
        // Columns that other files of the set have.
        if self.part.target.len() < self.builders.len() {
            self.given.fill(false);
            for at in &self.part.target {
                if let Some(given) = self.given.get_mut(*at) {
                    *given = true;
                }
            }
            let given = self.given.iter().zip(&mut self.builders);
            given.filter(|(given, _)| !**given).for_each(|(_, builder)| builder.missing());
        }
        Ok(())
    }
}

impl Builder {
    fn missing(&mut self) {
        match self {
            Self::Int(builder) => builder.append_null(),
            Self::Float(builder) => builder.append_null(),
            Self::Truth(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
        }
    }

    /// Add a value that is there; `None` where it is none of the column's type.
    fn add(&mut self, cell: &[u8]) -> Option<()> {
        match self {
            Self::Int(builder) => builder.append_value(value::int(cell)?),
            Self::Float(builder) => builder.append_value(value::float(cell)?),
            Self::Truth(builder) => builder.append_value(value::truth(cell)?),
            Self::Text(builder) => builder.append_value(std::str::from_utf8(cell).ok()?),
        }
        Some(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Int(builder) => Arc::new(builder.finish()),
            Self::Float(builder) => Arc::new(builder.finish()),
            Self::Truth(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => {
                let mut texts = builder.finish();
                texts.shrink_to_fit();
                Arc::new(texts)
            }
        }
    }
}

impl Nines {
    fn add(&mut self, cell: &[u8]) {
        let Some(number) = value::float(cell) else { return };
        if value::is_nines(cell) {
            let met = self.met.entry(number.to_bits()).or_default();
            *met = met.saturating_add(1);
        } else {
            self.least = self.least.min(number);
            self.greatest = self.greatest.max(number);
        }
    }

    /// The number that stands apart from all others by more than these differ, and how often.
    fn apart(&self) -> Option<(f64, u64)> {
        let spread = self.greatest - self.least;
        let mut met = self.met.iter().map(|(bits, count)| (f64::from_bits(*bits), *count));
        met.find(|(number, count)| {
            let far = (self.least - number).max(number - self.greatest);
            *count >= LEAST_NINES && spread.is_finite() && far > spread.max(1.0)
        })
    }
}

impl Rows for Reading<'_> {
    fn next(&mut self) -> Result<Option<Chunk>, Unread> {
        let mut places: Vec<Range<u64>> = Vec::new();
        let mut bytes = 0_usize;
        let least = self.part.types.len().saturating_mul(8);
        while places.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            let Some(length) = self.records.next(&mut self.fields)? else { break };
            if self.part.file.form == Form::Json && self.records.record().trim_ascii().is_empty() {
                self.records.advance();
                continue;
            }
            let takes = length.max(least);
            self.take()?;
            bytes = bytes.saturating_add(takes);
            places.push(self.records.advance());
        }
        if places.is_empty() {
            self.done = true;
            return Ok(None);
        }
        let columns = self.builders.iter_mut().map(Builder::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(places.len()));
        let rows = RecordBatch::try_new_with_options(self.part.schema.clone(), columns, &options)
            .map_err(|error| self.records.unread(Gap::Malformed, error.to_string()))?;
        Ok(Some(Chunk { rows, places: Some(places) }))
    }

    fn notes(&mut self) -> Vec<Note> {
        let columns = self.part.file.scan.columns.iter().zip(&self.nines);
        let notes = columns.filter_map(|(column, nines)| {
            let (number, count) = nines.as_ref()?.apart()?;
            let why = format!(
                "{number} stands in {count} of {} rows of `{}`, far from all others: it may stand for nothing",
                self.part.file.scan.rows, column.name
            );
            Some(Note { rule: &DATA_MALFORMED, file: self.part.file.name.clone(), line: None, why })
        });
        notes.collect()
    }
}

/// Columns of text that room is made for before the first row.
const FEW: usize = 16;
/// Fewer such numbers are no habit.
const LEAST_NINES: u64 = 3;
