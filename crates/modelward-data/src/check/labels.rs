//! Labels as classes: whatever type they have, by how they are written.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;

use crate::{Accumulate, Batch, columns::named};

/// The labels of rows.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// The classes as they are written: numbers in their order, then texts in theirs.
    pub classes: Vec<String>,
    /// The class of each row, by its index; `None` where a row has no label.
    pub of: Vec<Option<u32>>,
}

impl Labels {
    /// The labels in a column.
    pub fn of(rows: &RecordBatch, column: usize) -> Self {
        let Some(array) = rows.columns().get(column) else { return Self::default() };
        let texts = named(array);
        let mut classes = texts.iter().flatten().cloned().collect::<Vec<_>>();
        classes.sort_by(|one, other| order(one, other));
        classes.dedup();
        let index = classes.iter().enumerate().map(|(at, class)| (class.as_str(), at as u32));
        let index = index.collect::<HashMap<_, _>>();
        let of = texts.iter().map(|text| text.as_deref().and_then(|text| index.get(text).copied()));
        let of = of.collect();
        Self { classes, of }
    }

    /// How many rows each class has.
    pub(crate) fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.of.iter().flatten().for_each(|class| counts[*class as usize] += 1);
        counts
    }

    /// These classes alone; rows of others have no label then.
    pub(crate) fn only(&self, kept: &[usize]) -> Self {
        let mut at = vec![None; self.classes.len()];
        kept.iter().zip(0..).for_each(|(class, new)| at[*class] = Some(new));
        let classes = kept.iter().map(|class| self.classes[*class].clone()).collect();
        Self {
            classes,
            of: self.of.iter().map(|class| class.and_then(|class| at[class as usize])).collect(),
        }
    }
}

/// Numbers before texts, by their value.
fn order(one: &str, other: &str) -> std::cmp::Ordering {
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b).then_with(|| one.cmp(other)),
        (Ok(_), Err(_)) => std::cmp::Ordering::Less,
        (Err(_), Ok(_)) => std::cmp::Ordering::Greater,
        (Err(_), Err(_)) => one.cmp(other),
    }
}

/// How many rows have which label.
pub(super) struct Counts {
    label: Option<usize>,
    counts: HashMap<String, u64>,
    /// Whether there are more labels than classes could be.
    many: bool,
}

impl Counts {
    pub(super) fn new(label: Option<usize>) -> Self {
        Self { label, counts: HashMap::new(), many: false }
    }

    fn add(&mut self, class: String, count: u64) {
        let sum = self.counts.entry(class).or_default();
        *sum = sum.saturating_add(count);
        if self.counts.len() > MOST_CLASSES {
            self.many = true;
            self.counts.clear();
        }
    }
}

impl Accumulate for Counts {
    type Evidence = BTreeMap<String, u64>;

    fn empty(&self) -> Self {
        Self::new(self.label)
    }

    fn update(&mut self, batch: &Batch) {
        let Some(label) = self.label.filter(|_| !self.many) else { return };
        let Some(array) = batch.rows.columns().get(label) else { return };
        for class in named(array).into_iter().flatten() {
            if self.many {
                return;
            }
            self.add(class, 1);
        }
    }

    fn merge(&mut self, later: Self) {
        self.many |= later.many;
        if self.many {
            self.counts.clear();
            return;
        }
        later.counts.into_iter().for_each(|(class, count)| self.add(class, count));
    }

    fn finish(self) -> BTreeMap<String, u64> {
        self.counts.into_iter().collect()
    }
}

/// More labels than this are no classes.
const MOST_CLASSES: usize = 10_000;
