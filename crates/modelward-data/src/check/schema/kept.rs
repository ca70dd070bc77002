//! The rows whose values are not as declared, by column.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use arrow_array::{Array, ArrayRef, cast::AsArray, types::Int64Type, types::UInt64Type};
use arrow_schema::{DataType, Schema};

use super::{Bound, Declared, Expected, MOST_ROWS, Type};
use crate::{
    Accumulate, Batch,
    check::masked,
    columns::{numbers, texts, written},
    instant,
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
    categories: Option<Arc<HashSet<String>>>,
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
    /// Numbers and times outside of the range, numbers with a fraction.
    pub(super) outside: Rows,
    /// One of them.
    pub(super) shown_outside: String,
    /// Values that are no declared category.
    pub(super) unknown: Rows,
    /// The first of these by their letters.
    pub(super) names: BTreeSet<String>,
    /// Texts that are no numbers, or no times.
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
            let categories = expected.categories.as_ref();
            let categories = categories.map(|names| Arc::new(names.iter().cloned().collect()));
            let (expected, of) = (expected.clone(), OfColumn::default());
            Some(Watched { column, expected, categories, of })
        });
        Self { columns: columns.collect() }
    }

    /// What of the column that was declared at a place is not so.
    pub(super) fn of(&self, at: usize) -> Option<&OfColumn> {
        self.columns.get(at)?.as_ref().map(|watched| &watched.of)
    }
}

impl Expected {
    /// The type that the values are to have: the one that was declared, else that of the range.
    pub(super) fn wanted(&self) -> Option<Type> {
        self.kind.or(self.min.or(self.max).map(|bound| match bound {
            Bound::Number(_) => Type::Number,
            Bound::Time(_) => Type::Time,
        }))
    }

    /// Whether a value lies outside of the range, or has a fraction and is to be whole; what is no number at all
    /// is missing.
    fn excludes(&self, value: Bound) -> bool {
        let whole = self.kind == Some(Type::Integer);
        let broken = matches!(value, Bound::Number(number) if whole && number.fract() != 0.0);
        let missing = matches!(value, Bound::Number(number) if number.is_nan());
        let below = self.min.is_some_and(|min| value < min);
        let above = self.max.is_some_and(|max| value > max);
        !missing && (broken || below || above)
    }

    /// What is expected of the values, in words.
    pub(super) fn range(&self) -> String {
        let what = match (self.kind, self.wanted()) {
            (Some(Type::Integer), _) => "whole numbers",
            (_, Some(Type::Time)) => "times",
            _ => "numbers",
        };
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("{what} from {min} to {max}"),
            (Some(min), None) => format!("{what} from {min} on"),
            (None, Some(max)) => format!("{what} up to {max}"),
            (None, None) => what.to_owned(),
        }
    }
}

impl Watched {
    fn update(&mut self, batch: &Batch) {
        let Some(array) = batch.rows.columns().get(self.column) else { return };
        match self.expected.wanted() {
            Some(Type::Time) => self.times(array, batch),
            Some(Type::Integer | Type::Number) => self.numbers(array, batch),
            _ => {}
        }
        let Some(categories) = &self.categories else { return };
        for (at, value) in categories_of(array).into_iter().enumerate() {
            let Some(value) = value.filter(|value| !categories.contains(value)) else { continue };
            self.of.unknown.add(batch.row(at));
            self.of.name(masked::cut(&value, MOST_SHOWN));
        }
    }

    fn numbers(&mut self, array: &ArrayRef, batch: &Batch) {
        if let Some(numbers) = numbers(array) {
            for (at, number) in numbers.into_iter().enumerate() {
                self.hold(Bound::Number(number), batch.row(at));
            }
        } else if let Some(texts) = texts(array) {
            for (at, text) in texts.into_iter().enumerate() {
                match text.map(|text| text.trim().parse()) {
                    Some(Ok(number)) => self.hold(Bound::Number(number), batch.row(at)),
                    Some(Err(_)) => self.of.unlike.add(batch.row(at)),
                    None => {}
                }
            }
        }
    }

    fn times(&mut self, array: &ArrayRef, batch: &Batch) {
        let read = match texts(array) {
            Some(texts) => {
                texts.into_iter().map(|text| text.map(instant::read)).collect::<Vec<_>>()
            }
            None => match instant::instants(array) {
                Some(instants) => instants.into_iter().map(|it| it.map(Some)).collect(),
                None => return,
            },
        };
        for (at, instant) in read.into_iter().enumerate() {
            match instant {
                Some(Some(instant)) => self.hold(Bound::Time(instant), batch.row(at)),
                Some(None) => self.of.unlike.add(batch.row(at)),
                None => {}
            }
        }
    }

    fn hold(&mut self, value: Bound, row: u64) {
        if self.expected.excludes(value) {
            if self.of.outside.count == 0 {
                self.of.shown_outside = value.to_string();
            }
            self.of.outside.add(row);
        }
    }
}

impl OfColumn {
    /// Keep a name, if it is one of the first: which are kept hangs on no order of the rows.
    fn name(&mut self, name: String) {
        self.names.insert(name);
        if self.names.len() > MOST_NAMES {
            self.names.pop_last();
        }
    }
}

/// The values of a column as categories: whole numbers to their last digit, times as they are shown.
fn categories_of(array: &ArrayRef) -> Vec<Option<String>> {
    match array.data_type() {
        DataType::Int64 => {
            let numbers = array.as_primitive::<Int64Type>().iter();
            numbers.map(|number| number.map(|number| number.to_string())).collect()
        }
        DataType::UInt64 => {
            let numbers = array.as_primitive::<UInt64Type>().iter();
            numbers.map(|number| number.map(|number| number.to_string())).collect()
        }
        _ if texts(array).is_some() => written(array),
        _ => match instant::instants(array) {
            Some(instants) => instants.into_iter().map(|it| it.map(instant::shown)).collect(),
            None => written(array),
        },
    }
}

impl Accumulate for Kept {
    type Evidence = Self;

    fn empty(&self) -> Self {
        let columns = self.columns.iter().map(|watched| {
            watched.as_ref().map(|watched| Watched { of: OfColumn::default(), ..watched.clone() })
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
            later.names.into_iter().for_each(|name| own.name(name));
        }
    }

    fn finish(self) -> Self {
        self
    }
}

/// Values that are named, and the letters of one.
const MOST_NAMES: usize = 16;
const MOST_SHOWN: usize = 60;
