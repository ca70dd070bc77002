//! A network as bounds see it: affine layers, curves of one number, and nothing else.
//!
//! What is linear in pieces is written with `max(0, x)` alone: `max(a, b) = b + max(0, a - b)`. Such
//! layers compute without rounding, for the network as it is deployed has no such sums.

use std::sync::Arc;

use modelward_engine::exec::Cpu;

use crate::certify::{curve::Curve, map::Map};

/// A network. Layer 0 is its input; each other reads only those before it.
#[derive(Debug)]
pub(super) struct Network {
    /// The layers.
    pub(super) layers: Arc<Vec<Layer>>,
    /// Where its output is; with an [`Ending::Softmax`] that which is taken the softmax of.
    pub(super) output: usize,
    /// What stands after the output.
    pub(super) ending: Ending,
    /// With which instructions products are taken.
    pub(super) cpu: Cpu,
}

/// How the scores become the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// They are the output.
    Plain,
    /// By a softmax or its logarithm, which keep the order of the scores.
    Softmax,
    /// By a sigmoid, which is the last layer.
    Sigmoid,
}

/// Values that are computed at once.
#[derive(Debug)]
pub(super) struct Layer {
    /// How many.
    pub(super) size: usize,
    /// From what.
    pub(super) kind: Kind,
}

/// What a layer computes.
#[derive(Debug)]
pub(super) enum Kind {
    /// The input.
    Input,
    /// Sums of weighted values.
    Affine(Affine),
    /// A curve of each value of another layer.
    Curve {
        /// That layer.
        from: usize,
        /// The curve.
        curve: Curve,
    },
}

/// Sums of weighted values.
#[derive(Debug)]
pub(super) struct Affine {
    /// Layers, and what is taken of them.
    pub(super) terms: Vec<(usize, Map)>,
    /// Added to them.
    pub(super) bias: Vec<f64>,
    /// Sums of the absolute values that the bias is made of.
    pub(super) magnitude: Vec<f64>,
    /// How many roundings an element may go through, and whether there are any in `f32`.
    pub(super) operations: usize,
    /// Whether the deployed network computes it without rounding.
    pub(super) exact: bool,
}

impl Affine {
    /// An error, as a part of the sum of absolute products.
    pub(super) fn rounding(&self, size: usize) -> f64 {
        let operations = self.operations as f64;
        // Our own arithmetic: on the way forth a sum has so many terms as the layer reads, on the way
        // back as it has values; eight times over.
        let ours = (operations.max(size as f64) + 20.0) * 2.0_f64.powi(-50);
        // gamma_n of Higham (2002), section 3.1.
        let theirs = operations * 2.0_f64.powi(-24);
        if self.exact { ours } else { ours + theirs / (1.0 - theirs).max(1e-3) }
    }
}

impl Network {
    /// The values of every layer at points, one a row, without rounding errors that matter here.
    pub(super) fn evaluate(&self, points: &[f64]) -> Vec<Vec<f64>> {
        let count = points.len() / self.layers[0].size.max(1);
        let mut values: Vec<Vec<f64>> = Vec::with_capacity(self.layers.len());
        for layer in self.layers.iter() {
            let value = match &layer.kind {
                Kind::Input => points.to_vec(),
                Kind::Affine(affine) => {
                    let mut out = affine.bias.repeat(count);
                    for (from, map) in &affine.terms {
                        map.forward(self.cpu, &values[*from], &mut out);
                    }
                    out
                }
                Kind::Curve { from, curve } => values[*from].iter().map(|x| curve.at(*x)).collect(),
            };
            values.push(value);
        }
        values
    }

    /// The outputs at points, one a row.
    pub(super) fn outputs(&self, points: &[f64]) -> Vec<f64> {
        self.evaluate(points).swap_remove(self.output)
    }

    /// The same network, its output being another layer.
    pub(super) fn up_to(&self, output: usize) -> Self {
        Self { layers: self.layers.clone(), output, ..*self }
    }

    /// How many numbers it takes.
    pub(super) fn inputs(&self) -> usize {
        self.layers[0].size
    }

    /// How many it gives.
    pub(super) fn classes(&self) -> usize {
        self.layers[self.output].size
    }

    /// The widest layer.
    pub(super) fn width(&self) -> usize {
        self.layers.iter().map(|layer| layer.size).max().unwrap_or(0)
    }
}
