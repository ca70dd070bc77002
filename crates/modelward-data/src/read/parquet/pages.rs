//! The pages of a row group, as the crate's decoders ask for them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes as Buffer;
use modelward_formats::{
    Budget, Gap, Refusal,
    parquet::{Kind, Page as Raw, Pages},
};
use parquet::{
    arrow::arrow_reader::RowGroups,
    basic::{Encoding, Type},
    column::page::{Page, PageIterator, PageMetadata, PageReader},
    errors::{ParquetError, Result},
    file::metadata::{ParquetMetaData, RowGroupMetaData},
    schema::types::ColumnDescriptor,
};

use super::{File, codec};

/// One row group, with what its pages may cost.
pub(super) struct Feed<'a> {
    pub(super) file: &'a File,
    pub(super) group: usize,
    pub(super) ledger: Arc<Ledger>,
}

/// What reading a row group costs, shared by all its columns.
pub(super) struct Ledger {
    pub(super) budget: Arc<Budget>,
    /// Rows that the footer says the row group has.
    pub(super) rows: u64,
    /// Rows of a batch.
    pub(super) batch: usize,
    /// The most bytes of a batch's values, beyond which batches are made smaller.
    pub(super) most_batch: u64,
    /// The most bytes of pages that are held at a time.
    pub(super) most_held: u64,
    /// The most bytes that all pages may unpack to.
    pub(super) most_unpacked: u64,
    held: AtomicU64,
    unpacked: AtomicU64,
    /// Bytes of pages that were begun since the batch before, of columns whose values have no fixed
    /// length.
    batch_bytes: AtomicU64,
    /// How many rows a batch may have, where it turned out that it has too many.
    pub(super) smaller: AtomicUsize,
    /// What stopped reading.
    pub(super) refusal: Mutex<Option<Refusal>>,
}

impl Ledger {
    pub(super) fn new(budget: Arc<Budget>, rows: u64, batch: usize, memory: u64) -> Self {
        Self {
            budget,
            rows,
            batch,
            most_batch: memory / 8,
            most_held: memory / 3,
            most_unpacked: u64::MAX,
            held: AtomicU64::new(0),
            unpacked: AtomicU64::new(0),
            batch_bytes: AtomicU64::new(0),
            smaller: AtomicUsize::new(0),
            refusal: Mutex::new(None),
        }
    }

    /// Begin another batch.
    pub(super) fn begin(&self) {
        self.batch_bytes.store(0, Relaxed);
    }

    fn refuse(&self, refusal: Refusal) -> ParquetError {
        if let Ok(mut first) = self.refusal.lock() {
            first.get_or_insert(refusal);
        }
        ParquetError::General("refused".into())
    }

    /// Count the values of a batch, of which each row may have so many bytes; `seen` are sure of.
    fn admit(&self, row: u64, seen: u64) -> Result<()> {
        let sum = self.batch_bytes.fetch_add(seen, Relaxed).saturating_add(seen);
        let worst = row.saturating_mul(self.batch as u64);
        if sum <= self.most_batch && worst <= self.most_batch {
            return Ok(());
        }
        if self.batch <= 1 && worst <= self.most_batch && sum <= self.most_held {
            return Ok(());
        }
        if self.batch <= 1 {
            let why = format!(
                "a row of {} bytes, more than the {} that memory allows",
                sum.max(worst),
                self.most_batch
            );
            return Err(self.refuse(Refusal::new(0, Gap::LargeMemory, why)));
        }
        let fits = usize::try_from(self.most_batch.checked_div(row).unwrap_or(u64::MAX));
        let fits = fits.unwrap_or(usize::MAX).min(self.batch / 8).max(1);
        self.smaller.fetch_max(fits, Relaxed);
        Err(ParquetError::General("smaller batches".into()))
    }
}

impl RowGroups for Feed<'_> {
    fn num_rows(&self) -> usize {
        usize::try_from(self.ledger.rows).unwrap_or(usize::MAX)
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let chunk = Chunk::open(self, column).map_err(|refusal| self.ledger.refuse(refusal))?;
        Ok(Box::new(Chunks(Some(chunk))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.file.metadata.row_groups().iter().skip(self.group).take(1))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.file.metadata
    }
}

/// The only chunk of a column in a row group.
struct Chunks(Option<Chunk>);

impl Iterator for Chunks {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(|chunk| Ok(Box::new(chunk) as Box<dyn PageReader>))
    }
}

impl PageIterator for Chunks {}

/// A column chunk.
struct Chunk {
    pages: Pages,
    ledger: Arc<Ledger>,
    column: Arc<ColumnDescriptor>,
    /// Offset of the chunk in the file.
    start: u64,
    /// Rows of its pages so far, of a column without repetition.
    rows: u64,
}

impl Chunk {
    fn open(feed: &Feed<'_>, column: usize) -> std::result::Result<Self, Refusal> {
        let file = feed.file;
        let group = file.footer.row_groups.get(feed.group);
        let ranges = group.map(|group| group.chunks.clone()).transpose()?.unwrap_or_default();
        let metadata = file.metadata.row_groups().get(feed.group);
        let metadata = metadata.and_then(|group| group.columns().get(column));
        let (Some(range), Some(metadata)) = (ranges.get(column), metadata) else {
            return Err(Refusal::new(0, Gap::Malformed, "expected a chunk of every column"));
        };
        let compression = metadata.compression();
        let codec = codec(compression).ok_or_else(|| {
            let why = format!("a column compressed with {compression}, which is not read");
            Refusal::new(range.start, Gap::Unsupported, why)
        })?;
        let bytes = file.bytes.slice(range.start, range.end.saturating_sub(range.start))?;
        Ok(Self {
            pages: Pages::new(bytes, codec, feed.ledger.most_held),
            ledger: feed.ledger.clone(),
            column: metadata.column_descr_ptr(),
            start: range.start,
            rows: 0,
        })
    }

    fn refuse(&self, refusal: Refusal) -> ParquetError {
        let at = self.start.saturating_add(refusal.at);
        let why = format!("column `{}`: {}", self.column.path().string(), refusal.why);
        self.ledger.refuse(Refusal { at, why: why.into(), ..refusal })
    }

    fn malformed(&self, why: impl Into<String>) -> ParquetError {
        self.refuse(Refusal::new(self.pages.position(), Gap::Malformed, why.into()))
    }

    /// Count the rows of a page.
    fn count(&mut self, values: u32) -> Result<()> {
        if self.column.max_rep_level() > 0 {
            return Ok(());
        }
        self.rows = self.rows.saturating_add(values.into());
        let rows = self.ledger.rows;
        if self.rows > rows {
            let why = format!("expected {rows} rows as the footer says, the pages hold more");
            return Err(self.malformed(why));
        }
        Ok(())
    }

    /// Whether values have a fixed length in arrow; and how many bytes that is.
    fn width(&self) -> Option<u64> {
        match self.column.physical_type() {
            Type::BOOLEAN => Some(1),
            Type::INT32 | Type::FLOAT => Some(4),
            Type::INT64 | Type::DOUBLE | Type::INT96 => Some(8),
            Type::FIXED_LEN_BYTE_ARRAY => {
                Some(u64::try_from(self.column.type_length()).unwrap_or(0))
            }
            Type::BYTE_ARRAY => None,
        }
    }

    /// Hold what the values of a page may grow to against what a batch may take.
    fn weigh(&mut self, page: &Raw) -> Result<()> {
        let bytes = page.bytes.len() as u64;
        let repeated = self.column.max_rep_level() > 0;
        match page.kind {
            Kind::Dictionary { .. } => {
                // A dictionary's values are written plainly, whatever its encoding is called.
                let row = match self.width() {
                    Some(_) => 0,
                    None => longest(&page.bytes, page.values),
                };
                return self.ledger.admit(if repeated { 0 } else { row }, 0);
            }
            Kind::Data { .. } | Kind::DataV2 { .. } => {}
        }
        let lengths = matches!(page.encoding, DELTA_LENGTHS | DELTA_TEXTS);
        if lengths {
            if u64::from(page.values) > MOST_LENGTHS {
                return Err(self.malformed(format!("a page of {} lengths", page.values)));
            }
            self.lengths(page)?;
        }
        // One value may be the whole page, and each that follows it over again.
        let row = if page.encoding == DELTA_TEXTS { bytes } else { 0 };
        let seen = match (self.width(), repeated) {
            (Some(_), false) => 0,
            (width, true) => {
                u64::from(page.values).saturating_mul(width.unwrap_or(4).max(4)).max(bytes)
            }
            // As much of the page as a batch takes of its rows.
            (None, false) => {
                let values = u64::from(page.values).max(1);
                let taken = values.min(self.ledger.batch as u64);
                bytes.saturating_mul(taken).checked_div(values).unwrap_or(bytes)
            }
        };
        self.ledger.admit(row, seen)
    }

    /// A list of lengths says how many there are: no more than the page has values.
    fn lengths(&self, page: &Raw) -> Result<()> {
        let at = values_at(page, self.column.max_rep_level(), self.column.max_def_level());
        let values = at.and_then(|at| page.bytes.get(at..)).unwrap_or_default();
        // Bytes of a block, blocks within it, and how many numbers in all.
        let stated = varint(values).and_then(|(_, rest)| varint(rest));
        let stated = stated.and_then(|(_, rest)| varint(rest)).map(|(count, _)| count);
        match stated {
            Some(count) if count <= page.values.into() => Ok(()),
            None if values.is_empty() => Ok(()),
            _ => {
                let why = format!("expected at most {} lengths in a page", page.values);
                Err(self.malformed(why))
            }
        }
    }

    fn page(&mut self, raw: Raw) -> Result<Page> {
        let bytes = raw.bytes.len() as u64;
        let unpacked = self.ledger.unpacked.fetch_add(bytes, Relaxed).saturating_add(bytes);
        if unpacked > self.ledger.most_unpacked {
            let why = format!("a row group that grows to {unpacked} bytes, more than the limit");
            return Err(self.refuse(Refusal::new(0, Gap::HighExpansionRatio, why)));
        }
        self.weigh(&raw)?;
        let encoding = self.encoding(raw.encoding)?;
        let held = Held::new(raw.bytes, &self.ledger);
        let Some(held) = held else {
            let most = self.ledger.most_held;
            let why = format!("pages that need more than the {most} bytes that memory allows");
            return Err(self.refuse(Refusal::new(0, Gap::LargeMemory, why)));
        };
        let (buf, num_values) = (Buffer::from_owner(held), raw.values);
        Ok(match raw.kind {
            Kind::Dictionary { sorted } => {
                Page::DictionaryPage { buf, num_values, encoding, is_sorted: sorted }
            }
            Kind::Data { definition, repetition } => {
                self.count(num_values)?;
                Page::DataPage {
                    buf,
                    num_values,
                    encoding,
                    def_level_encoding: self.encoding(definition)?,
                    rep_level_encoding: self.encoding(repetition)?,
                    statistics: None,
                }
            }
            Kind::DataV2 { nulls, rows, definition, repetition } => {
                self.count(num_values)?;
                Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding,
                    num_nulls: nulls,
                    num_rows: rows,
                    def_levels_byte_len: definition,
                    rep_levels_byte_len: repetition,
                    is_compressed: false,
                    statistics: None,
                }
            }
        })
    }

    fn encoding(&self, code: i32) -> Result<Encoding> {
        Ok(match code {
            0 => Encoding::PLAIN,
            2 => Encoding::PLAIN_DICTIONARY,
            3 => Encoding::RLE,
            #[allow(deprecated, reason = "old files have it")]
            4 => Encoding::BIT_PACKED,
            5 => Encoding::DELTA_BINARY_PACKED,
            DELTA_LENGTHS => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            DELTA_TEXTS => Encoding::DELTA_BYTE_ARRAY,
            8 => Encoding::RLE_DICTIONARY,
            9 => Encoding::BYTE_STREAM_SPLIT,
            _ => return Err(self.malformed(format!("expected an encoding, got {code}"))),
        })
    }
}

impl Iterator for Chunk {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Chunk {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let budget = self.ledger.budget.clone();
        match self.pages.next_page(&budget) {
            Ok(Some(raw)) => self.page(raw).map(Some),
            Ok(None) => Ok(None),
            Err(refusal) => Err(self.refuse(refusal)),
        }
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        let budget = self.ledger.budget.clone();
        match self.pages.peek(&budget) {
            Ok(ahead) => Ok(ahead.map(|ahead| PageMetadata {
                num_rows: ahead.rows.and_then(|rows| usize::try_from(rows).ok()),
                num_levels: usize::try_from(ahead.values).ok(),
                is_dict: ahead.dictionary,
            })),
            Err(refusal) => Err(self.refuse(refusal)),
        }
    }

    fn skip_next_page(&mut self) -> Result<()> {
        let budget = self.ledger.budget.clone();
        let skipped = self.pages.peek(&budget).and_then(|ahead| {
            self.pages.skip_page(&budget)?;
            Ok(ahead)
        });
        match skipped {
            Ok(Some(ahead)) if !ahead.dictionary => self.count(ahead.values),
            Ok(_) => Ok(()),
            Err(refusal) => Err(self.refuse(refusal)),
        }
    }
}

/// The bytes of a page, which are counted while they are held.
struct Held {
    bytes: Vec<u8>,
    ledger: Arc<Ledger>,
}

impl Held {
    fn new(bytes: Vec<u8>, ledger: &Arc<Ledger>) -> Option<Self> {
        let length = bytes.len() as u64;
        let held = ledger.held.fetch_add(length, Relaxed).saturating_add(length);
        // Made before it is judged, so that it is counted off in either case.
        let this = Self { bytes, ledger: ledger.clone() };
        (held <= ledger.most_held).then_some(this)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.ledger.held.fetch_sub(self.bytes.len() as u64, Relaxed);
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The longest of plainly written texts.
fn longest(mut bytes: &[u8], values: u32) -> u64 {
    let mut longest = 0;
    for _ in 0..values {
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else { break };
        let length = u32::from_le_bytes(*length);
        let Some(rest) = usize::try_from(length).ok().and_then(|length| rest.get(length..)) else {
            break;
        };
        (longest, bytes) = (length.max(longest), rest);
    }
    longest.into()
}

/// Where in a page its values begin, behind the levels.
fn values_at(page: &Raw, repetition: i16, definition: i16) -> Option<usize> {
    match page.kind {
        Kind::Dictionary { .. } => Some(0),
        Kind::DataV2 { definition, repetition, .. } => {
            usize::try_from(definition.checked_add(repetition)?).ok()
        }
        Kind::Data { definition: by, repetition: with } => {
            let mut at = 0_usize;
            for (most, encoding) in [(repetition, with), (definition, by)] {
                if most <= 0 {
                    continue;
                }
                let length = match encoding {
                    BIT_PACKED => {
                        let bits = u64::from(16_u32.checked_sub(most.leading_zeros())?);
                        u64::from(page.values).checked_mul(bits)?.div_ceil(8)
                    }
                    _ => {
                        let length = page.bytes.get(at..)?.first_chunk::<4>()?;
                        u64::from(u32::from_le_bytes(*length)).checked_add(4)?
                    }
                };
                at = at.checked_add(usize::try_from(length).ok()?)?;
            }
            Some(at)
        }
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        let shift = u32::try_from(at.checked_mul(7)?).ok()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(at.checked_add(1)?..)?));
        }
    }
    None
}

const BIT_PACKED: i32 = 4;
const DELTA_LENGTHS: i32 = 6;
const DELTA_TEXTS: i32 = 7;

/// The most lengths that one page lists: they are decoded all at once.
const MOST_LENGTHS: u64 = 16 << 20;
