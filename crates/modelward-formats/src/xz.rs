//! xz files (the .xz file format 1.2.1).

use std::sync::Arc;

use crate::{Asset, Budget, Bytes, Compressed, Format, Refusal, expand::Codec};

pub(crate) const FORMAT: Format = Format { name: "xz", read };

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    if !bytes.has(0, b"\xfd7zXZ\0") {
        return None;
    }
    Compressed::read("xz", Codec::Xz, bytes, budget).boxed()
}
