//! What is in the columns: how many values, which, how they lie.

use arrow_array::{Array, ArrayRef};
use arrow_schema::SchemaRef;
use modelward_core::Value;

use super::{Context, Done};
use crate::{Accumulate, Batch, Kind, Unread, columns::numbers, kind};

/// What is in one column.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, by arrow's name.
    pub kind: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many have no value; NaN is none.
    pub nulls: u64,
    /// The least number.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The mean of the numbers.
    pub mean: f64,
    /// The sum of the squared distances from the mean.
    pub m2: f64,
}

/// What is in all columns.
pub(super) struct Profile {
    columns: Vec<Column>,
    numeric: Vec<bool>,
}

impl Profile {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let columns = schema.fields().iter().map(|field| Column {
            name: field.name().clone(),
            kind: field.data_type().to_string(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            ..Column::default()
        });
        let numeric = schema.fields().iter();
        let numeric = numeric.map(|field| matches!(kind(field), Kind::Number | Kind::Truth));
        Self { columns: columns.collect(), numeric: numeric.collect() }
    }
}

impl Column {
    /// How many numbers it has.
    pub fn count(&self) -> u64 {
        self.rows.saturating_sub(self.nulls)
    }

    /// The standard deviation of the sample, where there are two numbers.
    pub fn deviation(&self) -> Option<f64> {
        let count = self.count();
        (count > 1).then(|| (self.m2 / (count - 1) as f64).sqrt())
    }

    /// Take in the numbers of some rows.
    fn add(&mut self, array: &ArrayRef) {
        let rows = array.len() as u64;
        let Some(numbers) = numbers(array) else { return };
        let present = numbers.iter().filter(|number| !number.is_nan());
        let (mut count, mut sum) = (0_u64, 0.0);
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for &number in present.clone() {
            count += 1;
            sum += number;
            min = min.min(number);
            max = max.max(number);
        }
        let mean = if count == 0 { 0.0 } else { sum / count as f64 };
        let m2 = present.map(|number| (number - mean) * (number - mean)).sum();
        self.merge(&Self { rows, nulls: rows - count, min, max, mean, m2, ..Self::default() });
    }

    /// Put two parts together (Chan, Golub and LeVeque, 1979).
    fn merge(&mut self, later: &Self) {
        let (n, m) = (self.count() as f64, later.count() as f64);
        if m > 0.0 {
            let distance = later.mean - self.mean;
            self.mean += distance * m / (n + m);
            self.m2 += later.m2 + distance * distance * n * m / (n + m);
        }
        self.rows += later.rows;
        self.nulls += later.nulls;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
    }
}

impl Accumulate for Profile {
    type Evidence = Vec<Column>;

    fn empty(&self) -> Self {
        let columns = self.columns.iter().map(|column| Column {
            name: column.name.clone(),
            kind: column.kind.clone(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            ..Column::default()
        });
        Self { columns: columns.collect(), numeric: self.numeric.clone() }
    }

    fn update(&mut self, batch: &Batch) {
        let arrays = batch.rows.columns().iter();
        for ((column, array), numeric) in self.columns.iter_mut().zip(arrays).zip(&self.numeric) {
            if *numeric {
                column.add(array);
            } else {
                column.rows += array.len() as u64;
                column.nulls += array.logical_null_count() as u64;
            }
        }
    }

    fn merge(&mut self, later: Self) {
        for (column, later) in self.columns.iter_mut().zip(&later.columns) {
            column.merge(later);
        }
    }

    fn finish(self) -> Vec<Column> {
        self.columns
    }
}

/// The profile as a check.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    let columns = context.profile.iter().map(|column| {
        let some =
            |number: f64| Value::from((column.count() > 0 && number.is_finite()).then_some(number));
        Value::Record(vec![
            ("column", column.name.as_str().into()),
            ("type", column.kind.as_str().into()),
            ("rows", column.rows.into()),
            ("nulls", column.nulls.into()),
            ("min", some(column.min)),
            ("max", some(column.max)),
            ("mean", some(column.mean)),
            ("std", column.deviation().into()),
        ])
    });
    let fields = vec![("columns", Value::List(columns.collect()))];
    Ok(Done { fields, ..Done::default() })
}
