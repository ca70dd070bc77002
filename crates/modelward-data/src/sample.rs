//! The rows that learning needs: all of them where memory allows, else a sample that hangs on the seed
//! and the rows' numbers alone.

use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::SchemaRef;
use arrow_select::{concat::concat_batches, filter::filter_record_batch};

use crate::{Accumulate, Batch};

/// Rows of a set that are kept in memory.
///
/// A row is kept if a hash of its number lies below a threshold, which is halved while the rows take more
/// memory than they may: so the sample is the same under any split of the rows.
#[derive(Clone)]
pub struct Sample {
    schema: SchemaRef,
    seed: u64,
    /// The most bytes that rows may take.
    most: usize,
    /// Rows are kept whose hash is at most this.
    threshold: u64,
    batches: Vec<(RecordBatch, Vec<u64>)>,
    bytes: usize,
    /// Rows that were seen.
    seen: u64,
}

/// A sample that is complete.
pub struct Rows {
    /// The rows.
    pub rows: RecordBatch,
    /// Their numbers in the set.
    pub numbers: Vec<u64>,
    /// How many rows the set has.
    pub of: u64,
}

impl Sample {
    /// An empty sample of rows of this schema that may take so many bytes.
    pub fn new(schema: SchemaRef, most: usize, seed: u64) -> Self {
        Self { schema, seed, most, threshold: u64::MAX, batches: Vec::new(), bytes: 0, seen: 0 }
    }

    fn take(&mut self, rows: &RecordBatch, numbers: impl Iterator<Item = u64>) {
        let numbers = numbers.collect::<Vec<_>>();
        let keep = numbers.iter().map(|&number| hash(self.seed, number) <= self.threshold);
        let keep = keep.collect::<Vec<_>>();
        if keep.iter().all(|&keep| keep) {
            self.bytes = self.bytes.saturating_add(rows.get_array_memory_size());
            self.batches.push((rows.clone(), numbers));
        } else if keep.contains(&true) {
            let kept = numbers.iter().zip(&keep).filter(|(_, keep)| **keep);
            let kept = kept.map(|(number, _)| *number).collect();
            let Ok(rows) = filter_record_batch(rows, &BooleanArray::from(keep)) else { return };
            self.bytes = self.bytes.saturating_add(rows.get_array_memory_size());
            self.batches.push((rows, kept));
        }
    }

    fn shrink(&mut self) {
        while self.bytes > self.most && self.threshold > 0 {
            self.threshold /= 2;
            self.bytes = 0;
            for (rows, numbers) in std::mem::take(&mut self.batches) {
                self.take(&rows, numbers.into_iter());
            }
        }
    }
}

impl Accumulate for Sample {
    type Evidence = Rows;

    fn empty(&self) -> Self {
        Self::new(self.schema.clone(), self.most, self.seed)
    }

    fn update(&mut self, batch: &Batch) {
        self.seen = self.seen.saturating_add(batch.len() as u64);
        self.take(&batch.rows, (0..batch.len()).map(|at| batch.row(at)));
        self.shrink();
    }

    fn merge(&mut self, later: Self) {
        self.seen = self.seen.saturating_add(later.seen);
        if later.threshold < self.threshold {
            self.threshold = later.threshold;
            self.bytes = 0;
            for (rows, numbers) in std::mem::take(&mut self.batches) {
                self.take(&rows, numbers.into_iter());
            }
        }
        for (rows, numbers) in later.batches {
            self.take(&rows, numbers.into_iter());
        }
        self.shrink();
    }

    fn finish(self) -> Rows {
        let batches = self.batches.iter().map(|(rows, _)| rows);
        let rows = match self.batches.as_slice() {
            // What lies in one piece is not copied.
            [(rows, _)] => rows.clone(),
            _ => concat_batches(&self.schema, batches)
                .unwrap_or_else(|_| RecordBatch::new_empty(self.schema.clone())),
        };
        let numbers = self.batches.iter().flat_map(|(_, numbers)| numbers).copied().collect();
        Rows { rows, numbers, of: self.seen }
    }
}

/// A hash of a row's number (splitmix64; Steele, Lea and Flood, OOPSLA 2014).
pub(crate) fn hash(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rows {
    /// No rows.
    pub(crate) fn none() -> Self {
        let rows = RecordBatch::new_empty(std::sync::Arc::new(arrow_schema::Schema::empty()));
        Self { rows, numbers: Vec::new(), of: 0 }
    }

    /// Whether it is a part of the set's rows.
    pub fn is_part(&self) -> bool {
        (self.numbers.len() as u64) < self.of
    }
}
