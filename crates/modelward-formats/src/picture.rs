//! One image as numbers: PNG, JPEG, GIF (its first frame), WebP, BMP, and binary PGM or PPM.
//!
//! The size that the header says is judged before a pixel is decoded. No colour profile is applied and
//! nothing is turned by EXIF, as training pipelines read images.

use std::io::Cursor;

use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

use crate::{Gap, Refusal};

mod netpbm;

/// The sides of an image in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its size.
    pub size: Size,
    /// 1 of a grey image, 3 of a coloured one; one more where pixels may be transparent.
    pub channels: usize,
    /// Its values, by row, column and channel.
    pub values: Values,
}

/// The values of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// From 0 to 255.
    Bytes(Vec<u8>),
    /// From 0 to the number that is given.
    Words(Vec<u16>, u16),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Words(values, _) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values in [0, 1]: each divided by the largest that there can be.
    pub fn unit(&self) -> Vec<f32> {
        match self {
            Self::Bytes(values) => values.iter().map(|&value| f32::from(value) / 255.0).collect(),
            Self::Words(values, largest) => {
                let largest = f32::from(*largest);
                values.iter().map(|&value| f32::from(value) / largest).collect()
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Form {
    Png,
    Jpeg,
    Gif,
    WebP,
    Bmp,
    Netpbm,
}

/// Whether bytes begin as an image does that is read here.
pub fn is(head: &[u8]) -> bool {
    form(head).is_some()
}

fn form(head: &[u8]) -> Option<Form> {
    // A BMP has no number that says what it is, but its reserved words are 0.
    let bitmap = head.starts_with(b"BM") && head.get(6..10).is_some_and(|four| four == [0; 4]);
    let netpbm = head.get(2).is_some_and(u8::is_ascii_whitespace);
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(Form::Png)
    } else if head.starts_with(b"\xff\xd8\xff") {
        Some(Form::Jpeg)
    } else if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
        Some(Form::Gif)
    } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        Some(Form::WebP)
    } else if bitmap {
        Some(Form::Bmp)
    } else if netpbm && (head.starts_with(b"P5") || head.starts_with(b"P6")) {
        Some(Form::Netpbm)
    } else {
        None
    }
}

/// The size of an image, from its header alone.
///
/// # Errors
/// Where it is no image, or its header is broken or says that it has no pixels.
pub fn size(bytes: &[u8]) -> Result<Size, Refusal> {
    let size = match form(bytes).ok_or_else(unknown)? {
        Form::Png => {
            let mut decoder = png::Decoder::new(Cursor::new(bytes));
            let header = decoder.read_header_info().map_err(broken)?;
            sides(header.width, header.height)?
        }
        Form::Jpeg => {
            let mut decoder = zune_jpeg::JpegDecoder::new(ZCursor::new(bytes));
            decoder.decode_headers().map_err(broken)?;
            let (width, height) = decoder.dimensions().ok_or_else(|| broken("its size"))?;
            Size { width, height }
        }
        Form::Gif => {
            let decoder = gif::DecodeOptions::new().read_info(bytes).map_err(broken)?;
            sides(decoder.width().into(), decoder.height().into())?
        }
        Form::WebP => {
            let decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
            let (width, height) = decoder.dimensions();
            sides(width, height)?
        }
        Form::Bmp => {
            let mut decoder = zune_bmp::BmpDecoder::new(ZCursor::new(bytes));
            decoder.decode_headers().map_err(|error| broken(format!("{error:?}")))?;
            let (width, height) = decoder.dimensions().ok_or_else(|| broken("its size"))?;
            Size { width, height }
        }
        Form::Netpbm => {
            let header = netpbm::Header::read(bytes).ok_or_else(|| broken("its header"))?;
            Size { width: header.width, height: header.height }
        }
    };
    if size.width == 0 || size.height == 0 {
        let Size { width, height } = size;
        return Err(broken(format!("expected pixels, got {width} x {height}")));
    }
    Ok(size)
}

/// Decode an image of at most so many pixels.
///
/// # Errors
/// Where it is no image, is broken, or has more pixels.
pub fn read(bytes: &[u8], most: u64) -> Result<Picture, Refusal> {
    let size = size(bytes)?;
    let Size { width, height } = size;
    let pixels = (width as u64).checked_mul(height as u64).filter(|pixels| *pixels <= most);
    let Some(pixels) = pixels else {
        let why = format!("expected at most {most} pixels, got {width} x {height}");
        return Err(Refusal::new(0, Gap::LargeMemory, why));
    };
    let (channels, values) = match form(bytes).ok_or_else(unknown)? {
        Form::Png => png(bytes, pixels)?,
        Form::Jpeg => jpeg(bytes)?,
        Form::Gif => gif(bytes, size, pixels)?,
        Form::WebP => webp(bytes, pixels)?,
        Form::Bmp => bitmap(bytes)?,
        Form::Netpbm => {
            let header = netpbm::Header::read(bytes).ok_or_else(|| broken("its header"))?;
            let values = header.values(bytes).ok_or_else(|| broken("it is cut short"))?;
            (header.channels, values)
        }
    };
    let count = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(channels));
    if !(1..=4).contains(&channels) {
        return Err(broken(format!("{channels} channels")));
    }
    if Some(values.len()) != count {
        return Err(broken("it is cut short"));
    }
    Ok(Picture { size, channels, values })
}

fn unknown() -> Refusal {
    Refusal::new(0, Gap::UnknownFormat, "expected PNG, JPEG, GIF, WebP, BMP, PGM or PPM")
}

fn broken(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(0, Gap::Malformed, format!("cannot read this image: {why}"))
}

fn sides(width: u32, height: u32) -> Result<Size, Refusal> {
    match (usize::try_from(width), usize::try_from(height)) {
        (Ok(width), Ok(height)) => Ok(Size { width, height }),
        _ => Err(broken("its size")),
    }
}

/// What decoding so many pixels may take, beside what is given back.
fn memory(pixels: u64) -> u64 {
    pixels.saturating_mul(16).saturating_add(1 << 20)
}

fn png(bytes: &[u8], pixels: u64) -> Result<(usize, Values), Refusal> {
    let limits = png::Limits { bytes: usize::try_from(memory(pixels)).unwrap_or(usize::MAX) };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(broken)?;
    let length = reader.output_buffer_size().ok_or_else(|| broken("its size"))?;
    let mut values = vec![0; length];
    let frame = reader.next_frame(&mut values).map_err(broken)?;
    values.truncate(frame.buffer_size());
    let channels = frame.color_type.samples();
    let values = match frame.bit_depth {
        png::BitDepth::Sixteen => {
            let pairs = values.as_chunks::<2>().0.iter();
            Values::Words(pairs.map(|pair| u16::from_be_bytes(*pair)).collect(), u16::MAX)
        }
        _ => Values::Bytes(values),
    };
    Ok((channels, values))
}

fn jpeg(bytes: &[u8]) -> Result<(usize, Values), Refusal> {
    let mut decoder = zune_jpeg::JpegDecoder::new(ZCursor::new(bytes));
    decoder.decode_headers().map_err(broken)?;
    let (colour, channels) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (ColorSpace::Luma, 1),
        Some(ColorSpace::YCbCr | ColorSpace::RGB) => (ColorSpace::RGB, 3),
        _ => return Err(broken("its colours are neither grey nor RGB")),
    };
    decoder.set_options(DecoderOptions::new_safe().jpeg_set_out_colorspace(colour));
    Ok((channels, Values::Bytes(decoder.decode().map_err(broken)?)))
}

/// The first frame, on a ground that is transparent.
fn gif(bytes: &[u8], size: Size, pixels: u64) -> Result<(usize, Values), Refusal> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    if let Some(most) = std::num::NonZeroU64::new(memory(pixels)) {
        options.set_memory_limit(gif::MemoryLimit::Bytes(most));
    }
    let mut decoder = options.read_info(bytes).map_err(broken)?;
    let frame = decoder.read_next_frame().map_err(broken)?;
    let frame = frame.ok_or_else(|| broken("it has no frame"))?;
    let row = size.width.saturating_mul(4);
    let mut values = vec![0; row.saturating_mul(size.height)];
    let (left, top) = (usize::from(frame.left).saturating_mul(4), usize::from(frame.top));
    let width = usize::from(frame.width).saturating_mul(4);
    let from = frame.buffer.chunks_exact(width.max(1));
    for (into, from) in values.chunks_exact_mut(row.max(1)).skip(top).zip(from) {
        // What reaches over the edge is cut off.
        for (into, from) in into.iter_mut().skip(left).zip(from) {
            *into = *from;
        }
    }
    Ok((4, Values::Bytes(values)))
}

fn webp(bytes: &[u8], pixels: u64) -> Result<(usize, Values), Refusal> {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
    decoder.set_memory_limit(usize::try_from(memory(pixels)).unwrap_or(usize::MAX));
    let length = decoder.output_buffer_size().ok_or_else(|| broken("its size"))?;
    let mut values = vec![0; length];
    if decoder.is_animated() {
        decoder.read_frame(&mut values).map_err(broken)?;
    } else {
        decoder.read_image(&mut values).map_err(broken)?;
    }
    Ok((if decoder.has_alpha() { 4 } else { 3 }, Values::Bytes(values)))
}

fn bitmap(bytes: &[u8]) -> Result<(usize, Values), Refusal> {
    let mut decoder = zune_bmp::BmpDecoder::new(ZCursor::new(bytes));
    let broken_here = |error| broken(format!("{error:?}"));
    decoder.decode_headers().map_err(broken_here)?;
    let values = decoder.decode().map_err(broken_here)?;
    let channels = decoder.colorspace().map_or(0, |colours| colours.num_components());
    Ok((channels, Values::Bytes(values)))
}

/// A PNG of an image whose pixels are `[height, width, 3]`, red, green, blue.
///
/// # Errors
/// Where there are not as many bytes as that.
pub fn write_png(pixels: &[u8], Size { width, height }: Size) -> Result<Vec<u8>, Refusal> {
    let cannot = |why: String| Refusal::new(0, Gap::Malformed, why);
    let sides = u32::try_from(width).ok().zip(u32::try_from(height).ok());
    let (wide, high) =
        sides.ok_or_else(|| cannot(format!("cannot draw an image of {width} x {height}")))?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, wide, high);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels));
    written.map_err(|error| cannot(format!("cannot draw a picture: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
