//! The compressed files of joblib before 0.10, which `joblib.load` still reads: `ZF`, the length
//! in hexadecimal, and a zlib stream that holds a pickle.
//!
//! Source: joblib `numpy_pickle_compat.py`, `read_zfile`.

use std::sync::Arc;

use crate::{Asset, Budget, Bytes, Compressed, Format, Refusal, expand::Codec};

pub(crate) const FORMAT: Format = Format { name: "joblib-zfile", read };

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let head = bytes.array::<HEAD>(0).ok()?;
    let length = head.strip_prefix(b"ZF")?.trim_ascii();
    let digits = length.strip_prefix(b"0x").or(length.strip_prefix(b"0X")).unwrap_or(length);
    let digits = digits.strip_suffix(b"L").unwrap_or(digits);
    if digits.is_empty() || !digits.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'_') {
        return None;
    }
    // Python 2 wrote one blank more.
    let blank = u64::from(bytes.has(HEAD as u64, b" "));
    let stream = bytes.tail((HEAD as u64).saturating_add(blank));
    Compressed::read(FORMAT.name, Codec::Zlib, &stream, budget).boxed()
}

/// The mark, and the length of `hex(2**64)`.
const HEAD: usize = 21;
