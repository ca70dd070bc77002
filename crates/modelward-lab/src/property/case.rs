//! What a property is.

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

impl Halfspace {
    /// How far outputs are outside, in output units: at most 0 inside, infinite where that is no
    /// finite number.
    pub fn margin(&self, outputs: &[f64]) -> f64 {
        let terms = self.weights.iter().zip(outputs).filter(|(weight, _)| **weight != 0.0);
        let margin = terms.map(|(weight, output)| weight * output).sum::<f64>() - self.bound;
        if margin.is_finite() { margin } else { f64::INFINITY }
    }
}

/// How far outputs are from being wrong, in output units: the largest margin of the halfspaces that
/// must all hold. At most 0 is wrong.
pub fn margin(wrong: &[Halfspace], outputs: &[f64]) -> f64 {
    let margins = wrong.iter().map(|halfspace| halfspace.margin(outputs));
    // Without a halfspace every output is wrong.
    margins.reduce(f64::max).unwrap_or(0.0)
}
