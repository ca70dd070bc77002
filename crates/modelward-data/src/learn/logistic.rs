//! Logistic regression over several classes, fitted by L-BFGS (Nocedal, Math. Comp. 35, 1980).

use std::collections::VecDeque;

use wide::f32x4;

use crate::Matrix;

/// A fitted model.
#[derive(Clone)]
pub(crate) struct Logistic {
    classes: usize,
    /// Classes, rounded up to whole lanes.
    lanes: usize,
    /// `[columns + 1, lanes]`; the last row is what is added.
    weights: Vec<f32>,
}

/// Fit to some rows with the classes they have: least mean log loss plus half of `penalty` times the squared
/// weights. It may start from a model of the same form.
pub(crate) fn fit(
    features: &Matrix,
    rows: &[u32],
    labels: &[u32],
    classes: usize,
    penalty: f32,
    steps: usize,
    start: Option<&Logistic>,
) -> Logistic {
    let lanes = classes.div_ceil(4) * 4;
    let weights = match start {
        Some(start) => start.weights.clone(),
        None => vec![0.0; (features.columns + 1) * lanes],
    };
    let mut at = Logistic { classes, lanes, weights };
    let mut memory: VecDeque<(Vec<f32>, Vec<f32>, f64)> = VecDeque::new();
    let (mut loss, mut gradient) = at.loss(features, rows, labels, penalty);
    for _ in 0..steps {
        let mut direction = gradient.iter().map(|slope| -slope).collect::<Vec<_>>();
        let mut shares = Vec::with_capacity(memory.len());
        for (step, change, curvature) in memory.iter().rev() {
            let share = dot(step, &direction) / curvature;
            add(&mut direction, change, -share);
            shares.push(share);
        }
        if let Some((_, change, curvature)) = memory.back() {
            let scale = (curvature / dot(change, change)) as f32;
            direction.iter_mut().for_each(|value| *value *= scale);
        }
        for ((step, change, curvature), share) in memory.iter().zip(shares.iter().rev()) {
            let back = dot(change, &direction) / curvature;
            add(&mut direction, step, share - back);
        }
        let slope = dot(&gradient, &direction);
        let norm = dot(&gradient, &gradient).sqrt();
        if slope >= 0.0 || norm < 1e-4 {
            break;
        }
        let mut length = if memory.is_empty() { (1.0 / norm).min(1.0) } else { 1.0 };
        let mut moved = None;
        for _ in 0..20 {
            let mut weights = at.weights.clone();
            add(&mut weights, &direction, length);
            let next = Logistic { classes, lanes, weights };
            let (there, slopes) = next.loss(features, rows, labels, penalty);
            if there <= loss + 1e-4 * length * slope {
                moved = Some((next, there, slopes));
                break;
            }
            length *= 0.4;
        }
        let Some((next, there, slopes)) = moved else { break };
        let step = direction.iter().map(|value| value * length as f32).collect::<Vec<_>>();
        let change = slopes.iter().zip(&gradient).map(|(new, old)| new - old).collect::<Vec<_>>();
        let curvature = dot(&step, &change);
        if curvature > 1e-10 {
            memory.push_back((step, change, curvature));
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        let gain = loss - there;
        (at, loss, gradient) = (next, there, slopes);
        if gain < 1e-5 * loss.abs().max(1e-3) {
            break;
        }
    }
    at
}

impl Logistic {
    /// The probabilities of the classes of a row.
    pub(crate) fn predict(&self, row: &[f32], out: &mut [f32]) {
        let mut scores = vec![0.0; self.lanes];
        self.scores(row, &mut scores);
        out.copy_from_slice(&scores[..self.classes]);
        softmax(out);
    }

    fn scores(&self, row: &[f32], scores: &mut [f32]) {
        self.scores_of(&[row], scores);
    }

    /// The scores of a few rows, `[R, lanes]`. Each weight is read once for all of them.
    fn scores_of<const R: usize>(&self, rows: &[&[f32]; R], scores: &mut [f32]) {
        let (weights, bias) = self.weights.split_at(self.weights.len() - self.lanes);
        for first in (0..self.lanes).step_by(4) {
            let mut sums = [lanes(&bias[first..]); R];
            for (column, weights) in weights.chunks_exact(self.lanes).enumerate() {
                let weights = lanes(&weights[first..]);
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum += f32x4::splat(row[column]) * weights;
                }
            }
            for (scores, sum) in scores.chunks_exact_mut(self.lanes).zip(sums) {
                scores[first..first + 4].copy_from_slice(&sum.to_array());
            }
        }
    }

    fn loss(
        &self,
        features: &Matrix,
        rows: &[u32],
        labels: &[u32],
        penalty: f32,
    ) -> (f64, Vec<f32>) {
        let mut gradient = vec![0.0_f32; self.weights.len()];
        let mut loss = 0.0;
        let (some, rest) = rows.as_chunks::<TOGETHER>();
        let mut scores = vec![0.0; self.lanes * TOGETHER];
        for rows in some {
            loss += self.slopes(features, rows, labels, &mut scores, &mut gradient);
        }
        for row in rest {
            let scores = &mut scores[..self.lanes];
            loss += self.slopes(features, &[*row], labels, scores, &mut gradient);
        }
        let scale = 1.0 / rows.len().max(1) as f32;
        gradient.iter_mut().for_each(|slope| *slope *= scale);
        loss *= f64::from(scale);
        let bare = self.weights.len() - self.lanes;
        for (slope, weight) in gradient[..bare].iter_mut().zip(&self.weights) {
            *slope += penalty * weight;
        }
        let squares = dot(&self.weights[..bare], &self.weights[..bare]);
        (loss + 0.5 * f64::from(penalty) * squares, gradient)
    }

    /// Add what a few rows do to the gradient; gives the sum of their log losses.
    fn slopes<const R: usize>(
        &self,
        features: &Matrix,
        rows: &[u32; R],
        labels: &[u32],
        scores: &mut [f32],
        gradient: &mut [f32],
    ) -> f64 {
        let values = rows.map(|row| features.row(row as usize));
        self.scores_of(&values, scores);
        let mut loss = 0.0;
        for (scores, row) in scores.chunks_exact_mut(self.lanes).zip(rows) {
            softmax(&mut scores[..self.classes]);
            scores[self.classes..].fill(0.0);
            let label = labels[*row as usize] as usize;
            loss -= f64::from(scores[label].max(1e-30)).ln();
            scores[label] -= 1.0;
        }
        let (slopes, bias) = gradient.split_at_mut(gradient.len() - self.lanes);
        for first in (0..self.lanes).step_by(4) {
            let rest: [f32x4; R] =
                std::array::from_fn(|at| lanes(&scores[at * self.lanes + first..]));
            for (column, slopes) in slopes.chunks_exact_mut(self.lanes).enumerate() {
                let mut sum = lanes(&slopes[first..]);
                for (row, rest) in values.iter().zip(rest) {
                    sum += f32x4::splat(row[column]) * rest;
                }
                slopes[first..first + 4].copy_from_slice(&sum.to_array());
            }
            for (bias, rest) in bias[first..first + 4]
                .iter_mut()
                .zip(rest.into_iter().fold(f32x4::ZERO, |sum, rest| sum + rest).to_array())
            {
                *bias += rest;
            }
        }
        loss
    }
}

/// The first four of some numbers.
fn lanes(numbers: &[f32]) -> f32x4 {
    f32x4::new(numbers.first_chunk().copied().unwrap_or_default())
}

/// Scores as probabilities.
pub(crate) fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

fn dot(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn add(to: &mut [f32], what: &[f32], times: f64) {
    let times = times as f32;
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

/// Steps that are remembered.
const MEMORY: usize = 8;
/// Rows whose slopes are summed together.
const TOGETHER: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::random::Random;

    #[test]
    fn a_line_between_classes_is_found() {
        let mut random = Random::new(1, 0);
        let data = (0..600).map(|_| (random.unit() * 4.0 - 2.0) as f32).collect();
        let features = Matrix { columns: 2, data, names: Vec::new() };
        let labels = (0..300).map(|row| u32::from(features.row(row)[0] > features.row(row)[1]));
        let labels = labels.collect::<Vec<_>>();
        let rows = (0..300).collect::<Vec<_>>();
        let model = fit(&features, &rows, &labels, 2, 1e-3, 100, None);
        let right = (0..300).filter(|row| {
            let mut shares = [0.0; 2];
            model.predict(features.row(*row), &mut shares);
            u32::from(shares[1] > shares[0]) == labels[*row]
        });
        assert!(right.count() >= 294);
    }
}
