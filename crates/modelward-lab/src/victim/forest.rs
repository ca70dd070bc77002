//! A tree ensemble: scores and labels of the library that wrote it, no gradient, and proofs that are
//! exact.

use std::{sync::Arc, time::Instant};

use modelward_engine::{Kind, Result, Trouble};

use crate::{
    trees::{Trees, Verdict},
    victim::{Answers, Gives, NO_CLASS, Slope, Slopes, Victim},
};

/// A tree ensemble. Its classes are the places of its labels.
#[derive(Debug)]
pub struct Forest {
    trees: Arc<Trees>,
    shape: Vec<usize>,
}

impl Forest {
    /// Take trees for samples of a shape.
    ///
    /// # Errors
    /// Where the samples have another number of features than the trees.
    pub fn new(trees: impl Into<Arc<Trees>>, shape: &[usize]) -> Result<Self> {
        let trees = trees.into();
        let (wanted, got) = (trees.features(), shape.iter().product::<usize>());
        if wanted != got {
            let why = format!("expected samples of {wanted} features, got {got}");
            return Err(Trouble::new(Kind::Input, why)
                .help("the data must have the columns that the trees were grown on"));
        }
        Ok(Self { trees, shape: shape.to_vec() })
    }
}

impl Victim for Forest {
    fn features(&self) -> usize {
        self.trees.features()
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn classes(&self) -> usize {
        self.trees.labels().len()
    }

    fn gives(&self) -> Gives {
        Gives::Scores
    }

    fn decides(&self) -> bool {
        true
    }

    fn decide(
        &mut self,
        low: &[f32],
        high: &[f32],
        class: usize,
        deadline: Option<Instant>,
    ) -> Result<Verdict> {
        match self.trees.labels().get(class) {
            Some(&label) => self.trees.holds(low, high, label, deadline),
            None => Ok(Verdict::Unknown),
        }
    }

    fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
        if inputs.is_empty() {
            return Ok(Answers::default());
        }
        let names = self.trees.labels();
        let place = |name: i64| names.iter().position(|label| *label == name);
        let labels = self.trees.classify(inputs)?.into_iter().map(|name| {
            place(name).and_then(|place| i64::try_from(place).ok()).unwrap_or(NO_CLASS)
        });
        let labels = labels.collect();
        let scores = self.trees.scores(inputs)?.into_iter().map(|score| score as f32).collect();
        Ok(Answers { labels, scores })
    }

    fn slope(&mut self, _of: Slope<'_>, _inputs: &[f32]) -> Result<Option<Slopes>> {
        Ok(None)
    }
}
