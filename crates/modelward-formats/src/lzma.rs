//! `.lzma` files, the format before `.xz`; `joblib.load` accepts them. They have no magic number.

use std::sync::Arc;

use crate::{Asset, Budget, Bytes, Compressed, Format, Refusal, expand::Codec};

pub(crate) const FORMAT: Format = Format { name: "lzma", read };

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    // The tests of liblzma's own recognition (`lzma_alone_decoder`, picky): properties in range,
    // a dictionary of 2^n or 2^n + 2^(n-1) bytes, a length below 256 GiB or none, and the first
    // byte of the range coder.
    let [properties, a, b, c, d, length @ .., first] = bytes.array::<14>(0).ok()?;
    let dictionary = u32::from_le_bytes([a, b, c, d]);
    let length = u64::from_le_bytes(length);
    let round = dictionary == u32::MAX || {
        let top = 1_u32.checked_shl(31_u32.saturating_sub(dictionary.leading_zeros()))?;
        dictionary == top || dictionary == top | (top >> 1)
    };
    let sized = length == u64::MAX || length < 1 << 38;
    if properties >= 225 || dictionary < 4096 || !round || !sized || first != 0 {
        return None;
    }
    let compressed = Compressed::read("lzma", Codec::LzmaAlone, bytes, budget);
    if !compressed.is_plausible() {
        return None;
    }
    compressed.boxed()
}
