//! Images that look alike: saved again, a pixel moved, brighter.
//!
//! Two 64-bit hashes of a small grey picture propose pairs: of the signs of its differences (dHash), and of
//! its low frequencies against their median (pHash; Zauner, 2010). Copies moved by a pixel differ in both,
//! so the hashes of a few cuts of each image are compared; what is proposed is verified by the normalised
//! correlation of the pictures at the best of small moves.

use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray};
use arrow_schema::DataType;

use super::pairs::Pairs;
use crate::{Kind, Limits, Matrix, image, image_shape, kind};

/// Grey pictures of one size.
pub(crate) struct Images {
    /// `[images, SIDE, SIDE]`, brightness without a unit.
    small: Vec<f32>,
    /// The hashes of each, by cut; none for a flat image, which tells nothing.
    hashes: Vec<Option<[u64; CUTS * 2]>>,
}

/// Side of the pictures that are compared.
const SIDE: usize = 32;
/// Cuts of each image that are hashed: all of it, and a strip less on either side or corner.
const CUTS: usize = 5;
/// Parts of a hash that may lead to a bucket, of 16 bits each.
const PARTS: usize = 4;
/// Bits of 64 that hashes of one picture differ in at most.
const MOST_BITS: u32 = 10;
/// The least correlation of two pictures of one thing.
const ALIKE: f64 = 0.95;
/// The least side of an image: below it digits of one kind look alike.
const LEAST_SIDE: usize = 24;

impl Images {
    /// The images of a column, `None` where it has none, or such as are too small to tell copies from
    /// what is alike.
    pub(crate) fn of(rows: &RecordBatch, column: usize, limits: &Limits) -> Option<Self> {
        let schema = rows.schema();
        let field = schema.fields().get(column)?;
        if kind(field) == Kind::Image {
            return Self::encoded(rows.column(column), limits);
        }
        let (Kind::Numbers(_), Some((height, width, channels, first))) =
            (kind(field), image_shape(field))
        else {
            return None;
        };
        if height < LEAST_SIDE || width < LEAST_SIDE {
            return None;
        }
        let matrix = Matrix::of(rows, [column]);
        let mut images = Self { small: Vec::new(), hashes: Vec::new() };
        let mut grey = vec![0.0; height * width];
        for row in 0..matrix.rows() {
            let values = matrix.row(row);
            for (at, grey) in grey.iter_mut().enumerate() {
                let value = |channel: usize| {
                    let at =
                        if first { channel * height * width + at } else { at * channels + channel };
                    values[at]
                };
                *grey = (0..channels.min(3)).map(value).filter(|value| value.is_finite()).sum();
            }
            images.push(&grey, height, width);
        }
        Some(images)
    }

    /// Images as they lie in their files; one that cannot be read, or is small, is like no other.
    fn encoded(array: &ArrayRef, limits: &Limits) -> Option<Self> {
        let files: Vec<Option<&[u8]>> = match array.data_type() {
            DataType::Binary => array.as_binary::<i32>().iter().collect(),
            DataType::LargeBinary => array.as_binary::<i64>().iter().collect(),
            _ => return None,
        };
        let mut images = Self { small: Vec::new(), hashes: Vec::new() };
        for file in files {
            let decoded = file.and_then(|file| image::decode(file, limits).ok());
            let large = decoded.filter(|it| it.height >= LEAST_SIDE && it.width >= LEAST_SIDE);
            match large {
                Some(image) => {
                    let pixels = image.pixels.chunks_exact(image.channels.max(1));
                    let grey =
                        pixels.map(|pixel| pixel.iter().map(|value| f32::from(*value)).sum());
                    images.push(&grey.collect::<Vec<f32>>(), image.height, image.width);
                }
                None => {
                    images.hashes.push(None);
                    images.small.resize(images.small.len() + SIDE * SIDE, 0.0);
                }
            }
        }
        Some(images)
    }

    /// Take in an image of grey pixels.
    pub(crate) fn push(&mut self, grey: &[f32], height: usize, width: usize) {
        let whole = shrink(grey, height, width, [0, 0, height, width], SIDE, SIDE);
        let mean = whole.iter().sum::<f32>() / whole.len() as f32;
        let spread = whole.iter().map(|value| (value - mean).abs()).fold(0.0, f32::max);
        // Strips of a sixteenth: a copy cut or moved by less shares a cut, nearly, with its source.
        let (tall, wide) = ((height / 16).max(1), (width / 16).max(1));
        let cuts = [
            [0, 0, height, width],
            [tall, wide, height - tall, width - wide],
            [0, 0, height - tall, width - wide],
            [0, wide, height - tall, width],
            [tall, 0, height, width - wide],
        ];
        let told = spread > 1e-6 * mean.abs().max(1e-6);
        self.hashes.push(told.then(|| {
            let mut hashes = [0; CUTS * 2];
            for (at, cut) in cuts.into_iter().enumerate() {
                hashes[at * 2] = difference(&shrink(grey, height, width, cut, 8, 9));
                hashes[at * 2 + 1] = perceptual(&shrink(grey, height, width, cut, SIDE, SIDE));
            }
            hashes
        }));
        self.small.extend(whole);
    }

    /// Put others behind these.
    pub(crate) fn extend(&mut self, later: Self) {
        self.small.extend(later.small);
        self.hashes.extend(later.hashes);
    }

    /// The pairs that look alike.
    pub(crate) fn pairs(&self) -> Pairs {
        // A table for each hash of each cut and each 16 bits of it: hashes that differ in few bits share
        // one of the four.
        let key = |row: usize, table: usize| {
            let hash = self.hashes[row]?[table / PARTS];
            Some((hash >> (16 * (table % PARTS))) & 0xffff)
        };
        let verify = |a: u32, b: u32| self.alike(a as usize, b as usize);
        Pairs::of(self.hashes.len(), CUTS * 2 * PARTS, key, verify)
    }

    fn alike(&self, a: usize, b: usize) -> Option<f64> {
        let (one, other) = (self.hashes[a]?, self.hashes[b]?);
        let near = |(one, other): (&u64, &u64)| (one ^ other).count_ones() <= MOST_BITS;
        if !one.iter().zip(&other).any(near) {
            return None;
        }
        let best = (-1..=1).flat_map(|y| (-1..=1).map(move |x| (y, x)));
        let best = best.map(|(y, x)| self.correlation(a, b, y, x)).fold(0.0, f64::max);
        (best >= ALIKE).then_some(best)
    }

    /// The normalised correlation of two pictures, the second moved.
    fn correlation(&self, a: usize, b: usize, down: isize, right: isize) -> f64 {
        let picture = |row: usize| &self.small[row * SIDE * SIDE..][..SIDE * SIDE];
        let (one, other) = (picture(a), picture(b));
        let (mut count, mut x, mut y, mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        for row in 1..SIDE - 1 {
            for column in 1..SIDE - 1 {
                let moved =
                    row.wrapping_add_signed(down) * SIDE + column.wrapping_add_signed(right);
                let (p, q) = (f64::from(one[row * SIDE + column]), f64::from(other[moved]));
                count += 1.0;
                x += p;
                y += q;
                xx += p * p;
                yy += q * q;
                xy += p * q;
            }
        }
        let spread = (xx - x * x / count) * (yy - y * y / count);
        if spread > 0.0 { (xy - x * y / count) / spread.sqrt() } else { 0.0 }
    }
}

/// A part of an image, from top and left to bottom and right, averaged to a size.
fn shrink(
    grey: &[f32],
    height: usize,
    width: usize,
    [top, left, bottom, right]: [usize; 4],
    rows: usize,
    columns: usize,
) -> Vec<f32> {
    let span = |at: usize, of: usize, from: usize, to: usize, most: usize| {
        let start = from + at * (to - from) / of;
        let end = (from + (at + 1) * (to - from) / of).max(start + 1).min(most);
        start.min(most - 1)..end
    };
    let mut small = Vec::with_capacity(rows * columns);
    for y in 0..rows {
        for x in 0..columns {
            let (ys, xs) =
                (span(y, rows, top, bottom, height), span(x, columns, left, right, width));
            let count = (ys.len() * xs.len()) as f32;
            let sum = ys.map(|y| grey[y * width..][xs.clone()].iter().sum::<f32>()).sum::<f32>();
            small.push(sum / count);
        }
    }
    small
}

/// Whether each of 8 x 8 pixels is brighter than the one to its left.
fn difference(small: &[f32]) -> u64 {
    let bits = small.chunks_exact(9).flat_map(|row| row.windows(2).map(|pair| pair[1] > pair[0]));
    bits.fold(0, |hash, bit| hash << 1 | u64::from(bit))
}

/// Whether each of the 8 x 8 lowest frequencies but the mean is above their median.
fn perceptual(small: &[f32]) -> u64 {
    let cosine = |frequency: usize, at: usize| {
        let angle = (2 * at + 1) as f32 * frequency as f32 * std::f32::consts::PI;
        (angle / (2 * SIDE) as f32).cos()
    };
    let basis = (1..=8).map(|f| std::array::from_fn::<f32, SIDE, _>(|at| cosine(f, at)));
    let basis = basis.collect::<Vec<_>>();
    let rows = small.chunks_exact(SIDE).map(|row| {
        std::array::from_fn::<f32, 8, _>(|f| row.iter().zip(&basis[f]).map(|(a, b)| a * b).sum())
    });
    let rows = rows.collect::<Vec<_>>();
    let mut frequencies = [0.0_f32; 64];
    for (down, along) in basis.iter().enumerate() {
        for right in 0..8 {
            frequencies[down * 8 + right] =
                along.iter().zip(&rows).map(|(a, row)| a * row[right]).sum();
        }
    }
    let mut sorted = frequencies;
    sorted.sort_unstable_by(f32::total_cmp);
    let median = sorted[32];
    frequencies.iter().fold(0, |hash, value| hash << 1 | u64::from(*value > median))
}
