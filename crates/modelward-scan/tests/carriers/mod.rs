//! Containers that a pickle may lie in, written as common tools write them.
//!
//! Source: APPNOTE 6.3.10; POSIX ustar; RFC 1950 to 1952; the xz format 1.2.1; RFC 8878; the LZ4
//! frame format 1.6; `numpy/lib/format.py`.

#![allow(dead_code, reason = "each test uses what it needs")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test"
)]

use std::io::Read;

pub(crate) mod zip;

pub(crate) use zip::zip;

/// What a file or a member may be called.
pub(crate) const NAMES: [&str; 14] = [
    "model.pkl",
    "pytorch_model.bin",
    "model.pt",
    "model.joblib",
    "model.safetensors",
    "model.gguf",
    "model.onnx",
    "config.json",
    "picture.png",
    "README.md",
    "weights.npy",
    "archive.zip",
    "nothing",
    "модель.h5",
];

/// Bytes within one container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Raw,
    ZipStored,
    ZipDeflated,
    /// As `torch.save` writes it, with the pickle under its name.
    Torch,
    Tar,
    Gzip,
    Bzip2,
    Xz,
    Zlib,
    Zstd,
    Lz4,
    /// The data of an array of objects.
    Npy,
    /// A constant of another pickle: as it is, in base64, in hexadecimal digits.
    Constant,
    ConstantBase64,
    ConstantHexadecimal,
    /// Behind another pickle.
    Behind,
}

impl Carrier {
    pub(crate) const ALL: [Self; 16] = [
        Self::Raw,
        Self::ZipStored,
        Self::ZipDeflated,
        Self::Torch,
        Self::Tar,
        Self::Gzip,
        Self::Bzip2,
        Self::Xz,
        Self::Zlib,
        Self::Zstd,
        Self::Lz4,
        Self::Npy,
        Self::Constant,
        Self::ConstantBase64,
        Self::ConstantHexadecimal,
        Self::Behind,
    ];

    /// Whether it carries these bytes in such a way that a loader would find them.
    pub(crate) fn takes(self, bytes: &[u8]) -> bool {
        let pickle = Asset::of(bytes) == Asset::Pickle;
        match self {
            Self::Torch | Self::Npy | Self::Behind => pickle || Asset::of(bytes) == Asset::Old,
            // Only what begins like a file is looked for in a constant.
            Self::Constant | Self::ConstantBase64 | Self::ConstantHexadecimal => {
                pickle || Asset::of(bytes) == Asset::Container
            }
            _ => true,
        }
    }

    /// Whether an archive within may still be found from the end of the file: deflate too keeps
    /// what it cannot make shorter.
    pub(crate) fn keeps_bytes(self) -> bool {
        use Carrier::{Constant, Gzip, Lz4, Tar, Xz, Zlib, Zstd};
        matches!(self, Xz | Zstd | Lz4 | Tar | Constant | Gzip | Zlib)
    }

    pub(crate) fn carry(self, bytes: &[u8], name: &str) -> Vec<u8> {
        match self {
            Self::Raw => bytes.to_vec(),
            Self::ZipStored => zip(&[zip::Member::new(name, bytes)]),
            Self::ZipDeflated => zip(&[zip::Member::deflated(name, bytes)]),
            Self::Torch => torch(bytes),
            Self::Tar => tar(&[(name, bytes)]),
            Self::Gzip => gzip(bytes),
            Self::Bzip2 => bzip2(bytes),
            Self::Xz => xz(bytes),
            Self::Zlib => miniz_oxide::deflate::compress_to_vec_zlib(bytes, 6),
            Self::Zstd => zstd(bytes),
            Self::Lz4 => lz4(bytes),
            Self::Npy => npy(bytes),
            Self::Constant => constant(b'B', bytes),
            Self::ConstantBase64 => constant(b'X', &base64(bytes)),
            Self::ConstantHexadecimal => constant(b'X', &hexadecimal(bytes)),
            Self::Behind => [b"\x80\x04}\x94.", bytes].concat(),
        }
    }
}

/// What bytes of our own are.
#[derive(PartialEq)]
enum Asset {
    /// A pickle with its mark.
    Pickle,
    /// A pickle without one, or a tar.
    Old,
    Container,
    Tar,
}

impl Asset {
    fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0x80, 2..=5, ..] => Self::Pickle,
            [b'P', b'K', ..]
            | [0x1f, 0x8b, ..]
            | [b'B', b'Z', b'h', ..]
            | [0xfd, b'7', ..]
            | [0x28, 0xb5, ..]
            | [0x93, b'N', ..]
            | [0x78, 0x9c, ..] => Self::Container,
            [4, 0x22, ..] => Self::Tar,
            _ if bytes.len() > 512 && &bytes[257..262] == b"ustar" => Self::Tar,
            _ => Self::Old,
        }
    }
}

/// As `torch.save` writes since 1.6, with one storage of 16 bytes.
pub(crate) fn torch(pickle: &[u8]) -> Vec<u8> {
    zip(&[
        zip::Member::new("archive/data.pkl", pickle),
        zip::Member::new("archive/byteorder", b"little"),
        zip::Member::new("archive/data/0", &[0; 16]),
        zip::Member::new("archive/version", b"3\n"),
    ])
}

pub(crate) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in members {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = b'0';
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

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
    out.extend(miniz_oxide::deflate::compress_to_vec(bytes, 6));
    out.extend(crc32fast::hash(bytes).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = bzip2::read::BzEncoder::new(bytes, bzip2::Compression::fast());
    encoder.read_to_end(&mut out).unwrap();
    out
}

/// The xz format with the data as they are.
pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let summed = |bytes: &[u8]| [bytes, &crc32fast::hash(bytes).to_le_bytes()].concat();
    let padded = |mut bytes: Vec<u8>| {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let header = summed(&[2, 0, 0x21, 1, 0x10, 0, 0, 0]);
    let mut data = Vec::new();
    for (index, chunk) in bytes.chunks(1 << 16).enumerate() {
        data.push(if index == 0 { 1 } else { 2 });
        data.extend(((chunk.len() - 1) as u16).to_be_bytes());
        data.extend(chunk);
    }
    data.push(0);
    let size = header.len() + data.len() + 4;
    let index = [vec![0, 1], number(size), number(bytes.len())].concat();
    let index = summed(&padded(index));
    let footer = [&((index.len() / 4 - 1) as u32).to_le_bytes()[..], &[0, 1]].concat();
    [
        b"\xfd7zXZ\0".to_vec(),
        summed(&[0, 1]),
        header,
        padded(data),
        crc32fast::hash(bytes).to_le_bytes().to_vec(),
        index,
        crc32fast::hash(&footer).to_le_bytes().to_vec(),
        footer,
        b"YZ".to_vec(),
    ]
    .concat()
}

/// A number in groups of seven bits.
fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A Zstandard frame of raw blocks.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\x28\xb5\x2f\xfd\xa0".to_vec();
    out.extend((bytes.len() as u32).to_le_bytes());
    let chunks = bytes.chunks(1 << 16).collect::<Vec<_>>();
    for (index, chunk) in chunks.iter().enumerate() {
        let last = u32::from(index + 1 == chunks.len());
        out.extend(&((chunk.len() as u32) << 3 | last).to_le_bytes()[..3]);
        out.extend(*chunk);
    }
    out
}

/// An LZ4 frame of blocks that are not compressed.
pub(crate) fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\x04\x22\x4d\x18\x60\x40\x82".to_vec();
    for chunk in bytes.chunks(1 << 16) {
        out.extend((chunk.len() as u32 | 1 << 31).to_le_bytes());
        out.extend(chunk);
    }
    out.extend([0; 4]);
    out
}

/// An array of one object.
pub(crate) fn npy(pickle: &[u8]) -> Vec<u8> {
    let mut header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".to_vec();
    header.resize((header.len() + 11).next_multiple_of(64) - 11, b' ');
    header.push(b'\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], &header, pickle].concat()
}

/// A pickle of a dict that holds a constant.
fn constant(opcode: u8, bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u32).to_le_bytes();
    [b"\x80\x03}X\x04\0\0\0name", &[opcode][..], &length, bytes, b"s."].concat()
}

pub(crate) fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for chunk in bytes.chunks(3) {
        let three = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for digit in 0..4 {
            let shifted = (bits >> (18 - 6 * digit)) & 63;
            out.push(if digit > chunk.len() { b'=' } else { DIGITS[shifted as usize] });
        }
    }
    out
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}
