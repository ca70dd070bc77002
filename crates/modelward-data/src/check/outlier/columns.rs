//! What one column alone rules out: a number far from all others, a category that stands once.

use std::collections::HashMap;

use arrow_array::RecordBatch;

use super::{Context, detectors::short};
use crate::{
    Kind,
    columns::{numbers, written},
    kind,
    learn::tail::Tail,
};

/// The columns, and what each allows.
pub(super) struct Columns {
    ranges: Vec<Range>,
    categories: Vec<Categories>,
}

/// The numbers that a column allows.
struct Range {
    column: usize,
    name: String,
    middle: f64,
    /// How far above and below the middle a number may lie.
    above: f64,
    below: f64,
}

/// The categories that a column allows.
struct Categories {
    column: usize,
    name: String,
    rare: Vec<String>,
    kinds: usize,
}

/// A value that its column rules out.
pub(super) struct OutOfRange {
    pub(super) column: String,
    pub(super) why: String,
    pub(super) rarity: f64,
}

impl Columns {
    /// By the rows in memory.
    pub(super) fn of(context: &Context<'_>) -> Self {
        let rows = &context.sample.rows;
        let schema = rows.schema();
        let (mut ranges, mut categories) = (Vec::new(), Vec::new());
        let columns = (0..rows.num_columns()).filter(|column| context.roles.is_feature(*column));
        let columns = columns.collect::<Vec<_>>();
        // Each side of each column has its part.
        let share = ALARMS / (2 * columns.len().max(1)) as f64;
        for column in columns {
            let field = schema.field(column);
            match kind(field) {
                Kind::Number => {
                    let values = numbers(rows.column(column)).unwrap_or_default();
                    ranges.extend(Range::of(column, field.name(), &values, share));
                }
                Kind::Text if context.roles.text != Some(column) => {
                    categories.extend(Categories::of(
                        column,
                        field.name(),
                        &written(rows.column(column)),
                    ));
                }
                _ => {}
            }
        }
        Self { ranges, categories }
    }

    /// False alarms that are expected among so many rows.
    pub(super) fn alarms(&self, rows: u64) -> f64 {
        if self.ranges.is_empty() { 0.0 } else { ALARMS * rows as f64 }
    }

    /// What each row holds that its column rules out.
    pub(super) fn judge(&self, rows: &RecordBatch) -> Vec<Option<OutOfRange>> {
        let mut found = (0..rows.num_rows()).map(|_| None).collect::<Vec<Option<OutOfRange>>>();
        let mut keep = |row: usize, new: OutOfRange| {
            let own = &mut found[row];
            if own.as_ref().is_none_or(|own| own.rarity < new.rarity) {
                *own = Some(new);
            }
        };
        for range in &self.ranges {
            let values = numbers(rows.column(range.column)).unwrap_or_default();
            for (row, value) in values.iter().enumerate() {
                let rest = value - range.middle;
                let limit = if rest > 0.0 { range.above } else { range.below };
                if rest.abs() > limit {
                    let (low, high) = (range.middle - range.below, range.middle + range.above);
                    let why = format!(
                        "`{}` is {}, ordinary values end at {} and {}",
                        range.name,
                        short(*value),
                        short(low),
                        short(high)
                    );
                    let rarity = (rest.abs() / limit).min(10.0);
                    keep(row, OutOfRange { column: range.name.clone(), why, rarity });
                }
            }
        }
        for categories in &self.categories {
            let values = written(rows.column(categories.column));
            for (row, value) in values.iter().enumerate() {
                let Some(value) = value.as_ref().filter(|value| categories.rare.contains(value))
                else {
                    continue;
                };
                let why = format!(
                    "`{}` is `{value}` here and nowhere else, all other rows share {} values",
                    categories.name, categories.kinds
                );
                keep(row, OutOfRange { column: categories.name.clone(), why, rarity: 1.0 });
            }
        }
        found
    }
}

impl Range {
    /// By the tails on both sides of the median; `None` where most values are one.
    fn of(column: usize, name: &str, values: &[f64], share: f64) -> Option<Self> {
        let mut sorted =
            values.iter().copied().filter(|value| value.is_finite()).collect::<Vec<_>>();
        if sorted.len() < 200 {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let middle = sorted[sorted.len() / 2];
        let side = |up: bool| {
            let rest = sorted.iter().map(|value| if up { value - middle } else { middle - value });
            let rest = rest.filter(|rest| *rest > 0.0).collect::<Vec<_>>();
            // A side on which hardly any value lies has no spread to judge by.
            if rest.len() * 5 < sorted.len() {
                return f64::INFINITY;
            }
            let mut sizes = rest.clone();
            sizes.sort_by(f64::total_cmp);
            let spread = sizes[sizes.len() / 2];
            // A column is as long as it is: no other speaks against it.
            let tail = Tail::long(rest.into_iter());
            tail.map_or(f64::INFINITY, |tail| tail.limit(share)).max(SPREADS * spread)
        };
        Some(Self { column, name: name.to_owned(), middle, above: side(true), below: side(false) })
    }
}

impl Categories {
    /// Values that stand once where all others are common; `None` where there are none.
    fn of(column: usize, name: &str, values: &[Option<String>]) -> Option<Self> {
        let mut counts = HashMap::new();
        for value in values.iter().flatten() {
            *counts.entry(value.as_str()).or_insert(0_usize) += 1;
        }
        let common = values.len() / 200;
        let kinds = counts.values().filter(|count| **count >= common.max(5)).count();
        let rare =
            counts.iter().filter(|(_, count)| **count == 1).map(|(value, _)| (*value).to_owned());
        let mut rare = rare.collect::<Vec<_>>();
        rare.sort();
        // Where values thin out gradually, one more that stands once is nothing.
        let told = values.len() >= 1000
            && kinds >= 1
            && !rare.is_empty()
            && kinds + rare.len() == counts.len();
        (told && rare.len() <= MOST_RARE).then(|| Self {
            column,
            name: name.to_owned(),
            rare,
            kinds,
        })
    }
}

/// The share of ordinary rows that all columns together may report.
const ALARMS: f64 = 0.000_2;
/// Medians of the distances from the middle that a number is at least away: ten standard deviations of a
/// normal column.
const SPREADS: f64 = 15.0;
/// Categories that stand once.
const MOST_RARE: usize = 3;
