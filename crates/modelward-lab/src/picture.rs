//! Pictures of what was changed: the original, the changed input, and the difference magnified.

use modelward_engine::Result;
use modelward_formats::picture::Size;

/// Pixels of a side up to which a small image is enlarged.
const SIDE: usize = 96;

/// Pixels between the three images.
const GAP: usize = 4;

/// Images larger than this are not drawn.
const LARGEST: usize = 1024;

/// How an image lies in its numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    last: bool,
}

impl Layout {
    /// Of a shape `[channels, height, width]`, `[height, width, channels]` or `[height, width]` with
    /// one, three or four channels; `None` for what is no image.
    pub(crate) fn of(shape: &[usize]) -> Option<Self> {
        let (channels, height, width, last) = match *shape {
            [channels @ (1 | 3 | 4), height, width] => (channels, height, width, false),
            [height, width, channels @ (1 | 3 | 4)] => (channels, height, width, true),
            [height, width] => (1, height, width, false),
            _ => return None,
        };
        let drawn = 4..=LARGEST;
        let fits = drawn.contains(&height) && drawn.contains(&width);
        fits.then_some(Self { channels, height, width, last })
    }

    pub(crate) fn at(self, channel: usize, row: usize, column: usize) -> usize {
        let channel = channel.min(self.channels - 1);
        if self.last {
            (row * self.width + column) * self.channels + channel
        } else {
            (channel * self.height + row) * self.width + column
        }
    }
}

/// A PNG of an image, what it was changed to, and the difference, magnified so that the largest
/// change is black or white; `None` where the shape is no image's.
///
/// # Errors
/// Where the picture cannot be written.
pub fn compared(
    shape: &[usize],
    original: &[f32],
    changed: &[f32],
    (low, high): (f32, f32),
) -> Result<Option<Vec<u8>>> {
    let Some(layout) = Layout::of(shape) else { return Ok(None) };
    let scale = (SIDE / layout.height.max(layout.width)).max(1);
    let (width, height) = (layout.width * scale, layout.height * scale);
    let across = 3 * width + 2 * GAP;
    let span = (high - low).max(f32::MIN_POSITIVE);
    let largest = original.iter().zip(changed).map(|(a, b)| (b - a).abs()).fold(0.0, f32::max);
    let panels: [&dyn Fn(usize) -> f32; 3] =
        [&|at| (original[at] - low) / span, &|at| (changed[at] - low) / span, &|at| {
            0.5 + (changed[at] - original[at]) / (2.0 * largest.max(f32::MIN_POSITIVE))
        }];
    let mut pixels = vec![255_u8; across * height * 3];
    for (panel, value) in panels.iter().enumerate() {
        let left = panel * (width + GAP);
        for row in 0..height {
            for column in 0..width {
                for channel in 0..3 {
                    let at = layout.at(channel, row / scale, column / scale);
                    let byte = (value(at).clamp(0.0, 1.0) * 255.0).round() as u8;
                    pixels[(row * across + left + column) * 3 + channel] = byte;
                }
            }
        }
    }
    encoded(&pixels, across, height).map(Some)
}

fn encoded(pixels: &[u8], width: usize, height: usize) -> Result<Vec<u8>> {
    modelward_formats::picture::write_png(pixels, Size { width, height }).map_err(|refusal| {
        modelward_engine::Trouble::new(modelward_engine::Kind::System, refusal.why.into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pixels of a PNG, and its width.
    fn read(bytes: &[u8]) -> (Vec<u8>, usize) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        (pixels, frame.width as usize)
    }

    #[test]
    fn three_images_stand_beside_each_other() {
        let original = vec![0.5; 64];
        let mut changed = original.clone();
        (changed[0], changed[63]) = (0.6, 0.4);
        let png = compared(&[1, 8, 8], &original, &changed, (0.0, 1.0)).unwrap().unwrap();
        let (pixels, width) = read(&png);
        assert_eq!(width, 3 * 96 + 8);
        // The first pixel of each panel: as it was, lighter, and as light as can be.
        let first = [0, 96 + 4, 2 * (96 + 4)].map(|left| pixels[left * 3]);
        assert_eq!(first, [128, 153, 255]);
        assert_eq!(pixels[pixels.len() - 1], 0);
    }

    #[test]
    fn what_is_no_image_is_not_drawn() {
        for shape in [&[30][..], &[5, 8, 8], &[1, 2, 2], &[3, 5000, 5000], &[]] {
            let count = shape.iter().product::<usize>().min(100);
            let zeros = vec![0.0; count];
            assert_eq!(compared(shape, &zeros, &zeros, (0.0, 1.0)).unwrap(), None);
        }
    }
}
