//! Parquet files: the footer, with their row groups and where the bytes of these lie, and the pages of a
//! column chunk, unpacked. What stands in a page is not decoded.
//!
//! Source: Apache Parquet 2.12, `parquet.thrift` (`FileMetaData`, `RowGroup`, `ColumnChunk`,
//! `ColumnMetaData`, `PageHeader`); Apache Thrift, compact protocol.

use std::ops::Range;

use crate::{Budget, Bytes, Gap, Refusal};

use self::thrift::{Field, Thrift, Type};

mod codec;
mod page;
mod thrift;

pub use self::{
    codec::Codec,
    page::{Ahead, Kind, Page, Pages},
};

/// What the footer of a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footer {
    /// Its bytes: a structure of Thrift.
    pub place: Range<u64>,
    /// Rows of the whole file.
    pub rows: u64,
    /// Columns that hold values: the leaves of the schema.
    pub columns: usize,
    /// Its row groups, in their order.
    pub row_groups: Vec<RowGroup>,
}

/// A row group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowGroup {
    /// Its rows.
    pub rows: u64,
    /// The bytes of its column chunks, in the order of the columns; or why they cannot be told.
    pub chunks: Result<Vec<Range<u64>>, Refusal>,
}

/// Read the footer; `None` where the bytes are no Parquet file.
///
/// # Errors
/// Where the footer is encrypted, breaks its grammar, or holds more than is read of one.
pub fn read(bytes: &Bytes, budget: &Budget) -> Option<Result<Footer, Refusal>> {
    let end = bytes.len().checked_sub(TAIL)?;
    if !bytes.has(0, PLAIN) && !bytes.has(0, ENCRYPTED) {
        return None;
    }
    let magic_at = end.saturating_add(4);
    if bytes.has(magic_at, ENCRYPTED) {
        let why = "a Parquet file with an encrypted footer";
        return Some(Err(Refusal::new(end, Gap::Encrypted, why)));
    }
    if !bytes.has(magic_at, PLAIN) {
        let why = "expected `PAR1` at the end of a Parquet file";
        return Some(Err(Refusal::truncated(magic_at, why)));
    }
    Some(footer(bytes, end, budget))
}

fn footer(bytes: &Bytes, end: u64, budget: &Budget) -> Result<Footer, Refusal> {
    let length = u64::from(bytes.u32_le(end)?);
    let start = end.checked_sub(length).filter(|&start| start >= PLAIN.len() as u64);
    let start = start.ok_or_else(|| {
        let why = format!("a footer of {length} bytes, longer than the file");
        Refusal::new(end, Gap::OversizedLength, why)
    })?;
    let inside = bytes.slice(start, length)?;
    let mut thrift = Thrift::new(&inside, budget);
    let footer = Footer { place: start..end, ..Footer::default() };
    let mut read = Reader { footer, chunks: 0, data_end: start };
    read.file(&mut thrift).map_err(|refusal| at(refusal, start))?;
    let Footer { rows, row_groups, .. } = &read.footer;
    let sum = row_groups.iter().try_fold(0_u64, |sum, group| sum.checked_add(group.rows));
    if sum != Some(*rows) {
        let why = format!("expected {rows} rows in the row groups, they do not add up to that");
        return Err(Refusal::new(start, Gap::Malformed, why));
    }
    Ok(read.footer)
}

fn at(refusal: Refusal, start: u64) -> Refusal {
    Refusal { at: refusal.at.saturating_add(start), ..refusal }
}

struct Reader {
    footer: Footer,
    /// Column chunks of all row groups.
    chunks: usize,
    /// Where the footer begins.
    data_end: u64,
}

impl Reader {
    fn file(&mut self, thrift: &mut Thrift<'_>) -> Result<(), Refusal> {
        let mut rows = None;
        thrift.fields(|thrift, field| match (field.id, field.kind) {
            (2, Type::List) => self.schema(thrift),
            (3, Type::Int) => {
                rows = Some(count(thrift, field)?);
                Ok(())
            }
            (4, Type::List) => thrift.list(|thrift, kind| {
                if kind != Type::Struct {
                    return Err(thrift.broken("expected row groups"));
                }
                if self.footer.row_groups.len() >= MOST_ROW_GROUPS {
                    let why = format!("more than {MOST_ROW_GROUPS} row groups");
                    return Err(Refusal::new(thrift.position(), Gap::LargeMemory, why));
                }
                let group = self.row_group(thrift)?;
                self.footer.row_groups.push(group);
                Ok(())
            }),
            _ => thrift.skip(field.kind),
        })?;
        self.footer.rows = rows.ok_or_else(|| thrift.broken("expected a number of rows"))?;
        Ok(())
    }

    /// The schema, which is a tree written from the root on, each group with how many children follow.
    fn schema(&mut self, thrift: &mut Thrift<'_>) -> Result<(), Refusal> {
        // How many children each group still lacks, from the root down.
        let (mut open, mut begun): (Vec<u64>, bool) = (Vec::new(), false);
        thrift.list(|thrift, kind| {
            let mut children = 0;
            if kind != Type::Struct {
                return Err(thrift.broken("expected the schema's columns"));
            }
            thrift.fields(|thrift, field| match (field.id, field.kind) {
                (5, Type::Int) => {
                    children = count(thrift, field)?;
                    Ok(())
                }
                _ => thrift.skip(field.kind),
            })?;
            match open.last_mut() {
                Some(lacks) => *lacks = lacks.saturating_sub(1),
                None if begun => return Err(thrift.broken("expected one root of the schema")),
                None => {}
            }
            let is_root = !std::mem::replace(&mut begun, true);
            if children > 0 {
                open.push(children);
            } else if !is_root {
                self.footer.columns = self.footer.columns.saturating_add(1);
            }
            if open.len() > MOST_DEPTH {
                let why = format!("columns nested deeper than {MOST_DEPTH}");
                return Err(Refusal::new(thrift.position(), Gap::DeepNesting, why));
            }
            while open.last() == Some(&0) {
                open.pop();
            }
            Ok(())
        })?;
        if !open.is_empty() {
            return Err(thrift.broken("a schema that ends before all its columns"));
        }
        Ok(())
    }

    fn row_group(&mut self, thrift: &mut Thrift<'_>) -> Result<RowGroup, Refusal> {
        let (mut rows, mut chunks) = (None, Ok(Vec::new()));
        thrift.fields(|thrift, field| match (field.id, field.kind) {
            (1, Type::List) => thrift.list(|thrift, kind| {
                if kind != Type::Struct {
                    return Err(thrift.broken("expected column chunks"));
                }
                self.chunks = self.chunks.saturating_add(1);
                if self.chunks > MOST_CHUNKS {
                    let why = format!("more than {MOST_CHUNKS} column chunks");
                    return Err(Refusal::new(thrift.position(), Gap::LargeMemory, why));
                }
                let chunk = self.chunk(thrift)?;
                match (&mut chunks, chunk) {
                    (Ok(chunks), Ok(chunk)) => chunks.push(chunk),
                    (Ok(_), Err(refusal)) => chunks = Err(refusal),
                    (Err(_), _) => {}
                }
                Ok(())
            }),
            (3, Type::Int) => {
                rows = Some(count(thrift, field)?);
                Ok(())
            }
            _ => thrift.skip(field.kind),
        })?;
        let rows = rows.ok_or_else(|| thrift.broken("expected the rows of a row group"))?;
        Ok(RowGroup { rows, chunks })
    }

    /// The bytes of a column chunk: from its dictionary, or its first page, as many as it says.
    fn chunk(&self, thrift: &mut Thrift<'_>) -> Result<Result<Range<u64>, Refusal>, Refusal> {
        let at = thrift.position();
        let (mut elsewhere, mut encrypted) = (false, false);
        let (mut length, mut data, mut dictionary) = (None, None, None);
        thrift.fields(|thrift, field| match (field.id, field.kind) {
            (1, Type::Text) => {
                elsewhere = true;
                thrift.skip(field.kind)
            }
            (3, Type::Struct) => thrift.fields(|thrift, field| {
                let into = match (field.id, field.kind) {
                    (7, Type::Int) => &mut length,
                    (9, Type::Int) => &mut data,
                    (11, Type::Int) => &mut dictionary,
                    _ => return thrift.skip(field.kind),
                };
                *into = Some(count(thrift, field)?);
                Ok(())
            }),
            (8 | 9, _) => {
                encrypted = true;
                thrift.skip(field.kind)
            }
            _ => thrift.skip(field.kind),
        })?;
        let refused = |gap, why: &'static str| Ok(Err(Refusal::new(at, gap, why)));
        if elsewhere {
            return refused(Gap::Unsupported, "a column chunk in another file");
        }
        if encrypted {
            return refused(Gap::Encrypted, "an encrypted column chunk");
        }
        let (Some(length), Some(data)) = (length, data) else {
            return refused(Gap::Malformed, "a column chunk without an offset and a length");
        };
        // Some writers name a dictionary at 0 where there is none.
        let start = dictionary.filter(|&at| at > 0 && at < data).unwrap_or(data);
        match start.checked_add(length) {
            Some(end) if end <= self.data_end => Ok(Ok(start..end)),
            _ => refused(Gap::OversizedLength, "a column chunk that reaches into the footer"),
        }
    }
}

/// A number that is none below zero.
fn count(thrift: &mut Thrift<'_>, field: Field) -> Result<u64, Refusal> {
    let number = thrift.int()?;
    u64::try_from(number)
        .map_err(|_| thrift.broken(format!("expected a count in field {}, got {number}", field.id)))
}

/// First and last bytes of a file.
const PLAIN: &[u8] = b"PAR1";

/// The same, where the footer is encrypted.
const ENCRYPTED: &[u8] = b"PARE";

/// The footer's length and the last bytes.
const TAIL: u64 = 8;

/// The deepest that columns nest.
const MOST_DEPTH: usize = 64;

/// The most row groups of one file: each has a number of 16 bits.
const MOST_ROW_GROUPS: usize = 32_767;

/// The most column chunks of one file.
const MOST_CHUNKS: usize = 4_000_000;

#[cfg(test)]
mod tests;
