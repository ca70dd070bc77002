//! Files that may be compressed by gzip: content decides.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::{any::Any, path::Path};

use modelward_engine::{Kind, Result, Trouble, file};
use modelward_formats::{Budget, Bytes, Compressed, FORMATS, Limits};

/// The bytes of a regular file; those that gzip packed, where it did.
///
/// # Errors
/// Where it cannot be read, or has more bytes than `most`.
pub fn read(path: &Path, most: u64) -> Result<Bytes> {
    unpacked(&file::open(path)?, most)
}

/// Bytes as they are, or those that gzip packed.
///
/// # Errors
/// Where the stream breaks, or there are more than `most`.
pub fn unpacked(bytes: &Bytes, most: u64) -> Result<Bytes> {
    let gzip = FORMATS.iter().find(|format| format.name == "gzip");
    // Decimals of zeros pack well; what comes out is bounded by itself.
    let limits = Limits { expanded: most, ratio: u64::MAX, ..Limits::default() };
    let packed = gzip.and_then(|gzip| (gzip.read)(bytes, &Budget::new(limits)));
    let Some(packed) = packed.transpose()? else { return within(bytes.clone(), most) };
    let packed: &dyn Any = &*packed;
    let Some(packed) = packed.downcast_ref::<Compressed>() else {
        return within(bytes.clone(), most);
    };
    if let Some(refusal) = packed.refusal() {
        return Err(refusal.clone().into());
    }
    let content = packed.content();
    // Kept as a whole: a reader that goes back would have it decoded again.
    within(content.clone(), most)?;
    Ok(content.take(0, content.len())?.into())
}

/// A text.
///
/// # Errors
/// As [`unpacked`], and where it is no UTF-8.
pub(crate) fn text(bytes: &Bytes, most: u64) -> Result<String> {
    let bytes = unpacked(bytes, most)?;
    let bytes = bytes.take(0, bytes.len())?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Trouble::new(Kind::Input, format!("expected text in UTF-8, got other bytes at {at:#x}"))
    })
}

fn within(bytes: Bytes, most: u64) -> Result<Bytes> {
    let len = bytes.len();
    if len > most {
        return Err(Trouble::limit(format!("expected at most {most} bytes, got {len}")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf sat | gzip -n`.
    const PACKED: [u8; 23] = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2b, 0x4e, 0x2c, 0x01, 0x00,
        0xd8, 0xe0, 0x78, 0x82, 0x03, 0x00, 0x00, 0x00,
    ];

    #[test]
    fn content_decides_whether_it_is_packed() {
        assert_eq!(text(&Bytes::from(&b"sat"[..]), 3).unwrap(), "sat");
        assert_eq!(text(&Bytes::from(&PACKED[..]), 3).unwrap(), "sat");
        assert!(text(&Bytes::from(&PACKED[..]), 2).is_err());
        assert!(text(&Bytes::from(&b"sat!"[..]), 3).is_err());
        assert!(text(&Bytes::from(&PACKED[..15]), 3).is_err());
        assert!(text(&Bytes::from(&b"\xff"[..]), 3).unwrap_err().to_string().contains("0x0"));
    }
}
