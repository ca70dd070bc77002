//! A model under attack: what it answers, and where it has one its gradient.

use std::time::Instant;

use modelward_engine::Result;

use crate::trees::Verdict;

mod averaged;
mod forest;
#[cfg(test)]
pub(crate) mod linear;
mod network;
mod prepared;
mod remote;
pub(crate) mod scores;

pub use self::{
    averaged::Averaged, forest::Forest, network::Network, prepared::Prepared, remote::Remote,
};

/// A classifier that can be asked.
pub trait Victim {
    /// How many numbers an input has.
    fn features(&self) -> usize;

    /// The shape of one input.
    fn shape(&self) -> &[usize];

    /// How many classes there are, two or more.
    fn classes(&self) -> usize;

    /// What an attack can have of it.
    fn gives(&self) -> Gives {
        Gives::Gradients
    }

    /// Floating-point operations that an input takes; `None` where they are not known.
    fn flop(&mut self) -> Option<u64> {
        None
    }

    /// How many inputs may still be sent to it; `None` where there is no end.
    fn left(&self) -> Option<u64> {
        None
    }

    /// How many inputs were sent to it, where somebody else runs it.
    fn sent(&self) -> Option<u64> {
        None
    }

    /// Keep back so many inputs of what may still be sent: asking again what was not answered must
    /// leave them.
    fn keep(&mut self, _inputs: u64) {}

    /// Whether [`Victim::decide`] decides.
    fn decides(&self) -> bool {
        false
    }

    /// Whether every input between `low` and `high`, `[features]`, is given a class, exactly; unknown
    /// at the deadline.
    ///
    /// # Errors
    /// Where it cannot be run on them.
    fn decide(
        &mut self,
        _low: &[f32],
        _high: &[f32],
        _class: usize,
        _deadline: Option<Instant>,
    ) -> Result<Verdict> {
        Ok(Verdict::Unknown)
    }

    /// Its answers to inputs `[n, features]`.
    ///
    /// # Errors
    /// Where it cannot be run on them.
    fn ask(&mut self, inputs: &[f32]) -> Result<Answers>;

    /// What it gives as deployed for inputs `[n, features]`, a row for each.
    ///
    /// # Errors
    /// Where it cannot be run on them.
    fn deployed(&mut self, inputs: &[f32]) -> Result<Vec<f32>> {
        Ok(self.ask(inputs)?.scores)
    }

    /// Take rounding, signs and the like for the identity where a gradient passes them; gives the
    /// nodes that were.
    ///
    /// # Errors
    /// Where its gradient cannot be written.
    fn straighten(&mut self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Its answers, and gradients by the inputs; `None` where it gives no gradient.
    ///
    /// # Errors
    /// Where it cannot be run on them.
    fn slope(&mut self, of: Slope<'_>, inputs: &[f32]) -> Result<Option<Slopes>>;
}

/// What an attack can have of a model, the more the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gives {
    /// The class of an input alone.
    Labels,
    /// A score for each class.
    Scores,
    /// Scores, and gradients by the input.
    Gradients,
}

impl Gives {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Scores => "scores",
            Self::Gradients => "gradients",
        }
    }
}

/// What is said where no more may be sent to a model.
pub const OUT_OF_QUERIES: &str = "the budget of queries is spent";

/// What is said where a server that answered before answers no more.
pub const NO_ANSWER: &str = "the server stopped answering";

/// Answers to a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// What it says, as deployed: the class of each input, [`NO_CLASS`] where an output is no finite
    /// number.
    pub labels: Vec<i64>,
    /// Scores `[n, classes]`, the largest for the class that is said; logits where the model has
    /// them. Empty where the model gives labels alone.
    pub scores: Vec<f32>,
}

/// The class of an answer that is no number.
pub const NO_CLASS: i64 = -1;

/// What a gradient is taken of, for scores `z` of each input.
#[derive(Clone, Copy, Debug)]
pub enum Slope<'a> {
    /// `w . z` with weights `[n, classes]`.
    Weighted(&'a [f32]),
    /// The cross-entropy against one label for each input. Where there are two classes it has the
    /// direction of the margin, and that is taken.
    CrossEntropy(&'a [usize]),
    /// `-(a . z) / (b . z)` with weights `[n, classes]`.
    Ratio {
        /// `a`
        above: &'a [f32],
        /// `b`
        below: &'a [f32],
    },
}

/// Answers and gradients of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slopes {
    /// The answers.
    pub answers: Answers,
    /// Gradients `[n, features]`.
    pub gradients: Vec<f32>,
}
