//! A model that draws random numbers, asked many times: the expectation over its randomness.
//!
//! Athalye, Engstrom, Ilyas and Kwok, "Synthesizing robust adversarial examples", 2018, section 3.1:
//! what is climbed is the mean of the loss, and the answer is the one that is given most often.

use modelward_engine::Result;

use crate::victim::{Answers, Gives, Slope, Slopes, Victim};

/// A model whose answers are those of many draws.
pub struct Averaged<'a> {
    inner: &'a mut dyn Victim,
    draws: usize,
}

impl<'a> Averaged<'a> {
    /// Ask so many times for each answer.
    pub fn new(inner: &'a mut dyn Victim, draws: usize) -> Self {
        Self { inner, draws: draws.max(1) }
    }
}

impl Victim for Averaged<'_> {
    fn features(&self) -> usize {
        self.inner.features()
    }

    fn shape(&self) -> &[usize] {
        self.inner.shape()
    }

    fn classes(&self) -> usize {
        self.inner.classes()
    }

    fn gives(&self) -> Gives {
        self.inner.gives()
    }

    fn left(&self) -> Option<u64> {
        self.inner.left().map(|left| left / self.draws as u64)
    }

    fn sent(&self) -> Option<u64> {
        self.inner.sent()
    }

    fn keep(&mut self, inputs: u64) {
        self.inner.keep(inputs.saturating_mul(self.draws as u64));
    }

    fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
        let answers =
            (0..self.draws).map(|_| self.inner.ask(inputs)).collect::<Result<Vec<_>>>()?;
        Ok(most_often(&answers))
    }

    fn deployed(&mut self, inputs: &[f32]) -> Result<Vec<f32>> {
        self.inner.deployed(inputs)
    }

    fn straighten(&mut self) -> Result<Vec<String>> {
        self.inner.straighten()
    }

    fn slope(&mut self, of: Slope<'_>, inputs: &[f32]) -> Result<Option<Slopes>> {
        let mut gradients = vec![0.0_f32; inputs.len()];
        let mut answers = Vec::with_capacity(self.draws);
        for _ in 0..self.draws {
            let Some(slopes) = self.inner.slope(of, inputs)? else { return Ok(None) };
            for (sum, slope) in gradients.iter_mut().zip(&slopes.gradients) {
                *sum += slope / self.draws as f32;
            }
            answers.push(slopes.answers);
        }
        Ok(Some(Slopes { answers: most_often(&answers), gradients }))
    }
}

/// The mean of the scores, and for each input the answer that most draws give; the least of equals.
fn most_often(answers: &[Answers]) -> Answers {
    let Some(first) = answers.first() else { return Answers::default() };
    let mut scores = vec![0.0_f32; first.scores.len()];
    for each in answers {
        for (sum, score) in scores.iter_mut().zip(&each.scores) {
            *sum += score / answers.len() as f32;
        }
    }
    let label = |at: usize| {
        let mut said = answers.iter().map(|each| each.labels[at]).collect::<Vec<_>>();
        said.sort_unstable();
        let mut best = (0, 0);
        for same in said.chunk_by(|a, b| a == b) {
            if same.len() > best.0 {
                best = (same.len(), same[0]);
            }
        }
        best.1
    };
    Answers { labels: (0..first.labels.len()).map(label).collect(), scores }
}
