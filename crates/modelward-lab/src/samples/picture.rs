//! One image as numbers in [0, 1], as an experiment takes it: of one size with the others, opaque, its
//! channels one behind the other.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use modelward_engine::{Kind, Limits, Result, Trouble};
use modelward_formats::{Gap, Refusal, picture};

pub(super) use modelward_formats::picture::{Size, is};

/// The most pixels of one image.
const PIXELS: usize = 1 << 26;

/// An image.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    pub size: Size,
    /// 1 of a grey image, 3 of a coloured one.
    pub channels: usize,
    /// In [0, 1], by channel, row and column.
    pub values: Vec<f32>,
}

/// Decode an image, of this size where one is given.
pub(super) fn read(bytes: &[u8], size: Option<Size>, limits: &Limits) -> Result<Picture> {
    judge(picture::size(bytes).map_err(refused)?, size, limits)?;
    let picture::Picture { size, channels, values } =
        picture::read(bytes, PIXELS as u64).map_err(refused)?;
    let values = values.unit();
    let (colours, alpha) = match channels {
        2 | 4 => (channels.saturating_sub(1), true),
        _ => (channels, false),
    };
    if alpha && values.chunks_exact(channels).any(|pixel| pixel.last() != Some(&1.0)) {
        return Err(Trouble::new(Kind::Input, "the image has transparent pixels")
            .help("save it without an alpha channel, on the background that the model knows"));
    }
    let planes = (0..colours).flat_map(|colour| values.iter().skip(colour).step_by(channels));
    let values = if channels == 1 { values } else { planes.copied().collect() };
    Ok(Picture { size, channels: colours, values })
}

fn refused(refusal: Refusal) -> Trouble {
    match refusal.gap {
        Gap::LargeMemory => Trouble::limit(refusal.why.into_owned()),
        _ => Trouble::new(Kind::Malformed, refusal.why.into_owned()),
    }
}

/// Refuse a size that is not the wanted one, or over the limits.
fn judge(got: Size, wanted: Option<Size>, limits: &Limits) -> Result<()> {
    let Size { width, height } = got;
    if let Some(wanted) = wanted.filter(|wanted| *wanted != got) {
        let why = format!(
            "expected {} x {} pixels as the first image has, got {width} x {height}",
            wanted.width, wanted.height
        );
        return Err(Trouble::new(Kind::Input, why).help(
            "bring all to the size that the model takes, as its own pipeline does: nothing is resized here",
        ));
    }
    let pixels = width.checked_mul(height).filter(|&pixels| pixels <= PIXELS);
    let Some(pixels) = pixels else {
        return Err(Trouble::limit(format!(
            "expected 1 to {PIXELS} pixels, got {width} x {height}"
        )));
    };
    super::set::admit(4, &[pixels], limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_lie_one_behind_the_other() {
        let picture =
            read(b"P6 2 1 255\n\xff\x00\x33\x00\xff\x66", None, &Limits::default()).unwrap();
        assert_eq!(picture.values, [1.0, 0.0, 0.0, 1.0, 0.2, 0.4]);
    }

    #[test]
    fn what_is_not_as_the_first_is_refused_before_it_is_decoded() {
        let limits = Limits::default();
        let wanted = Some(Size { width: 3, height: 2 });
        let trouble = read(b"P5\n2 2\n255\n", wanted, &limits).unwrap_err();
        assert!(trouble.to_string().contains("expected 3 x 2"), "{trouble}");
        let trouble = read(b"P5\n999999 999999\n255\n", None, &limits).unwrap_err();
        assert_eq!(trouble.kind, Kind::Limit);
        let mut glass = Vec::new();
        let mut encoder = png::Encoder::new(&mut glass, 1, 1);
        encoder.set_color(png::ColorType::Rgba);
        encoder.write_header().unwrap().write_image_data(&[1, 2, 3, 9]).unwrap();
        let trouble = read(&glass, None, &limits).unwrap_err();
        assert!(trouble.to_string().contains("transparent"), "{trouble}");
    }
}
