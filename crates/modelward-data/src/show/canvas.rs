//! Small pictures of images, with a place framed.

use modelward_formats::picture::{self, Size};

/// A picture in red, green and blue.
pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    /// Pixels of the picture for one of the image, or pixels of the image for one of the picture.
    scale: Scale,
}

#[derive(Clone, Copy)]
enum Scale {
    Larger(usize),
    Smaller(usize),
}

/// A place in an image: row and column of its first pixel, its height and its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) at: [usize; 2],
    pub(super) size: [usize; 2],
}

impl Canvas {
    /// A picture of an image of this size, whose value at a row, column and channel is given. Small images are
    /// enlarged, large ones averaged.
    pub(super) fn of(
        image_height: usize,
        image_width: usize,
        value: impl Fn(usize, usize, usize) -> u8,
    ) -> Self {
        let side = image_height.max(image_width).max(1);
        let scale = match side {
            side if side > LARGEST => Scale::Smaller(side.div_ceil(LARGEST)),
            side => Scale::Larger((ENLARGED / side).max(1)),
        };
        let sized = |length: usize| match scale {
            Scale::Larger(times) => length * times,
            Scale::Smaller(times) => length.div_ceil(times),
        };
        let (height, width) = (sized(image_height).max(1), sized(image_width).max(1));
        let mut pixels = Vec::with_capacity(height * width * 3);
        for row in 0..height {
            for column in 0..width {
                for channel in 0..3 {
                    pixels.push(match scale {
                        Scale::Larger(times) => value(row / times, column / times, channel),
                        Scale::Smaller(times) => {
                            let rows = row * times..((row + 1) * times).min(image_height);
                            let columns = column * times..((column + 1) * times).min(image_width);
                            let count = (rows.len() * columns.len()).max(1);
                            let values = rows
                                .flat_map(|row| columns.clone().map(move |column| (row, column)));
                            let values = values.map(|(row, column)| value(row, column, channel));
                            let sum = values.map(usize::from).sum::<usize>();
                            u8::try_from(sum / count).unwrap_or(u8::MAX)
                        }
                    });
                }
            }
        }
        Self { width, height, pixels, scale }
    }

    /// Frame a place, just outside of it.
    pub(super) fn frame(&mut self, Frame { at, size }: Frame) {
        let edge = |axis: usize| {
            let (from, to) = (at[axis], at[axis].saturating_add(size[axis]));
            match self.scale {
                Scale::Larger(times) => (from.saturating_mul(times), to.saturating_mul(times)),
                Scale::Smaller(times) => (from / times, to.div_ceil(times)),
            }
        };
        let ((top, bottom), (left, right)) = (edge(0), edge(1));
        let rows = top.saturating_sub(THICK)..bottom.saturating_add(THICK).min(self.height);
        for row in rows {
            let columns = left.saturating_sub(THICK)..right.saturating_add(THICK).min(self.width);
            for column in columns {
                let inside = (top..bottom).contains(&row) && (left..right).contains(&column);
                let at = (row * self.width + column) * 3;
                if let Some(pixel) = self.pixels.get_mut(at..at + 3).filter(|_| !inside) {
                    pixel.copy_from_slice(&COLOUR);
                }
            }
        }
    }

    pub(super) fn png(&self) -> Option<Vec<u8>> {
        let size = Size { width: self.width, height: self.height };
        picture::write_png(&self.pixels, size).ok()
    }
}

/// Sides above this are made smaller.
const LARGEST: usize = 128;
/// Small images are enlarged up to this.
const ENLARGED: usize = 96;
/// How thick a frame is.
const THICK: usize = 2;
/// The colour of a frame, which few pictures have.
const COLOUR: [u8; 3] = [255, 0, 200];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_framed_and_stays_as_it_is() {
        let mut canvas =
            Canvas::of(8, 8, |row, column, _| if row == 6 && column == 6 { 200 } else { 0 });
        canvas.frame(Frame { at: [6, 6], size: [2, 2] });
        let pixel = |row: usize, column: usize| &canvas.pixels[(row * 96 + column) * 3..][..3];
        assert_eq!((canvas.width, canvas.height), (96, 96));
        assert_eq!(pixel(72, 72), [200; 3]);
        assert_eq!((pixel(70, 80), pixel(80, 71)), (&COLOUR[..], &COLOUR[..]));
        assert_eq!(pixel(69, 80), [0; 3]);
        // A place that lies outside of the image is no reason to fail.
        canvas.frame(Frame { at: [usize::MAX, 3], size: [4, usize::MAX] });
        assert!(canvas.png().is_some());
    }

    #[test]
    fn large_images_are_averaged() {
        let canvas = Canvas::of(300, 200, |row, _, _| if row % 2 == 0 { 0 } else { 90 });
        assert_eq!((canvas.width, canvas.height), (67, 100));
        assert!(canvas.pixels.iter().all(|pixel| (30..=60).contains(pixel)));
    }
}
