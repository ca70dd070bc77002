//! A model behind the user's preprocessing: budgets and points live in the user's own space.

use modelward_engine::Result;

use crate::{
    preprocess::Convention,
    victim::{Answers, Gives, Slope, Slopes, Victim},
};

/// A model, and what is done to inputs before it sees them.
#[derive(Debug)]
pub struct Prepared<V> {
    inner: V,
    convention: Convention,
    shape: Vec<usize>,
}

impl<V: Victim> Prepared<V> {
    /// A model that takes what the convention makes of samples of this shape.
    pub fn new(inner: V, convention: Convention, shape: Vec<usize>) -> Self {
        Self { inner, convention, shape }
    }
}

impl<V: Victim> Victim for Prepared<V> {
    fn features(&self) -> usize {
        self.inner.features()
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn classes(&self) -> usize {
        self.inner.classes()
    }

    fn gives(&self) -> Gives {
        self.inner.gives()
    }

    fn flop(&mut self) -> Option<u64> {
        self.inner.flop()
    }

    fn left(&self) -> Option<u64> {
        self.inner.left()
    }

    fn sent(&self) -> Option<u64> {
        self.inner.sent()
    }

    fn keep(&mut self, inputs: u64) {
        self.inner.keep(inputs);
    }

    fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
        self.inner.ask(&self.convention.apply(inputs))
    }

    fn deployed(&mut self, inputs: &[f32]) -> Result<Vec<f32>> {
        self.inner.deployed(&self.convention.apply(inputs))
    }

    fn straighten(&mut self) -> Result<Vec<String>> {
        self.inner.straighten()
    }

    fn slope(&mut self, of: Slope<'_>, inputs: &[f32]) -> Result<Option<Slopes>> {
        let slopes = self.inner.slope(of, &self.convention.apply(inputs))?;
        Ok(slopes.map(|slopes| Slopes {
            gradients: self.convention.pull_back(&slopes.gradients),
            ..slopes
        }))
    }
}
