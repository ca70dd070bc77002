//! How pages are compressed.
//!
//! Source: Apache Parquet 2.12, `Compression.md`.

use std::io::Read;

use crate::{Bytes, Gap, Refusal, expand};

/// How the pages of a column chunk are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Not at all.
    Plain,
    /// One block of Snappy, without frames.
    Snappy,
    /// Members of gzip (RFC 1952).
    Gzip,
    /// A stream of Brotli (RFC 7932).
    Brotli,
    /// Frames of Zstandard (RFC 8878).
    Zstd,
    /// One block of LZ4, without frames.
    Lz4Raw,
    /// LZ4 as Hadoop frames it, and as some writers did not.
    Lz4,
}

impl Codec {
    /// Unpack a page that gives exactly so many bytes, which the caller has bounded.
    ///
    /// # Errors
    /// Where the bytes are damaged, or give more or fewer.
    pub fn unpack(self, packed: Vec<u8>, length: usize) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Plain if packed.len() == length => Ok(packed),
            Self::Plain => Err(other_length(length, packed.len())),
            Self::Snappy => snappy(&packed, length),
            Self::Gzip => expand::exact(&packed.into(), expand::Codec::Gzip, length),
            Self::Zstd => expand::exact(&packed.into(), expand::Codec::Zstd, length),
            Self::Brotli => brotli(&packed, length),
            Self::Lz4Raw => block(&packed, length),
            Self::Lz4 => {
                if let Some(page) = hadoop(&packed, length) {
                    return Ok(page);
                }
                if packed.starts_with(&[4, 0x22, 0x4d, 0x18]) {
                    return expand::exact(&Bytes::from(packed), expand::Codec::Lz4, length);
                }
                block(&packed, length)
            }
        }
    }
}

fn other_length(expected: usize, got: usize) -> Refusal {
    let why = format!("expected a page of {expected} bytes, its compressed bytes give {got}");
    Refusal::new(0, Gap::Malformed, why)
}

fn damaged(what: &str) -> Refusal {
    Refusal::truncated(0, format!("a page of damaged {what}"))
}

fn snappy(packed: &[u8], length: usize) -> Result<Vec<u8>, Refusal> {
    let stated = snap::raw::decompress_len(packed).map_err(|_| damaged("Snappy"))?;
    if stated != length {
        return Err(other_length(length, stated));
    }
    let mut page = vec![0; length];
    let unpacked = snap::raw::Decoder::new().decompress(packed, &mut page);
    match unpacked {
        Ok(got) if got == length => Ok(page),
        Ok(got) => Err(other_length(length, got)),
        Err(_) => Err(damaged("Snappy")),
    }
}

fn brotli(packed: &[u8], length: usize) -> Result<Vec<u8>, Refusal> {
    let mut decoder = brotli_decompressor::Decompressor::new(packed, 4096);
    let mut page = vec![0; length];
    decoder.read_exact(&mut page).map_err(|_| damaged("Brotli"))?;
    match decoder.read(&mut [0]) {
        Ok(0) => Ok(page),
        Ok(_) => Err(other_length(length, length.saturating_add(1))),
        Err(_) => Err(damaged("Brotli")),
    }
}

fn block(packed: &[u8], length: usize) -> Result<Vec<u8>, Refusal> {
    let mut page = vec![0; length];
    match lz4_flex::block::decompress_into(packed, &mut page) {
        Ok(got) if got == length => Ok(page),
        Ok(got) => Err(other_length(length, got)),
        Err(_) => Err(damaged("LZ4")),
    }
}

/// Blocks behind their unpacked and their packed length, the highest byte first.
fn hadoop(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut page = vec![0; length];
    let (mut filled, mut rest) = (0_usize, packed);
    while !rest.is_empty() {
        let (unpacked, behind) = number(rest)?;
        let (taken, behind) = number(behind)?;
        let (block, behind) = behind.split_at_checked(taken)?;
        let end = filled.checked_add(unpacked)?;
        let into = page.get_mut(filled..end)?;
        if lz4_flex::block::decompress_into(block, into).ok()? != unpacked {
            return None;
        }
        (filled, rest) = (end, behind);
    }
    (filled == length).then_some(page)
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (four, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_be_bytes(*four)).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A page packed in each way that a crate at hand can write.
    fn packed(page: &[u8]) -> Vec<(Codec, Vec<u8>)> {
        let block = lz4_flex::block::compress(page);
        let length = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
        let framed = [&length(page.len())[..], &length(block.len()), &block].concat();
        let mut gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\0".to_vec();
        gzip.extend(miniz_oxide::deflate::compress_to_vec(page, 6));
        gzip.extend(crc32fast::hash(page).to_le_bytes());
        gzip.extend(u32::try_from(page.len()).unwrap().to_le_bytes());
        let zstd =
            ruzstd::encoding::compress_to_vec(page, ruzstd::encoding::CompressionLevel::Fastest);
        vec![
            (Codec::Plain, page.to_vec()),
            (Codec::Snappy, snap::raw::Encoder::new().compress_vec(page).unwrap()),
            (Codec::Gzip, gzip),
            (Codec::Zstd, zstd),
            (Codec::Lz4Raw, block.clone()),
            (Codec::Lz4, framed),
            (Codec::Lz4, block),
        ]
    }

    proptest! {
        #[test]
        fn a_page_unpacks_to_itself_and_to_no_other_length(page in prop::collection::vec(0_u8..4, 1..3000)) {
            for (codec, packed) in packed(&page) {
                let length = page.len();
                prop_assert_eq!(codec.unpack(packed.clone(), length), Ok(page.clone()), "{:?}", codec);
                for other in [length.saturating_sub(1), length.saturating_add(1)] {
                    prop_assert!(codec.unpack(packed.clone(), other).is_err(), "{:?}", codec);
                }
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), length in 0_usize..5000) {
            for codec in [Codec::Snappy, Codec::Gzip, Codec::Brotli, Codec::Zstd, Codec::Lz4Raw, Codec::Lz4] {
                let _ = codec.unpack(bytes.clone(), length);
            }
        }
    }
}
