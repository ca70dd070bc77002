//! The bytes of a zip's members, under every view that some loader takes.

use std::sync::atomic::Ordering::Relaxed;

use super::{Archive, Header, Member};
use crate::{
    Bytes, Gap, Refusal,
    expand::{Codec, expand},
};

/// One view of a member's content.
#[derive(Debug)]
pub struct View {
    /// How the view differs from the first one, in words; empty for the first.
    pub under: &'static str,
    /// Its bytes, or why they cannot be had.
    pub bytes: Result<Bytes, Refusal>,
}

/// Open a member in every way that its headers name and that gives other bytes.
pub(super) fn open(archive: &Archive, member: &Member) -> Vec<View> {
    let mut views: Vec<View> = Vec::new();
    if is_folder(member) {
        return views;
    }
    if member.local.is_none() {
        let why = "expected a local header where the central directory names one";
        let at = member.at().min(archive.bytes.len());
        return vec![View { under: "", bytes: Err(Refusal::truncated(at, why)) }];
    }
    if member.is_encrypted() && has_checksum(archive, member) != Some(true) {
        let why = "the member is encrypted";
        let bytes = Err(Refusal::new(member.at(), Gap::Encrypted, why));
        return vec![View { under: "", bytes }];
    }
    let ways = Way::all(member);
    let known = ways.iter().any(|way| way.codec(archive).is_ok());
    for way in ways {
        let codec = match way.codec(archive) {
            Ok(codec) => codec,
            Err(_) if known => continue,
            Err(refusal) => {
                views.push(View { under: way.under, bytes: Err(refusal) });
                continue;
            }
        };
        let mut expansion = archive.hand_over(member.at(), 0).map(|()| way.expand(archive, codec));
        if let Ok(Expansion { bytes: Ok(bytes), .. }) = &expansion
            && let Err(refusal) = archive.hand_over(member.at(), bytes.len())
        {
            expansion = Err(refusal);
        }
        let Expansion { bytes, slack, refusal } = expansion.unwrap_or_else(|refusal| Expansion {
            bytes: Err(refusal),
            slack: None,
            refusal: None,
        });
        views.push(View { under: way.under, bytes });
        if let Some(slack) = slack {
            views.push(View { under: "behind the stream", bytes: Ok(slack) });
        }
        if let Some(refusal) = refusal {
            views.push(View { under: way.under, bytes: Err(refusal) });
        }
    }
    views
}

/// Whether what the first way gives has the checksum of the first header that states one.
pub(super) fn has_checksum(archive: &Archive, member: &Member) -> Option<bool> {
    let crc = member.central.as_ref().map(|central| central.header.crc);
    let local = member.local.as_ref().filter(|local| !local.deferred);
    let crc = crc.or(local.map(|local| local.header.crc))?;
    let way = Way::all(member).into_iter().next()?;
    let codec = way.codec(archive).ok()?;
    if archive.checked.load(Relaxed) > MOST_CHECKED {
        return None;
    }
    let Expansion { bytes, refusal: None, .. } = way.expand(archive, codec) else { return None };
    let bytes = bytes.ok()?;
    archive.checked.fetch_add(bytes.len(), Relaxed);
    let mut digest = crc32fast::Hasher::new();
    let mut cursor = bytes.cursor();
    while cursor.left() > 0 {
        let window = cursor.peek(1).ok()?;
        digest.update(window);
        let read = window.len() as u64;
        cursor.skip(read).ok()?;
    }
    Some(digest.finalize() == crc)
}

/// Where a symbolic link leads.
pub(super) fn link_target(archive: &Archive, member: &Member) -> Vec<u8> {
    let view = open(archive, member).into_iter().find_map(|view| view.bytes.ok());
    view.and_then(|bytes| bytes.head(4096).ok()).unwrap_or_default()
}

/// A way to get at the content: a method and a length, as some header states them.
struct Way<'a> {
    under: &'static str,
    header: &'a Header,
    data_at: u64,
    compressed: u64,
}

struct Expansion {
    bytes: Result<Bytes, Refusal>,
    /// Data behind the end of the compressed stream.
    slack: Option<Bytes>,
    /// Why the content ends early.
    refusal: Option<Refusal>,
}

impl<'a> Way<'a> {
    /// The ways that differ, the central directory's first.
    fn all(member: &'a Member) -> Vec<Self> {
        let Some(local) = &member.local else { return Vec::new() };
        let data_at = local.data_at;
        let central = member.central.as_ref().map(|central| {
            let (header, compressed) = (&central.header, central.header.compressed);
            Self { under: "", header, data_at, compressed }
        });
        let length = if local.deferred { member.length() } else { Some(local.header.compressed) };
        let local = length.map(|compressed| {
            let under = if central.is_some() { "as its local header says" } else { "" };
            Self { under, header: &local.header, data_at, compressed }
        });
        let same = |way: &Self| {
            let central = central.as_ref();
            central.is_some_and(|central| {
                (central.header.method, central.compressed) == (way.header.method, way.compressed)
            })
        };
        let local = local.filter(|way| !same(way));
        central.into_iter().chain(local).collect()
    }

    /// The codec of the method; none where the data is stored.
    fn codec(&self, archive: &Archive) -> Result<Option<Codec>, Refusal> {
        Ok(Some(match self.header.method {
            0 => return Ok(None),
            8 => Codec::Deflate,
            9 => Codec::Deflate64,
            12 => Codec::Bzip2,
            14 => self.lzma(archive)?,
            20 | 93 => Codec::Zstd,
            95 => Codec::Xz,
            99 => {
                let why = "the member is encrypted with AES";
                return Err(Refusal::new(self.header.at, Gap::Encrypted, why));
            }
            method => {
                let why = format!("compression method {method}");
                return Err(Refusal::new(self.header.at, Gap::Unsupported, why));
            }
        }))
    }

    /// LZMA has a head of its own (APPNOTE 5.8.8).
    fn lzma(&self, archive: &Archive) -> Result<Codec, Refusal> {
        let [_, _, 5, 0, properties, a, b, c, d] =
            archive.bytes.array::<LZMA_HEAD>(self.data_at)?
        else {
            let why = "expected five bytes of LZMA properties";
            return Err(Refusal::truncated(self.data_at, why));
        };
        let dictionary = u32::from_le_bytes([a, b, c, d]);
        let marked = self.header.flags & END_MARKER != 0 || self.header.size == 0;
        let length = if marked { u64::MAX } else { self.header.size };
        Ok(Codec::Lzma { properties, dictionary, length })
    }

    fn expand(&self, archive: &Archive, codec: Option<Codec>) -> Expansion {
        let left = archive.bytes.len().saturating_sub(self.data_at);
        let short = self.compressed > left;
        let data = match archive.bytes.slice(self.data_at, self.compressed.min(left)) {
            Ok(data) => data,
            Err(refusal) => return Expansion { bytes: Err(refusal), slack: None, refusal: None },
        };
        let cut = short.then(|| {
            let why = format!("expected {} bytes of data, {left} are left", self.compressed);
            Refusal::new(self.data_at, Gap::OversizedLength, why)
        });
        let Some(codec) = codec else {
            return Expansion { bytes: Ok(data), slack: None, refusal: cut };
        };
        let data =
            if matches!(codec, Codec::Lzma { .. }) { data.tail(LZMA_HEAD as u64) } else { data };
        let expanded = expand(&data, codec, &archive.budget);
        let slack = expanded.end.map(|end| data.tail(end)).filter(|slack| !slack.is_empty());
        let refusal = expanded
            .refusal
            .map(|refusal| Refusal { at: self.data_at.saturating_add(refusal.at), ..refusal });
        Expansion { bytes: Ok(expanded.bytes), slack, refusal: refusal.or(cut) }
    }
}

impl Archive {
    /// Count what the members give: many small or overlapping ones must not add up to more than
    /// the archive may grow to.
    fn hand_over(&self, at: u64, bytes: u64) -> Result<(), Refusal> {
        self.handed.fetch_add(bytes, Relaxed);
        if self.is_exhausted() {
            let why = "the members together grow beyond what the archive may grow to";
            return Err(Refusal::new(at, Gap::HighExpansionRatio, why));
        }
        self.budget.tick(at)
    }

    /// Whether the members gave more than they may.
    pub(super) fn is_exhausted(&self) -> bool {
        self.handed.load(Relaxed) > self.allowance
    }
}

/// Python and torch pass folders over; what such a name hides with content is opened.
fn is_folder(member: &Member) -> bool {
    member.name().ends_with(b"/") && member.headers().all(|header| header.compressed == 0)
}

/// Two bytes of version, two of length, five of properties.
const LZMA_HEAD: usize = 9;

/// Flag bit 1 with LZMA: the stream marks its own end.
const END_MARKER: u16 = 1 << 1;

/// The most content of one archive whose checksums are computed: sizes may lie.
const MOST_CHECKED: u64 = 256 << 20;
