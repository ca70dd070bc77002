#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "small numbers of the tests' own"
)]

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

/// A grey JPEG of 8 x 8.
fn jpeg_of_one_block() -> Vec<u8> {
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
    bytes
}

const PIXELS_OF_FOUR: [[u8; 3]; 4] = [[255, 0, 51], [0, 102, 0], [1, 2, 3], [4, 5, 6]];

fn unit() -> Vec<f32> {
    PIXELS_OF_FOUR.concat().into_iter().map(|value| f32::from(value) / 255.0).collect()
}

#[test]
fn forms_agree() {
    let flat = PIXELS_OF_FOUR.concat();
    let ppm = [&b"P6 # a word\n2 2\n255\n"[..], &flat].concat();
    let png = png_of(2, 2, png::ColorType::Rgb, png::BitDepth::Eight, &flat);
    let opaque = PIXELS_OF_FOUR.iter().flat_map(|p| [p[0], p[1], p[2], 255]);
    let alpha =
        png_of(2, 2, png::ColorType::Rgba, png::BitDepth::Eight, &opaque.collect::<Vec<_>>());
    for bytes in [ppm, png, alpha, bitmap_of(PIXELS_OF_FOUR)] {
        let picture = read(&bytes, 1 << 20).unwrap();
        let values = picture
            .values
            .unit()
            .chunks(picture.channels)
            .flat_map(|pixel| pixel[..3].to_vec())
            .collect::<Vec<_>>();
        assert_eq!(values, unit());
    }
}

#[test]
fn grey_and_deep_images() {
    let deep = png_of(2, 1, png::ColorType::Grayscale, png::BitDepth::Sixteen, &[255, 255, 0, 1]);
    let picture = read(&deep, 1 << 20).unwrap();
    assert_eq!((picture.channels, picture.values.unit()), (1, vec![1.0, 1.0 / 65535.0]));
    let few = read(b"P5\n2 1\n15\n\x0f\x03", 1 << 20).unwrap();
    assert_eq!(few.values.unit(), [1.0, 0.2]);
}

#[test]
fn a_jpeg_of_one_block() {
    let bytes = jpeg_of_one_block();
    let picture = read(&bytes, 1 << 20).unwrap();
    assert_eq!((picture.channels, picture.size), (1, Size { width: 8, height: 8 }));
    assert_eq!(picture.values, Values::Bytes(vec![128; 64]));
    for end in 0..bytes.len() {
        let _ = read(&bytes[..end], 1 << 20);
    }
}

#[test]
fn a_size_is_judged_before_anything_is_decoded() {
    let refusal = read(b"P5\n999999 999999\n255\n", 1 << 20).unwrap_err();
    assert_eq!(refusal.gap, Gap::LargeMemory);
    assert!(size(b"P5\n0 3\n255\n").is_err());
    assert_eq!(read(b"words", 1 << 20).unwrap_err().gap, Gap::UnknownFormat);
}

/// A GIF of 2 x 1 whose frame is its second pixel.
const GIF: &[u8] = b"GIF89a\x02\0\x01\0\x80\0\0\xff\0\x33\0\x66\0\x2c\x01\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";

#[test]
fn the_first_frame_of_a_gif() {
    let picture = read(GIF, 100).unwrap();
    assert_eq!((picture.size, picture.channels), (Size { width: 2, height: 1 }, 4));
    assert_eq!(picture.values, Values::Bytes(vec![0, 0, 0, 0, 255, 0, 51, 255]));
}

#[test]
fn a_webp_without_loss() {
    let mut bytes = Vec::new();
    let flat = PIXELS_OF_FOUR.concat();
    let encoder = image_webp::WebPEncoder::new(&mut bytes);
    encoder.encode(&flat, 2, 2, image_webp::ColorType::Rgb8).unwrap();
    let picture = read(&bytes, 100).unwrap();
    assert_eq!((picture.channels, picture.values), (3, Values::Bytes(flat)));
}

proptest! {
    #[test]
    fn broken_images_are_refused_or_read(
        form in 0..5_usize, at in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut: prop::sample::Index)
    {
        let flat = PIXELS_OF_FOUR.concat();
        let mut bytes = match form {
            0 => [&b"P6\n2 2\n255\n"[..], &flat].concat(),
            1 => png_of(2, 2, png::ColorType::Rgb, png::BitDepth::Eight, &flat),
            2 => bitmap_of(PIXELS_OF_FOUR),
                3 => GIF.to_vec(),
            _ => jpeg_of_one_block(),
        };
        for (index, value) in at {
            let place = index.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate(cut.index(bytes.len()).max(1));
        if let Ok(picture) = read(&bytes, 1 << 20) {
            let size = picture.size;
            let count = [size.width, size.height, picture.channels].iter().product::<usize>();
            prop_assert_eq!(picture.values.len(), count);
        }
    }
}
