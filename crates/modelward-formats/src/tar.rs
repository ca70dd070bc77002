//! Tar archives: v7, ustar, GNU and pax (POSIX.1-2017, `pax`; GNU tar manual, "Basic Tar Format").

use std::{
    collections::{BTreeSet, HashSet},
    ops::ControlFlow,
    sync::Arc,
};

use crate::{
    Asset, Budget, Bytes, Expects, Format, Gap, Part, Refusal,
    listing::{Fork, Kind, Listed, Listing},
};

mod extended;
mod header;
mod sparse;

use self::{
    extended::Extended,
    header::{BLOCK, Header},
};

pub(crate) const FORMAT: Format = Format { name: "tar", read };

/// A checkpoint as torch 0.1 wrote it.
pub const CHECKPOINT: &str = "pytorch-tar";
/// A model of NVIDIA's NeMo: a configuration that is built by name, and a checkpoint.
pub const NEMO: &str = "nemo";

/// A tar archive.
#[derive(Debug)]
pub struct Archive {
    /// The members, in the order in which they were found.
    pub members: Vec<Member>,
    kind: &'static str,
    refusals: Vec<Refusal>,
    listing: Listing,
    bytes: Bytes,
}

/// A member of a tar archive.
#[derive(Debug)]
pub struct Member {
    /// Offset of its header.
    pub at: u64,
    /// The name, byte for byte, after any extended header.
    pub name: Vec<u8>,
    /// What unpacking makes of it.
    pub kind: Kind,
    /// Its content, or why it cannot be had.
    pub bytes: Result<Bytes, Refusal>,
    /// Where its data lies.
    extent: (u64, u64),
    /// Offset of the first header that speaks of it alone.
    from: u64,
}

impl Member {
    /// All that is its own: extended headers, header and data, to the end of the last block.
    pub fn place(&self) -> std::ops::Range<u64> {
        let (start, end) = self.extent;
        let length = end.saturating_sub(start).checked_next_multiple_of(BLOCK);
        self.from..start.saturating_add(length.unwrap_or(u64::MAX))
    }
}

impl Archive {
    /// What the names of the members make of it.
    fn named(&self) -> &'static str {
        let has = |name: &str| {
            self.members.iter().any(|member| {
                member.name.strip_prefix(b"./").unwrap_or(&member.name) == name.as_bytes()
            })
        };
        if has("pickle") && has("storages") && has("tensors") {
            CHECKPOINT
        } else if has("model_config.yaml") {
            NEMO
        } else {
            FORMAT.name
        }
    }

    /// What stopped reading, or was stepped over.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// The first member of this name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name.as_bytes())
    }
}

impl Asset for Archive {
    fn format(&self) -> &'static str {
        self.kind
    }

    fn gaps(&self) -> Vec<Refusal> {
        let unproven = (self.kind == NEMO).then(|| {
            let what = "a NeMo archive, whose configuration builds objects";
            Refusal::new(0, Gap::Unsupported, format!("{what}, is not judged by this version"))
        });
        self.refusals.iter().cloned().chain(unproven).collect()
    }

    fn facet(&self) -> Option<&dyn Asset> {
        Some(&self.listing)
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        for member in self.members.iter().filter(|member| member.kind == Kind::File) {
            let (name, bytes) = (crate::listing::shown(&member.name), member.bytes.clone());
            if visit(Part { name, bytes, expects: Expects::Anything }).is_break() {
                return;
            }
        }
        if let Some((at, _)) = self.listing.trailing {
            let bytes = Ok(self.bytes.tail(at));
            let _ = visit(Part { name: "trailing bytes".into(), bytes, expects: Expects::Data });
        }
    }
}

/// Read a tar archive; `None` where the bytes begin with no header of one.
pub fn archive(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Archive> {
    Header::read(bytes, 0)?;
    Some(walk(bytes, budget))
}

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    Some(Ok(Box::new(archive(bytes, budget)?)))
}

/// Whether bytes are a tar archive with a member that holds what lies at `at`.
pub(crate) fn holds(bytes: &Bytes, at: u64, budget: &Arc<Budget>) -> bool {
    Header::read(bytes, 0).is_some() && {
        let members = walk(bytes, budget).members;
        members.iter().any(|member| (member.extent.0..member.extent.1).contains(&at))
    }
}

fn walk(bytes: &Bytes, budget: &Arc<Budget>) -> Archive {
    let archive = Archive {
        members: Vec::new(),
        kind: FORMAT.name,
        refusals: Vec::new(),
        listing: Listing::default(),
        bytes: bytes.clone(),
    };
    let mut walk =
        Walk { bytes, budget, archive, memory: 0, seen: HashSet::new(), starts: BTreeSet::new() };
    walk.starts.insert(0);
    let mut end = 0;
    while let Some(at) = walk.starts.pop_first() {
        match walk.from(at) {
            Ok(reached) => end = end.max(reached),
            Err(refusal) => {
                walk.archive.refusals.push(refusal);
                break;
            }
        }
    }
    let mut archive = walk.archive;
    let end = crate::expand::skip_zeros(bytes, end);
    let behind = bytes.len().saturating_sub(end);
    // A block that is broken was refused; bytes behind the last one belong to no block.
    archive.listing.trailing = (behind > 0 && archive.refusals.is_empty()).then_some((end, behind));
    archive.listing.appendable = true;
    archive.kind = archive.named();
    archive.listing.members = archive.members.iter().map(listed).collect();
    archive
}

fn listed(member: &Member) -> Listed {
    let (name, kind) = (member.name.clone(), member.kind.clone());
    Listed { at: member.at, name, aliases: Vec::new(), kind }
}

struct Walk<'a> {
    bytes: &'a Bytes,
    budget: &'a Arc<Budget>,
    archive: Archive,
    memory: u64,
    /// Offsets of the headers that were read.
    seen: HashSet<u64>,
    /// Offsets at which reading is still to start.
    starts: BTreeSet<u64>,
}

impl Walk<'_> {
    /// Read members from an offset on. Gives where they end.
    fn from(&mut self, mut at: u64) -> Result<u64, Refusal> {
        let mut global = Extended::default();
        let mut extended = Extended::default();
        let mut from = None;
        while self.seen.insert(at) {
            self.budget.tick(at)?;
            let Some(header) = Header::read(self.bytes, at) else { return self.interrupted(at) };
            let data = at.saturating_add(BLOCK);
            let next = |size: u64| data.saturating_add(size.next_multiple_of(BLOCK));
            match header.kind {
                b'L' | b'K' | b'x' | b'X' | b'g' => {
                    let text = self.text(data, header.size)?;
                    if header.kind != b'g' {
                        from.get_or_insert(at);
                    }
                    match header.kind {
                        b'L' => extended.name = Some(until_zero(&text)),
                        b'K' => extended.link = Some(until_zero(&text)),
                        b'g' => global.read(&text),
                        _ => extended.read(&text),
                    }
                    at = next(header.size);
                }
                _ => {
                    let own = std::mem::take(&mut extended).over(&global);
                    let from = from.take().unwrap_or(at);
                    let size = self.member(&header, from, own)?;
                    at = next(size);
                }
            }
        }
        Ok(at)
    }

    /// Take in a member. Gives the size of its data as Python's reader sees it.
    fn member(&mut self, header: &Header, from: u64, own: Extended) -> Result<u64, Refusal> {
        let data = header.at.saturating_add(BLOCK);
        self.budget.member(header.at)?;
        let name = own.name.clone().unwrap_or_else(|| header.name.clone());
        let target = own.link.clone().unwrap_or_else(|| header.link.clone());
        self.memory = self.memory.saturating_add(MEMBER).saturating_add(
            (name.len() as u64).saturating_add(target.len() as u64).saturating_mul(2),
        );
        if self.memory > MOST_MEMORY {
            let why = format!("more than {} MiB of member headers", MOST_MEMORY >> 20);
            return Err(Refusal::new(header.at, Gap::ManyMembers, why));
        }
        let kind = match header.kind {
            b'1' => Kind::HardLink(target),
            b'2' => Kind::SymbolicLink(target),
            b'3' => Kind::Special("a character device"),
            b'4' => Kind::Special("a block device"),
            b'5' => Kind::Folder,
            b'6' => Kind::Special("a FIFO"),
            _ if name.ends_with(b"/") && header.size == 0 => Kind::Folder,
            _ => Kind::File,
        };
        let stated = own.size.unwrap_or(header.size);
        let holds_data = !matches!(header.kind, b'1'..=b'6');
        let size = if holds_data { stated } else { 0 };
        let (skip, bytes) = match header.kind {
            _ if !holds_data => (0, Ok(self.bytes.tail(self.bytes.len()))),
            b'S' => sparse::old(self.bytes, header.at, size, self.budget),
            _ => (0, sparse::modern(self.bytes.slice(data, size), &own, self.budget)),
        };
        let size = size.saturating_add(skip);
        // A pax header repeats the size, or gives one that the plain header has no room for.
        let overruled = own.size.is_some_and(|size| size != header.size && size < MOST_PLAIN);
        if overruled && self.archive.listing.forks.len() < MOST_FORKS {
            let what = "a pax header gives another size than the plain one";
            self.archive.listing.forks.push(Fork { at: header.at, what });
        }
        self.fork(
            data,
            header.size,
            size,
            "a header where the plain size leads, which a pax header overrules",
        );
        self.fork(data, stated, size, "a header behind the data of a link or folder");
        let name = own.sparse_name.unwrap_or(name);
        let extent = (data, data.saturating_add(size));
        self.archive.members.push(Member { at: header.at, name, kind, bytes, extent, from });
        Ok(size)
    }

    /// Where another size would lead to a header, another reader goes there.
    fn fork(&mut self, data: u64, other: u64, size: u64, what: &'static str) {
        let at = data.saturating_add(other.next_multiple_of(BLOCK));
        let leads_away = other.next_multiple_of(BLOCK) != size.next_multiple_of(BLOCK);
        if leads_away && !self.seen.contains(&at) && Header::read(self.bytes, at).is_some() {
            self.note(Fork { at, what });
        }
    }

    fn note(&mut self, fork: Fork) {
        if self.archive.listing.forks.len() < MOST_FORKS {
            self.starts.insert(fork.at);
            self.archive.listing.forks.push(fork);
        }
    }

    /// What is no header: the end marker, or a break. Members behind either are still read.
    fn interrupted(&mut self, at: u64) -> Result<u64, Refusal> {
        if at >= self.bytes.len() {
            // Python and GNU tar take an archive without an end marker.
            if at > self.bytes.len().next_multiple_of(BLOCK) {
                let why = "the last member reaches beyond the file";
                self.archive.refusals.push(Refusal::truncated(self.bytes.len(), why));
            }
            return Ok(at.min(self.bytes.len()));
        }
        let zero = self.bytes.array::<512>(at).is_ok_and(|block| block == [0; 512]);
        let mut next = at;
        if zero {
            let content = crate::expand::skip_zeros(self.bytes, at);
            next = content.saturating_sub(content.checked_rem(BLOCK).unwrap_or(0));
            if next < self.bytes.len() && Header::read(self.bytes, next).is_some() {
                self.note(Fork { at: next, what: "members behind the end marker" });
            }
            return Ok(at);
        }
        let why = "expected a tar header with a fitting checksum";
        self.archive.refusals.push(Refusal::truncated(at, why));
        while next < self.bytes.len() {
            self.budget.tick(next)?;
            next = next.saturating_add(BLOCK);
            if !self.seen.contains(&next) && Header::read(self.bytes, next).is_some() {
                self.note(Fork { at: next, what: "members behind a broken header" });
                break;
            }
        }
        Ok(at)
    }

    /// The text of an extended header.
    fn text(&self, at: u64, size: u64) -> Result<Vec<u8>, Refusal> {
        if size > MOST_TEXT {
            let why = format!("an extended header of {size} bytes");
            return Err(Refusal::new(at, Gap::LargeMemory, why));
        }
        self.bytes.take(at, size)
    }
}

fn until_zero(text: &[u8]) -> Vec<u8> {
    text.split(|&byte| byte == 0).next().unwrap_or_default().to_vec()
}

/// The longest extended header that is read; names have at most 4096 bytes on common systems.
const MOST_TEXT: u64 = 1 << 20;

/// Eleven octal digits: sizes from here on need a pax header.
const MOST_PLAIN: u64 = 1 << 33;

/// What a member costs beside its names.
const MEMBER: u64 = 384;

/// The most that the headers of one archive may take: about 100,000 members.
const MOST_MEMORY: u64 = 40 << 20;

/// The most places at which reading starts again.
const MOST_FORKS: usize = 256;
