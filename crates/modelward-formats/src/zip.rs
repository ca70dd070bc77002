//! Zip archives (APPNOTE 6.3.10), in both views.
//!
//! Everything that a member's two headers say is kept, so that checks can compare it; what can be
//! had of a member under either view is handed over, so that no loader sees more than we do.

use std::{
    any::Any,
    collections::HashMap,
    ops::{ControlFlow, Range},
    sync::{Arc, OnceLock, atomic::AtomicU64},
};

use crate::{
    Asset, Budget, Bytes, Expects, Format, Gap, Part, Refusal,
    listing::{Fork, Kind, Listed, Listing},
};

mod content;
mod directory;
mod header;
mod kind;
mod survey;

pub use self::{
    content::View,
    directory::{Directory, EndRecord},
    header::{
        Central, DESCRIPTOR, Descriptor, ENCRYPTED, Header, Local, MASKED, PATCH, STRONG_ENCRYPTION,
    },
};
use self::{directory::end_records, header::LOCAL, survey::Survey};

pub(crate) const FORMAT: Format = Format { name: "zip", read };

/// A zip archive.
#[derive(Debug)]
pub struct Archive {
    /// The members of all views: those that a directory names in its order, then the others.
    pub members: Vec<Member>,
    /// The central directories. More than one means that loaders differ in what they see.
    pub directories: Vec<Directory>,
    /// Offsets of end records that lead to no directory.
    pub stray_ends: Vec<u64>,
    refusals: Vec<Refusal>,
    bytes: Bytes,
    budget: Arc<Budget>,
    kind: &'static str,
    listing: Listing,
    leading: u64,
    trailing: Option<(u64, u64)>,
    /// Bytes that all members may give.
    allowance: u64,
    /// Bytes handed over of all members.
    handed: AtomicU64,
    /// Bytes whose checksum was computed.
    checked: AtomicU64,
    names: OnceLock<HashMap<Box<[u8]>, usize>>,
}

/// A member of a zip, in the views that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What the central directory says.
    pub central: Option<Central>,
    /// What the header before the data says.
    pub local: Option<Local>,
    /// Length of the data that was found where no header gives it.
    found: Option<u64>,
}

impl Archive {
    /// What the names of the members make of it: `pytorch-zip`, `npz`, `zip`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// How many bytes the whole file has.
    pub fn len(&self) -> u64 {
        self.bytes.len()
    }

    /// Whether it has none; never, since it was recognised.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The first member of this name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        let names = self.names.get_or_init(|| {
            let named = self.members.iter().enumerate().rev();
            named.map(|(at, member)| (member.name().into(), at)).collect()
        });
        self.members.get(*names.get(name.as_bytes())?)
    }

    /// The content of a member, under each view of it that gives other bytes.
    pub fn open(&self, member: &Member) -> Vec<View> {
        content::open(self, member)
    }

    /// The bytes of a member, where all loaders see the same.
    pub(crate) fn only_view(&self, member: &Member) -> Result<Bytes, Refusal> {
        let mut views = self.open(member).into_iter();
        match (views.next(), views.next()) {
            (Some(view), None) => view.bytes,
            (Some(_), Some(view)) => {
                let why = format!("member `{}` is other bytes {}", member.shown(), view.under);
                Err(Refusal::new(member.at(), Gap::Malformed, why))
            }
            (None, _) => Err(Refusal::truncated(
                member.at(),
                format!("expected content in member `{}`", member.shown()),
            )),
        }
    }

    /// Whether the content of a member has the checksum that its headers give; none where its
    /// bytes cannot be had.
    pub fn has_checksum(&self, member: &Member) -> Option<bool> {
        content::has_checksum(self, member)
    }

    /// Offsets at which a member starts within the data of another.
    pub fn overlaps(&self) -> Vec<u64> {
        let mut extents = self.members.iter().filter_map(Member::extent).collect::<Vec<_>>();
        extents.sort_unstable_by_key(|extent| (extent.start, extent.end));
        let mut reached = 0;
        let starts = extents.into_iter().filter_map(|extent| {
            let within = extent.start < reached;
            reached = reached.max(extent.end);
            within.then_some(extent.start)
        });
        starts.collect()
    }

    /// How many bytes the members claim to have together when they are unpacked.
    pub fn claimed(&self) -> u64 {
        let central = self.members.iter().filter_map(|member| member.central.as_ref());
        central.fold(0, |sum, central| sum.saturating_add(central.header.size))
    }

    /// What the members may give together: an archive that is made to grow gets a small share of
    /// what others get.
    fn allowance(&self) -> u64 {
        let ratio = self.budget.limits().ratio;
        let fair = self.bytes.len().saturating_mul(ratio).saturating_add(FREE);
        let bomb = self.claimed() > fair || !self.overlaps().is_empty();
        if bomb { self.bytes.len().saturating_add(FREE) } else { fair }
    }

    /// What could not be read of the archive itself.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// The checksum and sizes behind a member's data.
    pub fn descriptor(&self, member: &Member) -> Option<Descriptor> {
        let local = member.local.as_ref()?;
        if local.header.flags & DESCRIPTOR == 0 {
            return None;
        }
        let length = member.length()?;
        Descriptor::read(&self.bytes, local.data_at.checked_add(length)?, length)
    }

    /// What a member is expected to hold.
    pub fn expects(&self, member: &Member) -> Expects {
        kind::expects(self.kind, member.name())
    }
}

impl Member {
    /// The name: the directory's, which most loaders go by.
    pub fn name(&self) -> &[u8] {
        self.headers().next().map(|header| &*header.name).unwrap_or_default()
    }

    /// The name in words.
    pub fn shown(&self) -> String {
        crate::listing::shown(self.name())
    }

    /// Offset of the local header, or where the directory says it is.
    pub fn at(&self) -> u64 {
        let central = self.central.as_ref().map(|central| central.local_at);
        self.local.as_ref().map(|local| local.header.at).or(central).unwrap_or(0)
    }

    /// Its headers, the directory's first.
    pub fn headers(&self) -> impl Iterator<Item = &Header> {
        let central = self.central.as_ref().map(|central| &central.header);
        central.into_iter().chain(self.local.as_ref().map(|local| &local.header))
    }

    /// Names other than the first that some header gives.
    fn aliases(&self) -> Vec<Vec<u8>> {
        let unicode = self.headers().filter_map(|header| header.unicode_name.as_ref());
        let all = self.headers().map(|header| &header.name).chain(unicode);
        let mut aliases = all.map(|name| name.to_vec()).collect::<Vec<_>>();
        aliases.retain(|name| name != self.name());
        aliases.dedup();
        aliases
    }

    /// Whether all views say that it is encrypted: where one does not, a loader reads it.
    pub fn is_encrypted(&self) -> bool {
        let mask = ENCRYPTED | STRONG_ENCRYPTION | MASKED;
        self.headers().all(|header| header.flags & mask != 0)
    }

    /// Bytes of compressed data: the shorter where the views differ.
    pub fn length(&self) -> Option<u64> {
        let central = self.central.as_ref().map(|central| central.header.compressed);
        let local = self.local.as_ref().filter(|local| !local.deferred);
        let local = local.map(|local| local.header.compressed).or(self.found);
        match (central, local) {
            (Some(central), Some(local)) => Some(central.min(local)),
            (either, other) => either.or(other),
        }
    }

    /// What it takes of the archive, from its local header to the end of its data.
    pub fn extent(&self) -> Option<Range<u64>> {
        let local = self.local.as_ref()?;
        Some(local.header.at..local.data_at.saturating_add(self.length()?))
    }

    /// What unpacking makes of it: only Unix attributes say more than the name.
    fn kind(&self, target: impl FnOnce() -> Vec<u8>) -> Kind {
        let unix = self.central.as_ref().filter(|central| central.host == UNIX);
        match unix.map_or(0, |central| central.attributes >> 16) & 0o170_000 {
            0o120_000 => Kind::SymbolicLink(target()),
            0o010_000 => Kind::Special("a FIFO"),
            0o020_000 => Kind::Special("a character device"),
            0o060_000 => Kind::Special("a block device"),
            0o140_000 => Kind::Special("a socket"),
            _ if self.name().ends_with(b"/") => Kind::Folder,
            _ => Kind::File,
        }
    }
}

impl Asset for Archive {
    fn format(&self) -> &'static str {
        self.kind
    }

    fn gaps(&self) -> Vec<Refusal> {
        self.refusals.iter().cloned().chain(kind::unproven(self.kind)).collect()
    }

    fn facet(&self) -> Option<&dyn Asset> {
        Some(&self.listing)
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        for member in &self.members {
            let expects = self.expects(member);
            for View { under, bytes } in self.open(member) {
                let name = match under {
                    "" => member.shown(),
                    under => format!("{} ({under})", member.shown()),
                };
                if visit(Part { name, bytes, expects }).is_break() {
                    return;
                }
            }
            if self.is_exhausted() {
                // One gap stands for all the members that are left.
                break;
            }
        }
        let leading = self.bytes.slice(0, self.leading).ok().filter(|bytes| !bytes.is_empty());
        let trailing = self.trailing.map(|(at, _)| self.bytes.tail(at));
        for (name, bytes) in [("leading bytes", leading), ("trailing bytes", trailing)] {
            let Some(bytes) = bytes.map(Ok) else { continue };
            if visit(Part { name: name.into(), bytes, expects: Expects::Data }).is_break() {
                return;
            }
        }
    }
}

/// A loader may take bytes for a zip where they start with a member, or where an end record stands
/// near the end.
fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let starts = bytes.has(0, LOCAL) || bytes.has(0, SPANNED);
    let last_end = end_records(bytes).ok().and_then(|ends| ends.first().copied());
    // A zip that is the last member of a tar archive is read as that.
    let is_zip = starts || last_end.is_some_and(|end| !crate::tar::holds(bytes, end, budget));
    if !is_zip {
        return None;
    }
    let survey = Survey::of(bytes, budget);
    if survey.members.is_empty() && survey.directories.is_empty() && !bytes.has(0, LOCAL) {
        return None;
    }
    Some(Ok(Box::new(Archive::new(bytes, budget, survey))))
}

impl Archive {
    fn new(bytes: &Bytes, budget: &Arc<Budget>, survey: Survey) -> Self {
        let Survey { members, directories, mut refusals, stray_ends, covered } = survey;
        if !directories.iter().any(|directory| directory.end_record.is_some()) {
            let why = "expected an end of central directory record";
            refusals.push(Refusal::truncated(bytes.len(), why));
        }
        let names = members.iter().map(Member::name);
        let kind = kind::of(names);
        let mut archive = Self {
            members,
            directories,
            stray_ends,
            refusals,
            bytes: bytes.clone(),
            budget: budget.clone(),
            kind,
            listing: Listing::default(),
            leading: 0,
            trailing: None,
            allowance: 0,
            handed: AtomicU64::new(0),
            checked: AtomicU64::new(0),
            names: OnceLock::new(),
        };
        archive.allowance = archive.allowance();
        archive.measure(&covered);
        archive.listing = archive.list();
        archive
    }

    fn list(&self) -> Listing {
        // A pickle may hold a whole archive as bytes, which then has bytes on both sides; torch
        // itself stores tensors that way. Both readings are examined, and neither is a lie.
        let embedded = self.trailing.is_some() && self.bytes.has(0, &[0x80]);
        let (leading, trailing) = if embedded { (0, None) } else { (self.leading, self.trailing) };
        let members = self.members.iter().map(|member| Listed {
            at: member.at(),
            name: member.name().into(),
            aliases: member.aliases(),
            kind: member.kind(|| content::link_target(self, member)),
        });
        let members = members.collect();
        Listing { members, leading, trailing, forks: self.forks(), appendable: false }
    }

    /// Every directory but the one that most loaders find.
    fn forks(&self) -> Vec<Fork> {
        let others = self
            .directories
            .iter()
            .skip(1)
            .map(|directory| Fork { at: directory.at, what: "another central directory" });
        let strays = self
            .stray_ends
            .iter()
            .map(|&at| Fork { at, what: "an end of central directory record that leads nowhere" });
        others.chain(strays).collect()
    }

    /// Find what lies before and behind the archive.
    fn measure(&mut self, covered: &[Range<u64>]) {
        let first = covered.first().map_or(0, |range| range.start);
        self.leading = if first == 4 && self.bytes.has(0, SPANNED) { 0 } else { first };
        let ends = self.directories.iter().filter_map(|each| Some(each.end_record.as_ref()?.end));
        let end = ends.max().or(covered.last().map(|range| range.end)).unwrap_or(0);
        let end = crate::expand::skip_zeros(&self.bytes, end);
        let trailing = self.bytes.len().checked_sub(end).filter(|&more| more > 0);
        self.trailing = trailing.map(|more| (end, more));
    }
}

/// An archive among the readings of some bytes, for readers that look inside.
pub fn archive(asset: &dyn Asset) -> Option<&Archive> {
    (asset as &dyn Any).downcast_ref()
}

/// What the members of any archive may give together.
const FREE: u64 = 16 << 20;

/// The marker of an archive that was meant to span several disks (APPNOTE 8.5.4).
const SPANNED: &[u8] = b"PK00PK\x03\x04";

/// The host system whose attributes are those of Unix files.
const UNIX: u8 = 3;
