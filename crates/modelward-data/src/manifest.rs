//! The rows of a set by their digests, and where two sets differ.
//!
//! A row is known by 128 bits of the BLAKE3 of its values as they are written: so a whole number is the same
//! in CSV and in Parquet, whatever type holds it, and what is missing is like nothing else. Stretches of at
//! most [`GROUP`] rows, which end with their file or row group, have the SHA-256 of their rows' digests. Rows
//! beyond what memory holds lie in temporary files without a name.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use std::{collections::BTreeMap, io};

use arrow_array::Array;
use arrow_schema::DataType;

use crate::{Set, Trouble, Unread, columns};

mod diff;
mod digests;
mod json;
mod pairing;
mod sorted;
mod spool;

pub use self::{
    diff::{Difference, diff},
    json::{Saved, read, write},
};

use self::spool::Spool;

/// The rows of a set by their digests.
pub struct Table {
    /// What the files are: `csv`, `parquet`.
    pub format: String,
    /// How many rows there are.
    pub rows: u64,
    /// The columns, each with its type.
    pub columns: Vec<(String, String)>,
    /// Stretches of rows in their order.
    pub groups: Vec<Group>,
    /// The column by whose values rows are known.
    pub key: Option<String>,
    /// The SHA-256 over the digests of all rows in their order.
    pub sha256: String,
    /// The digests of the rows; none where a manifest leaves them out.
    rows_of: Option<Spool>,
}

/// A stretch of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The file that they are of, below the folder; empty where the set is one file.
    pub file: String,
    /// The number of the first, in the set.
    pub first: u64,
    /// How many they are.
    pub rows: u64,
    /// The SHA-256 over their digests, 16 bytes each, in their order.
    pub sha256: String,
}

/// The digest of a row: its values; and of its key where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    key: [u8; 16],
    values: [u8; 16],
}

impl Table {
    /// The rows of a set, by the values of some columns; all where `only` is `None`. `key` names the column by
    /// which rows are known from one version of the set to the next.
    ///
    /// # Errors
    /// Where the set cannot be read to its end, or has no such column.
    pub fn of(
        set: &Set,
        only: Option<&[String]>,
        key: Option<&str>,
        threads: usize,
    ) -> Result<Self, crate::check::Failed> {
        digests::table(set, only, key, threads)
    }

    /// Whether it has a digest for every row.
    pub fn names_rows(&self) -> bool {
        self.rows_of.is_some()
    }

    /// Leave the digests of single rows out.
    #[must_use]
    pub fn without_rows(mut self) -> Self {
        self.rows_of = None;
        self
    }

    /// Go through the digests of the rows.
    fn each(&self, mut visit: impl FnMut(u64, Row) -> io::Result<()>) -> io::Result<()> {
        match &self.rows_of {
            Some(rows) => rows.each(&mut visit),
            None => Ok(()),
        }
    }
}

/// How the values of some rows are written, for people: of each row those of the columns of these names.
///
/// # Errors
/// Where the set cannot be read.
pub fn cells(
    set: &Set,
    only: &[String],
    rows: &[u64],
) -> Result<BTreeMap<u64, Vec<String>>, Unread> {
    let mut wanted = rows.to_vec();
    wanted.sort_unstable();
    let within = |range: std::ops::Range<u64>| {
        let at = wanted.partition_point(|row| *row < range.start);
        wanted.get(at).is_some_and(|row| *row < range.end)
    };
    let columns = digests::places(set, only).into_iter().flatten().collect::<Vec<_>>();
    let mut cells = BTreeMap::new();
    set.walk_where(within, |batch| {
        let from = wanted.partition_point(|row| *row < batch.first_row);
        let end = batch.first_row.saturating_add(batch.len() as u64);
        let rows = wanted.iter().skip(from).take_while(|row| **row < end);
        for row in rows {
            let at = usize::try_from(row.saturating_sub(batch.first_row)).unwrap_or(0);
            let values = columns.iter().filter_map(|column| {
                let column = batch.rows.columns().get(*column)?.slice(at, 1);
                let written = columns::written(&column).pop().flatten();
                let other = if column.is_null(0) { "missing" } else { "(a value of many parts)" };
                Some(written.unwrap_or_else(|| other.to_owned()).chars().take(LONGEST).collect())
            });
            cells.insert(*row, values.collect());
        }
        Ok(())
    })?;
    Ok(cells)
}

/// The columns of a set as a manifest has them, each with its type.
pub fn columns_of(set: &Set) -> Vec<(String, String)> {
    let fields = set.schema.fields().iter();
    let fields = fields.map(|field| {
        let kind = match field.data_type() {
            DataType::FixedSizeList(inner, _) => {
                let shape = field.metadata().get(columns::SHAPE).cloned();
                format!("{} [{}]", inner.data_type(), shape.unwrap_or_default())
            }
            // However long the texts of a column may be together.
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytes".to_owned(),
            kind => kind.to_string(),
        };
        (field.name().clone(), kind.to_lowercase())
    });
    fields.collect()
}

/// What kept a temporary file from being written or read.
fn spilled(error: &io::Error) -> Trouble {
    Trouble::new(format!("cannot use a temporary file: {error}"))
}

/// Characters of a value that are shown.
const LONGEST: usize = 4096;
/// The most rows of a stretch.
pub const GROUP: u64 = 65_536;

#[cfg(test)]
mod tests;
