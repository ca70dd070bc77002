//! A hash of every row, and the rows whose hashes meet.

use std::{collections::HashMap, io};

use super::{record::Record, spill::Spill};
use crate::{
    Accumulate, Batch,
    row::{mix, words},
};

/// The hashes of all rows: in memory, and beyond a budget in a file without a name.
pub(in super::super) struct Hashes {
    columns: Vec<usize>,
    /// The most records in memory.
    most: usize,
    /// The most rows that are listed.
    most_listed: usize,
    records: Vec<Record>,
    spill: Option<Spill>,
    failed: Option<io::Error>,
    /// Room that is used again.
    states: Vec<[u64; 2]>,
    words: Vec<u64>,
}

/// Rows whose hashes meet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Repeated {
    /// Each row, and the number of its group.
    pub(super) rows: Vec<(u64, u32)>,
    /// Copies beyond those that memory allows to list.
    pub(super) unlisted: u64,
}

#[cfg(test)]
impl Repeated {
    /// The rows of each group, by the first.
    pub(in super::super) fn groups(&self) -> Vec<Vec<u64>> {
        let mut groups = std::collections::BTreeMap::<u32, Vec<u64>>::new();
        self.rows.iter().for_each(|(row, group)| groups.entry(*group).or_default().push(*row));
        let mut groups = groups.into_values().collect::<Vec<_>>();
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups.sort();
        groups
    }
}

impl Hashes {
    /// Hashes of these columns, which may take a part of so many bytes.
    pub(in super::super) fn new(columns: Vec<usize>, memory: u64) -> Self {
        let memory = usize::try_from(memory).unwrap_or(usize::MAX);
        // A row in a group takes 16 bytes here, 48 when it is compared, and 32 in the report.
        let (most, most_listed) = (memory / 16 / size_of::<Record>(), memory / 8 / 96);
        Self::with(columns, most, most_listed)
    }

    fn with(columns: Vec<usize>, most: usize, most_listed: usize) -> Self {
        Self {
            columns,
            most,
            most_listed,
            records: Vec::new(),
            spill: None,
            failed: None,
            states: Vec::new(),
            words: Vec::new(),
        }
    }

    fn spill(&mut self) {
        if self.records.len() <= self.most || self.failed.is_some() {
            return;
        }
        let spilled = match &mut self.spill {
            Some(spill) => spill.write(&mut self.records),
            none => Spill::new().and_then(|spill| none.insert(spill).write(&mut self.records)),
        };
        if let Err(error) = spilled {
            self.failed = Some(error);
            self.records = Vec::new();
        }
    }
}

impl Accumulate for Hashes {
    type Evidence = io::Result<Repeated>;

    fn empty(&self) -> Self {
        Self::with(self.columns.clone(), self.most, self.most_listed)
    }

    fn update(&mut self, batch: &Batch) {
        self.states.clear();
        self.states.resize(batch.len(), [0; 2]);
        for &column in &self.columns {
            words(batch.rows.column(column), &mut self.words);
            for (state, word) in self.states.iter_mut().zip(&self.words) {
                mix(state, *word);
            }
        }
        let records = self.states.iter().enumerate();
        self.records.extend(records.map(|(at, hash)| Record { hash: *hash, row: batch.row(at) }));
    }

    fn merge(&mut self, later: Self) {
        self.failed = self.failed.take().or(later.failed);
        if self.failed.is_none() {
            self.records.extend(later.records);
            self.spill();
        }
    }

    fn finish(self) -> io::Result<Repeated> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut found = Finding { most: self.most_listed, groups: 0, found: Repeated::default() };
        match self.spill {
            None => found.among(|visit| {
                self.records.iter().for_each(|record| visit(*record));
                Ok(())
            })?,
            Some(mut spill) => {
                let mut records = self.records;
                spill.write(&mut records)?;
                drop(records);
                for part in 0..spill.parts() {
                    found.among(|visit| spill.read(part, visit))?;
                }
            }
        }
        Ok(found.found)
    }
}

/// The search for hashes that meet.
struct Finding {
    most: usize,
    groups: u32,
    found: Repeated,
}

impl Finding {
    /// Look among some records, which are gone through twice: they may be more than memory holds, where
    /// many of them are equal.
    fn among(&mut self, each: impl Fn(&mut dyn FnMut(Record)) -> io::Result<()>) -> io::Result<()> {
        let mut counts: HashMap<[u64; 2], u64> = HashMap::new();
        each(&mut |record| *counts.entry(record.hash).or_default() += 1)?;
        counts.retain(|_, count| *count > 1);
        if counts.is_empty() {
            return Ok(());
        }
        let mut groups: HashMap<[u64; 2], (u32, u64)> = HashMap::new();
        each(&mut |record| {
            if !counts.contains_key(&record.hash) {
                return;
            }
            let next = &mut self.groups;
            let (group, listed) = groups.entry(record.hash).or_insert_with(|| {
                *next += 1;
                (*next, 0)
            });
            if self.found.rows.len() < self.most {
                self.found.rows.push((record.row, *group));
                *listed += 1;
            } else {
                // The first of a group is no copy.
                self.found.unlisted += u64::from(*listed > 0);
                *listed += 1;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, RecordBatch};
    use arrow_schema::{DataType, Field, Schema};
    use proptest::prelude::*;

    use super::*;

    fn batch(values: &[i64], first_row: u64) -> Batch {
        let schema = Schema::new(vec![Field::new("x", DataType::Int64, false)]);
        let array = Arc::new(Int64Array::from(values.to_vec()));
        let rows = RecordBatch::try_new(Arc::new(schema), vec![array]).unwrap();
        Batch { rows, first_row, piece: 0, places: None }
    }

    /// The groups among values, taken in parts.
    fn groups(values: &[i64], part: usize, most: usize) -> Vec<Vec<u64>> {
        let mut hashes = Hashes::with(vec![0], most, 1000);
        for (at, values) in values.chunks(part).enumerate() {
            let mut block = hashes.empty();
            block.update(&batch(values, (at * part) as u64));
            hashes.merge(block);
        }
        let repeated = hashes.finish().unwrap();
        let mut groups: HashMap<u32, Vec<u64>> = HashMap::new();
        for (row, group) in repeated.rows {
            groups.entry(group).or_default().push(row);
        }
        let mut groups = groups.into_values().collect::<Vec<_>>();
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups.sort();
        groups
    }

    #[test]
    fn what_is_not_listed_is_counted() {
        let mut hashes = Hashes::with(vec![0], 4, 3);
        let mut block = hashes.empty();
        block.update(&batch(&[5; 10], 0));
        hashes.merge(block);
        let repeated = hashes.finish().unwrap();
        assert_eq!((repeated.rows.len(), repeated.unlisted), (3, 7));
    }

    proptest! {
        #[test]
        fn in_memory_or_in_a_file_any_split_gives_the_same(
            values in prop::collection::vec(0_i64..40, 0..120), part in 1_usize..50, most in 0_usize..60)
        {
            let mut expected: HashMap<i64, Vec<u64>> = HashMap::new();
            for (at, value) in values.iter().enumerate() {
                expected.entry(*value).or_default().push(at as u64);
            }
            let mut expected = expected.into_values().filter(|rows| rows.len() > 1).collect::<Vec<_>>();
            expected.sort();
            prop_assert_eq!(groups(&values, part, most), expected);
        }
    }
}
