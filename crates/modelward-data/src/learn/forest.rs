//! Extremely randomised trees (Geurts, Ernst and Wehenkel, Machine Learning 63, 2006) over binned columns.
//!
//! Each tree is grown on a part of the groups; a row is judged by the trees that never saw its group, so
//! that one forest gives out-of-sample answers without folds.

use super::{random::Random, workers};
use crate::Matrix;

/// Columns as at most 256 bins of about as many rows each.
pub(crate) struct Binned {
    rows: usize,
    columns: usize,
    /// `[columns, rows]`.
    bins: Vec<u8>,
}

impl Binned {
    /// The columns of a matrix without missing numbers.
    pub(crate) fn new(matrix: &Matrix, threads: usize) -> Self {
        let (rows, columns) = (matrix.rows(), matrix.columns);
        let bins = workers::each(columns, threads, |column| {
            let values = (0..rows).map(|row| matrix.row(row)[column]).collect::<Vec<_>>();
            let stride = rows.div_ceil(SEEN).max(1);
            let mut sorted = values.iter().step_by(stride).copied().collect::<Vec<_>>();
            sorted.sort_by(f32::total_cmp);
            sorted.dedup();
            let cuts = (1..256.min(sorted.len())).map(|cut| {
                let at = cut * sorted.len() / 256.min(sorted.len());
                0.5 * (sorted[at - 1] + sorted[at])
            });
            let cuts = cuts.collect::<Vec<_>>();
            let bin = |value: &f32| cuts.partition_point(|cut| cut < value) as u8;
            values.iter().map(bin).collect::<Vec<_>>()
        });
        Self { rows, columns, bins: bins.concat() }
    }

    fn column(&self, column: usize) -> &[u8] {
        &self.bins[column * self.rows..][..self.rows]
    }
}

/// What a forest is grown on.
pub(crate) struct Grown<'a> {
    /// The columns.
    pub(crate) binned: &'a Binned,
    /// The group of each row.
    pub(crate) groups: &'a [u32],
    /// Rows that no tree learns from.
    pub(crate) left_out: &'a [bool],
    /// How many trees.
    pub(crate) trees: usize,
    /// The least rows of a leaf.
    pub(crate) leaf: usize,
    /// Where random numbers begin.
    pub(crate) seed: u64,
    /// Threads.
    pub(crate) threads: usize,
}

impl Grown<'_> {
    /// For each row, the mean shares of the classes `[rows, classes]` over the trees that never saw it.
    pub(crate) fn classify(&self, labels: &[u32], classes: usize) -> Vec<f32> {
        let target = Target::Classes(labels, classes);
        self.run(&target, classes, |sum, count| match count {
            0 => 1.0 / classes as f32,
            _ => sum as f32 / (count as f32 * WHOLE as f32),
        })
    }

    /// For each row, the mean value over the trees that never saw it; values are standardised.
    pub(crate) fn regress(&self, values: &[f32]) -> Vec<f32> {
        let target = Target::Values(values);
        self.run(&target, 1, |sum, count| match count {
            0 => 0.0,
            _ => sum as f32 / (count as f32 * WHOLE as f32),
        })
    }

    fn run(&self, target: &Target<'_>, width: usize, mean: impl Fn(i64, u32) -> f32) -> Vec<f32> {
        // Whole numbers, so that the order of the trees is nothing to the sum.
        // Each worker has sums of its own.
        let most = (SUMS / (self.binned.rows * width).max(1)).max(1);
        let workers = self.threads.clamp(1, self.trees.max(1)).min(most);
        let parts = workers::each(workers, workers, |worker| {
            let mut sums = vec![0_i64; self.binned.rows * width];
            let mut counts = vec![0_u32; self.binned.rows];
            for tree in (worker..self.trees).step_by(workers) {
                self.tree(tree, target, width, &mut sums, &mut counts);
            }
            (sums, counts)
        });
        let mut parts = parts.into_iter();
        let Some((mut sums, mut counts)) = parts.next() else { return Vec::new() };
        for (more, seen) in parts {
            sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            counts.iter_mut().zip(seen).for_each(|(count, seen)| *count += seen);
        }
        sums.iter().enumerate().map(|(at, sum)| mean(*sum, counts[at / width])).collect()
    }

    /// Grow one tree and judge the rows that it never saw.
    fn tree(
        &self,
        tree: usize,
        target: &Target<'_>,
        width: usize,
        sums: &mut [i64],
        counts: &mut [u32],
    ) {
        let mut random = Random::new(self.seed, tree as u64 + 1);
        let many = self.groups.iter().max().map_or(0, |group| *group as usize + 1);
        // About as many groups as a bootstrap sample has unlike ones.
        let within = (0..many).map(|_| random.unit() < IN_BAG).collect::<Vec<_>>();
        let (mut seen, mut unseen) = (Vec::new(), Vec::new());
        for (row, group) in self.groups.iter().enumerate() {
            if !within[*group as usize] {
                unseen.push(row as u32);
            } else if !self.left_out[row] {
                seen.push(row as u32);
            }
        }
        if seen.is_empty() {
            return;
        }
        let mut growing = Growing { grown: self, target, random, mean: vec![0.0; width] };
        growing.node(&mut seen, &mut unseen, sums, counts, 0);
    }
}

/// What is learned.
enum Target<'a> {
    Classes(&'a [u32], usize),
    Values(&'a [f32]),
}

/// A tree while it grows. It is never stored: the rows that are to be judged go down with those that it
/// learns from.
struct Growing<'a, 'b> {
    grown: &'a Grown<'b>,
    target: &'a Target<'a>,
    random: Random,
    mean: Vec<f64>,
}

impl Growing<'_, '_> {
    fn node(
        &mut self,
        seen: &mut [u32],
        unseen: &mut [u32],
        sums: &mut [i64],
        counts: &mut [u32],
        depth: usize,
    ) {
        if unseen.is_empty() {
            return;
        }
        let pure = self.summary(seen);
        let split = if pure || seen.len() < 2 * self.grown.leaf || depth > DEEPEST {
            None
        } else {
            self.split(seen)
        };
        let Some((column, cut)) = split else {
            let width = self.mean.len();
            for &row in unseen.iter() {
                let row = row as usize;
                for (sum, mean) in sums[row * width..][..width].iter_mut().zip(&self.mean) {
                    *sum += (mean * WHOLE as f64) as i64;
                }
                counts[row] += 1;
            }
            return;
        };
        let bins = self.grown.binned.column(column);
        let (left, right) = part(seen, |row| bins[row as usize] <= cut);
        let (unseen_left, unseen_right) = part(unseen, |row| bins[row as usize] <= cut);
        self.node(left, unseen_left, sums, counts, depth + 1);
        self.node(right, unseen_right, sums, counts, depth + 1);
    }

    /// Set the mean of a node; gives whether there is nothing left to tell apart.
    fn summary(&mut self, seen: &[u32]) -> bool {
        self.mean.fill(0.0);
        let count = seen.len() as f64;
        match self.target {
            Target::Classes(labels, _) => {
                seen.iter().for_each(|row| self.mean[labels[*row as usize] as usize] += 1.0);
                let pure = self.mean.contains(&count);
                self.mean.iter_mut().for_each(|share| *share /= count);
                pure
            }
            Target::Values(values) => {
                let sum = seen.iter().map(|row| f64::from(values[*row as usize])).sum::<f64>();
                self.mean[0] = sum / count;
                let first = values[seen[0] as usize];
                seen.iter().all(|row| values[*row as usize] == first)
            }
        }
    }

    /// The best of a few columns, each cut at random between its least and greatest bin.
    fn split(&mut self, seen: &[u32]) -> Option<(usize, u8)> {
        let columns = self.grown.binned.columns;
        let wanted = match self.target {
            Target::Classes(..) => (columns as f64).sqrt().ceil() as usize,
            Target::Values(_) => columns.div_ceil(3),
        };
        let (mut best, mut tried) = (None::<(f64, usize, u8)>, 0);
        for _ in 0..wanted * 4 {
            let column = self.random.below(columns);
            let bins = self.grown.binned.column(column);
            let (mut least, mut most) = (u8::MAX, 0);
            for &row in seen {
                least = least.min(bins[row as usize]);
                most = most.max(bins[row as usize]);
            }
            if least >= most {
                continue;
            }
            let cut = least + self.random.below(usize::from(most - least)) as u8;
            if let Some(gain) = self.gain(seen, bins, cut)
                && best.is_none_or(|(other, ..)| gain > other)
            {
                best = Some((gain, column, cut));
            }
            tried += 1;
            if tried >= wanted {
                break;
            }
        }
        best.map(|(_, column, cut)| (column, cut))
    }

    /// How much purer a cut makes the node: the sum of squared shares (Gini), or of squared means.
    fn gain(&self, seen: &[u32], bins: &[u8], cut: u8) -> Option<f64> {
        let (count, leaf) = (seen.len(), self.grown.leaf);
        match self.target {
            Target::Classes(labels, classes) => {
                let mut left = [0_u32; 64];
                let mut more = Vec::new();
                let left = if *classes <= left.len() {
                    &mut left[..*classes]
                } else {
                    more.resize(*classes, 0_u32);
                    more.as_mut_slice()
                };
                for &row in seen {
                    left[labels[row as usize] as usize] += u32::from(bins[row as usize] <= cut);
                }
                let below = left.iter().sum::<u32>() as usize;
                if below < leaf || count - below < leaf {
                    return None;
                }
                let (mut one, mut other) = (0.0, 0.0);
                for (left, share) in left.iter().zip(&self.mean) {
                    let (left, all) = (f64::from(*left), share * count as f64);
                    one += left * left;
                    other += (all - left) * (all - left);
                }
                Some(one / below as f64 + other / (count - below) as f64)
            }
            Target::Values(values) => {
                let (mut below, mut sum, mut all) = (0_usize, 0.0, 0.0);
                for &row in seen {
                    let value = f64::from(values[row as usize]);
                    all += value;
                    if bins[row as usize] <= cut {
                        below += 1;
                        sum += value;
                    }
                }
                if below < leaf || count - below < leaf {
                    return None;
                }
                Some(sum * sum / below as f64 + (all - sum) * (all - sum) / (count - below) as f64)
            }
        }
    }
}

/// The rows of which something holds, then the others.
fn part(rows: &mut [u32], holds: impl Fn(u32) -> bool) -> (&mut [u32], &mut [u32]) {
    let mut kept = 0;
    for at in 0..rows.len() {
        if holds(rows[at]) {
            rows.swap(kept, at);
            kept += 1;
        }
    }
    rows.split_at_mut(kept)
}

/// The share of groups that a tree learns from.
const IN_BAG: f64 = 0.632;
/// One, as the sums count it.
const WHOLE: i64 = 1 << 24;
/// The deepest node.
const DEEPEST: usize = 40;
/// Rows that the bins are laid by.
const SEEN: usize = 100_000;

/// The most sums of all workers: 256 MiB, where one alone does not need more.
const SUMS: usize = 1 << 25;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_judged_by_trees_that_never_saw_them() {
        let mut random = Random::new(5, 0);
        let data = (0..800).map(|_| random.unit() as f32).collect();
        let matrix = Matrix { columns: 2, data, names: Vec::new() };
        let checks = |row: usize| (matrix.row(row)[0] > 0.5) != (matrix.row(row)[1] > 0.5);
        let mut labels = (0..400).map(|row| u32::from(checks(row))).collect::<Vec<_>>();
        labels[7] = 1 - labels[7];
        let groups = (0..400).collect::<Vec<_>>();
        let binned = Binned::new(&matrix, 1);
        let grown = |threads| Grown {
            binned: &binned,
            groups: &groups,
            left_out: &[false; 400],
            trees: 60,
            leaf: 1,
            seed: 0,
            threads,
        };
        let shares = grown(1).classify(&labels, 2);
        assert_eq!(shares, grown(4).classify(&labels, 2));
        let right = (0..400).filter(|row| {
            u32::from(shares[row * 2 + 1] > shares[row * 2]) == u32::from(checks(*row))
        });
        assert!(right.count() > 370);
        assert!(shares[7 * 2 + labels[7] as usize] < 0.5);
        let values = (0..400).map(|row| matrix.row(row)[0] * 2.0 - 1.0).collect::<Vec<_>>();
        let told = grown(2).regress(&values);
        assert!(told.iter().zip(&values).all(|(told, value)| (told - value).abs() < 0.5));
    }
}
