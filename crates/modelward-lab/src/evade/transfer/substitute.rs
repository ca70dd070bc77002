//! A network with one hidden layer, taught by answers.

use crate::random::normal;

/// Neurons of the hidden layer.
const HIDDEN: usize = 64;
/// Lessons of one step.
const BATCH: usize = 32;
/// Products that one training may take, and the fewest and the most times that it sees each lesson.
const PRODUCTS: usize = 1 << 31;
const EPOCHS: (usize, usize) = (2, 40);
/// The step of Adam (Kingma and Ba 2015), its two decays and its floor.
const STEP: f32 = 3e-3;
const DECAYS: (f32, f32) = (0.9, 0.999);
const FLOOR: f32 = 1e-8;

/// Points and the shares of the classes that the model gave them.
#[derive(Debug)]
pub(super) struct Lessons {
    features: usize,
    classes: usize,
    points: Vec<f32>,
    shares: Vec<f32>,
}

impl Lessons {
    pub(super) fn new(features: usize, classes: usize) -> Self {
        Self { features, classes, points: Vec::new(), shares: Vec::new() }
    }

    /// One more: by its scores, where there are any, and else by its label. What is no answer teaches
    /// nothing.
    pub(super) fn add(&mut self, point: &[f32], label: i64, scores: &[f32]) {
        let Some(label) = usize::try_from(label).ok().filter(|label| *label < self.classes) else {
            return;
        };
        self.points.extend_from_slice(point);
        if scores.iter().all(|score| score.is_finite()) && scores.len() == self.classes {
            self.shares.extend(softmax(scores));
        } else {
            self.shares.extend((0..self.classes).map(|class| f32::from(u8::from(class == label))));
        }
    }

    fn count(&self) -> usize {
        self.points.len() / self.features.max(1)
    }
}

/// The network: inputs are centred and scaled, then `W2 relu(W1 x + b1) + b2`.
#[derive(Debug)]
pub(super) struct Substitute {
    features: usize,
    classes: usize,
    mean: Vec<f32>,
    scale: f32,
    /// `W1`, `b1`, `W2`, `b2` in one row.
    weights: Vec<f32>,
    moments: Vec<(f32, f32)>,
    steps: i32,
}

/// What one input makes of the network.
struct Pass {
    input: Vec<f32>,
    hidden: Vec<f32>,
    scores: Vec<f32>,
}

impl Substitute {
    pub(super) fn new(lessons: &Lessons, random: &mut fastrand::Rng) -> Self {
        let (features, classes) = (lessons.features, lessons.classes);
        let count = lessons.count().max(1) as f32;
        let mut mean = vec![0.0_f32; features];
        for point in lessons.points.chunks_exact(features.max(1)) {
            for (mean, x) in mean.iter_mut().zip(point) {
                *mean += x / count;
            }
        }
        let spread = lessons
            .points
            .chunks_exact(features.max(1))
            .flat_map(|point| point.iter().zip(&mean).map(|(x, mean)| f64::from(x - mean).powi(2)));
        let spread = (spread.sum::<f64>() / lessons.points.len().max(1) as f64).sqrt() as f32;
        let scale = if spread > 1e-12 && spread.is_finite() { 1.0 / spread } else { 1.0 };
        let size = HIDDEN * (features + 1) + classes * (HIDDEN + 1);
        let mut weights = vec![0.0; size];
        let (first, second) = weights.split_at_mut(HIDDEN * (features + 1));
        let draw = |weights: &mut [f32], inputs: usize, random: &mut fastrand::Rng| {
            let deviation = (2.0 / inputs.max(1) as f32).sqrt();
            weights.iter_mut().for_each(|weight| *weight = deviation * normal(random));
        };
        draw(&mut first[..HIDDEN * features], features, random);
        draw(&mut second[..classes * HIDDEN], HIDDEN, random);
        let moments = vec![(0.0, 0.0); size];
        Self { features, classes, mean, scale, weights, moments, steps: 0 }
    }

    /// Go through all lessons some times.
    pub(super) fn train(&mut self, lessons: &Lessons, random: &mut fastrand::Rng) {
        let count = lessons.count();
        let each = 4 * count * HIDDEN * (self.features + self.classes);
        let epochs = (PRODUCTS / each.max(1)).clamp(EPOCHS.0, EPOCHS.1);
        let mut order = (0..count).collect::<Vec<_>>();
        let mut slope = vec![0.0_f32; self.weights.len()];
        for _ in 0..epochs {
            random.shuffle(&mut order);
            for batch in order.chunks(BATCH) {
                slope.fill(0.0);
                for &at in batch {
                    let point = &lessons.points[at * self.features..(at + 1) * self.features];
                    let shares = &lessons.shares[at * self.classes..(at + 1) * self.classes];
                    let pass = self.pass(point);
                    let wrong = softmax(&pass.scores).into_iter().zip(shares);
                    let wrong = wrong.map(|(p, share)| (p - share) / batch.len() as f32);
                    self.add_slope(&pass, &wrong.collect::<Vec<_>>(), &mut slope);
                }
                self.step(&slope);
            }
        }
    }

    /// The slope by the input of how far the best other class, or the target, lies above the label.
    pub(super) fn slope(&self, point: &[f32], label: usize, target: Option<usize>) -> Vec<f32> {
        let pass = self.pass(point);
        let others = (0..self.classes).filter(|&class| class != label);
        let best = others.max_by(|&a, &b| pass.scores[a].total_cmp(&pass.scores[b]));
        let other = target.or(best).unwrap_or(label);
        let (first, second) = self.weights.split_at(HIDDEN * (self.features + 1));
        let mut slope = vec![0.0_f32; self.features];
        for (at, hidden) in pass.hidden.iter().enumerate() {
            if *hidden > 0.0 {
                let weight = second[other * HIDDEN + at] - second[label * HIDDEN + at];
                let row = &first[at * self.features..(at + 1) * self.features];
                for (slope, w) in slope.iter_mut().zip(row) {
                    *slope += weight * w;
                }
            }
        }
        slope
    }

    fn pass(&self, point: &[f32]) -> Pass {
        let (first, second) = self.weights.split_at(HIDDEN * (self.features + 1));
        let (w1, b1) = first.split_at(HIDDEN * self.features);
        let (w2, b2) = second.split_at(self.classes * HIDDEN);
        let input = point.iter().zip(&self.mean).map(|(x, mean)| (x - mean) * self.scale);
        let input = input.collect::<Vec<_>>();
        let dot = |row: &[f32], x: &[f32]| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>();
        let rows = w1.chunks_exact(self.features.max(1)).zip(b1);
        let hidden = rows.map(|(row, b)| (dot(row, &input) + b).max(0.0)).collect::<Vec<_>>();
        let rows = w2.chunks_exact(HIDDEN).zip(b2);
        let scores = rows.map(|(row, b)| dot(row, &hidden) + b).collect();
        Pass { input, hidden, scores }
    }

    /// Add the slope by the weights, given that by the scores.
    fn add_slope(&self, pass: &Pass, wrong: &[f32], slope: &mut [f32]) {
        let (first, second) = slope.split_at_mut(HIDDEN * (self.features + 1));
        let (w1, b1) = first.split_at_mut(HIDDEN * self.features);
        let (w2, b2) = second.split_at_mut(self.classes * HIDDEN);
        let own = &self.weights[HIDDEN * (self.features + 1)..];
        for (class, &wrong) in wrong.iter().enumerate() {
            b2[class] += wrong;
            let row = &mut w2[class * HIDDEN..(class + 1) * HIDDEN];
            row.iter_mut().zip(&pass.hidden).for_each(|(slope, hidden)| *slope += wrong * hidden);
        }
        for (at, &hidden) in pass.hidden.iter().enumerate() {
            if hidden > 0.0 {
                let each = wrong.iter().enumerate();
                let back = each.map(|(class, wrong)| wrong * own[class * HIDDEN + at]).sum::<f32>();
                b1[at] += back;
                let row = &mut w1[at * self.features..(at + 1) * self.features];
                row.iter_mut().zip(&pass.input).for_each(|(slope, x)| *slope += back * x);
            }
        }
    }

    /// A step of Adam.
    fn step(&mut self, slope: &[f32]) {
        self.steps = self.steps.saturating_add(1);
        let (first, second) = DECAYS;
        let bias = (1.0 - first.powi(self.steps), 1.0 - second.powi(self.steps));
        for ((weight, moment), &g) in self.weights.iter_mut().zip(&mut self.moments).zip(slope) {
            moment.0 = first * moment.0 + (1.0 - first) * g;
            moment.1 = second * moment.1 + (1.0 - second) * g * g;
            *weight -= STEP * (moment.0 / bias.0) / ((moment.1 / bias.1).sqrt() + FLOOR);
        }
    }
}

fn softmax(scores: &[f32]) -> Vec<f32> {
    let most = scores.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    let powers = scores.iter().map(|score| (score - most).exp()).collect::<Vec<_>>();
    let sum = powers.iter().sum::<f32>();
    powers.into_iter().map(|power| power / sum).collect()
}
