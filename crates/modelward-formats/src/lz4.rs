//! LZ4 files: the frame format, which joblib writes and reads.

use std::sync::Arc;

use crate::{
    Asset, Budget, Bytes, Compressed, Format, Gap, Refusal, expand::Codec,
    zstd::behind_skippable_frames,
};

pub(crate) const FORMAT: Format = Format { name: "lz4", read };

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let first = behind_skippable_frames(bytes);
    if bytes.has(first, &[2, 0x21, 0x4c, 0x18]) {
        return Some(Err(Refusal::new(first, Gap::Unsupported, "a legacy LZ4 frame")));
    }
    if !bytes.has(first, &[4, 0x22, 0x4d, 0x18]) {
        return None;
    }
    Compressed::read("lz4", Codec::Lz4, bytes, budget).boxed()
}
