//! Logistic regression over several classes, fitted by L-BFGS (Nocedal, Math. Comp. 35, 1980).

use std::collections::VecDeque;

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
        let (weights, bias) = self.weights.split_at(row.len() * self.lanes);
        scores.copy_from_slice(&bias[..self.lanes]);
        for (value, weights) in row.iter().zip(weights.chunks_exact(self.lanes)) {
            for (score, weight) in scores.chunks_exact_mut(4).zip(weights.chunks_exact(4)) {
                for lane in 0..4 {
                    score[lane] += value * weight[lane];
                }
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
        let mut scores = vec![0.0; self.lanes];
        for &row in rows {
            let values = features.row(row as usize);
            let label = labels[row as usize] as usize;
            self.scores(values, &mut scores);
            softmax(&mut scores[..self.classes]);
            scores[self.classes..].fill(0.0);
            loss -= f64::from(scores[label].max(1e-30)).ln();
            scores[label] -= 1.0;
            let (slopes, bias) = gradient.split_at_mut(values.len() * self.lanes);
            for (value, slopes) in values.iter().zip(slopes.chunks_exact_mut(self.lanes)) {
                for (slope, rest) in slopes.chunks_exact_mut(4).zip(scores.chunks_exact(4)) {
                    for lane in 0..4 {
                        slope[lane] += value * rest[lane];
                    }
                }
            }
            bias.iter_mut().zip(&scores).for_each(|(slope, rest)| *slope += rest);
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
