//! gzip files (RFC 1952), of one member or several.

use std::sync::Arc;

use crate::{Asset, Budget, Bytes, Compressed, Format, Refusal, expand::Codec};

pub(crate) const FORMAT: Format = Format { name: "gzip", read };

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    if !bytes.has(0, &[0x1f, 0x8b, 8]) {
        return None;
    }
    Compressed::read("gzip", Codec::Gzip, bytes, budget).boxed()
}
