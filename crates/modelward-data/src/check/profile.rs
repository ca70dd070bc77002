//! What is in the columns: how many values, which, how they lie.

use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Schema};
use modelward_core::Value;

use super::{Context, Done, Request, masked};
use crate::{
    Accumulate, Batch, Kind, Unread,
    columns::numbers_into,
    kind,
    row::{self, MISSING, NAN},
};

mod distinct;
mod drawn;

use self::{distinct::Distinct, drawn::Drawn};

/// What is in one column.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, by arrow's name.
    pub kind: String,
    /// Whether it holds numbers or truths.
    pub numeric: bool,
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
    /// The numbers at [`QUANTILES`]; none where there are no numbers.
    pub quantiles: Vec<f64>,
    /// How the numbers lie: how many of those that quantiles are read from fall into each of [`PARTS`] equal
    /// parts between the first and the last of the quantiles; what lies outside counts with the nearest.
    pub parts: Vec<u64>,
    /// How many distinct values it has.
    pub distinct: u64,
    /// Whether that is counted, not estimated.
    pub counted: bool,
    /// The values that most rows have, with how many; none where there are too many to count.
    pub top: Vec<(String, u64)>,
    /// All values with how many rows have each, where those are a few names or truths.
    pub categories: Vec<(String, u64)>,
}

/// Where the quantiles of a column are read.
pub const QUANTILES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// Parts that the range of a column is shown in.
pub const PARTS: usize = 24;

/// What is in all columns.
pub(super) struct Profile {
    columns: Vec<Column>,
    types: Vec<DataType>,
    distinct: Vec<Distinct>,
    /// Numbers of the columns of numbers, in their order.
    drawn: Drawn,
    scratch: Scratch,
}

/// Room that is used again for every column.
#[derive(Default)]
struct Scratch {
    numbers: Vec<f64>,
    words: Vec<u64>,
    rows: Vec<usize>,
}

impl Profile {
    pub(super) fn new(schema: &Schema, request: &Request) -> Self {
        let fields = schema.fields();
        let columns = fields.iter().map(|field| Column {
            name: field.name().clone(),
            kind: field.data_type().to_string(),
            numeric: matches!(kind(field), Kind::Number | Kind::Truth),
            ..Column::none()
        });
        let columns = columns.collect::<Vec<_>>();
        let width = columns.len().max(1);
        let numeric = columns.iter().filter(|column| column.numeric).count();
        // A column's share of the memory, of which there are two states at least at a time.
        let memory = usize::try_from(request.limits.memory).unwrap_or(usize::MAX);
        let share = memory / 32 / width;
        let most = (share / 64).clamp(16, MOST_COUNTED);
        let bits = share.max(64).ilog2().min(MOST_BITS);
        let rows = (memory / 16 / (8 * numeric.max(1))).clamp(256, MOST_DRAWN);
        Self {
            types: fields.iter().map(|field| field.data_type().clone()).collect(),
            distinct: columns.iter().map(|_| Distinct::new(most, bits)).collect(),
            drawn: Drawn::new(numeric, rows, request.seed),
            columns,
            scratch: Scratch::default(),
        }
    }
}

impl Column {
    /// A column before any row.
    fn none() -> Self {
        Self { min: f64::INFINITY, max: f64::NEG_INFINITY, ..Self::default() }
    }

    /// How many values it has.
    pub fn count(&self) -> u64 {
        self.rows.saturating_sub(self.nulls)
    }

    /// The standard deviation of the sample, where there are two numbers.
    pub fn deviation(&self) -> Option<f64> {
        let count = self.count();
        (self.numeric && count > 1).then(|| (self.m2 / (count - 1) as f64).sqrt())
    }

    /// The median, where there are numbers.
    pub fn median(&self) -> Option<f64> {
        self.quantiles.get(QUANTILES.len() / 2).copied()
    }

    /// Whether no two rows differ in it.
    pub fn is_constant(&self) -> bool {
        self.counted && self.distinct <= 1 && (self.nulls == 0 || self.distinct == 0)
    }

    /// Whether it names rows: whole numbers or texts of which nearly every row has its own. Numbers with
    /// a fraction differ from row to row without naming any.
    pub fn is_id(&self) -> bool {
        let share = self.distinct as f64 / self.count().max(1) as f64;
        // An estimate of the distinct values is off by a hundredth of them now and then.
        let bar = if self.counted { 1.0 } else { 0.97 };
        let names = matches!(self.kind.as_str(), "Utf8" | "LargeUtf8" | "Utf8View")
            || self.kind.contains("Int");
        names && self.count() >= LEAST_IDS && share >= bar
    }

    /// Take in numbers, NaN where one is missing.
    fn add(&mut self, numbers: &[f64]) {
        let mut count = [0_u64; LANES];
        let mut sum = [0.0; LANES];
        let (mut min, mut max) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
        let (chunks, rest) = numbers.as_chunks::<LANES>();
        let mut tail = [f64::NAN; LANES];
        tail[..rest.len()].copy_from_slice(rest);
        for chunk in chunks.iter().chain([&tail]) {
            for lane in 0..LANES {
                let number = chunk[lane];
                let there = !number.is_nan();
                count[lane] += u64::from(there);
                sum[lane] += if there { number } else { 0.0 };
                min[lane] = if number < min[lane] { number } else { min[lane] };
                max[lane] = if number > max[lane] { number } else { max[lane] };
            }
        }
        let count = count.iter().sum::<u64>();
        let mean = if count == 0 { 0.0 } else { sum.iter().sum::<f64>() / count as f64 };
        let mut squares = [0.0; LANES];
        for chunk in chunks.iter().chain([&tail]) {
            for lane in 0..LANES {
                let number = chunk[lane];
                let distance = if number.is_nan() { 0.0 } else { number - mean };
                squares[lane] += distance * distance;
            }
        }
        let rows = numbers.len() as u64;
        self.merge(&Self {
            rows,
            nulls: rows - count,
            min: min.into_iter().fold(f64::INFINITY, f64::min),
            max: max.into_iter().fold(f64::NEG_INFINITY, f64::max),
            mean,
            m2: squares.iter().sum(),
            ..Self::default()
        });
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
            numeric: column.numeric,
            ..Column::none()
        });
        Self {
            columns: columns.collect(),
            types: self.types.clone(),
            distinct: self.distinct.iter().map(Distinct::empty).collect(),
            drawn: self.drawn.empty(),
            scratch: Scratch::default(),
        }
    }

    fn update(&mut self, batch: &Batch) {
        let Scratch { numbers, words, rows } = &mut self.scratch;
        self.drawn.draw(batch.first_row, batch.len(), rows);
        let mut numeric = 0;
        let columns = self.columns.iter_mut().zip(&mut self.distinct).zip(batch.rows.columns());
        for ((column, distinct), array) in columns {
            row::words(array, words);
            let there = |word: &u64| *word != MISSING && *word != NAN;
            if column.numeric {
                numbers_into(array, numbers);
                column.add(numbers);
                self.drawn.take(numeric, numbers, rows);
                numeric += 1;
                let words = words.iter().copied().enumerate().filter(|(_, word)| there(word));
                distinct.add(words, |at| numbers[at].to_string());
            } else {
                column.rows += array.len() as u64;
                column.nulls += array.logical_null_count() as u64;
                let words = words.iter().copied().enumerate().filter(|(_, word)| *word != MISSING);
                distinct.add(words, |at| shown(array, at));
            }
        }
        self.drawn.shrink();
    }

    fn merge(&mut self, later: Self) {
        for (column, later) in self.columns.iter_mut().zip(&later.columns) {
            column.merge(later);
        }
        for (distinct, later) in self.distinct.iter_mut().zip(later.distinct) {
            distinct.merge(later);
        }
        self.drawn.merge(later.drawn);
    }

    fn finish(mut self) -> Vec<Column> {
        let mut numeric = 0;
        for (column, distinct) in self.columns.iter_mut().zip(&self.distinct) {
            (column.distinct, column.counted) = distinct.count();
            // There cannot be more than there are rows.
            column.distinct = column.distinct.min(column.count());
            column.top = distinct.top(MOST_TOP);
            let names = !column.numeric || column.kind == "Boolean";
            if names && column.counted && column.distinct <= MOST_CATEGORIES as u64 {
                column.categories = distinct.top(MOST_CATEGORIES);
            }
            if column.numeric {
                let sorted = self.drawn.sorted(numeric);
                column.quantiles = drawn::quantiles(&sorted, &QUANTILES).unwrap_or_default();
                if let [from, .., to] = *column.quantiles.as_slice() {
                    column.parts = drawn::parts(&sorted, (from, to), PARTS);
                }
                numeric += 1;
            }
        }
        self.columns
    }
}

/// How a value that is no number is shown.
fn shown(array: &ArrayRef, at: usize) -> String {
    let text = crate::columns::written(&array.slice(at, 1)).into_iter().next().flatten();
    text.map_or_else(String::new, |text| masked::cut(&text, MOST_SHOWN))
}

/// The profile as a check.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    let columns = context.profile.iter().map(|column| {
        let there = column.numeric && column.count() > 0;
        let some = |number: f64| Value::from((there && number.is_finite()).then_some(number));
        let quantiles = QUANTILES.iter().zip(&column.quantiles);
        let quantiles = quantiles
            .map(|(place, number)| (format!("{}%", (place * 100.0).round()), some(*number)));
        // Values that stand once are no top where there are more of them than are shown.
        let few = column.distinct <= MOST_TOP as u64;
        let top = column.top.iter().filter(|(shown, rows)| !shown.is_empty() && (few || *rows > 1));
        let top = top.map(|(shown, rows)| {
            Value::Record(vec![("value", shown.as_str().into()), ("rows", (*rows).into())])
        });
        Value::Record(vec![
            ("column", column.name.as_str().into()),
            ("type", column.kind.to_lowercase().into()),
            ("rows", column.rows.into()),
            ("nulls", column.nulls.into()),
            ("min", some(column.min)),
            ("max", some(column.max)),
            ("mean", some(column.mean)),
            ("std", column.deviation().into()),
            ("median", column.median().filter(|median| median.is_finite()).into()),
            ("quantiles", Value::Map(quantiles.collect())),
            ("distinct", column.distinct.into()),
            ("distinct_exact", column.counted.into()),
            ("top", Value::List(top.collect())),
            ("constant", column.is_constant().into()),
            ("id", column.is_id().into()),
        ])
    });
    let fields = vec![("columns", Value::List(columns.collect()))];
    let named = |what: fn(&Column) -> bool, word: &str| {
        let names = context.profile.iter().filter(|column| column.rows > 1 && what(column));
        let names = names.map(|column| format!("`{}`", column.name)).collect::<Vec<_>>();
        let more = names.len().saturating_sub(MOST_NAMED);
        let shown = names.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!names.is_empty()).then(|| format!("{word}: {shown}{more}"))
    };
    let constant = named(Column::is_constant, "profile  the same in every row");
    let ids = named(Column::is_id, "profile  another value in every row");
    let lines = constant.into_iter().chain(ids).collect();
    Ok(Done { fields, lines, ..Done::default() })
}

/// Numbers that are summed side by side.
const LANES: usize = 8;
/// The most distinct values of a column that are counted.
const MOST_COUNTED: usize = 2048;
/// The most registers of an estimate, as a power of two: an error of 0.8 %.
const MOST_BITS: u32 = 14;
/// The most rows that quantiles are read from.
const MOST_DRAWN: usize = 1 << 15;
/// How many of the values that most rows have are shown.
const MOST_TOP: usize = 10;
/// The most values that are told apart as categories.
const MOST_CATEGORIES: usize = 64;
/// Characters of a value that are shown.
const MOST_SHOWN: usize = 60;
/// Columns that are named.
const MOST_NAMED: usize = 8;
/// With fewer rows, values that all differ are no names yet.
const LEAST_IDS: u64 = 20;
