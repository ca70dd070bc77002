//! The central directories of a zip: found from the end, as most loaders do, under every reading
//! of the end record that some loader takes.

use std::ops::Range;

use memchr::memmem;

use super::header::{CENTRAL, Central};
use crate::{Bytes, Refusal};

/// A central directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Offset of its first header.
    pub at: u64,
    /// Offset behind its last header.
    pub end: u64,
    /// How many headers it holds.
    pub members: u64,
    /// The end record that leads to it; none where a run of headers has no end record.
    pub end_record: Option<EndRecord>,
    /// What the offsets in it have to be moved by, since bytes were put before the archive.
    pub shift: u64,
}

/// An end of central directory record (APPNOTE 4.3.16), with the zip64 record's numbers where
/// those hold (4.3.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndRecord {
    /// Offset of the record.
    pub at: u64,
    /// Offset behind its comment.
    pub end: u64,
    /// How many members it counts.
    pub members: u64,
    /// Whether that number has 16 bits only.
    pub narrow: bool,
    /// Bytes of the directory.
    pub size: u64,
    /// Offset of the directory, before any shift.
    pub offset: u64,
    /// Where the directory ought to end: at this record, or at the zip64 record before it.
    pub directory_end: u64,
}

impl EndRecord {
    /// Whether it counts as many members as its directory holds.
    pub fn counts(&self, members: u64) -> bool {
        // Writers without zip64 let the number wrap.
        self.members == members || self.narrow && self.members == members & 0xffff
    }

    /// The readings of an end record at an offset: with and without its zip64 record.
    pub(super) fn read(bytes: &Bytes, at: u64) -> Vec<Self> {
        let Ok(record) = bytes.array::<22>(at) else { return Vec::new() };
        let [b'P', b'K', 5, 6, _, _, _, _, _, _, rest @ ..] = record else { return Vec::new() };
        let [m0, m1, s0, s1, s2, s3, o0, o1, o2, o3, c0, c1] = rest;
        let comment = u64::from(u16::from_le_bytes([c0, c1]));
        let plain = Self {
            at,
            end: at.saturating_add(22).saturating_add(comment),
            members: u16::from_le_bytes([m0, m1]).into(),
            narrow: true,
            size: u32::from_le_bytes([s0, s1, s2, s3]).into(),
            offset: u32::from_le_bytes([o0, o1, o2, o3]).into(),
            directory_end: at,
        };
        let wide = plain.wide(bytes);
        let sentinel = plain.size == u64::from(u32::MAX) || plain.offset == u64::from(u32::MAX);
        let plain = if wide.is_some() {
            // A writer that forces zip64 repeats the numbers that fit; then both readings agree.
            let record_at = wide.as_ref().map_or(at, |wide| wide.directory_end);
            (!sentinel).then_some(Self { directory_end: record_at, ..plain })
        } else {
            Some(plain)
        };
        wide.into_iter().chain(plain).collect()
    }

    /// What the zip64 end record says, where a locator leads to one.
    fn wide(&self, bytes: &Bytes) -> Option<Self> {
        let locator = self.at.checked_sub(20)?;
        if !bytes.has(locator, b"PK\x06\x07") {
            return None;
        }
        let named = bytes.u64_le(locator.saturating_add(8)).ok()?;
        let before = locator.checked_sub(56);
        let at = [Some(named), before]
            .into_iter()
            .flatten()
            .find(|&at| at < locator && bytes.has(at, b"PK\x06\x06"))?;
        let number = |skip: u64| bytes.u64_le(at.saturating_add(skip)).ok();
        Some(Self {
            members: number(32)?,
            narrow: false,
            size: number(40)?,
            offset: number(48)?,
            directory_end: at,
            ..*self
        })
    }

    /// Where its directory may start, and the shift that goes with it: where the record says, as
    /// torch's reader takes it, and right before the record, as Python's does.
    pub(super) fn starts(&self, bytes: &Bytes) -> Vec<(u64, u64)> {
        let mut starts = vec![(self.offset, 0)];
        if let Some(before) = self.directory_end.checked_sub(self.size)
            && let Some(shift) = before.checked_sub(self.offset).filter(|&shift| shift > 0)
        {
            starts.push((before, shift));
        }
        starts.retain(|&(at, _)| {
            let empty = self.members == 0 && self.size == 0 && at <= self.at;
            empty || bytes.has(at, CENTRAL)
        });
        starts
    }
}

impl Directory {
    /// The headers from an offset on, as long as they follow one another. `visit` takes each.
    pub(super) fn read(
        bytes: &Bytes,
        (at, shift): (u64, u64),
        end_record: Option<EndRecord>,
        visit: &mut dyn FnMut(Central) -> Result<(), Refusal>,
    ) -> Result<Self, Refusal> {
        let mut directory = Self { at, end: at, members: 0, end_record, shift };
        while bytes.has(directory.end, CENTRAL) {
            let (central, end) = Central::read(bytes, directory.end, shift)?;
            directory.end = end;
            directory.members = directory.members.saturating_add(1);
            visit(central)?;
        }
        Ok(directory)
    }

    /// The bytes it takes.
    pub fn range(&self) -> Range<u64> {
        self.at..self.end
    }
}

/// Offsets of the end records in the last bytes of a file, the last one first.
pub(super) fn end_records(bytes: &Bytes) -> Result<Vec<u64>, Refusal> {
    let from = bytes.len().saturating_sub(REACH);
    let tail = bytes.take(from, bytes.len().saturating_sub(from))?;
    // Searching forward is many times faster, and most bytes hold no record at all.
    let found = memmem::find_iter(&tail, END).collect::<Vec<_>>();
    let found = found.into_iter().rev().take(MOST_END_RECORDS);
    Ok(found.map(|at| from.saturating_add(at as u64)).collect())
}

pub(super) const END: &[u8] = b"PK\x05\x06";

/// How far from the end loaders look: the record and the longest comment.
const REACH: u64 = 22 + 65535;

/// A comment may be made of end records alone.
const MOST_END_RECORDS: usize = 64;
