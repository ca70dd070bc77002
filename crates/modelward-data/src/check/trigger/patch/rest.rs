//! What the rest of an image says of its label: the nearest other images with a part masked out.
//!
//! Distances are sums over blocks, so those of every mask come out of one pass over the pixels. Rows that
//! carry a candidate stay among the neighbours: few of them lie near each other once the patch is masked,
//! while without them an unusual but honest group of one class would look out of place.

use super::pixels::Pixels;
use crate::check::trigger::{
    Labelled,
    voters::{Nearest, Voters},
};

/// Images in a small size, with labels.
pub(super) struct Rest<'a> {
    voters: Voters<'a>,
    /// Side of these images.
    height: usize,
    width: usize,
    /// `[rows, height * width * channels]`, pixel by pixel.
    small: Vec<f32>,
    channels: usize,
    /// Pixels of the large image for one of these.
    scale: usize,
}

/// Side of the images that are compared.
const SIDE: usize = 16;
/// Blocks along a side.
const BLOCKS: usize = 4;

/// Masks of two by two and of three by three blocks.
pub(super) const MASKS: usize = (BLOCKS - 1) * (BLOCKS - 1) + (BLOCKS - 2) * (BLOCKS - 2);

impl<'a> Rest<'a> {
    pub(super) fn new(pixels: &Pixels, labelled: &Labelled<'a>) -> Self {
        let scale = pixels.height.max(pixels.width).div_ceil(SIDE).max(1);
        let (height, width) = (pixels.height.div_ceil(scale), pixels.width.div_ceil(scale));
        let (rows, channels) = (pixels.rows(), pixels.channels);
        let mut small = vec![0.0_f32; rows * height * width * channels];
        for row in 0..rows {
            let to = &mut small[row * height * width * channels..][..height * width * channels];
            for y in 0..pixels.height {
                for x in 0..pixels.width {
                    let pixel = pixels.pixel(row, y * pixels.width + x);
                    let at = ((y / scale) * width + x / scale) * channels;
                    for (channel, value) in pixel.iter().enumerate() {
                        to[at + channel] += value / pixels.step[channel] / (scale * scale) as f32;
                    }
                }
            }
        }
        Self { voters: Voters::new(labelled), height, width, small, channels, scale }
    }

    /// These images, a row each.
    pub(super) fn images(self) -> crate::Matrix {
        let columns = self.height * self.width * self.channels;
        crate::Matrix { columns, data: self.small, names: Vec::new() }
    }

    fn image(&self, row: usize) -> &[f32] {
        let length = self.height * self.width * self.channels;
        &self.small[row * length..][..length]
    }

    /// The block that a line of pixels of the small image is in.
    fn block(at: usize, side: usize) -> usize {
        (at * BLOCKS / side).min(BLOCKS - 1)
    }

    /// The smallest mask of blocks over a window of the large image.
    pub(super) fn mask_over(&self, at: [usize; 2], size: [usize; 2]) -> usize {
        let blocks = |from: usize, length: usize, side: usize| {
            let first = Self::block(from / self.scale, side);
            let last = Self::block(((from + length - 1) / self.scale).min(side - 1), side);
            (first, last)
        };
        let (top, bottom) = blocks(at[0], size[0], self.height);
        let (left, right) = blocks(at[1], size[1], self.width);
        if bottom - top <= 1 && right - left <= 1 {
            top.min(BLOCKS - 2) * (BLOCKS - 1) + left.min(BLOCKS - 2)
        } else {
            (BLOCKS - 1) * (BLOCKS - 1) + top.min(BLOCKS - 3) * (BLOCKS - 2) + left.min(BLOCKS - 3)
        }
    }

    /// Whether the rest of each row disagrees with its label, under every mask of blocks:
    /// `[rows, MASKS]`.
    pub(super) fn under_masks(&self) -> Vec<bool> {
        let rows = self.voters.labels.len();
        let mut answers = vec![false; rows * MASKS];
        let length = self.height * self.width;
        let block_of = (0..length)
            .map(|at| {
                Self::block(at / self.width, self.height) * BLOCKS
                    + Self::block(at % self.width, self.width)
            })
            .collect::<Vec<_>>();
        // Pixels of one block behind each other, so that inner loops are long.
        let mut order = (0..length).collect::<Vec<_>>();
        order.sort_by_key(|at| block_of[*at]);
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        for (place, at) in order.iter().enumerate() {
            let (from, to) = (place * self.channels, (place + 1) * self.channels);
            match runs.last_mut() {
                Some((block, _, end)) if *block == block_of[*at] => *end = to,
                _ => runs.push((block_of[*at], from, to)),
            }
        }
        let blocked = (0..rows).flat_map(|row| {
            let image = self.image(row);
            let pixels = order.iter().map(|at| &image[at * self.channels..][..self.channels]);
            pixels.flatten().copied().collect::<Vec<_>>()
        });
        let blocked = blocked.collect::<Vec<_>>();
        let blocked =
            |row: usize| &blocked[row * length * self.channels..][..length * self.channels];
        let mut nearest = vec![Nearest::default(); MASKS];
        let mut votes = self.voters.votes();
        for row in 0..rows {
            nearest.iter_mut().for_each(|nearest| *nearest = Nearest::default());
            let image = blocked(row);
            for other in self.voters.others(row as u32) {
                let other_image = blocked(other as usize);
                let mut sums = [0.0_f32; BLOCKS * BLOCKS];
                for (block, from, to) in &runs {
                    let pairs = image[*from..*to].iter().zip(&other_image[*from..*to]);
                    sums[*block] += pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
                }
                let total = sums.iter().sum::<f32>();
                let sum = |y: usize, x: usize| sums[y * BLOCKS + x];
                let mut pairs = [0.0; (BLOCKS - 1) * (BLOCKS - 1)];
                let mut at = 0;
                for y in 0..BLOCKS - 1 {
                    for x in 0..BLOCKS - 1 {
                        pairs[at] = sum(y, x) + sum(y, x + 1) + sum(y + 1, x) + sum(y + 1, x + 1);
                        nearest[at].take(total - pairs[at], other);
                        at += 1;
                    }
                }
                for y in 0..BLOCKS - 2 {
                    for x in 0..BLOCKS - 2 {
                        let masked = pairs[y * (BLOCKS - 1) + x]
                            + sum(y, x + 2)
                            + sum(y + 1, x + 2)
                            + sum(y + 2, x)
                            + sum(y + 2, x + 1)
                            + sum(y + 2, x + 2);
                        nearest[at].take(total - masked, other);
                        at += 1;
                    }
                }
            }
            for (mask, nearest) in nearest.iter().enumerate() {
                let own = self.voters.labels[row];
                answers[row * MASKS + mask] = !self.voters.agree(own, nearest, &mut votes);
            }
        }
        answers
    }

    /// Whether the rest of a row agrees with a class, where the pixels of the large image that `masked`
    /// names are left out.
    pub(super) fn agrees(&self, row: usize, class: u32, masked: &[bool], wide: usize) -> bool {
        let mut keep = vec![1.0_f32; self.height * self.width * self.channels];
        for at in masked.iter().enumerate().filter(|(_, masked)| **masked).map(|(at, _)| at) {
            let at = (at / wide / self.scale) * self.width + at % wide / self.scale;
            keep[at * self.channels..][..self.channels].fill(0.0);
        }
        let mut nearest = Nearest::default();
        let image = self.image(row);
        for other in self.voters.others(row as u32) {
            let pairs = image.iter().zip(self.image(other as usize)).zip(&keep);
            let distance = pairs.map(|((a, b), keep)| (a - b) * (a - b) * keep).sum::<f32>();
            nearest.take(distance, other);
        }
        self.voters.agree(class, &nearest, &mut self.voters.votes())
    }
}
