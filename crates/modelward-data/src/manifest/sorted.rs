//! Rows of two sets in the order of their keys and values, so that those that may be the same stand together:
//! sorted in runs that memory holds, which lie in a temporary file without a name and are merged as they are
//! read. So a million equal rows take no more memory than any others.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufWriter, Write},
    os::unix::fs::FileExt,
};

use super::Row;

/// A row of either set. Where a row of both is the same and has the same number, the old stands first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    pub(super) row: Row,
    pub(super) number: u64,
    /// Whether it is of the new set.
    pub(super) new: bool,
}

/// Rows on their way to be sorted.
pub(super) struct Sorting {
    held: Vec<Record>,
    /// The most rows that are held.
    most: usize,
    memory: u64,
    file: File,
    /// Where each run ends in the file.
    ends: Vec<u64>,
}

impl Sorting {
    /// For so many rows in so many bytes of memory.
    pub(super) fn new(rows: u64, memory: u64) -> io::Result<Self> {
        // The other half is for what the rows come to.
        let memory = memory / 2;
        let bytes = usize::try_from(memory).unwrap_or(usize::MAX);
        let most = bytes.checked_div(size_of::<Record>()).unwrap_or(0).max(LEAST);
        let held = usize::try_from(rows).unwrap_or(usize::MAX).min(most);
        let file = tempfile::tempfile()?;
        Ok(Self { held: Vec::with_capacity(held), most, memory, file, ends: Vec::new() })
    }

    pub(super) fn push(&mut self, record: Record) -> io::Result<()> {
        if self.held.len() >= self.most {
            self.spill()?;
        }
        self.held.push(record);
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.held.sort_unstable();
        let mut out = BufWriter::with_capacity(1 << 16, &self.file);
        self.held.iter().try_for_each(|record| out.write_all(&record.bytes()))?;
        out.flush()?;
        let length = (self.held.len() as u64).saturating_mul(SIZE as u64);
        self.ends.push(self.ends.last().copied().unwrap_or(0).saturating_add(length));
        self.held.clear();
        Ok(())
    }

    /// Go through all of them in order.
    pub(super) fn each(mut self, mut visit: impl FnMut(&Record)) -> io::Result<()> {
        if self.ends.is_empty() {
            self.held.sort_unstable();
            self.held.iter().for_each(visit);
            return Ok(());
        }
        self.spill()?;
        self.held = Vec::new();
        let each = self.memory.checked_div(self.ends.len() as u64).unwrap_or(0);
        let window = usize::try_from(each).unwrap_or(usize::MAX).clamp(4096, 1 << 20);
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let mut runs = starts
            .zip(&self.ends)
            .map(|(at, end)| Run { file: &self.file, at, end: *end, bytes: Vec::new(), read: 0 })
            .collect::<Vec<_>>();
        let mut heads = BinaryHeap::new();
        for (at, run) in runs.iter_mut().enumerate() {
            heads.extend(run.next(window)?.map(|record| Reverse((record, at))));
        }
        while let Some(Reverse((record, at))) = heads.pop() {
            visit(&record);
            if let Some(run) = runs.get_mut(at) {
                heads.extend(run.next(window)?.map(|record| Reverse((record, at))));
            }
        }
        Ok(())
    }
}

/// A run that is being read.
struct Run<'a> {
    file: &'a File,
    at: u64,
    end: u64,
    bytes: Vec<u8>,
    /// Bytes of the window that were taken.
    read: usize,
}

impl Run<'_> {
    fn next(&mut self, window: usize) -> io::Result<Option<Record>> {
        if self.read >= self.bytes.len() {
            let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let whole = window.checked_div(SIZE).unwrap_or(1).max(1).saturating_mul(SIZE);
            self.bytes.resize(left.min(whole), 0);
            self.file.read_exact_at(&mut self.bytes, self.at)?;
            self.at = self.at.saturating_add(self.bytes.len() as u64);
            self.read = 0;
        }
        let record = self.bytes.get(self.read..).and_then(<[u8]>::first_chunk::<SIZE>);
        self.read = self.read.saturating_add(SIZE);
        Ok(record.and_then(Record::parse))
    }
}

impl Record {
    fn bytes(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        let parts =
            [&self.row.key, &self.row.values, &self.number.to_le_bytes()[..], &[self.new.into()]];
        let all = parts.into_iter().flatten();
        bytes.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
        bytes
    }

    fn parse(bytes: &[u8; SIZE]) -> Option<Self> {
        let (key, rest) = bytes.split_first_chunk::<16>()?;
        let (values, rest) = rest.split_first_chunk::<16>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let row = Row { key: *key, values: *values };
        Some(Self { row, number: u64::from_le_bytes(*number), new: rest == [1] })
    }
}

/// Bytes of a row in the file.
const SIZE: usize = 41;
/// Rows that are held whatever the memory.
const LEAST: usize = 4096;

#[cfg(test)]
mod tests {
    #![allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "small numbers of the tests' own"
    )]

    use super::*;

    #[test]
    fn equal_rows_are_sorted_in_runs_as_any_others() {
        let many = 5 * LEAST as u64 + 7;
        let mut sorting = Sorting::new(many, 0).unwrap();
        let held = sorting.held.capacity();
        let record = |number: u64| Record {
            row: Row { key: [1; 16], values: [(number % 3 / 2) as u8; 16] },
            number: number / 2,
            new: number % 2 == 1,
        };
        (0..many).rev().for_each(|number| sorting.push(record(number)).unwrap());
        assert_eq!((sorting.held.capacity(), sorting.ends.len()), (held, 5));
        let mut wanted = (0..many).map(record).collect::<Vec<_>>();
        wanted.sort_unstable();
        let mut got = Vec::new();
        sorting.each(|record| got.push(*record)).unwrap();
        assert!(got == wanted);
    }
}
