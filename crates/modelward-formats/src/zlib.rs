//! zlib streams (RFC 1950): what `joblib.dump` writes by default where it compresses. The two
//! bytes of the header say little, so the stream must decode as well.

use std::sync::Arc;

use crate::{Asset, Budget, Bytes, Compressed, Format, Refusal, expand::Codec};

pub(crate) const FORMAT: Format = Format { name: "zlib", read };

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let [method, flags] = bytes.array::<2>(0).ok()?;
    let deflate = method & 0xf == 8 && method >> 4 <= 7;
    let checked = u16::from_be_bytes([method, flags]).is_multiple_of(31);
    let needs_dictionary = flags & 0x20 != 0;
    if !deflate || !checked || needs_dictionary {
        return None;
    }
    let compressed = Compressed::read("zlib", Codec::Zlib, bytes, budget);
    if !compressed.is_plausible() {
        return None;
    }
    compressed.boxed()
}
