//! The union of what the central directories and the local headers of a zip say.
//!
//! Loaders disagree on which of the two they trust, so neither is: directories are read from the
//! end, and whatever no directory accounts for is searched for headers from the start.

use std::{collections::HashMap, ops::Range, sync::Arc};

use memchr::memmem;

use super::{
    Member,
    directory::{Directory, END, EndRecord, end_records},
    header::{CENTRAL, Central, DESCRIPTOR_MAGIC, Descriptor, LOCAL, Local},
};
use crate::{Budget, Bytes, Cursor, Gap, Refusal};

/// Everything that was found in a zip.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) members: Vec<Member>,
    pub(super) directories: Vec<Directory>,
    pub(super) refusals: Vec<Refusal>,
    /// End records that lead to no directory.
    pub(super) stray_ends: Vec<u64>,
    /// What the records and the data take, in order, without overlaps.
    pub(super) covered: Vec<Range<u64>>,
}

impl Survey {
    /// Read both views of an archive. What stops one view is a refusal and does not stop the
    /// other.
    pub(super) fn of(bytes: &Bytes, budget: &Arc<Budget>) -> Self {
        let mut surveyor =
            Surveyor { bytes, budget, by_local: HashMap::new(), memory: 0, found: Self::default() };
        let run = surveyor.read_from_end().and_then(|()| surveyor.read_from_start());
        if let Err(refusal) = run {
            surveyor.found.refusals.push(refusal);
        }
        surveyor.found
    }
}

struct Surveyor<'a> {
    bytes: &'a Bytes,
    budget: &'a Arc<Budget>,
    /// Members without a central header, by the offset of their local header.
    by_local: HashMap<u64, usize>,
    memory: u64,
    found: Survey,
}

impl Surveyor<'_> {
    fn read_from_end(&mut self) -> Result<(), Refusal> {
        for at in end_records(self.bytes)? {
            // An archive that is a stored member of this one has its own end record.
            if self.extents().any(|extent| extent.contains(&at)) {
                continue;
            }
            self.end_record(at)?;
        }
        Ok(())
    }

    /// Read the directories that an end record leads to.
    fn end_record(&mut self, at: u64) -> Result<(), Refusal> {
        let before = self.found.directories.len();
        let readings = EndRecord::read(self.bytes, at);
        // One that is cut short was meant to be the only one: that is a gap, not a second one.
        let whole = !readings.is_empty();
        for end in readings {
            for start in end.starts(self.bytes) {
                self.directory(start, Some(end.clone()))?;
            }
        }
        let known =
            |directory: &Directory| directory.end_record.as_ref().is_some_and(|end| end.at == at);
        let leads_nowhere =
            self.found.directories.len() == before && !self.found.directories.iter().any(known);
        if leads_nowhere
            && whole
            && !self.found.stray_ends.contains(&at)
            && self.found.stray_ends.len() < MOST_DIRECTORIES
        {
            self.found.stray_ends.push(at);
        }
        Ok(())
    }

    fn directory(
        &mut self,
        start: (u64, u64),
        end_record: Option<EndRecord>,
    ) -> Result<(), Refusal> {
        let read = |each: &Directory| (each.at, each.shift) == start && each.members > 0;
        if let Some(known) = self.found.directories.iter_mut().find(|each| read(each)) {
            known.end_record = known.end_record.take().or(end_record);
            return Ok(());
        }
        if self.found.directories.len() >= MOST_DIRECTORIES {
            let why = format!("more than {MOST_DIRECTORIES} central directories");
            return Err(Refusal::new(start.0, Gap::ManyMembers, why));
        }
        let bytes = self.bytes;
        let directory =
            Directory::read(bytes, start, end_record, &mut |central| self.central(central));
        match directory {
            Ok(directory) => self.found.directories.push(directory),
            Err(refusal) if is_limit(&refusal) => return Err(refusal),
            Err(refusal) => self.found.refusals.push(refusal),
        }
        Ok(())
    }

    fn central(&mut self, central: Central) -> Result<(), Refusal> {
        if let Some(member) =
            self.by_local.remove(&central.local_at).and_then(|at| self.found.members.get_mut(at))
        {
            member.central = Some(central);
            return Ok(());
        }
        // A local header that cannot be read is told when the member is opened.
        let local = Local::read(self.bytes, central.local_at).ok();
        self.push(Member { central: Some(central), local, found: None })
    }

    fn push(&mut self, member: Member) -> Result<(), Refusal> {
        let at = member.at();
        self.budget.member(at)?;
        let names = member.headers().map(|header| header.name.len() as u64).sum::<u64>();
        self.memory = self.memory.saturating_add(MEMBER).saturating_add(names.saturating_mul(2));
        if self.memory > MOST_MEMORY {
            let why = format!("more than {} MiB of member headers", MOST_MEMORY >> 20);
            return Err(Refusal::new(at, Gap::ManyMembers, why));
        }
        if member.central.is_none() {
            self.by_local.insert(at, self.found.members.len());
        }
        self.found.members.push(member);
        Ok(())
    }

    /// Search what no directory accounts for.
    fn read_from_start(&mut self) -> Result<(), Refusal> {
        let mut known = self.extents().collect::<Vec<_>>();
        known.extend(self.found.directories.iter().map(Directory::range));
        let ends = self.found.directories.iter().filter_map(|each| each.end_record.as_ref());
        known.extend(ends.map(|end| end.directory_end..end.at.saturating_add(22)));
        let mut covered = merged(known);
        let mut at = 0;
        let mut more = Vec::new();
        for range in &covered {
            self.gap(at..range.start, &mut more)?;
            at = range.end;
        }
        self.gap(at..self.bytes.len(), &mut more)?;
        covered.append(&mut more);
        self.found.covered = merged(covered);
        Ok(())
    }

    /// Search a range for headers; what they take goes to `covered`.
    fn gap(&mut self, range: Range<u64>, covered: &mut Vec<Range<u64>>) -> Result<(), Refusal> {
        let mut cursor = self.bytes.cursor();
        cursor.seek(range.start);
        while let Some((at, signature)) = self.search(&mut cursor, range.end)? {
            let end = match signature {
                Signature::Local => self.local(at, range.end)?,
                Signature::Central => self.orphans(at)?,
                Signature::End => {
                    self.end_record(at)?;
                    Some(at.saturating_add(22))
                }
                Signature::Other => None,
            };
            if let Some(end) = end {
                covered.push(at..end);
            }
            cursor.seek(end.unwrap_or(0).max(at.saturating_add(2)));
        }
        Ok(())
    }

    /// A local header that no directory names. Gives where its data ends.
    fn local(&mut self, at: u64, limit: u64) -> Result<Option<u64>, Refusal> {
        let Ok(local) = Local::read(self.bytes, at) else { return Ok(None) };
        if !is_plausible(&local) {
            return Ok(None);
        }
        let (start, header) = (local.data_at, &local.header);
        let length = if local.deferred {
            self.deferred(start, limit)?
        } else {
            header.compressed.min(self.bytes.len().saturating_sub(start))
        };
        let end = start.saturating_add(length);
        let found = local.deferred.then_some(length);
        self.push(Member { central: None, local: Some(local), found })?;
        Ok(Some(end))
    }

    /// How long the data is where its header does not say: up to a descriptor that fits, or to
    /// the next header.
    fn deferred(&self, start: u64, limit: u64) -> Result<u64, Refusal> {
        let mut cursor = self.bytes.cursor();
        cursor.seek(start);
        while let Some((at, signature)) = self.search(&mut cursor, limit)? {
            let length = at.saturating_sub(start);
            let ends = match signature {
                Signature::Local | Signature::Central => true,
                Signature::End => false,
                Signature::Other => {
                    self.bytes.has(at, DESCRIPTOR_MAGIC)
                        && Descriptor::read(self.bytes, at, length).is_some()
                }
            };
            if ends {
                return Ok(length);
            }
            cursor.seek(at.saturating_add(2));
        }
        Ok(limit.saturating_sub(start))
    }

    /// A run of central headers that no end record leads to.
    fn orphans(&mut self, at: u64) -> Result<Option<u64>, Refusal> {
        let known = self.found.directories.len();
        self.directory((at, self.orphans_shift(at)), None)?;
        let directory = self.found.directories.get(known..).and_then(|fresh| fresh.first());
        Ok(directory.map(|directory| directory.end).filter(|&end| end > at))
    }

    /// Offsets in a directory count from the start of its own archive, which may lie behind
    /// another.
    fn orphans_shift(&self, at: u64) -> u64 {
        let Ok((first, _)) = Central::read(self.bytes, at, 0) else { return 0 };
        if self.bytes.has(first.local_at, LOCAL) {
            return 0;
        }
        let locals = self.found.members.iter().filter(|member| member.central.is_none());
        let same =
            |member: &&Member| member.headers().all(|header| header.name == first.header.name);
        let found = locals.filter(same).map(Member::at).find(|&local| local >= first.local_at);
        found.map_or(0, |local| local.saturating_sub(first.local_at))
    }

    /// The next `PK` before `end`, and what it starts. The cursor is left there.
    fn search(
        &self,
        cursor: &mut Cursor<'_>,
        end: u64,
    ) -> Result<Option<(u64, Signature)>, Refusal> {
        while cursor.position() < end {
            let at = cursor.position();
            self.budget.tick(at)?;
            let window = cursor.peek(4)?;
            if window.len() < 4 {
                break;
            }
            let Some(skip) = memmem::find(window, b"PK") else {
                // The last byte may be the first half of a signature.
                let past = window.len().saturating_sub(1) as u64;
                cursor.seek(at.saturating_add(past));
                continue;
            };
            let at = at.saturating_add(skip as u64);
            cursor.seek(at);
            let signature = match cursor.peek(4)?.first_chunk::<4>() {
                Some(magic) if magic == LOCAL => Signature::Local,
                Some(magic) if magic == CENTRAL => Signature::Central,
                Some(magic) if magic == END => Signature::End,
                _ => Signature::Other,
            };
            return Ok((at < end).then_some((at, signature)));
        }
        Ok(None)
    }

    /// What each member takes that a directory names: the shorter of its views, so that what a
    /// loader finds behind that is searched too.
    fn extents(&self) -> impl Iterator<Item = Range<u64>> {
        self.found.members.iter().filter_map(Member::extent)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Signature {
    Local,
    Central,
    End,
    Other,
}

/// Whether bytes that start like a local header are one: they occur by chance in other data.
fn is_plausible(local: &Local) -> bool {
    let header = &local.header;
    !header.name.is_empty() && header.name.len() <= 4096 && !header.name.contains(&0)
}

fn is_limit(refusal: &Refusal) -> bool {
    matches!(refusal.gap, Gap::ManyMembers | Gap::LongReading | Gap::Unreadable)
}

/// Ranges in order, those that touch made one.
fn merged(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|range| range.start < range.end);
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// What a member costs beside its names, at the most.
const MEMBER: u64 = 448;

/// The most that the headers of one archive may take: about 80,000 members.
const MOST_MEMORY: u64 = 40 << 20;

/// The most directories that are read of one archive.
const MOST_DIRECTORIES: usize = 64;
