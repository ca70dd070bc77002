//! One image as numbers in [0, 1]: PNG, JPEG, BMP and binary PGM or PPM.
//!
//! The size that the header says is judged before a pixel is decoded. Whole numbers are divided by
//! the largest of their kind (255, 65535, a Netpbm file's own). No colour profile is applied and
//! nothing is turned by EXIF, as training pipelines read images.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io::Cursor;

use modelward_engine::{Kind, Limits, Result, Trouble};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

mod netpbm;

/// The most pixels of one image.
const PIXELS: usize = 1 << 26;

/// The sides of an image in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub width: usize,
    pub height: usize,
}

/// An image.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    pub size: Size,
    /// 1 of a grey image, 3 of a coloured one.
    pub channels: usize,
    /// In [0, 1], by channel, row and column.
    pub values: Vec<f32>,
}

/// Whether bytes begin as an image does that is read here.
pub(super) fn is(head: &[u8]) -> bool {
    kind(head).is_some()
}

#[derive(Clone, Copy)]
enum Form {
    Png,
    Jpeg,
    Bmp,
    Netpbm,
}

fn kind(head: &[u8]) -> Option<Form> {
    // A BMP has no number that says what it is, but its reserved words are 0.
    let bitmap = head.starts_with(b"BM") && head.get(6..10).is_some_and(|four| four == [0; 4]);
    let netpbm = head.get(2).is_some_and(u8::is_ascii_whitespace);
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(Form::Png)
    } else if head.starts_with(b"\xff\xd8\xff") {
        Some(Form::Jpeg)
    } else if bitmap {
        Some(Form::Bmp)
    } else if netpbm && (head.starts_with(b"P5") || head.starts_with(b"P6")) {
        Some(Form::Netpbm)
    } else {
        None
    }
}

/// Decode an image, of this size where one is given.
pub(super) fn read(bytes: &[u8], size: Option<Size>, limits: &Limits) -> Result<Picture> {
    let judge = |width: usize, height: usize| judge(Size { width, height }, size, limits);
    match kind(bytes) {
        Some(Form::Png) => png(bytes, judge, limits),
        Some(Form::Jpeg) => jpeg(bytes, judge),
        Some(Form::Bmp) => bitmap(bytes, judge),
        Some(Form::Netpbm) => {
            let header = netpbm::Header::read(bytes).ok_or_else(|| broken("its header"))?;
            let size = judge(header.width, header.height)?;
            let values = header.values(bytes).ok_or_else(|| broken("it is cut short"))?;
            picture(size, header.channels, values)
        }
        None => Err(broken("expected PNG, JPEG, BMP, PGM or PPM")),
    }
}

fn broken(why: impl std::fmt::Display) -> Trouble {
    Trouble::new(Kind::Malformed, format!("cannot read this image: {why}"))
}

/// Refuse a size that is not the wanted one, or over the limits.
fn judge(got: Size, wanted: Option<Size>, limits: &Limits) -> Result<Size> {
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
    let pixels = width.checked_mul(height).filter(|&pixels| pixels > 0 && pixels <= PIXELS);
    let Some(pixels) = pixels else {
        return Err(Trouble::limit(format!(
            "expected 1 to {PIXELS} pixels, got {width} x {height}"
        )));
    };
    super::set::admit(4, &[pixels], limits)?;
    Ok(got)
}

/// Interleaved values of 1 to 4 channels as an image.
fn picture(size: Size, channels: usize, values: Vec<f32>) -> Result<Picture> {
    let (colours, alpha) = match channels {
        1 | 3 => (channels, false),
        2 | 4 => (channels.saturating_sub(1), true),
        _ => return Err(broken(format!("{channels} channels"))),
    };
    let pixels = size.width.saturating_mul(size.height);
    if Some(values.len()) != pixels.checked_mul(channels) {
        return Err(broken("it is cut short"));
    }
    if alpha && values.chunks_exact(channels).any(|pixel| pixel.last() != Some(&1.0)) {
        return Err(Trouble::new(Kind::Input, "the image has transparent pixels")
            .help("save it without an alpha channel, on the background that the model knows"));
    }
    let planes = (0..colours).flat_map(|colour| values.iter().skip(colour).step_by(channels));
    let values = if channels == 1 { values } else { planes.copied().collect() };
    Ok(Picture { size, channels: colours, values })
}

fn bytes_of(values: Vec<u8>) -> Vec<f32> {
    values.into_iter().map(|value| f32::from(value) / 255.0).collect()
}

fn png(
    bytes: &[u8],
    judge: impl Fn(usize, usize) -> Result<Size>,
    limits: &Limits,
) -> Result<Picture> {
    let memory = usize::try_from(limits.memory).unwrap_or(usize::MAX);
    let mut decoder =
        png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: memory });
    decoder.set_transformations(png::Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(broken)?;
    let sides = (usize::try_from(header.width), usize::try_from(header.height));
    let (Ok(width), Ok(height)) = sides else { return Err(broken("its size")) };
    let size = judge(width, height)?;
    let mut reader = decoder.read_info().map_err(broken)?;
    let length = reader.output_buffer_size().ok_or_else(|| broken("its size"))?;
    let mut values = vec![0; length];
    let frame = reader.next_frame(&mut values).map_err(broken)?;
    values.truncate(frame.buffer_size());
    let channels = frame.color_type.samples();
    let values = match frame.bit_depth {
        png::BitDepth::Sixteen => {
            let pairs = values.as_chunks::<2>().0.iter();
            pairs.map(|pair| f32::from(u16::from_be_bytes(*pair)) / 65535.0).collect()
        }
        _ => bytes_of(values),
    };
    picture(size, channels, values)
}

fn jpeg(bytes: &[u8], judge: impl Fn(usize, usize) -> Result<Size>) -> Result<Picture> {
    let mut decoder = zune_jpeg::JpegDecoder::new(ZCursor::new(bytes));
    decoder.decode_headers().map_err(broken)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| broken("its size"))?;
    let size = judge(width, height)?;
    let (colour, channels) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (ColorSpace::Luma, 1),
        Some(ColorSpace::YCbCr | ColorSpace::RGB) => (ColorSpace::RGB, 3),
        _ => return Err(broken("its colours are neither grey nor RGB")),
    };
    decoder.set_options(DecoderOptions::new_safe().jpeg_set_out_colorspace(colour));
    picture(size, channels, bytes_of(decoder.decode().map_err(broken)?))
}

fn bitmap(bytes: &[u8], judge: impl Fn(usize, usize) -> Result<Size>) -> Result<Picture> {
    let mut decoder = zune_bmp::BmpDecoder::new(ZCursor::new(bytes));
    let broken_here = |error| broken(format!("{error:?}"));
    decoder.decode_headers().map_err(broken_here)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| broken("its size"))?;
    let size = judge(width, height)?;
    let values = decoder.decode().map_err(broken_here)?;
    let channels = decoder.colorspace().map_or(0, |colours| colours.num_components());
    picture(size, channels, bytes_of(values))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn png_of(
        width: u32,
        height: u32,
        colour: png::ColorType,
        depth: png::BitDepth,
        values: &[u8],
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        encoder.write_header().unwrap().write_image_data(values).unwrap();
        bytes
    }

    /// A bottom-up bitmap of 24 bits, 2 x 2.
    fn bitmap_of(pixels: [[u8; 3]; 4]) -> Vec<u8> {
        let mut bytes =
            b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\x18\0".to_vec();
        bytes.extend([0; 4]);
        bytes.extend([16, 0, 0, 0]);
        bytes.extend([0; 16]);
        for row in [&pixels[2..], &pixels[..2]] {
            for [r, g, b] in row {
                bytes.extend([b, g, r]);
            }
            bytes.extend([0, 0]);
        }
        bytes
    }

    const PIXELS_OF_FOUR: [[u8; 3]; 4] = [[255, 0, 51], [0, 102, 0], [1, 2, 3], [4, 5, 6]];

    fn planes() -> Vec<f32> {
        let values = (0..3).flat_map(|c| PIXELS_OF_FOUR.iter().map(move |p| p[c]));
        values.map(|value| f32::from(value) / 255.0).collect()
    }

    #[test]
    fn forms_agree() {
        let limits = Limits::default();
        let flat = PIXELS_OF_FOUR.concat();
        let ppm = [&b"P6 # a word\n2 2\n255\n"[..], &flat].concat();
        let png = png_of(2, 2, png::ColorType::Rgb, png::BitDepth::Eight, &flat);
        let opaque = PIXELS_OF_FOUR.iter().flat_map(|p| [p[0], p[1], p[2], 255]);
        let alpha =
            png_of(2, 2, png::ColorType::Rgba, png::BitDepth::Eight, &opaque.collect::<Vec<_>>());
        for bytes in [ppm, png, alpha, bitmap_of(PIXELS_OF_FOUR)] {
            let picture = read(&bytes, None, &limits).unwrap();
            assert_eq!((picture.channels, picture.values), (3, planes()));
        }
    }

    #[test]
    fn grey_and_deep_images() {
        let limits = Limits::default();
        let deep =
            png_of(2, 1, png::ColorType::Grayscale, png::BitDepth::Sixteen, &[255, 255, 0, 1]);
        let picture = read(&deep, None, &limits).unwrap();
        assert_eq!((picture.channels, picture.values), (1, vec![1.0, 1.0 / 65535.0]));
        let few = read(b"P5\n2 1\n15\n\x0f\x03", None, &limits).unwrap();
        assert_eq!(few.values, [1.0, 0.2]);
    }

    #[test]
    fn a_jpeg_of_one_block() {
        let mut bytes = b"\xff\xd8\xff\xdb\x00\x43\x00".to_vec();
        bytes.extend([1; 64]);
        // A baseline frame of 8 x 8 in one component, two tables of one code each, a scan: the mean
        // does not change, nothing else follows.
        bytes.extend(b"\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00");
        for table in [0x00, 0x10] {
            bytes.extend([0xff, 0xc4, 0x00, 0x14, table, 1]);
            bytes.extend([0; 16]);
        }
        bytes.extend(b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x3f\xff\xd9");
        let picture = read(&bytes, None, &Limits::default()).unwrap();
        assert_eq!((picture.channels, picture.size), (1, Size { width: 8, height: 8 }));
        assert_eq!(picture.values, vec![128.0 / 255.0; 64]);
        for end in 0..bytes.len() {
            let _ = read(&bytes[..end], None, &Limits::default());
        }
    }

    #[test]
    fn what_is_not_as_the_first_is_refused_before_it_is_decoded() {
        let limits = Limits::default();
        let wanted = Some(Size { width: 3, height: 2 });
        let trouble = read(b"P5\n2 2\n255\n", wanted, &limits).unwrap_err();
        assert!(trouble.to_string().contains("expected 3 x 2"), "{trouble}");
        let trouble = read(b"P5\n999999 999999\n255\n", None, &limits).unwrap_err();
        assert_eq!(trouble.kind, Kind::Limit);
        let glass = png_of(1, 1, png::ColorType::Rgba, png::BitDepth::Eight, &[1, 2, 3, 9]);
        let trouble = read(&glass, None, &limits).unwrap_err();
        assert!(trouble.to_string().contains("transparent"), "{trouble}");
    }

    proptest! {
        #[test]
        fn broken_images_are_refused_or_read(
            form in 0..3_usize, at in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            cut: prop::sample::Index)
        {
            let flat = PIXELS_OF_FOUR.concat();
            let mut bytes = match form {
                0 => [&b"P6\n2 2\n255\n"[..], &flat].concat(),
                1 => png_of(2, 2, png::ColorType::Rgb, png::BitDepth::Eight, &flat),
                _ => bitmap_of(PIXELS_OF_FOUR),
            };
            for (index, value) in at {
                let place = index.index(bytes.len());
                bytes[place] = value;
            }
            bytes.truncate(cut.index(bytes.len()) + 1);
            let limits = Limits { memory: 1 << 20, ..Limits::default() };
            if let Ok(picture) = read(&bytes, None, &limits) {
                let size = picture.size;
                prop_assert_eq!(picture.values.len(), size.width * size.height * picture.channels);
            }
        }
    }
}
