//! Properties of a model: sets of inputs whose outputs must keep out of a set.
//!
//! As VNN-LIB 1.0 has them, a property is written as its negation: a point that satisfies it is a
//! violation.

use crate::exact::Rational;

/// Inputs and the outputs they must not have.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// How many numbers a model of it takes, in its own order.
    pub inputs: usize,
    /// How many it gives.
    pub outputs: usize,
    /// It is violated where one of these is.
    pub cases: Vec<Case>,
}

/// A box of inputs, and the outputs that are wrong there.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The least of each input, exactly as written; `None` where nothing bounds it.
    pub low: Vec<Option<Rational>>,
    /// The largest of each input.
    pub high: Vec<Option<Rational>>,
    /// The case is violated where all of one of these hold.
    pub wrong: Vec<Vec<Halfspace>>,
}

/// Outputs `y` with `weights . y <= bound`.
#[derive(Clone, Debug, PartialEq)]
pub struct Halfspace {
    /// One for each output.
    pub weights: Vec<f64>,
    /// The bound.
    pub bound: f64,
}
