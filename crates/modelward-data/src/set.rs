//! A data set: a schema, and pieces whose rows come in batches.

use std::{ops::Range, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::{Batch, Note, Unread};

/// A data set.
#[derive(Clone)]
pub struct Set {
    /// What the user pointed at, as it is shown.
    pub name: String,
    /// What its files are: `csv`, `parquet`, `npz`.
    pub format: &'static str,
    /// Its columns; those of every batch.
    pub schema: SchemaRef,
    /// Its files or parts of them, in reading order.
    pub pieces: Vec<Arc<dyn Piece>>,
    /// What was seen on opening it.
    pub notes: Vec<Note>,
}

/// A part of a set that is read from its beginning to its end.
pub trait Piece: Send + Sync {
    /// The file, as it is shown.
    fn name(&self) -> &str;

    /// How many rows it says that it has, where it does.
    fn rows(&self) -> Option<u64>;

    /// Start reading.
    ///
    /// # Errors
    /// Where the bytes are not there or cannot be read.
    fn open(&self) -> Result<Box<dyn Rows + '_>, Unread>;
}

/// The rows of a piece.
pub trait Rows {
    /// The next rows, at most 8192 and, but for one that is longer alone, at most 8 MiB of them; `None`
    /// at the end. Where batches end hangs on the bytes alone.
    ///
    /// # Errors
    /// Where the rest cannot be read.
    fn next(&mut self) -> Result<Option<Chunk>, Unread>;

    /// What was seen since it was last asked.
    fn notes(&mut self) -> Vec<Note> {
        Vec::new()
    }
}

/// Rows with the columns of the set, and where each lies in the text of its piece.
pub struct Chunk {
    /// The rows.
    pub rows: RecordBatch,
    /// Where they lie, of texts.
    pub places: Option<Vec<Range<u64>>>,
}

impl Set {
    /// Go through all rows in order; gives how many there are and what was seen while reading.
    ///
    /// # Errors
    /// Where something cannot be read; what `visit` was shown until then is not all there is.
    pub fn walk(
        &self,
        visit: impl FnMut(&Batch) -> Result<(), Unread>,
    ) -> Result<(u64, Vec<Note>), Unread> {
        self.walk_where(|_| true, visit)
    }

    /// The same, but without the pieces none of whose rows is `wanted`, where they say how many they
    /// have.
    pub(crate) fn walk_where(
        &self,
        wanted: impl Fn(Range<u64>) -> bool,
        mut visit: impl FnMut(&Batch) -> Result<(), Unread>,
    ) -> Result<(u64, Vec<Note>), Unread> {
        let (mut first_row, mut notes) = (0_u64, Vec::new());
        for (at, piece) in self.pieces.iter().enumerate() {
            if let Some(rows) = piece.rows() {
                let end = first_row.saturating_add(rows);
                if !wanted(first_row..end) {
                    first_row = end;
                    continue;
                }
            }
            let mut rows = piece.open()?;
            while let Some(Chunk { rows, places }) = rows.next()? {
                let batch = Batch { rows, first_row, piece: at, places };
                visit(&batch)?;
                first_row = first_row.saturating_add(batch.len() as u64);
            }
            notes.extend(rows.notes());
        }
        Ok((first_row, notes))
    }

    /// The column of a name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.schema.fields().iter().position(|field| field.name() == name)
    }
}

/// A set of rows in memory, for tests.
#[cfg(test)]
pub(crate) fn in_memory(rows: RecordBatch) -> Set {
    struct Memory(RecordBatch);
    struct Once<'a>(&'a RecordBatch, usize);
    impl Piece for Memory {
        fn name(&self) -> &'static str {
            "memory"
        }
        fn rows(&self) -> Option<u64> {
            Some(self.0.num_rows() as u64)
        }
        fn open(&self) -> Result<Box<dyn Rows + '_>, Unread> {
            Ok(Box::new(Once(&self.0, 0)))
        }
    }
    impl Rows for Once<'_> {
        fn next(&mut self) -> Result<Option<Chunk>, Unread> {
            let rows = self.0.num_rows().saturating_sub(self.1).min(crate::limits::BATCH_ROWS);
            let chunk =
                (rows > 0).then(|| Chunk { rows: self.0.slice(self.1, rows), places: None });
            self.1 += rows;
            Ok(chunk)
        }
    }
    let schema = rows.schema();
    let pieces: Vec<Arc<dyn Piece>> = vec![Arc::new(Memory(rows))];
    Set { name: "memory".to_owned(), format: "memory", schema, pieces, notes: Vec::new() }
}
