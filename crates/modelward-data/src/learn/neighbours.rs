//! The nearest rows, exactly, by blocks.
//!
//! Rows are held in whole numbers of 16 bits: products and sums are then exact, the same on every machine,
//! and eight of them are one instruction of any x86-64. The distance of two rows is computed once and
//! serves both.

use super::{random::drawn, workers};
use crate::Matrix;

/// Rows as whole numbers.
pub(crate) struct Packed {
    rows: usize,
    /// Numbers of a row, a multiple of 8; those behind the last column are 0.
    width: usize,
    data: Vec<i16>,
    norms: Vec<u32>,
    /// What one step is worth.
    step: f32,
}

impl Packed {
    /// Rows of standardised numbers; what lies beyond [`REACH`] is taken as that.
    pub(crate) fn new(matrix: &Matrix) -> Self {
        let width = matrix.columns.div_ceil(8).max(1) * 8;
        let most = ((f64::from(1_u32 << 29) / width as f64).sqrt() as f32).clamp(1.0, 32_767.0);
        let rows = matrix.rows();
        let mut data = vec![0_i16; rows * width];
        for row in 0..rows {
            let packed = &mut data[row * width..][..width];
            for (packed, value) in packed.iter_mut().zip(matrix.row(row)) {
                *packed = (value.clamp(-REACH, REACH) * (most / REACH)).round() as i16;
            }
        }
        let norms = data.chunks_exact(width).map(|row| product(row, row) as u32).collect();
        Self { rows, width, data, norms, step: REACH / most }
    }

    fn row(&self, at: usize) -> &[i16] {
        &self.data[at * self.width..][..self.width]
    }

    /// The distance of rows whose squared steps are so many.
    fn distance(&self, squared: u32) -> f32 {
        (squared as f32).sqrt() * self.step
    }
}

/// The nearest rows of each row, the nearest first.
pub(crate) struct Neighbours {
    /// How many each has at most.
    pub(crate) count: usize,
    /// `[rows, count]`: which; [`NONE`] where there are fewer.
    pub(crate) rows: Vec<u32>,
    /// `[rows, count]`: how far.
    pub(crate) distances: Vec<f32>,
}

impl Neighbours {
    /// The neighbours of a row with their distances.
    pub(crate) fn of(&self, row: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = row * self.count..(row + 1) * self.count;
        let rows = self.rows[range.clone()].iter().zip(&self.distances[range]);
        rows.take_while(|(row, _)| **row != NONE).map(|(row, distance)| (*row as usize, *distance))
    }
}

impl Neighbours {
    /// Pairs of rows so near that one is a copy of the other with noise, or rounded: by this much of a
    /// standard deviation in the root of the mean square, and by a tenth of what rows usually are from their
    /// nearest.
    pub(crate) fn close(&self, columns: usize) -> Vec<(u32, u32)> {
        let rows = self.rows.len() / self.count.max(1);
        let first = (0..rows).filter_map(|row| Some(self.of(row).next()?.1));
        let mut first = first.collect::<Vec<_>>();
        if first.is_empty() {
            return Vec::new();
        }
        let middle = first.len() / 2;
        let usual = *first.select_nth_unstable_by(middle, f32::total_cmp).1;
        let limit = (CLOSE.0 * (columns as f32).sqrt()).min(CLOSE.1 * usual);
        let close = (0..rows).flat_map(|row| {
            let near = self.of(row).take_while(|(_, distance)| *distance <= limit);
            near.map(move |(other, _)| (row as u32, other as u32))
        });
        close.filter(|_| limit > 0.0).collect()
    }
}

/// How near copies are: in standard deviations, and as a part of the usual distance.
const CLOSE: (f32, f32) = (0.02, 0.1);

/// The `count` nearest rows of each row that are not of its group. Up to `exact` rows every row is a
/// candidate; above, some that are drawn.
pub(crate) fn nearest(
    packed: &Packed,
    groups: &[u32],
    count: usize,
    exact: usize,
    threads: usize,
) -> Neighbours {
    let best = if packed.rows <= exact {
        both(packed, groups, count, threads)
    } else {
        // As many pairs, but never fewer candidates than tell anything.
        let most = (exact.saturating_mul(exact) / packed.rows).max(FEWEST);
        sampled(packed, groups, count, most, threads)
    };
    let mut rows = Vec::with_capacity(best.entries.len());
    let mut distances = Vec::with_capacity(best.entries.len());
    for &entry in &best.entries {
        let none = entry == u64::MAX;
        rows.push(if none { NONE } else { entry as u32 });
        distances.push(if none { f32::INFINITY } else { packed.distance((entry >> 32) as u32) });
    }
    Neighbours { count, rows, distances }
}

/// The best entries of each row: squared steps above, the row below, so that equal distances go by row.
struct Best {
    count: usize,
    entries: Vec<u64>,
    /// The squared steps that an entry has to be within.
    bounds: Vec<u32>,
}

impl Best {
    fn new(rows: usize, count: usize) -> Self {
        Self { count, entries: vec![u64::MAX; rows * count], bounds: vec![u32::MAX; rows] }
    }

    fn offer(&mut self, row: usize, entry: u64) {
        let list = &mut self.entries[row * self.count..][..self.count];
        let Some(last) = list.last().copied() else { return };
        if entry >= last {
            return;
        }
        let at = list.partition_point(|other| *other < entry);
        list.copy_within(at..self.count - 1, at + 1);
        list[at] = entry;
        self.bounds[row] = (list[self.count - 1] >> 32) as u32;
    }
}

/// Every pair of rows once.
fn both(packed: &Packed, groups: &[u32], count: usize, threads: usize) -> Best {
    let blocks = packed.rows.div_ceil(BLOCK);
    // Each worker takes every so-manieth block of rows, long and short ones alike.
    let workers = threads.clamp(1, blocks.max(1));
    let parts = workers::each(workers, workers, |worker| {
        let mut best = Best::new(packed.rows, count);
        let mut steps = vec![0_u32; BLOCK];
        for block in (worker..blocks).step_by(workers) {
            let rows = block * BLOCK..((block + 1) * BLOCK).min(packed.rows);
            for other in block..blocks {
                let others = other * BLOCK..((other + 1) * BLOCK).min(packed.rows);
                for row in rows.clone() {
                    let from = others.start.max(row + 1);
                    if from >= others.end {
                        continue;
                    }
                    let steps = &mut steps[..others.end - from];
                    squares(packed, row, from, steps);
                    offer_both(&mut best, groups, row, from, steps);
                }
            }
        }
        best
    });
    let mut parts = parts.into_iter();
    let Some(mut all) = parts.next() else { return Best::new(0, count) };
    for part in parts {
        for (row, entries) in part.entries.chunks_exact(count).enumerate() {
            entries.iter().for_each(|entry| all.offer(row, *entry));
        }
    }
    all
}

fn offer_both(best: &mut Best, groups: &[u32], row: usize, from: usize, steps: &[u32]) {
    for (chunk, some) in steps.chunks(8).enumerate() {
        let first = from + chunk * 8;
        let bound = best.bounds[row];
        let bounds = &best.bounds[first..][..some.len()];
        let mut any = false;
        for (steps, other) in some.iter().zip(bounds) {
            any |= (*steps <= bound) | (*steps <= *other);
        }
        if !any {
            continue;
        }
        for (at, &steps) in some.iter().enumerate() {
            let other = first + at;
            if groups[row] == groups[other] {
                continue;
            }
            let squared = u64::from(steps) << 32;
            best.offer(row, squared | other as u64);
            best.offer(other, squared | row as u64);
        }
    }
}

/// Each row against a sample of the rows.
fn sampled(packed: &Packed, groups: &[u32], count: usize, most: usize, threads: usize) -> Best {
    let candidates = drawn(most.max(1), packed.rows);
    let blocks = packed.rows.div_ceil(BLOCK);
    let parts = workers::each(blocks, threads, |block| {
        let rows = block * BLOCK..((block + 1) * BLOCK).min(packed.rows);
        let mut best = Best::new(rows.len(), count);
        for some in candidates.chunks(BLOCK) {
            for row in rows.clone() {
                let at = row - rows.start;
                let query = packed.row(row);
                for &other in some {
                    let steps = packed.norms[row]
                        .wrapping_add(packed.norms[other])
                        .wrapping_sub((product(query, packed.row(other)) as u32).wrapping_mul(2));
                    if steps <= best.bounds[at] && groups[row] != groups[other] {
                        best.offer(at, u64::from(steps) << 32 | other as u64);
                    }
                }
            }
        }
        best.entries
    });
    let entries = parts.into_iter().flatten().collect();
    Best { count, entries, bounds: Vec::new() }
}

impl Packed {
    /// The distance of the `nth` nearest row to each row of `queries`; a row is no neighbour of its own, which
    /// the numbers of both tell.
    pub(crate) fn nth(&self, own: &[u64], queries: &Self, numbers: &[u64], nth: usize) -> Vec<f32> {
        let mut best = Best::new(queries.rows, nth);
        for block in (0..self.rows).step_by(BLOCK) {
            for (query, number) in numbers.iter().enumerate() {
                let others = own.iter().enumerate().skip(block).take(BLOCK);
                for (other, own) in others {
                    let steps = self.steps(other, queries, query);
                    if steps <= best.bounds[query] && own != number {
                        best.offer(query, u64::from(steps) << 32 | other as u64);
                    }
                }
            }
        }
        let lists = best.entries.chunks_exact(nth);
        let last = lists.map(|list| list.iter().rev().find(|entry| **entry != u64::MAX));
        last.map(|entry| entry.map_or(0.0, |entry| self.distance((entry >> 32) as u32))).collect()
    }

    /// The mean distance to the nearest of some rows, over several such samples, which lie one behind the
    /// other; rows that are equal do not count (Sugiyama and Borgwardt, NIPS 2013).
    pub(crate) fn sampled(&self, each: usize, queries: &Self) -> Vec<f32> {
        let samples = (self.rows / each.max(1)).max(1);
        (0..queries.rows)
            .map(|query| {
                let nearest = (0..samples).map(|sample| {
                    let rows = sample * each..((sample + 1) * each).min(self.rows);
                    let steps = rows.map(|row| self.steps(row, queries, query));
                    steps.filter(|steps| *steps > 0).min().map_or(0.0, |steps| self.distance(steps))
                });
                nearest.sum::<f32>() / samples as f32
            })
            .collect()
    }

    /// The row of `self` that is nearest to a row and not equal to it.
    pub(crate) fn closest(&self, queries: &Self, query: usize) -> Option<usize> {
        let steps = (0..self.rows).map(|row| (self.steps(row, queries, query), row));
        steps.filter(|(steps, _)| *steps > 0).min().map(|(_, row)| row)
    }

    fn steps(&self, row: usize, queries: &Self, query: usize) -> u32 {
        let product = product(self.row(row), queries.row(query)) as u32;
        self.norms[row].wrapping_add(queries.norms[query]).wrapping_sub(product.wrapping_mul(2))
    }
}

/// The squared steps between a row and those from another on.
fn squares(packed: &Packed, row: usize, from: usize, steps: &mut [u32]) {
    let query = packed.row(row);
    let norm = packed.norms[row];
    let others = packed.data[from * packed.width..].chunks_exact(packed.width);
    for ((steps, other), of) in steps.iter_mut().zip(others).zip(&packed.norms[from..]) {
        let product = product(query, other) as u32;
        *steps = norm.wrapping_add(*of).wrapping_sub(product.wrapping_mul(2));
    }
}

/// The inner product, exact: [`Packed::new`] keeps it below 2^29.
fn product(one: &[i16], other: &[i16]) -> i32 {
    let mut sum = 0_i32;
    for (a, b) in one.iter().zip(other) {
        sum = sum.wrapping_add(i32::from(*a).wrapping_mul(i32::from(*b)));
    }
    sum
}

/// No row.
pub(crate) const NONE: u32 = u32::MAX;
/// Standard deviations beyond which all is equally far: one wild cell is not to hide the other columns.
const REACH: f32 = 8.0;
/// The fewest candidates of a sample.
const FEWEST: usize = 10_000;
/// Rows of a block.
const BLOCK: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::random::Random;

    fn some(rows: usize, columns: usize) -> Matrix {
        let mut random = Random::new(3, 0);
        let data = (0..rows * columns).map(|_| (random.unit() * 6.0 - 3.0) as f32).collect();
        Matrix { columns, data, names: Vec::new() }
    }

    #[test]
    fn the_nearest_are_those_of_a_plain_search_for_any_number_of_threads() {
        let matrix = some(700, 5);
        let packed = Packed::new(&matrix);
        let groups = (0..700).map(|row| row / 2).collect::<Vec<u32>>();
        let found = nearest(&packed, &groups, 6, 1000, 1);
        let four = nearest(&packed, &groups, 6, 1000, 4);
        assert_eq!(found.rows, four.rows);
        for row in [0_usize, 311, 699] {
            let mut plain = (0..700_usize)
                .filter(|other| groups[*other] != groups[row])
                .map(|other| {
                    let pairs = matrix.row(row).iter().zip(matrix.row(other));
                    (pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt(), other)
                })
                .collect::<Vec<_>>();
            plain.sort_by(|one, other| one.0.total_cmp(&other.0));
            for ((_, distance), (expected, _)) in found.of(row).zip(&plain) {
                assert!((distance - expected).abs() < 0.01, "{distance} {expected}");
            }
            assert_eq!(found.of(row).count(), 6);
        }
    }
}
