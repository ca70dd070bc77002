//! Images as pixels.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use modelward_formats::{Refusal, picture};

use crate::{Limits, read::guarded};

/// The pixels of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Columns of pixels.
    pub width: usize,
    /// Rows of pixels.
    pub height: usize,
    /// 1 of a grey image, 3 of a coloured one: red, green, blue.
    pub channels: usize,
    /// From 0 to 255, by row, column and channel.
    pub pixels: Vec<u8>,
}

/// Decode an image file: PNG, JPEG, GIF (its first frame), WebP, BMP, PGM or PPM. How transparent a pixel
/// is is left out and values of 16 bits are cut to 8, as `convert("RGB")` of Pillow does.
///
/// # Errors
/// In one line, where the bytes are no image, are broken, or have more pixels than the limit.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Image, String> {
    // A pixel takes up to 16 bytes while it is decoded.
    let most = limits.pixels.min(limits.memory / 32);
    let picture = guarded(|| picture::read(bytes, most))
        .unwrap_or_else(|| Err(Refusal::truncated(0, "an image that its decoder gives up on")))
        .map_err(|refusal| refusal.why.into_owned())?;
    let picture::Picture { size, channels, values } = picture;
    let mut pixels = match values {
        picture::Values::Bytes(values) => values,
        picture::Values::Words(values, u16::MAX) => {
            values.into_iter().map(|value| value.to_be_bytes()).map(|[high, _]| high).collect()
        }
        picture::Values::Words(values, largest) => {
            let scaled = values.into_iter().map(|value| {
                let value = u32::from(value).saturating_mul(255);
                value.checked_div(largest.into()).and_then(|value| u8::try_from(value).ok())
            });
            scaled.map(|value| value.unwrap_or(u8::MAX)).collect()
        }
    };
    let colours = if channels < 3 { 1 } else { 3 };
    if colours != channels {
        let kept = pixels.chunks_exact(channels.max(1));
        pixels = kept.flat_map(|pixel| pixel.iter().take(colours)).copied().collect();
    }
    Ok(Image { width: size.width, height: size.height, channels: colours, pixels })
}

/// Height and width of an image file, from its header alone.
///
/// # Errors
/// In one line, where the bytes are no image or their header is broken.
pub(crate) fn size(bytes: &[u8]) -> Result<[usize; 2], String> {
    let size = guarded(|| picture::size(bytes))
        .unwrap_or_else(|| Err(Refusal::truncated(0, "an image that its decoder gives up on")));
    size.map(|size| [size.height, size.width]).map_err(|refusal| refusal.why.into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "small numbers of the tests' own"
    )]

    use super::*;

    #[test]
    fn values_become_bytes() {
        let limits = Limits::default();
        let image = decode(b"P5 2 1 15\n\x0f\x03", &limits).unwrap();
        assert_eq!((image.channels, image.pixels), (1, vec![255, 51]));
        let image = decode(b"P6 1 1 65535\n\x12\x34\xff\xff\x00\x01", &limits).unwrap();
        assert_eq!((image.channels, image.pixels), (3, vec![0x12, 0xff, 0]));
        assert!(decode(b"P5 99999 99999 255\n", &limits).unwrap_err().contains("at most"));
    }
}
