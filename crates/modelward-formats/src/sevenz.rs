//! 7z archives (7zFormat.txt of the LZMA SDK 24): an own reader of the header, which allocates no
//! more than the header holds, over the decoders that all compressed streams share.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    Asset, Budget, Bytes, Expects, Format, Gap, Part, Refusal,
    listing::{Kind, Listed, Listing},
};

mod folder;
mod header;

use self::{
    folder::Folder,
    header::{File, Header, Parser, Streams},
};

pub(crate) const FORMAT: Format = Format { name: "7z", read };

/// A 7z archive.
#[derive(Debug)]
pub struct Archive {
    /// The members, in the archive's order.
    pub members: Vec<Member>,
    folders: Vec<Folder>,
    refusals: Vec<Refusal>,
    listing: Listing,
    bytes: Bytes,
    budget: Arc<Budget>,
    /// The folder that was decoded last: its members follow one another.
    recent: Mutex<Option<(usize, Bytes, Option<Refusal>)>>,
}

/// A member of a 7z archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name, as UTF-8.
    pub name: Vec<u8>,
    /// What unpacking makes of it.
    pub kind: Kind,
    /// Bytes of content.
    pub size: u64,
    /// The folder that holds the content, and where in it the content starts.
    place: Option<(usize, u64)>,
}

impl Archive {
    /// The first member of this name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name.as_bytes())
    }

    /// The content of a member, and why it ends early where it does.
    pub fn open(&self, member: &Member) -> (Result<Bytes, Refusal>, Option<Refusal>) {
        let Some((folder, at)) = member.place else { return (Ok(Bytes::from(Vec::new())), None) };
        let (content, broken) = match self.folder(folder) {
            Ok(content) => content,
            Err(refusal) => return (Err(refusal), None),
        };
        let left = content.len().saturating_sub(at);
        if let (true, Some(refusal)) = (left < member.size, &broken) {
            // What was decoded before the break is shown as far as it goes.
            let bytes = content.tail(at);
            let shown = if bytes.is_empty() { Err(refusal.clone()) } else { Ok(bytes) };
            let behind = shown.is_ok().then(|| refusal.clone());
            return (shown, behind);
        }
        (content.slice(at, member.size), None)
    }

    fn folder(&self, at: usize) -> Result<(Bytes, Option<Refusal>), Refusal> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((folder, content, broken)) = &*recent
            && *folder == at
        {
            return Ok((content.clone(), broken.clone()));
        }
        let folder = self.folders.get(at);
        let folder = folder.ok_or_else(|| Refusal::truncated(0, "a member without its data"))?;
        let (content, broken) = folder.decode(&self.bytes, &self.budget)?;
        *recent = Some((at, content.clone(), broken.clone()));
        Ok((content, broken))
    }
}

impl Asset for Archive {
    fn format(&self) -> &'static str {
        "7z"
    }

    fn gaps(&self) -> Vec<Refusal> {
        self.refusals.clone()
    }

    fn facet(&self) -> Option<&dyn Asset> {
        Some(&self.listing)
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        for member in self.members.iter().filter(|member| member.kind == Kind::File) {
            let name = || crate::listing::shown(&member.name);
            let (bytes, broken) = self.open(member);
            for bytes in std::iter::once(bytes).chain(broken.map(Err)) {
                if visit(Part { name: name(), bytes, expects: Expects::Anything }).is_break() {
                    return;
                }
            }
        }
        if let Some((at, _)) = self.listing.trailing {
            let bytes = Ok(self.bytes.tail(at));
            let _ = visit(Part { name: "trailing bytes".into(), bytes, expects: Expects::Data });
        }
    }
}

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    if !bytes.has(0, MAGIC) {
        return None;
    }
    Some(open(bytes, budget).map(|archive| Box::new(archive) as Box<dyn Asset>))
}

fn open(bytes: &Bytes, budget: &Arc<Budget>) -> Result<Archive, Refusal> {
    let [at, size] = [bytes.u64_le(12)?, bytes.u64_le(20)?];
    let mut refusals = Vec::new();
    if bytes.u32_le(8)? != crc32fast::hash(&bytes.take(12, 20)?) {
        refusals.push(Refusal::truncated(8, "the checksum of the start header does not match"));
    }
    let start = START.checked_add(at).ok_or_else(|| too_far(12))?;
    let end = start.checked_add(size).filter(|&end| end <= bytes.len());
    let end = end.ok_or_else(|| too_far(12))?;
    let mut header = bytes.take(start, bounded(start, size)?)?;
    if bytes.u32_le(28)? != crc32fast::hash(&header) {
        refusals.push(Refusal::truncated(start, "the checksum of the header does not match"));
    }
    let mut rounds = 0;
    let Header { streams, files } = loop {
        match Parser::new(&header, start).header()? {
            Ok(parsed) => break parsed,
            Err(encoded) if rounds < MOST_ROUNDS => {
                rounds = rounds.saturating_add(1);
                header = decoded(bytes, &encoded, start, budget)?;
            }
            Err(_) => {
                let why = "a header that is packed again and again";
                return Err(Refusal::new(start, Gap::DeepNesting, why));
            }
        }
    };
    let (bytes, budget) = (bytes.clone(), budget.clone());
    let Streams { folders, sizes } = streams;
    let mut archive = Archive {
        members: Vec::new(),
        folders,
        refusals,
        listing: Listing::default(),
        bytes,
        budget,
        recent: Mutex::new(None),
    };
    archive.place(files, &sizes, start)?;
    let behind = archive.bytes.len().saturating_sub(end);
    let end = crate::expand::skip_zeros(&archive.bytes, end);
    archive.listing.trailing = (end < archive.bytes.len()).then_some((end, behind));
    let listed = |member: &Member| Listed {
        at: start,
        name: member.name.clone(),
        aliases: Vec::new(),
        kind: member.kind.clone(),
    };
    archive.listing.members = archive.members.iter().map(listed).collect();
    Ok(archive)
}

/// The header that a packed header unpacks to.
fn decoded(
    bytes: &Bytes,
    streams: &Streams,
    at: u64,
    budget: &Arc<Budget>,
) -> Result<Vec<u8>, Refusal> {
    let folder = streams.folders.first();
    let folder = folder.ok_or_else(|| Refusal::truncated(at, "a packed header without data"))?;
    let (content, broken) = folder.decode(bytes, budget)?;
    match broken {
        Some(refusal) => Err(refusal),
        None => content.head(bounded(at, content.len())?),
    }
}

impl Archive {
    /// Give each file with content its place in the folders, in their order.
    fn place(&mut self, files: Vec<File>, sizes: &[Vec<u64>], at: u64) -> Result<(), Refusal> {
        let streams = sizes.iter().enumerate().flat_map(|(folder, sizes)| {
            let mut next = 0_u64;
            sizes.iter().map(move |&size| {
                let start = next;
                next = next.saturating_add(size);
                (folder, start, size)
            })
        });
        let mut streams = streams.fuse();
        for file in files {
            self.budget.member(at)?;
            let stream = if file.has_content { streams.next() } else { None };
            if file.has_content && stream.is_none() {
                return Err(Refusal::truncated(at, "a 7z member without its data"));
            }
            let size = stream.map_or(0, |(_, _, size)| size);
            let place = stream.map(|(folder, start, _)| (folder, start));
            let kind = if file.is_folder { Kind::Folder } else { Kind::File };
            let mode = file.unix_mode();
            let mut member = Member { name: file.name, kind, size, place };
            member.kind = match mode & 0o170_000 {
                0o120_000 => Kind::SymbolicLink(self.link_target(&member)),
                0o010_000 => Kind::Special("a FIFO"),
                0o020_000 => Kind::Special("a character device"),
                0o060_000 => Kind::Special("a block device"),
                0o140_000 => Kind::Special("a socket"),
                _ => member.kind,
            };
            self.members.push(member);
        }
        // Streams that no file claims are data all the same.
        for (number, (folder, start, size)) in streams.enumerate() {
            self.budget.member(at)?;
            let name = format!("unnamed stream {number}").into_bytes();
            self.members.push(Member {
                name,
                kind: Kind::File,
                size,
                place: Some((folder, start)),
            });
        }
        Ok(())
    }

    fn link_target(&self, member: &Member) -> Vec<u8> {
        let (bytes, _) = self.open(member);
        bytes.and_then(|bytes| bytes.head(4096)).unwrap_or_default()
    }
}

fn bounded(at: u64, size: u64) -> Result<u64, Refusal> {
    if size > MOST_HEADER {
        let why = format!("a 7z header of {size} bytes");
        return Err(Refusal::new(at, Gap::LargeMemory, why));
    }
    Ok(size)
}

fn too_far(at: u64) -> Refusal {
    Refusal::new(at, Gap::OversizedLength, "the header lies beyond the end of the file")
}

const MAGIC: &[u8] = b"7z\xbc\xaf\x27\x1c";

/// Where offsets count from: behind the start header.
const START: u64 = 32;

/// The largest header that is read: a million members take less.
const MOST_HEADER: u64 = 8 << 20;

/// How often a header may be packed in turn; 7-Zip packs it once.
const MOST_ROUNDS: usize = 3;
