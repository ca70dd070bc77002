//! bzip2 files.

use std::sync::Arc;

use crate::{Asset, Budget, Bytes, Compressed, Format, Refusal, expand::Codec};

pub(crate) const FORMAT: Format = Format { name: "bzip2", read };

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let [b'B', b'Z', b'h', b'1'..=b'9', magic @ ..] = bytes.array::<10>(0).ok()? else {
        return None;
    };
    if magic != BLOCK && magic != END {
        return None;
    }
    Compressed::read("bzip2", Codec::Bzip2, bytes, budget).boxed()
}

/// What a block starts with: pi in decimal digits.
const BLOCK: [u8; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];

/// What a stream without blocks goes on with: its square root.
const END: [u8; 6] = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
