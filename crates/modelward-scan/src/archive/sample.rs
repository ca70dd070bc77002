//! Small archives for the samples of checks, written field by field so that each can be wrong.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the samples are small and ours"
)]

use modelward_formats::zip::DESCRIPTOR;

/// A zip member, stored. The two headers start equal; a sample then makes one of them lie.
#[derive(Clone)]
pub(crate) struct ZipMember {
    pub(super) content: Vec<u8>,
    pub(super) local: Fields,
    pub(super) central: Option<Fields>,
    /// Whether the directory leads to a place of its own.
    pub(super) offset: Option<u32>,
    /// Whether a descriptor follows the data.
    pub(super) described: bool,
}

/// What both headers of a zip member state.
#[derive(Clone)]
pub(super) struct Fields {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) compressed: u32,
    pub(super) size: u32,
    pub(super) attributes: u32,
}

impl ZipMember {
    pub(crate) fn new(name: &str, content: &[u8]) -> Self {
        let size = content.len() as u32;
        let fields = Fields {
            name: name.into(),
            flags: 0,
            method: 0,
            crc: crc(content),
            compressed: size,
            size,
            attributes: 0o100_644 << 16,
        };
        let central = Some(fields.clone());
        let content = content.to_vec();
        Self { content, local: fields, central, offset: None, described: false }
    }

    /// As a writer that cannot seek writes it: checksum and sizes behind the data.
    pub(super) fn streamed(name: &str, content: &[u8]) -> Self {
        let mut member = Self::new(name, content);
        (member.local.crc, member.local.compressed, member.local.size) = (0, 0, 0);
        member.described = true;
        member.both(|fields| fields.flags |= DESCRIPTOR);
        member
    }

    pub(super) fn both(&mut self, change: impl Fn(&mut Fields)) {
        change(&mut self.local);
        self.central.as_mut().into_iter().for_each(change);
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn directory(&mut self) -> &mut Fields {
        self.central.as_mut().unwrap()
    }
}

/// A zip archive of these members.
pub(crate) fn zip(members: &[ZipMember]) -> Vec<u8> {
    let (mut bytes, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u16);
    for member in members {
        let at = bytes.len() as u32;
        bytes.extend(b"PK\x03\x04\x14\0");
        bytes.extend(fields(&member.local));
        bytes.extend((member.local.name.len() as u16).to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(&member.local.name);
        bytes.extend(&member.content);
        if member.described {
            bytes.extend(b"PK\x07\x08");
            bytes.extend(crc(&member.content).to_le_bytes());
            bytes.extend((member.content.len() as u32).to_le_bytes().repeat(2));
        }
        if let Some(central) = &member.central {
            count += 1;
            directory.extend(b"PK\x01\x02\x14\x03\x14\0");
            directory.extend(fields(central));
            directory.extend((central.name.len() as u16).to_le_bytes());
            directory.extend([0; 8]);
            directory.extend(central.attributes.to_le_bytes());
            directory.extend(member.offset.unwrap_or(at).to_le_bytes());
            directory.extend(&central.name);
        }
    }
    let at = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes().repeat(2));
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

fn fields(fields: &Fields) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(fields.flags.to_le_bytes());
    bytes.extend(fields.method.to_le_bytes());
    bytes.extend([0, 0, 0x21, 0x50]);
    bytes.extend(fields.crc.to_le_bytes());
    bytes.extend(fields.compressed.to_le_bytes());
    bytes.extend(fields.size.to_le_bytes());
    bytes
}

/// A tar archive of headers and contents, with its end marker.
pub(super) fn tar(members: &[(u8, &str, &str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, name, target, content) in members {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = *kind;
        header[157..157 + target.len()].copy_from_slice(target.as_bytes());
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum = header.iter().map(|&byte| u32::from(byte)).sum::<u32>();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        bytes.extend(header);
        bytes.extend(*content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// Archives that common tools wrote: no check of archives may speak on any of them.
pub(super) fn ordinary() -> Vec<Vec<u8>> {
    let text = b"the quick brown fox";
    let mut torch =
        ["m/data.pkl", "m/data/0", "m/version"].map(|name| ZipMember::streamed(name, text));
    torch.iter_mut().for_each(|member| member.both(|fields| fields.flags = 0x808));
    let mut all = vec![
        zip(&[ZipMember::new("model/text", text), ZipMember::streamed("model/more", text)]),
        zip(&[ZipMember::new("inner.zip", &zip(&[ZipMember::new("text", text)]))]),
        zip(&torch),
        zip(&[]),
        tar(&[(b'5', "model/", "", b""), (b'0', "model/text", "", text)]),
        tar(&[(b'0', "a", "", text), (b'2', "b", "a", b""), (b'1', "c", "a", b"")]),
        tar(&[(b'0', "inner.zip", "", &zip(&[ZipMember::new("text", text)]))]),
    ];
    all.extend(FIXTURES.iter().map(|bytes| bytes.to_vec()));
    all
}

fn crc(content: &[u8]) -> u32 {
    content.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    }) ^ !0
}

macro_rules! fixtures {
    ($($name:literal),* $(,)?) => {
        &[$(include_bytes!(concat!("../../../modelward-formats/tests/fixtures/", $name))),*]
    };
}

const FIXTURES: &[&[u8]] = fixtures![
    "compressed/tool.gz",
    "compressed/twice.gz",
    "compressed/named.gz",
    "compressed/tool.bz2",
    "compressed/twice.bz2",
    "compressed/tool.xz",
    "compressed/twice.xz",
    "compressed/filtered.xz",
    "compressed/tool.lzma",
    "compressed/tool.zst",
    "compressed/tool.lz4",
    "compressed/linked.lz4",
    "compressed/python.zlib",
    "zip/stored.zip",
    "zip/deflated.zip",
    "zip/bzip2.zip",
    "zip/lzma.zip",
    "zip/streamed.zip",
    "zip/zip64.zip",
    "zip/nested.zip",
    "zip/infozip.zip",
    "zip/infozip-stream.zip",
    "zip/empty.zip",
    "7z/lzma2.7z",
    "7z/lzma-bcj.7z",
    "7z/copy.7z",
    "tar/python-ustar.tar.gz",
    "tar/python-gnu.tar.gz",
    "tar/python-pax.tar.gz",
    "tar/gnutar-gnu.tar.gz",
    "tar/gnutar-oldgnu.tar.gz",
    "tar/gnutar-pax.tar.gz",
    "tar/gnutar-v7.tar.gz",
];
