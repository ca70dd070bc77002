//! Hashes of images, and what two of them say of how one lies on the other.

use super::align::Place;
use crate::pictures::{Picture, pool};

/// The hashes of one image.
pub(super) struct Hashes {
    /// Of each cut, by its differences and by its frequencies.
    cuts: [[u64; 2]; CUTS],
    /// Of the shadows alone, and of the lights.
    tones: [u64; 2],
}

/// All of an image, and a strip less on every side or on those of a corner.
const CUTS: usize = 5;
/// The strip, as a part of the side: a copy cut or moved by about as much shares a cut with its source.
const STRIP: f64 = 1.0 / 16.0;
/// Side of the picture whose frequencies are taken.
const SIDE: usize = 32;
/// Side down to which an image is averaged first.
const BASE: usize = 128;
/// Parts of a hash that lead to a bucket, of 16 bits each: hashes that differ in few bits share one.
const PARTS: u32 = 4;
/// Bits of 64 that hashes of one picture differ in at most.
pub(super) const MOST_BITS: u32 = 10;
/// The share of the pixels that are its shadows, and its lights.
const TONE: f64 = 0.2;

/// Which hashes of an image a table holds.
#[derive(Clone, Copy)]
pub(super) enum Of {
    Cuts(usize),
    Tone(usize),
}

/// Every table: which hashes, and which part of them leads to a bucket.
pub(super) fn tables() -> impl Iterator<Item = (Of, u32)> {
    let of = [Of::Cuts(0), Of::Cuts(1), Of::Tone(0), Of::Tone(1)];
    of.into_iter().flat_map(|of| (0..PARTS).map(move |part| (of, part)))
}

/// The part of a hash that leads to a bucket.
pub(super) fn part(hash: u64, part: u32) -> u64 {
    (hash >> (16 * part)) & 0xffff
}

/// In how many bits two hashes differ.
pub(super) fn distance(one: u64, other: u64) -> u32 {
    (one ^ other).count_ones()
}

impl Hashes {
    /// Those of an image; `None` where it is flat, which tells nothing.
    pub(super) fn of(picture: &Picture) -> Option<Self> {
        let (rows, columns) = (picture.height.min(BASE), picture.width.min(BASE));
        let whole = [0.0, 0.0, picture.height as f64, picture.width as f64];
        let colours = (0..picture.channels.min(3))
            .map(|channel| pool(&picture.plane(channel), picture.width, whole, rows, columns));
        let colours = colours.collect::<Vec<_>>();
        let each = |from: f32, with: fn(f32, f32) -> f32| {
            let pixel = |at: usize| colours.iter().map(|plane| plane[at]).fold(from, with);
            (0..rows * columns).map(pixel).collect::<Vec<_>>()
        };
        let grey = each(0.0, |sum, value| sum + value);
        let mean = grey.iter().sum::<f32>() / grey.len().max(1) as f32;
        let spread = grey.iter().map(|value| (value - mean).abs()).fold(0.0, f32::max);
        if spread <= 1e-6 * mean.abs().max(1e-6) {
            return None;
        }
        let cuts = boxes().map(|[top, left, bottom, right]| {
            let (tall, wide) = (rows as f64, columns as f64);
            let cut = [top * tall, left * wide, bottom * tall, right * wide];
            [
                differences(&pool(&grey, columns, cut, 8, 9)),
                frequencies(&pool(&grey, columns, cut, SIDE, SIDE)),
            ]
        });
        let (mut dark, mut light) =
            (each(f32::INFINITY, f32::min), each(f32::NEG_INFINITY, f32::max));
        let quantile = |plane: &[f32], share: f64| {
            let mut sorted = plane.to_vec();
            let at = ((sorted.len() - 1) as f64 * share) as usize;
            *sorted.select_nth_unstable_by(at, f32::total_cmp).1
        };
        let (shadow, glare) = (quantile(&dark, TONE), quantile(&light, 1.0 - TONE));
        dark.iter_mut().for_each(|value| *value = value.min(shadow));
        light.iter_mut().for_each(|value| *value = value.max(glare));
        let whole = [0.0, 0.0, rows as f64, columns as f64];
        let tones =
            [dark, light].map(|plane| frequencies(&pool(&plane, columns, whole, SIDE, SIDE)));
        Some(Self { cuts, tones })
    }

    /// The hashes of a table.
    pub(super) fn of_table(&self, of: Of) -> impl Iterator<Item = u64> + '_ {
        let (cuts, tone) = match of {
            Of::Cuts(which) => (Some(self.cuts.iter().map(move |cut| cut[which])), None),
            Of::Tone(which) => (None, Some(self.tones[which]).filter(|hash| *hash != 0)),
        };
        cuts.into_iter().flatten().chain(tone)
    }
}

/// The cuts, from top and left to bottom and right as parts of the sides.
fn boxes() -> [[f64; 4]; CUTS] {
    let (near, far) = (STRIP, 1.0 - STRIP);
    [
        [0.0, 0.0, 1.0, 1.0],
        [near, near, far, far],
        [0.0, 0.0, far, far],
        [0.0, near, far, 1.0],
        [near, 0.0, 1.0, far],
    ]
}

/// How far two images are from each other by all hashes: in all cuts as they stand, or where a copy was moved
/// in those that are most alike, or in the shadows or lights.
pub(super) fn apart(one: &Hashes, other: &Hashes) -> u32 {
    let still = [0, 1].map(|which| {
        let pairs = one.cuts.iter().zip(&other.cuts);
        2 * pairs.map(|(one, other)| distance(one[which], other[which])).sum::<u32>()
    });
    let tones = one.tones.iter().zip(&other.tones);
    let tones = tones.map(|(one, other)| 10 * tone(*one, *other) + 10);
    let moved = 5 * closest(one, other).0 + 10;
    tones.chain(still).fold(moved, u32::min)
}

/// In how many bits two hashes of shadows, or lights, differ; those of a flat one are like none.
fn tone(one: u64, other: u64) -> u32 {
    if one == 0 || other == 0 { 64 } else { distance(one, other) }
}

/// Whether the shadows or the lights of two images are alike.
pub(super) fn share_a_tone(one: &Hashes, other: &Hashes) -> bool {
    let mut tones = one.tones.iter().zip(&other.tones);
    tones.any(|(one, other)| tone(*one, *other) <= MOST_BITS)
}

/// How the second image lies on the first, by the cuts of them that are most alike.
pub(super) fn start(one: &Hashes, other: &Hashes) -> Place {
    let best = closest(one, other);
    let boxes = boxes();
    let ([top, left, bottom, right], [above, before, below, behind]) =
        (boxes[best.2 / CUTS], boxes[best.2 % CUTS]);
    Place::between([top, bottom], [above, below], [left, right], [before, behind])
}

/// In how many bits the cuts differ that are most alike, and which they are.
fn closest(one: &Hashes, other: &Hashes) -> (u32, usize, usize) {
    let mut best = (u32::MAX, 0, 0);
    for (a, first) in one.cuts.iter().enumerate() {
        for (b, second) in other.cuts.iter().enumerate() {
            let bits = first.iter().zip(second).map(|(one, other)| distance(*one, *other)).sum();
            // Where it makes no difference neither is moved.
            best = best.min((bits, a.abs_diff(b), a * CUTS + b));
        }
    }
    best
}

/// Whether each of 8 x 8 pixels is brighter than the one to its left.
fn differences(small: &[f32]) -> u64 {
    let bits = small.chunks_exact(9).flat_map(|row| row.windows(2).map(|pair| pair[1] > pair[0]));
    bits.fold(0, |hash, bit| hash << 1 | u64::from(bit))
}

/// Whether each of the 8 x 8 lowest frequencies but the mean is above their median.
fn frequencies(small: &[f32]) -> u64 {
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
