//! The rows of one row group.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use arrow_array::RecordBatch;
use modelward_formats::Gap;
use parquet::{
    arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection, RowSelector},
    basic::Type,
    errors::ParquetError,
};

use super::{
    File,
    pages::{Feed, Ledger},
    told,
};
use crate::{
    Chunk, Rows, Unread,
    limits::{BATCH_BYTES, BATCH_ROWS},
    read::{budget, guard::guarded, meter::Meter, shape},
};

/// A row group that is being read.
pub(super) struct Reading<'a> {
    file: &'a File,
    group: usize,
    /// Rows that the footer says it has.
    rows: u64,
    /// Rows that were handed over.
    done: u64,
    ledger: Arc<Ledger>,
    reader: Option<ParquetRecordBatchReader>,
    meter: Meter,
}

impl<'a> Reading<'a> {
    pub(super) fn new(file: &'a File, group: usize) -> Result<Self, Unread> {
        let rows = file.footer.row_groups.get(group).map_or(0, |group| group.rows);
        let ledger = Self::ledger(file, group, rows, batch_rows(file, group));
        let meter = Meter::new(file.bytes.len(), &file.limits);
        let mut reading = Self { file, group, rows, done: 0, ledger, reader: None, meter };
        // Without rows there may be nothing where its chunks are said to lie.
        if rows > 0 {
            reading.begin()?;
        }
        Ok(reading)
    }

    /// What reading a row group in batches of so many rows may cost.
    pub(super) fn ledger(file: &File, group: usize, rows: u64, batch: usize) -> Arc<Ledger> {
        let chunks = file.footer.row_groups.get(group).and_then(|group| group.chunks.as_ref().ok());
        let packed = chunks.map_or(0, |chunks| {
            chunks
                .iter()
                .fold(0_u64, |sum, chunk| sum.saturating_add(chunk.end.saturating_sub(chunk.start)))
        });
        let mut ledger = Ledger::new(budget(&file.limits), rows, batch, file.limits.memory);
        ledger.most_unpacked = packed.saturating_mul(file.limits.ratio).max(FREE);
        Arc::new(ledger)
    }

    /// Start decoding behind the rows that were handed over.
    fn begin(&mut self) -> Result<(), Unread> {
        self.reader = None;
        let feed = Feed { file: self.file, group: self.group, ledger: self.ledger.clone() };
        let selection = (self.done > 0).then(|| {
            let done = usize::try_from(self.done).unwrap_or(usize::MAX);
            let rest = usize::try_from(self.rows.saturating_sub(self.done)).unwrap_or(usize::MAX);
            RowSelection::from(vec![RowSelector::skip(done), RowSelector::select(rest)])
        });
        let batch = self.ledger.batch;
        let built = guarded(|| {
            let levels = &self.file.levels;
            ParquetRecordBatchReader::try_new_with_row_groups(levels, &feed, batch, selection)
        });
        match built {
            Some(Ok(reader)) => self.reader = Some(reader),
            Some(Err(error)) => return Err(self.failed(Some(&error))),
            None => return Err(self.failed(None)),
        }
        Ok(())
    }

    /// The next rows, decoded.
    fn decode(&mut self) -> Result<Option<RecordBatch>, Unread> {
        loop {
            self.ledger.begin();
            let Some(reader) = &mut self.reader else { return Ok(None) };
            let failed = match guarded(|| reader.next()) {
                Some(None) => return Ok(None),
                Some(Some(Ok(batch))) => return Ok(Some(batch)),
                Some(Some(Err(error))) => Some(ParquetError::General(error.to_string())),
                None => None,
            };
            let smaller = self.ledger.smaller.load(Relaxed);
            if smaller == 0 || failed.is_none() || smaller >= self.ledger.batch {
                return Err(self.failed(failed.as_ref()));
            }
            self.ledger = Self::ledger(self.file, self.group, self.rows, smaller);
            self.begin()?;
        }
    }

    fn failed(&self, error: Option<&ParquetError>) -> Unread {
        let refusal = self.ledger.refusal.lock().ok().and_then(|mut refusal| refusal.take());
        if let Some(refusal) = refusal {
            return Unread::refused(&self.file.name, &refusal);
        }
        let why = match error {
            Some(error) => told(error),
            None => "a page that its decoder gives up on".to_owned(),
        };
        let why = format!("expected values in the pages of row group {}: {why}", self.group);
        Unread::new(&self.file.name, Gap::Malformed, why)
    }
}

impl Rows for Reading<'_> {
    fn next(&mut self) -> Result<Option<Chunk>, Unread> {
        let batch = self.decode()?;
        let got = batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        let (done, rows) = (self.done.saturating_add(got), self.rows);
        let ended = batch.is_none();
        // Every row is there, and no more than that.
        if done > rows || (ended && done < rows) {
            let more = if done > rows { "more" } else { "fewer" };
            let why = format!(
                "expected {rows} rows in row group {} as the footer says, the pages hold {more} ({done})",
                self.group
            );
            return Err(Unread::new(&self.file.name, Gap::Malformed, why));
        }
        self.done = done;
        let Some(batch) = batch else { return Ok(None) };
        self.meter.take(&self.file.name, &batch)?;
        let rows = shape::show(&batch, &self.file.read, &self.file.schema)
            .map_err(|why| Unread::new(&self.file.name, Gap::Malformed, why))?;
        Ok(Some(Chunk { rows, places: None }))
    }
}

/// How many rows a batch has to begin with: what the schema and the footer say of their bytes.
pub(super) fn batch_rows(file: &File, group: usize) -> usize {
    let columns = file.metadata.file_metadata().schema_descr();
    let fixed = columns.columns().iter().fold(0_u64, |sum, column| {
        let width = match column.physical_type() {
            Type::BOOLEAN => 1,
            Type::INT32 | Type::FLOAT => 4,
            Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(column.type_length()).unwrap_or(0),
            _ => 8,
        };
        sum.saturating_add(width)
    });
    let group = file.metadata.row_groups().get(group);
    let stated = group.map_or(0, |group| {
        let bytes = u64::try_from(group.total_byte_size()).unwrap_or(0);
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        bytes.checked_div(rows).unwrap_or(0)
    });
    let row = usize::try_from(fixed.max(stated)).unwrap_or(usize::MAX);
    BATCH_BYTES.checked_div(row).unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS)
}

/// What any row group may unpack to.
const FREE: u64 = 64 << 20;
