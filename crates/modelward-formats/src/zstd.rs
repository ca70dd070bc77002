//! Zstandard files (RFC 8878).

use std::sync::Arc;

use crate::{Asset, Budget, Bytes, Compressed, Format, Refusal, expand::Codec};

pub(crate) const FORMAT: Format = Format { name: "zstd", read };

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let first = behind_skippable_frames(bytes);
    if !bytes.has(first, &[0x28, 0xb5, 0x2f, 0xfd]) {
        return None;
    }
    Compressed::read("zstd", Codec::Zstd, bytes, budget).boxed()
}

/// Where the first frame with content starts: zstd and LZ4 share the skippable ones.
pub(crate) fn behind_skippable_frames(bytes: &Bytes) -> u64 {
    let mut at: u64 = 0;
    for _ in 0..MOST_SKIPPED {
        match (bytes.u32_le(at), bytes.u32_le(at.saturating_add(4))) {
            (Ok(magic), Ok(length)) if magic & !0xf == 0x184d_2a50 => {
                at = at.saturating_add(8).saturating_add(length.into());
            }
            _ => break,
        }
    }
    at
}

/// Skippable frames that are passed over before the first with content.
const MOST_SKIPPED: usize = 1 << 10;
