//! Rows that are looked at together.

use std::ops::Range;

use arrow_array::RecordBatch;

/// Some rows of a set, in reading order.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The rows, with the columns of the set.
    pub rows: RecordBatch,
    /// The number of the first, from 0 over the whole set.
    pub first_row: u64,
    /// The piece that they are of.
    pub piece: usize,
    /// Where each row lies in the text of its piece, unpacked, the end of its line included; `None`
    /// where rows are no ranges of bytes.
    pub places: Option<Vec<Range<u64>>>,
}

impl Batch {
    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of a row of it.
    pub fn row(&self, at: usize) -> u64 {
        self.first_row.saturating_add(at as u64)
    }
}
