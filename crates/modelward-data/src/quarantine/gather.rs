//! Which rows of which file are taken out: one pass over the set.

use std::{collections::HashMap, ops::Range};

use arrow_array::{Array, cast::AsArray};
use modelward_formats::Gap;
use sha2::{Digest, Sha256};

use super::clean::Order;
use crate::{Batch, Set, Trouble, Unread, check::Failed, row};

/// What is taken out of a set.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Rows of the whole set.
    pub(super) rows: u64,
    /// How many are taken out.
    pub(super) removed: u64,
    /// The files of the set by their name as it is shown.
    pub(super) files: HashMap<String, Rows>,
    /// A digest of the rows that stay; see [`kept`].
    pub(super) kept: String,
}

/// What is taken out of a file.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The number of its first row in the set.
    pub(super) first: u64,
    /// The rows that go, by their number in the file.
    pub(super) removed: Vec<u64>,
    /// Where these lie, of texts.
    pub(super) places: Vec<Range<u64>>,
}

/// Go through a set.
///
/// # Errors
/// Where it cannot be read to its end.
pub(super) fn gather(order: &Order<'_>) -> Result<Gathered, Failed> {
    let Order { set, reasons, .. } = order;
    let images = set.format == "images" && set.column("path").is_some();
    let mut gathered = Gathered::default();
    let mut kept = (!is_text(set)).then(Kept::default);
    let mut current: Option<(String, Rows)> = None;
    let mut stopped = None::<Trouble>;
    let walked = set.walk(|batch| {
        if let Err(trouble) = order.go_on() {
            stopped = Some(trouble);
            return Err(Unread::new(&set.name, Gap::Unreadable, "stopped"));
        }
        if let Some(kept) = &mut kept {
            kept.take(batch, |row| !reasons.contains_key(&row));
        }
        let end = batch.first_row.saturating_add(batch.len() as u64);
        let removed = || reasons.range(batch.first_row..end).map(|(row, _)| *row);
        let at = |row: u64| usize::try_from(row.saturating_sub(batch.first_row)).unwrap_or(0);
        gathered.removed = gathered.removed.saturating_add(removed().count() as u64);
        if images {
            // Each row is a file.
            let paths = batch.rows.column_by_name("path").and_then(|paths| paths.as_string_opt());
            let Some(paths) = paths else { return Ok(()) };
            let paths: &arrow_array::StringArray = paths;
            for row in removed().filter(|row| paths.is_valid(at(*row))) {
                let name = format!("{}/{}", set.name.trim_end_matches('/'), paths.value(at(row)));
                let one = Rows { first: row, removed: vec![0], places: Vec::new() };
                gathered.files.insert(name, one);
            }
            return Ok(());
        }
        let name = set.pieces.get(batch.piece).map_or("", |piece| piece.name());
        if current.as_ref().is_none_or(|(known, _)| known != name) {
            let fresh = (name.to_owned(), Rows { first: batch.first_row, ..Rows::default() });
            gathered.files.extend(current.replace(fresh));
        }
        let Some((_, rows)) = &mut current else { return Ok(()) };
        rows.removed.extend(removed().map(|row| row.saturating_sub(rows.first)));
        if let Some(places) = &batch.places {
            rows.places.extend(removed().filter_map(|row| places.get(at(row)).cloned()));
        }
        Ok(())
    });
    if let Some(trouble) = stopped {
        return Err(trouble.into());
    }
    let (rows, _) = walked?;
    gathered.files.extend(current);
    gathered.rows = rows;
    gathered.kept = kept.map(Kept::finish).unwrap_or_default();
    Ok(gathered)
}

/// Whether the rows that stay are the same bytes, and may yet be read as others: a column of texts is one of
/// numbers where the only word in it is gone.
fn is_text(set: &Set) -> bool {
    matches!(set.format, "csv" | "tsv" | "jsonl" | "text" | "webdataset" | "images")
}

/// A digest of all rows of a set, to compare with the rows that were to stay; empty for texts.
///
/// # Errors
/// Where it cannot be read to its end.
pub(super) fn kept(set: &Set) -> Result<(u64, String), Unread> {
    let mut kept = (!is_text(set)).then(Kept::default);
    let (rows, _) = set.walk(|batch| {
        if let Some(kept) = &mut kept {
            kept.take(batch, |_| true);
        }
        Ok(())
    })?;
    Ok((rows, kept.map(Kept::finish).unwrap_or_default()))
}

/// The values of rows, one behind the other.
#[derive(Default)]
struct Kept {
    digest: Sha256,
    bytes: Vec<u8>,
}

impl Kept {
    fn take(&mut self, batch: &Batch, stays: impl Fn(u64) -> bool) {
        for at in (0..batch.len()).filter(|at| stays(batch.row(*at))) {
            for column in batch.rows.columns() {
                row::write(column, at, &mut self.bytes);
            }
            if self.bytes.len() > FULL {
                self.digest.update(&self.bytes);
                self.bytes.clear();
            }
        }
        self.digest.update(&self.bytes);
        self.bytes.clear();
    }

    fn finish(self) -> String {
        super::digest::hexadecimal(&self.digest.finalize())
    }
}

/// Bytes that are summed up at once.
const FULL: usize = 1 << 16;
