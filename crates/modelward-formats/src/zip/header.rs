//! The two headers that each member of a zip has (APPNOTE 6.3.10, sections 4.3.7 and 4.3.12), and
//! the descriptor that may follow its data (4.3.9).

use crate::{Bytes, Refusal};

/// What both headers say about a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Offset of the header in the archive.
    pub at: u64,
    /// The name, byte for byte.
    pub name: Box<[u8]>,
    /// The name that an Info-ZIP Unicode path field puts in its place, where its checksum fits.
    pub unicode_name: Option<Box<[u8]>>,
    /// General purpose flags (4.4.4).
    pub flags: u16,
    /// Compression method (4.4.5).
    pub method: u16,
    /// CRC-32 of the content.
    pub crc: u32,
    /// Bytes of compressed data.
    pub compressed: u64,
    /// Bytes of content.
    pub size: u64,
}

/// A header in the central directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Central {
    /// What it shares with the local header.
    pub header: Header,
    /// Offset of the local header in the archive.
    pub local_at: u64,
    /// The system whose attributes these are (4.4.2): 3 for Unix.
    pub host: u8,
    /// File attributes (4.4.15).
    pub attributes: u32,
}

/// A header before the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// What it shares with the central header.
    pub header: Header,
    /// Offset of the data.
    pub data_at: u64,
    /// Whether the length of the data is left to the central header and a descriptor.
    pub deferred: bool,
}

/// Checksum and sizes behind the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// CRC-32 of the content.
    pub crc: u32,
    /// Bytes of compressed data.
    pub compressed: u64,
    /// Bytes of content.
    pub size: u64,
}

impl Header {
    /// The name in words.
    pub fn shown(&self) -> String {
        crate::listing::shown(&self.name)
    }
}

impl Central {
    /// The header at an offset, and where it ends. `shift` is what its offsets are to be moved by.
    pub(super) fn read(bytes: &Bytes, at: u64, shift: u64) -> Result<(Self, u64), Refusal> {
        let record = Record::read(bytes, at, 46, [28, 30, 32])?;
        if !record.is(CENTRAL) {
            return Err(Refusal::truncated(at, "expected a header of the central directory"));
        }
        let extra = Extra::read(&record.extra, &record.name);
        let mut wide = extra.wide();
        let size = wide.number(record.u32(24));
        let compressed = wide.number(record.u32(20));
        let offset = wide.number(record.u32(42));
        let [_, host] = record.array(4);
        let attributes = record.u32(38);
        let header = Header {
            at,
            flags: record.u16(8),
            method: record.u16(10),
            crc: record.u32(16),
            compressed,
            size,
            unicode_name: extra.unicode_name,
            name: record.name.into(),
        };
        let local_at = offset.saturating_add(shift);
        Ok((Self { header, local_at, host, attributes }, record.end))
    }
}

impl Local {
    /// The header at an offset.
    pub(super) fn read(bytes: &Bytes, at: u64) -> Result<Self, Refusal> {
        let record = Record::read(bytes, at, 30, [26, 28, 0])?;
        if !record.is(LOCAL) {
            return Err(Refusal::truncated(at, "expected a local header of a zip member"));
        }
        let extra = Extra::read(&record.extra, &record.name);
        let mut wide = extra.wide();
        let size = wide.number(record.u32(22));
        let compressed = wide.number(record.u32(18));
        let (flags, crc) = (record.u16(6), record.u32(14));
        // Each number may be left out on its own: Info-ZIP gives the size and not the length.
        let unknown = |number| number == 0 || number == u64::from(u32::MAX);
        let deferred = flags & DESCRIPTOR != 0 && unknown(compressed);
        let header = Header {
            at,
            flags,
            method: record.u16(8),
            crc,
            compressed,
            size,
            unicode_name: extra.unicode_name,
            name: record.name.into(),
        };
        Ok(Self { header, data_at: record.end, deferred })
    }
}

impl Descriptor {
    /// The descriptor at an offset that fits a data length: with or without a signature, with
    /// sizes of 32 or 64 bits.
    pub(super) fn read(bytes: &Bytes, at: u64, compressed: u64) -> Option<Self> {
        let signed = bytes.has(at, DESCRIPTOR_MAGIC);
        let at = if signed { at.saturating_add(4) } else { at };
        let [a, b, c, d, narrow @ ..] = bytes.array::<12>(at).ok()?;
        let crc = u32::from_le_bytes([a, b, c, d]);
        let [a, b, c, d, size @ ..] = narrow;
        if u64::from(u32::from_le_bytes([a, b, c, d])) == compressed {
            return Some(Self { crc, compressed, size: u32::from_le_bytes(size).into() });
        }
        let wide = at.saturating_add(4);
        if bytes.u64_le(wide).ok()? != compressed {
            return None;
        }
        Some(Self { crc, compressed, size: bytes.u64_le(wide.saturating_add(8)).ok()? })
    }
}

/// A record with a fixed head, a name, extra fields, and a comment.
struct Record {
    head: [u8; 46],
    name: Vec<u8>,
    extra: Vec<u8>,
    /// Where the record ends.
    end: u64,
}

impl Record {
    /// `lengths`: where in the head the lengths of name, extra fields and comment stand; 0: none.
    fn read(bytes: &Bytes, at: u64, fixed: usize, lengths: [usize; 3]) -> Result<Self, Refusal> {
        // One read brings in most headers whole.
        let mut window = [0; 320];
        let had = bytes.read_at(at, &mut window)?;
        let mut head = [0; 46];
        let (Some(to), Some(from), true) =
            (head.get_mut(..fixed), window.get(..fixed), had >= fixed)
        else {
            return Err(Refusal::truncated(at, format!("expected a zip header of {fixed} bytes")));
        };
        to.copy_from_slice(from);
        let record = Self { head, name: Vec::new(), extra: Vec::new(), end: 0 };
        let [name, extra, comment] =
            lengths.map(|at| if at == 0 { 0 } else { usize::from(record.u16(at)) });
        let body = name.saturating_add(extra);
        let ends = fixed.saturating_add(body);
        let mut variable = match window.get(fixed..ends) {
            Some(variable) if ends <= had => variable.to_vec(),
            _ => bytes.take(at.saturating_add(fixed as u64), body as u64)?,
        };
        let extra = variable.split_off(name.min(variable.len()));
        let end = at.saturating_add(ends as u64).saturating_add(comment as u64);
        if end > bytes.len() {
            return Err(Refusal::truncated(at, "a zip header reaches beyond the file"));
        }
        Ok(Self { name: variable, extra, end, ..record })
    }

    fn is(&self, magic: &[u8]) -> bool {
        self.head.starts_with(magic)
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.head.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }
}

/// The extra fields that change what a header says (4.5).
#[derive(Default)]
struct Extra {
    wide: Vec<u8>,
    unicode_name: Option<Box<[u8]>>,
}

impl Extra {
    fn read(mut fields: &[u8], name: &[u8]) -> Self {
        let mut extra = Self::default();
        while let Some(([a, b, c, d], rest)) = fields.split_first_chunk() {
            let length = usize::from(u16::from_le_bytes([*c, *d]));
            let Some((field, rest)) = rest.split_at_checked(length) else { break };
            match u16::from_le_bytes([*a, *b]) {
                1 if extra.wide.is_empty() => extra.wide = field.to_vec(),
                0x7075 => extra.unicode_name = unicode_name(field, name),
                _ => {}
            }
            fields = rest;
        }
        extra
    }

    fn wide(&self) -> Wide<'_> {
        Wide(&self.wide)
    }
}

/// The zip64 field: the numbers that did not fit, in a fixed order (4.5.3).
struct Wide<'a>(&'a [u8]);

impl Wide<'_> {
    fn number(&mut self, narrow: u32) -> u64 {
        if narrow != u32::MAX {
            return narrow.into();
        }
        let Some((number, rest)) = self.0.split_first_chunk() else { return narrow.into() };
        self.0 = rest;
        u64::from_le_bytes(*number)
    }
}

/// The name in an Info-ZIP Unicode path field (4.6.9), which holds for one name only.
fn unicode_name(field: &[u8], name: &[u8]) -> Option<Box<[u8]>> {
    let ([1, crc @ ..], unicode) = field.split_first_chunk::<5>()? else { return None };
    let fits = u32::from_le_bytes(*crc) == crc32fast::hash(name);
    (fits && unicode != name).then(|| unicode.into())
}

/// Flag bit 0: encrypted.
pub const ENCRYPTED: u16 = 1;

/// Flag bit 3: checksum and sizes follow the data.
pub const DESCRIPTOR: u16 = 1 << 3;

/// Flag bit 5: a patch to other data. No reader takes it.
pub const PATCH: u16 = 1 << 5;

/// Flag bit 6: strong encryption.
pub const STRONG_ENCRYPTION: u16 = 1 << 6;

/// Flag bit 13: masked headers.
pub const MASKED: u16 = 1 << 13;

pub(super) const LOCAL: &[u8] = b"PK\x03\x04";
pub(super) const CENTRAL: &[u8] = b"PK\x01\x02";
pub(super) const DESCRIPTOR_MAGIC: &[u8] = b"PK\x07\x08";
