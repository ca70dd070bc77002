//! Robust covariance: where most rows lie, and how far a row lies from there in the measure of all columns
//! together (Mahalanobis).

use std::ops::Range;

use super::{
    dense::{Cholesky, WIDEST},
    workers,
};
use crate::Matrix;

/// Where most rows lie, by blocks of columns.
pub(crate) struct Covariance {
    columns: usize,
    blocks: Vec<Block>,
}

struct Block {
    columns: Range<usize>,
    mean: Vec<f64>,
    root: Cholesky,
    /// The inverse, `[width, width]`.
    precision: Vec<f64>,
}

/// A column that a row is out of place in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missed {
    /// Which.
    pub(crate) column: usize,
    /// What the other columns say.
    pub(crate) expected: f64,
    /// How far that is to be believed: one standard deviation.
    pub(crate) spread: f64,
}

impl Covariance {
    /// Fit to standardised rows: the farthest quarter is left out of the second fit, which is drawn a
    /// twentieth towards equal variances (after Rousseeuw and Van Driessen, Technometrics 41, 1999, one
    /// reweighting; Ledoit and Wolf, J. Multivariate Analysis 88, 2004).
    pub(crate) fn fit(rows: &Matrix, threads: usize) -> Option<Self> {
        let (height, width) = (rows.rows(), rows.columns);
        // Wide tables go by blocks, and more so where they are long too.
        let most = ((WORK / height.max(1) as f64).sqrt() as usize).clamp(32, WIDEST);
        let parts = width.div_ceil(most).max(1);
        let blocks = workers::each(parts, threads, |part| {
            let columns = part * width / parts..(part + 1) * width / parts;
            Block::fit(rows, columns)
        });
        let blocks = blocks.into_iter().collect::<Option<Vec<_>>>()?;
        Some(Self { columns: width, blocks })
    }

    /// The squared distance of a row, and the row in coordinates of unit variance that hang on no other.
    pub(crate) fn distance(&self, row: &[f32], whitened: &mut [f32]) -> f64 {
        let mut sum = 0.0;
        for block in &self.blocks {
            let mut rest = block.rest(row);
            block.root.forward(&mut rest);
            sum += rest.iter().map(|value| value * value).sum::<f64>();
            let out = &mut whitened[block.columns.clone()];
            out.iter_mut().zip(rest).for_each(|(out, value)| *out = value as f32);
        }
        sum
    }

    /// Put what the other columns say in the place of some columns of a row.
    pub(crate) fn impute(&self, row: &mut [f32], columns: &[usize]) {
        for block in &self.blocks {
            let own = columns.iter().filter(|column| block.columns.contains(column));
            let own = own.map(|column| column - block.columns.start).collect::<Vec<_>>();
            if own.is_empty() {
                continue;
            }
            let (width, mut rest) = (block.columns.len(), block.rest(row));
            // One column after the other until nothing moves: the conditional mean (Gauss and Seidel).
            for _ in 0..SWEEPS {
                for &at in &own {
                    let line = &block.precision[at * width..][..width];
                    let pull = line.iter().zip(&rest).map(|(a, b)| a * b).sum::<f64>();
                    rest[at] -= if line[at] > 1e-12 { pull / line[at] } else { 0.0 };
                }
            }
            for at in own {
                row[block.columns.start + at] = (block.mean[at] + rest[at]) as f32;
            }
        }
    }

    /// The columns to which a row owes its distance, the first that whose leaving out takes off most, until
    /// the rest of the row is within `limit`; at most `most` of them.
    pub(crate) fn missed(&self, row: &[f32], limit: f64, most: usize) -> Vec<Missed> {
        let mut states = self.blocks.iter().map(|block| {
            let width = block.columns.len();
            let rest = block.rest(row);
            let pulls = (0..width).map(|at| {
                let line = &block.precision[at * width..][..width];
                line.iter().zip(&rest).map(|(a, b)| a * b).sum::<f64>()
            });
            let pulls = pulls.collect::<Vec<_>>();
            let distance = pulls.iter().zip(&rest).map(|(a, b)| a * b).sum::<f64>();
            (block, rest, pulls, block.precision.clone(), distance)
        });
        let mut states = states.by_ref().collect::<Vec<_>>();
        let mut missed = Vec::new();
        while missed.len() < most.min(self.columns) {
            let distance = states.iter().map(|state| state.4).sum::<f64>();
            if distance <= limit && !missed.is_empty() {
                break;
            }
            let mut best = None::<(f64, usize, usize)>;
            for (at, (block, _, pulls, precision, _)) in states.iter().enumerate() {
                let width = block.columns.len();
                for (column, pull) in pulls.iter().enumerate() {
                    let own = precision[column * width + column];
                    let gain = if own > 1e-12 { pull * pull / own } else { 0.0 };
                    if best.is_none_or(|(other, ..)| gain > other) {
                        best = Some((gain, at, column));
                    }
                }
            }
            let Some((gain, at, column)) = best.filter(|(gain, ..)| *gain > 0.0) else { break };
            if !missed.is_empty() && gain < 4.0 {
                break;
            }
            let (block, rest, pulls, precision, distance) = &mut states[at];
            let width = block.columns.len();
            let own = precision[column * width + column];
            missed.push(Missed {
                column: block.columns.start + column,
                expected: block.mean[column] + rest[column] - pulls[column] / own,
                spread: 1.0 / own.sqrt(),
            });
            // Leave the column out of the inverse.
            let line = precision[column * width..][..width].to_vec();
            let pull = pulls[column];
            for other in 0..width {
                let share = line[other] / own;
                pulls[other] -= share * pull;
                let row = &mut precision[other * width..][..width];
                row.iter_mut().zip(&line).for_each(|(value, line)| *value -= share * line);
            }
            *distance -= gain;
        }
        missed
    }
}

impl Block {
    fn fit(rows: &Matrix, columns: Range<usize>) -> Option<Self> {
        let all = (0..rows.rows()).collect::<Vec<_>>();
        let first = Self::of(rows, &all, columns.clone(), 0.1)?;
        let mut distances = all.iter().map(|row| {
            let mut rest = first.rest(rows.row(*row));
            first.root.forward(&mut rest);
            (rest.iter().map(|value| value * value).sum::<f64>(), *row)
        });
        let mut distances = distances.by_ref().collect::<Vec<_>>();
        distances.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let kept = distances.iter().take((rows.rows() * 3).div_ceil(4)).map(|(_, row)| *row);
        let mut kept = kept.collect::<Vec<_>>();
        kept.sort_unstable();
        Self::of(rows, &kept, columns.clone(), 0.05)
    }

    fn of(rows: &Matrix, some: &[usize], columns: Range<usize>, shrink: f64) -> Option<Self> {
        let width = columns.len();
        let count = some.len() as f64;
        let mut mean = vec![0.0; width];
        for row in some {
            let row = &rows.row(*row)[columns.clone()];
            mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        mean.iter_mut().for_each(|sum| *sum /= count);
        let mut covariance = vec![0.0; width * width];
        let mut rest = vec![0.0; width];
        for row in some {
            let row = &rows.row(*row)[columns.clone()];
            for ((rest, value), mean) in rest.iter_mut().zip(row).zip(&mean) {
                *rest = f64::from(*value) - mean;
            }
            for (at, value) in rest.iter().enumerate() {
                let line = &mut covariance[at * width..][..=at];
                line.iter_mut().zip(&rest).for_each(|(sum, other)| *sum += value * other);
            }
        }
        covariance.iter_mut().for_each(|sum| *sum /= count);
        let trace = (0..width).map(|at| covariance[at * width + at]).sum::<f64>() / width as f64;
        covariance.iter_mut().for_each(|value| *value *= 1.0 - shrink);
        for at in 0..width {
            covariance[at * width + at] += shrink * trace + 1e-9;
        }
        let root = Cholesky::of(covariance, width)?;
        let precision = root.inverse();
        Some(Self { columns, mean, root, precision })
    }

    fn rest(&self, row: &[f32]) -> Vec<f64> {
        let values = row[self.columns.clone()].iter().zip(&self.mean);
        values.map(|(value, mean)| f64::from(*value) - mean).collect()
    }
}

/// Rounds in which columns are put in the place of each other.
const SWEEPS: usize = 20;
/// Rows times squared columns that a fit may cost.
const WORK: f64 = 6e9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::random::Random;

    #[test]
    fn a_broken_relation_is_far_and_named() {
        let mut random = Random::new(4, 0);
        let mut data = Vec::new();
        for _ in 0..500 {
            let [a, b, c] =
                [0; 3].map(|_| (0..6).map(|_| random.unit() - 0.5).sum::<f64>() as f32 * 1.41);
            data.extend([a, b, a + 0.1 * c]);
        }
        data.extend([1.5, 0.0, -1.5]);
        let rows = Matrix { columns: 3, data, names: Vec::new() };
        let fitted = Covariance::fit(&rows, 1).unwrap();
        let mut whitened = [0.0; 3];
        let distances = (0..501).map(|row| fitted.distance(rows.row(row), &mut whitened));
        let distances = distances.collect::<Vec<_>>();
        assert!(distances[..500].iter().all(|distance| *distance < distances[500]));
        let missed = fitted.missed(rows.row(500), 20.0, 3);
        assert!([0, 2].contains(&missed[0].column));
        // What the others say in the place of `a`, and of `a` and `c`.
        let mut row = [1.5, 0.0, -1.5];
        fitted.impute(&mut row, &[0]);
        assert!((row[0] + 1.5).abs() < 0.2, "{row:?}");
        let mut row = [1.5, 0.5, -1.5];
        fitted.impute(&mut row, &[0, 2]);
        assert!(row[0].abs() < 0.2 && row[2].abs() < 0.2 && row[1] == 0.5, "{row:?}");
        assert!(missed[0].expected.signum() != f64::from(rows.row(500)[missed[0].column]).signum());
    }
}
