//! A classifier that is easy to look through, for tests: scores are linear in the input.

use modelward_engine::Result;

use super::{Answers, Slope, Slopes, Victim};

/// `scores = weights . x + bias`
pub(crate) struct Linear {
    shape: Vec<usize>,
    /// `[classes][features]`
    weights: Vec<Vec<f32>>,
    bias: Vec<f32>,
}

impl Linear {
    pub(crate) fn new(shape: &[usize], weights: Vec<Vec<f32>>, bias: Vec<f32>) -> Self {
        Self { shape: shape.to_vec(), weights, bias }
    }

    /// With weights that are drawn.
    pub(crate) fn drawn(shape: &[usize], classes: usize, seed: u64) -> Self {
        let mut random = crate::random::stream(&[seed]);
        let features = shape.iter().product::<usize>();
        let mut row = |_| (0..features).map(|_| crate::random::normal(&mut random)).collect();
        let weights = (0..classes).map(&mut row).collect::<Vec<Vec<f32>>>();
        // In the middle of the range all are equal.
        let bias = weights.iter().map(|row| -0.5 * row.iter().sum::<f32>()).collect();
        Self::new(shape, weights, bias)
    }

    fn scores(&self, x: &[f32]) -> Vec<f32> {
        let score = |(row, bias): (&Vec<f32>, &f32)| {
            bias + row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>()
        };
        self.weights.iter().zip(&self.bias).map(score).collect()
    }
}

impl Victim for Linear {
    fn features(&self) -> usize {
        self.shape.iter().product()
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn classes(&self) -> usize {
        self.bias.len()
    }

    fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
        let mut answers = Answers::default();
        for x in inputs.chunks_exact(self.features()) {
            let scores = self.scores(x);
            let best = (0..scores.len()).fold(0, |a, b| if scores[b] > scores[a] { b } else { a });
            answers.labels.push(best as i64);
            answers.scores.extend(scores);
        }
        Ok(answers)
    }

    fn slope(&mut self, of: Slope<'_>, inputs: &[f32]) -> Result<Option<Slopes>> {
        let answers = self.ask(inputs)?;
        let classes = self.classes();
        let mut gradients = Vec::with_capacity(inputs.len());
        for (at, z) in answers.scores.chunks_exact(classes).enumerate() {
            let own = |rows: &[f32]| rows[at * classes..(at + 1) * classes].to_vec();
            let by_score = match of {
                Slope::Weighted(weights) => own(weights),
                Slope::CrossEntropy(labels) => {
                    let most = z.iter().fold(f32::MIN, |a, b| a.max(*b));
                    let all = z.iter().map(|z| (z - most).exp()).sum::<f32>();
                    let share = |class: usize| (z[class] - most).exp() / all;
                    let label = |class: usize| if class == labels[at] { 1.0 } else { 0.0 };
                    (0..classes).map(|class| share(class) - label(class)).collect()
                }
                Slope::Ratio { above, below } => {
                    let (a, b) = (own(above), own(below));
                    let dot = |w: &[f32]| w.iter().zip(z).map(|(w, z)| w * z).sum::<f32>();
                    let (up, down) = (dot(&a), dot(&b) + 1e-12);
                    let each = a.iter().zip(&b);
                    each.map(|(a, b)| -(a * down - up * b) / (down * down)).collect()
                }
            };
            let slope = |i: usize| (0..classes).map(|c| by_score[c] * self.weights[c][i]).sum();
            gradients.extend((0..self.features()).map(slope).collect::<Vec<f32>>());
        }
        Ok(Some(Slopes { answers, gradients }))
    }
}
