//! The rows whose values are not as declared, by column.

use std::collections::BTreeSet;

use arrow_schema::Schema;

use super::{Declared, Expected, MOST_ROWS, Type};
use crate::{
    Accumulate, Batch,
    columns::{numbers, texts, written},
};

/// The rows of all columns whose values are not as declared.
pub(in crate::check) struct Kept {
    columns: Vec<Option<Watched>>,
}

/// A column of a set that is held against what is declared of it.
#[derive(Clone)]
struct Watched {
    column: usize,
    expected: Expected,
    of: OfColumn,
}

/// Rows that are counted, and the first of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) count: u64,
    pub(super) rows: Vec<u64>,
}

/// What of a column is not as declared.
#[derive(Clone, Debug, Default)]
pub(super) struct OfColumn {
    /// Numbers outside of the range, or with a fraction.
    pub(super) outside: Rows,
    /// One of them.
    pub(super) shown_outside: String,
    /// Values that are no declared category.
    pub(super) unknown: Rows,
    /// Some of these.
    pub(super) names: BTreeSet<String>,
    /// Texts that are no numbers.
    pub(super) unlike: Rows,
}

impl Rows {
    fn add(&mut self, row: u64) {
        self.count += 1;
        if self.rows.len() < MOST_ROWS {
            self.rows.push(row);
        }
    }

    fn merge(&mut self, later: Self) {
        self.count += later.count;
        let room = MOST_ROWS.saturating_sub(self.rows.len());
        self.rows.extend(later.rows.into_iter().take(room));
    }
}

impl Kept {
    /// Before any row of a set with these columns.
    pub(in crate::check) fn new(declared: &Declared, schema: &Schema) -> Self {
        let columns = declared.columns.iter().map(|expected| {
            let column = schema.fields().iter().position(|field| field.name() == &expected.name)?;
            Some(Watched { column, expected: expected.clone(), of: OfColumn::default() })
        });
        Self { columns: columns.collect() }
    }

    /// What of the column that was declared at a place is not so.
    pub(super) fn of(&self, at: usize) -> Option<&OfColumn> {
        self.columns.get(at)?.as_ref().map(|watched| &watched.of)
    }
}

impl Watched {
    fn update(&mut self, batch: &Batch) {
        let Some(array) = batch.rows.columns().get(self.column) else { return };
        let Expected { kind, min, max, categories, .. } = &self.expected;
        let whole = *kind == Some(Type::Integer);
        let ranged = whole || min.is_some() || max.is_some();
        let outside = |number: f64| {
            min.is_some_and(|min| number < min)
                || max.is_some_and(|max| number > max)
                || (whole && number.fract() != 0.0)
        };
        let wants_number = matches!(kind, Some(Type::Integer | Type::Number));
        if let Some(numbers) = ranged.then(|| numbers(array)).flatten() {
            for (at, number) in numbers.into_iter().enumerate().filter(|(_, it)| !it.is_nan()) {
                if outside(number) {
                    if self.of.outside.count == 0 {
                        self.of.shown_outside = number.to_string();
                    }
                    self.of.outside.add(batch.row(at));
                }
            }
        } else if let Some(texts) = wants_number.then(|| texts(array)).flatten() {
            for (at, text) in texts.into_iter().enumerate() {
                let number = text.map(str::trim).map(str::parse::<f64>);
                match number {
                    Some(Err(_)) => self.of.unlike.add(batch.row(at)),
                    Some(Ok(number)) if outside(number) => {
                        if self.of.outside.count == 0 {
                            self.of.shown_outside = number.to_string();
                        }
                        self.of.outside.add(batch.row(at));
                    }
                    _ => {}
                }
            }
        }
        if let Some(categories) = categories {
            for (at, value) in written(array).into_iter().enumerate() {
                let Some(value) = value.filter(|value| !categories.contains(value)) else {
                    continue;
                };
                self.of.unknown.add(batch.row(at));
                if self.of.names.len() < MOST_NAMES {
                    self.of.names.insert(value.chars().take(MOST_SHOWN).collect());
                }
            }
        }
    }
}

impl Accumulate for Kept {
    type Evidence = Self;

    fn empty(&self) -> Self {
        let columns = self.columns.iter().map(|watched| {
            watched.as_ref().map(|Watched { column, expected, .. }| Watched {
                column: *column,
                expected: expected.clone(),
                of: OfColumn::default(),
            })
        });
        Self { columns: columns.collect() }
    }

    fn update(&mut self, batch: &Batch) {
        self.columns.iter_mut().flatten().for_each(|watched| watched.update(batch));
    }

    fn merge(&mut self, later: Self) {
        for (own, later) in self.columns.iter_mut().zip(later.columns) {
            let (Some(own), Some(later)) = (own, later) else { continue };
            let (own, later) = (&mut own.of, later.of);
            if own.outside.count == 0 {
                own.shown_outside = later.shown_outside;
            }
            own.outside.merge(later.outside);
            own.unknown.merge(later.unknown);
            own.unlike.merge(later.unlike);
            let room = MOST_NAMES.saturating_sub(own.names.len());
            own.names.extend(later.names.into_iter().take(room));
        }
    }

    fn finish(self) -> Self {
        self
    }
}

/// Values that are named, and the letters of one.
const MOST_NAMES: usize = 16;
const MOST_SHOWN: usize = 60;
