//! Rows of two sets dealt out by a digest, so that those that may be the same are looked at together and
//! nothing else is in memory.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use super::Row;

/// A row of either set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    pub(super) row: Row,
    /// Whether it is of the new set.
    pub(super) new: bool,
    pub(super) number: u64,
}

/// Rows in parts: in memory, or beyond a budget in a temporary file without a name.
pub(super) struct Parts {
    file: File,
    end: u64,
    parts: Vec<Part>,
    /// Bytes of a part that are held before they are written.
    held: usize,
}

#[derive(Default)]
struct Part {
    extents: Vec<(u64, usize)>,
    buffer: Vec<u8>,
}

impl Parts {
    /// For so many rows in so many bytes of memory.
    pub(super) fn new(rows: u64, memory: u64) -> io::Result<Self> {
        let fits = (memory / 8).max(1 << 20);
        let wanted = rows.saturating_mul(ROOM).div_ceil(fits);
        let count = usize::try_from(wanted).unwrap_or(usize::MAX).clamp(1, MOST_PARTS);
        let held = usize::try_from(fits).unwrap_or(usize::MAX).checked_div(count);
        let held = held.unwrap_or(0).clamp(4096, 1 << 20);
        let parts = std::iter::repeat_with(Part::default).take(count).collect();
        Ok(Self { file: tempfile::tempfile()?, end: 0, parts, held })
    }

    pub(super) fn push(&mut self, record: &Record) -> io::Result<()> {
        let [first, second, ..] = record.row.key;
        let count = self.parts.len();
        let at = usize::from(u16::from_be_bytes([first, second])).checked_rem(count).unwrap_or(0);
        let Some(part) = self.parts.get_mut(at) else { return Ok(()) };
        part.buffer.extend_from_slice(&record.row.key);
        part.buffer.extend_from_slice(&record.row.values);
        part.buffer.push(record.new.into());
        part.buffer.extend_from_slice(&record.number.to_le_bytes());
        if part.buffer.len() >= self.held {
            part.extents.push((self.end, part.buffer.len()));
            self.file.write_all(&part.buffer)?;
            self.end = self.end.saturating_add(part.buffer.len() as u64);
            part.buffer.clear();
        }
        Ok(())
    }

    /// Go through the parts, the rows of each sorted: by key, the old before the new.
    pub(super) fn each(mut self, mut visit: impl FnMut(&[Record])) -> io::Result<()> {
        for part in std::mem::take(&mut self.parts) {
            let mut bytes = Vec::new();
            for (at, length) in part.extents {
                self.file.seek(SeekFrom::Start(at))?;
                let mut some = vec![0; length];
                self.file.read_exact(&mut some)?;
                bytes.extend(some);
            }
            bytes.extend(part.buffer);
            let mut records = bytes.as_chunks::<SIZE>().0.iter().filter_map(Record::parse);
            let mut records = records.by_ref().collect::<Vec<_>>();
            drop(bytes);
            records.sort_unstable_by_key(|record| (record.row.key, record.new, record.number));
            visit(&records);
        }
        Ok(())
    }
}

impl Record {
    fn parse(bytes: &[u8; SIZE]) -> Option<Self> {
        let (key, rest) = bytes.split_first_chunk::<16>()?;
        let (values, rest) = rest.split_first_chunk::<16>()?;
        let (new, rest) = rest.split_first()?;
        let number = u64::from_le_bytes(*rest.first_chunk()?);
        Some(Self { row: Row { key: *key, values: *values }, new: *new == 1, number })
    }
}

/// Bytes of a row.
const SIZE: usize = 41;
/// Bytes that a row takes while its part is looked at: as it was written, and as it is sorted.
const ROOM: u64 = 128;
/// The most parts.
const MOST_PARTS: usize = 4096;
