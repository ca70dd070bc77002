//! The nearest rows, exactly, by blocks.
//!
//! Rows are held in whole numbers of 16 bits: products and sums are then exact, the same on every machine,
//! and eight products with half of their sums are one instruction of any x86-64. The distance of two rows
//! is computed once and serves both.

use wide::{i16x8, i32x4};

use super::{random::drawn, workers};
use crate::Matrix;

/// Rows as whole numbers, in panels of [`LANES`] rows: of two columns at a time the numbers of all rows of a
/// panel lie beside each other, so that no sum runs across a vector.
pub(crate) struct Packed {
    rows: usize,
    /// Pairs of columns.
    pairs: usize,
    /// `[panels, pairs]`: the first and the second half of the panel's rows.
    data: Vec<[i16x8; 2]>,
    /// `[panels, LANES]`; 0 behind the last row.
    norms: Vec<u32>,
    /// What one step is worth.
    step: f32,
}

/// A row that others are compared with: each pair of its columns in all lanes.
struct Query {
    pairs: Vec<i16x8>,
    norm: u32,
}

impl Packed {
    /// Rows of standardised numbers; what lies beyond [`REACH`] is taken as that.
    pub(crate) fn new(matrix: &Matrix) -> Self {
        let columns = matrix.columns.max(1);
        // An inner product stays below 2^29.
        let most = ((f64::from(1_u32 << 29) / columns as f64).sqrt() as f32).clamp(1.0, 32_767.0);
        let scale = most / REACH;
        Self::of(matrix.rows(), columns, scale.recip(), |row, column| {
            let value = matrix.row(row).get(column).copied().unwrap_or(0.0);
            (value.clamp(-REACH, REACH) * scale).round() as i16
        })
    }

    fn of(rows: usize, columns: usize, step: f32, value: impl Fn(usize, usize) -> i16) -> Self {
        let (pairs, panels) = (columns.div_ceil(2), rows.div_ceil(LANES));
        let mut data = Vec::with_capacity(panels * pairs);
        let mut norms = Vec::with_capacity(panels * LANES);
        for panel in 0..panels {
            let first = data.len();
            for pair in 0..pairs {
                data.push([0, 1].map(|half| {
                    i16x8::new(std::array::from_fn(|lane| {
                        let row = panel * LANES + half * (LANES / 2) + lane / 2;
                        let column = pair * 2 + lane % 2;
                        if row < rows && column < columns { value(row, column) } else { 0 }
                    }))
                }));
            }
            let mut sums = [i32x4::ZERO; 2];
            for halves in &data[first..] {
                for (sum, half) in sums.iter_mut().zip(halves) {
                    *sum += half.dot(*half);
                }
            }
            norms.extend(sums.iter().flat_map(|sum| sum.to_array()).map(|norm| norm as u32));
        }
        Self { rows, pairs, data, norms, step }
    }

    /// Some of the rows.
    fn some(&self, rows: &[usize]) -> Self {
        Self::of(rows.len(), self.pairs * 2, self.step, |row, column| {
            let [one, other] = self.pair(rows[row], column / 2);
            if column % 2 == 0 { one } else { other }
        })
    }

    /// Two columns of a row.
    fn pair(&self, row: usize, pair: usize) -> [i16; 2] {
        let (panel, lane) = (row / LANES, row % LANES);
        let half = self.data[panel * self.pairs + pair][lane / (LANES / 2)].to_array();
        let at = lane % (LANES / 2) * 2;
        [half[at], half[at + 1]]
    }

    fn query(&self, row: usize) -> Query {
        let pair = |pair| {
            let [one, other] = self.pair(row, pair);
            i16x8::new([one, other, one, other, one, other, one, other])
        };
        Query { pairs: (0..self.pairs).map(pair).collect(), norm: self.norms[row] }
    }

    /// The squared steps between a row and those of a panel.
    fn steps(&self, panel: usize, query: &Query) -> [u32; LANES] {
        let mut sums = [i32x4::ZERO; 2];
        let rows = &self.data[panel * self.pairs..][..self.pairs];
        for (halves, pair) in rows.iter().zip(&query.pairs) {
            sums[0] += pair.dot(halves[0]);
            sums[1] += pair.dot(halves[1]);
        }
        let products = sums.map(i32x4::to_array);
        let norms = &self.norms[panel * LANES..][..LANES];
        std::array::from_fn(|lane| {
            let product = products[lane / (LANES / 2)][lane % (LANES / 2)] as u32;
            query.norm.wrapping_add(norms[lane]).wrapping_sub(product.wrapping_mul(2))
        })
    }

    /// The squared steps between a row and each of these, panel by panel.
    fn all(&self, query: &Query) -> impl Iterator<Item = (usize, u32)> {
        let panels = 0..self.rows.div_ceil(LANES);
        let each = panels.flat_map(|panel| {
            let steps = self.steps(panel, query);
            (panel * LANES..).zip(steps)
        });
        each.take(self.rows)
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
        // Whole panels; no row is near to what lies behind the last.
        let mut bounds = vec![u32::MAX; rows];
        bounds.resize(rows.next_multiple_of(LANES), 0);
        Self { count, entries: vec![u64::MAX; rows * count], bounds }
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
        for block in (worker..blocks).step_by(workers) {
            let rows = block * BLOCK..((block + 1) * BLOCK).min(packed.rows);
            let queries = rows.clone().map(|row| packed.query(row)).collect::<Vec<_>>();
            for other in block..blocks {
                let panels =
                    other * BLOCK / LANES..((other + 1) * BLOCK).min(packed.rows).div_ceil(LANES);
                for (row, query) in rows.clone().zip(&queries) {
                    for panel in panels.start.max(row / LANES)..panels.end {
                        let steps = packed.steps(panel, query);
                        offer_both(&mut best, groups, row, panel, &steps);
                    }
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

fn offer_both(best: &mut Best, groups: &[u32], row: usize, panel: usize, steps: &[u32; LANES]) {
    let first = panel * LANES;
    let bound = best.bounds[row];
    let bounds = &best.bounds[first..][..LANES];
    let near =
        steps.iter().zip(bounds).filter(|(steps, other)| (**steps <= bound) | (*steps <= *other));
    if near.count() == 0 {
        return;
    }
    for (other, &steps) in (first..groups.len()).zip(steps) {
        // Those before were asked already.
        if other <= row || groups[row] == groups[other] {
            continue;
        }
        let squared = u64::from(steps) << 32;
        best.offer(row, squared | other as u64);
        best.offer(other, squared | row as u64);
    }
}

/// Each row against a sample of the rows.
fn sampled(packed: &Packed, groups: &[u32], count: usize, most: usize, threads: usize) -> Best {
    let candidates = drawn(most.max(1), packed.rows);
    let among = packed.some(&candidates);
    let blocks = packed.rows.div_ceil(BLOCK);
    let parts = workers::each(blocks, threads, |block| {
        let rows = block * BLOCK..((block + 1) * BLOCK).min(packed.rows);
        let mut best = Best::new(rows.len(), count);
        let queries = rows.clone().map(|row| packed.query(row)).collect::<Vec<_>>();
        among.by_blocks(&queries, |query, other, steps| {
            let (row, other) = (rows.start + query, candidates[other]);
            if steps <= best.bounds[query] && groups[row] != groups[other] {
                best.offer(query, u64::from(steps) << 32 | other as u64);
            }
        });
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
        let queries = (0..queries.rows).map(|row| queries.query(row)).collect::<Vec<_>>();
        self.by_blocks(&queries, |query, other, steps| {
            if steps <= best.bounds[query] && own[other] != numbers[query] {
                best.offer(query, u64::from(steps) << 32 | other as u64);
            }
        });
        let lists = best.entries.chunks_exact(nth);
        let last = lists.map(|list| list.iter().rev().find(|entry| **entry != u64::MAX));
        last.map(|entry| entry.map_or(0.0, |entry| self.distance((entry >> 32) as u32))).collect()
    }

    /// The mean distance to the nearest of some rows, over several such samples, which lie one behind the
    /// other; rows that are equal do not count (Sugiyama and Borgwardt, NIPS 2013).
    pub(crate) fn sampled(&self, each: usize, queries: &Self) -> Vec<f32> {
        let each = each.max(1);
        let samples = (self.rows / each).max(1);
        let of = |query: usize| {
            let mut nearest = vec![None::<u32>; samples];
            let query = queries.query(query);
            for (row, steps) in self.all(&query).filter(|(_, steps)| *steps > 0) {
                if let Some(nearest) = nearest.get_mut(row / each) {
                    *nearest = Some(nearest.map_or(steps, |least| least.min(steps)));
                }
            }
            let nearest =
                nearest.iter().map(|steps| steps.map_or(0.0, |steps| self.distance(steps)));
            nearest.sum::<f32>() / samples as f32
        };
        (0..queries.rows).map(of).collect()
    }

    /// The row of `self` that is nearest to a row and not equal to it.
    pub(crate) fn closest(&self, queries: &Self, query: usize) -> Option<usize> {
        let query = queries.query(query);
        let each = self.all(&query).filter(|(_, steps)| *steps > 0);
        each.min_by_key(|(row, steps)| (*steps, *row)).map(|(row, _)| row)
    }

    /// Compare each query with each row, so many rows at a time that they stay in the cache.
    fn by_blocks(&self, queries: &[Query], mut visit: impl FnMut(usize, usize, u32)) {
        let panels = self.rows.div_ceil(LANES);
        for block in (0..panels).step_by(BLOCK / LANES) {
            for (query, of) in queries.iter().enumerate() {
                for panel in block..(block + BLOCK / LANES).min(panels) {
                    let rows = panel * LANES..self.rows;
                    rows.zip(self.steps(panel, of))
                        .for_each(|(row, steps)| visit(query, row, steps));
                }
            }
        }
    }
}

/// No row.
pub(crate) const NONE: u32 = u32::MAX;
/// Standard deviations beyond which all is equally far: one wild cell is not to hide the other columns.
const REACH: f32 = 8.0;
/// The fewest candidates of a sample.
const FEWEST: usize = 10_000;
/// Rows of a block.
const BLOCK: usize = 256;
/// Rows of a panel.
const LANES: usize = 8;

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
