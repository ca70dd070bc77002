//! A file without some of its rows: as ranges of bytes that are left out where rows are such, written anew
//! where they are not.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use std::{fs::File, io, ops::Range};

use modelward_formats::{Bytes, Gap, Refusal};

use super::{HEAD, Options, Source, arrays, images, ipc, parquet, text, webdataset};
use crate::Unread;

mod npy;
mod npz;
mod stream;
mod zip;

pub(crate) use self::stream::Stream;

/// Which rows of a file are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice<'a> {
    /// The numbers of some rows, rising.
    pub(crate) rows: &'a [u64],
    /// Whether these are written, or all others.
    pub(crate) these: bool,
}

/// Bytes of a file that are left out, and what stands in their place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) range: Range<u64>,
    pub(crate) with: Vec<u8>,
}

/// How a text is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Zstd,
}

/// What the rows of a file are in its bytes.
pub(crate) enum Form {
    /// Ranges that its reader names as it goes.
    Text,
    /// The same in what it holds unpacked.
    Packed(Packing, Bytes),
    /// Ranges that hang on what else is in it.
    Ranges(Ranges),
    /// Nothing that could be cut out.
    Other(Other),
    /// One row.
    Image,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Ranges {
    Npy,
    Tar,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Other {
    Npy,
    Npz,
    Arrow,
    Parquet,
}

impl Choice<'_> {
    /// Which of the rows of a stretch are written.
    pub(crate) fn of(&self, first: u64, count: usize) -> Vec<bool> {
        let mut of = vec![!self.these; count];
        let from = self.rows.partition_point(|row| *row < first);
        for row in self.rows.get(from..).unwrap_or_default() {
            let at = usize::try_from(row.saturating_sub(first)).unwrap_or(usize::MAX);
            match of.get_mut(at) {
                Some(of) => *of = self.these,
                None => break,
            }
        }
        of
    }

    /// How many of so many rows are written.
    pub(super) fn count(&self, rows: u64) -> u64 {
        let these = self.rows.partition_point(|row| *row < rows) as u64;
        if self.these { these } else { rows.saturating_sub(these) }
    }

    /// The stretches of rows that are written, of so many.
    fn runs(&self, rows: u64) -> Vec<Range<u64>> {
        let mut runs: Vec<Range<u64>> = Vec::new();
        let mut add = |range: Range<u64>| {
            let range = range.start.min(rows)..range.end.min(rows);
            match runs.last_mut().filter(|last| last.end == range.start) {
                _ if range.is_empty() => {}
                Some(last) => last.end = range.end,
                None => runs.push(range),
            }
        };
        let mut at = 0;
        for row in self.rows {
            let next = row.saturating_add(1);
            add(if self.these { *row..next } else { at..*row });
            at = next;
        }
        if !self.these {
            add(at..rows);
        }
        runs
    }
}

/// What a file is, as far as taking rows out of it goes.
///
/// # Errors
/// Where it cannot be read.
pub(crate) fn form(source: &Source, bytes: &Bytes, options: &Options) -> Result<Form, Unread> {
    let head = bytes.head(HEAD as u64).map_err(|refusal| source.refused(&refusal))?;
    if head.starts_with(b"\x93NUMPY") {
        let ranges = npy::is_ranges(source, bytes, options)?;
        return Ok(if ranges { Form::Ranges(Ranges::Npy) } else { Form::Other(Other::Npy) });
    }
    if arrays::is(&head) {
        return Ok(Form::Other(Other::Npz));
    }
    if images::is(&head) {
        return Ok(Form::Image);
    }
    if webdataset::is(&head) {
        return Ok(Form::Ranges(Ranges::Tar));
    }
    if ipc::is(&head) {
        return Ok(Form::Other(Other::Arrow));
    }
    if parquet::is(&head) {
        return Ok(Form::Other(Other::Parquet));
    }
    let packing = match head.first() {
        Some(0x1f) => Packing::Gzip,
        _ => Packing::Zstd,
    };
    Ok(match text::unpacked(source, bytes, &options.limits)? {
        (content, true) => Form::Packed(packing, content),
        (_, false) => Form::Text,
    })
}

/// The ranges of bytes that are left out where these rows go.
///
/// # Errors
/// Where the file cannot be read, or rows do not lie apart.
pub(crate) fn ranges(
    of: Ranges,
    source: &Source,
    bytes: &Bytes,
    options: &Options,
    rows: &[u64],
) -> Result<Vec<Edit>, Unread> {
    let mut edits = match of {
        Ranges::Npy => npy::edits(source, bytes, options, rows)?,
        Ranges::Tar => webdataset::places(source, bytes, options, rows)?
            .into_iter()
            .map(|range| Edit { range, with: Vec::new() })
            .collect(),
    };
    let length = bytes.len();
    if let Some(edit) = edits.last_mut() {
        // The last member may lack the zeros that fill up its block.
        edit.range.end = edit.range.end.min(length);
    }
    let apart = edits.windows(2).all(|pair| match pair {
        [one, next] => one.range.end <= next.range.start,
        _ => true,
    });
    if !apart {
        let why = "expected rows that lie apart, got members within one another";
        return Err(Unread::new(&source.name, Gap::Malformed, why));
    }
    Ok(edits)
}

/// Write a file of the same form with some of its rows.
///
/// # Errors
/// Where it cannot be read or written.
pub(crate) fn write(
    form: Other,
    source: &Source,
    bytes: &Bytes,
    options: &Options,
    choice: &Choice<'_>,
    out: &File,
) -> Result<(), Unread> {
    match form {
        Other::Npy => npy::write(source, bytes, options, choice, out),
        Other::Npz => npz::write(source, bytes, options, choice, out),
        Other::Arrow => ipc::write(source, bytes, options, choice, out),
        Other::Parquet => parquet::write(source, bytes, options, choice, out),
    }
}

/// What could not be written, or read on the way to it.
fn failed(source: &Source, error: &io::Error) -> Unread {
    source.refused(&Refusal::io(0, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_the_same_in_stretches_and_runs() {
        for (rows, these) in [
            (vec![0, 1, 4, 9], false),
            (vec![0, 1, 4, 9], true),
            (vec![], false),
            (vec![], true),
            (vec![3], false),
            (vec![12], false),
        ] {
            let choice = Choice { rows: &rows, these };
            let flags = [choice.of(0, 3), choice.of(3, 4), choice.of(7, 3)].concat();
            let mut of_runs = vec![false; 10];
            for run in choice.runs(10) {
                run.for_each(|row| of_runs[usize::try_from(row).unwrap()] = true);
            }
            assert_eq!(flags, of_runs, "{rows:?} {these}");
            assert_eq!(choice.count(10), flags.iter().filter(|flag| **flag).count() as u64);
        }
    }
}
