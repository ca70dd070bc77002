//! Images as the mining of patches sees them: pixels of a bounded number, and these in five levels.

use crate::{
    Matrix,
    learn::random::drawn,
    pictures::{Picture, Pictures},
};

/// Images of one size.
pub(super) struct Pixels {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    /// The values, `[rows, height, width, channels]`, in the data's own unit.
    pub(super) values: Vec<f32>,
    /// Each pixel's level of all its channels as one code, `[rows, height, width]`.
    pub(super) codes: Vec<u8>,
    /// The lowest level of each channel, in the data's unit.
    pub(super) low: Vec<f32>,
    /// One level of each channel, in the data's unit.
    pub(super) step: Vec<f32>,
    /// Pixels of the user's image along a side of one of these.
    pub(super) pooled: usize,
}

/// Levels of a channel: coarse enough that noise of a twentieth of the range keeps its level.
const LEVELS: usize = 5;
/// Sides above this are averaged down: a patch there is larger too, and what repeats is still found.
const MOST_SIDE: usize = 64;
/// Images that are asked whether they are coloured.
const LOOKED_AT: usize = 64;
/// Pixels by which the range of a channel is told.
const RANGED: usize = 200_000;
/// Channels that are looked at: codes of these fit a byte.
const MOST_CHANNELS: usize = 3;

impl Pixels {
    /// The images of a matrix, a row each, of this height, width and number of channels; the channels
    /// lie `first` as planes, or together in each pixel.
    pub(super) fn of(
        matrix: &Matrix,
        (height, width, channels, first): (usize, usize, usize, bool),
    ) -> Self {
        let pooled = height.max(width).div_ceil(MOST_SIDE).max(1);
        let (tall, wide) = (height.div_ceil(pooled), width.div_ceil(pooled));
        let kept = channels.min(MOST_CHANNELS);
        let rows = matrix.rows();
        let mut values = vec![0.0_f32; rows * tall * wide * kept];
        for row in 0..rows {
            let from = matrix.row(row);
            let to = &mut values[row * tall * wide * kept..][..tall * wide * kept];
            for y in 0..tall {
                for x in 0..wide {
                    for channel in 0..kept {
                        let (mut sum, mut count) = (0.0, 0.0);
                        for v in y * pooled..((y + 1) * pooled).min(height) {
                            for u in x * pooled..((x + 1) * pooled).min(width) {
                                let at = if first {
                                    (channel * height + v) * width + u
                                } else {
                                    (v * width + u) * channels + channel
                                };
                                let value = from[at];
                                if value.is_finite() {
                                    sum += value;
                                    count += 1.0;
                                }
                            }
                        }
                        to[(y * wide + x) * kept + channel] =
                            if count > 0.0 { sum / count } else { 0.0 };
                    }
                }
            }
        }
        Self::coded([tall, wide, kept], pooled, values)
    }

    /// The images of these rows, which lie in files and are of one size; averaged down further where they
    /// would take more than so many bytes.
    pub(super) fn of_files(pictures: &Pictures, rows: &[u32], most: u64) -> Self {
        let read = |row: &u32| pictures.get(*row as usize);
        let first = rows.iter().take(LOOKED_AT).filter_map(read);
        let colours = first.map(|picture| picture.channels).max().unwrap_or(1).min(MOST_CHANNELS);
        let size = rows.iter().find_map(read).map_or([1, 1], |it| [it.height, it.width]);
        let mut pooled = size[0].max(size[1]).div_ceil(MOST_SIDE).max(1);
        let side = |of: usize, pooled: usize| of.div_ceil(pooled);
        let bytes = |pooled: usize| {
            let area = side(size[0], pooled) * side(size[1], pooled);
            (rows.len() * area) as u64 * (4 * colours as u64 + 1)
        };
        while bytes(pooled) > most && pooled < size[0].max(size[1]) {
            pooled += 1;
        }
        let (tall, wide) = (side(size[0], pooled), side(size[1], pooled));
        let mut values = Vec::with_capacity(rows.len() * tall * wide * colours);
        for row in rows {
            match read(row).filter(|it| [it.height, it.width] == size) {
                Some(picture) => averaged(&picture, pooled, colours, &mut values),
                None => values.resize(values.len() + tall * wide * colours, 0.0),
            }
        }
        Self::coded([tall, wide, colours], pooled, values)
    }

    fn coded([height, width, kept]: [usize; 3], pooled: usize, values: Vec<f32>) -> Self {
        let ranges = (0..kept).map(|channel| range(&values, channel, kept)).collect::<Vec<_>>();
        let most = (LEVELS - 1) as f32;
        let level = |value: f32, (low, high): (f32, f32)| {
            let scaled = if high > low { (value - low) / (high - low) } else { 0.0 };
            (scaled * most).round().clamp(0.0, most) as usize
        };
        let codes = values.chunks_exact(kept).map(|pixel| {
            let levels = pixel.iter().zip(&ranges);
            let code = levels.fold(0, |code, (value, range)| code * LEVELS + level(*value, *range));
            code as u8
        });
        let codes = codes.collect();
        let low = ranges.iter().map(|(low, _)| *low).collect();
        let step = ranges.iter().map(|(low, high)| (high - low).max(1e-12) / most).collect();
        Self { height, width, channels: kept, values, codes, low, step, pooled }
    }

    /// Pixels of an image.
    pub(super) fn area(&self) -> usize {
        self.height * self.width
    }

    /// How many images there are.
    pub(super) fn rows(&self) -> usize {
        self.codes.len() / self.area().max(1)
    }

    /// The codes of an image.
    pub(super) fn row(&self, row: usize) -> &[u8] {
        &self.codes[row * self.area()..][..self.area()]
    }

    /// The channels of a pixel.
    pub(super) fn pixel(&self, row: usize, at: usize) -> &[f32] {
        &self.values[(row * self.area() + at) * self.channels..][..self.channels]
    }
}

/// Add the pixels of an image, averaged in squares, with so many channels.
fn averaged(picture: &Picture, pooled: usize, colours: usize, into: &mut Vec<f32>) {
    let Picture { height, width, channels, values } = picture;
    for y in (0..*height).step_by(pooled) {
        for x in (0..*width).step_by(pooled) {
            let rows = y..(y + pooled).min(*height);
            let count = (rows.len() * ((x + pooled).min(*width) - x)) as f32;
            for colour in 0..colours {
                // One channel stands for all, and all for one.
                let parts = match (*channels, colours) {
                    (1, _) => 0..1,
                    (_, 1) => 0..*channels,
                    _ => colour..colour + 1,
                };
                let mut sum = 0.0;
                for line in rows.clone() {
                    let line = &values[(line * width + x) * channels..];
                    let pixels =
                        line[..((x + pooled).min(*width) - x) * channels].chunks(*channels);
                    sum += pixels.map(|it| it[parts.clone()].iter().sum::<f32>()).sum::<f32>();
                }
                into.push(sum / count / parts.len() as f32);
            }
        }
    }
}

/// The range of a channel, but for a thousandth at either end.
fn range(values: &[f32], channel: usize, channels: usize) -> (f32, f32) {
    let count = values.len() / channels;
    let some = drawn(RANGED, count).into_iter().map(|at| values[at * channels + channel]);
    let mut some = some.collect::<Vec<_>>();
    some.sort_unstable_by(f32::total_cmp);
    let at = |share: f64| some.get((share * (some.len().saturating_sub(1)) as f64) as usize);
    match (at(0.001), at(0.999), some.first(), some.last()) {
        (Some(low), Some(high), ..) if high > low => (*low, *high),
        (_, _, Some(low), Some(high)) => (*low, *high),
        _ => (0.0, 0.0),
    }
}
