//! A set of inputs, and what is proven of every layer there.

use std::sync::Arc;

use crate::certify::{
    curve::Line,
    network::{Kind, Network},
};

/// Inputs between two points, and what is known of every layer for them.
#[derive(Clone, Debug)]
pub(super) struct Region {
    /// The least of every value of every layer.
    pub(super) low: Vec<Vec<f64>>,
    /// The largest.
    pub(super) high: Vec<Vec<f64>>,
    /// How far each value of the deployed network may be from what its layer computes of its inputs,
    /// our own rounding included.
    pub(super) errors: Arc<Vec<Vec<f64>>>,
    /// The lines below and above each value of a curve.
    pub(super) lines: Vec<Vec<(Line, Line)>>,
    /// Of the width of each value that bends, the part that each input makes; where it was asked for.
    pub(super) shares: Vec<Vec<f64>>,
}

/// Bounds of the values that curves are taken of, from a region around: what a part of it need not
/// find anew.
#[derive(Clone, Debug)]
pub(super) struct Around {
    /// By layer; empty where no curve is taken of it.
    pub(super) low: Vec<Vec<f64>>,
    /// As many.
    pub(super) high: Vec<Vec<f64>>,
}

/// Why there are no bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// The time was up.
    Time,
    /// Values may be too large for `f32`.
    Overflow,
}

impl Region {
    /// What a part of it starts with.
    pub(super) fn around(&self, network: &Network) -> Around {
        let (mut low, mut high) = (vec![vec![]; self.low.len()], vec![vec![]; self.low.len()]);
        for layer in network.layers.iter() {
            if let Kind::Curve { from, .. } = layer.kind {
                low[from].clone_from(&self.low[from]);
                high[from].clone_from(&self.high[from]);
            }
        }
        Around { low, high }
    }

    /// Take in what each input makes of a value's width, by the rows of its two bounds.
    pub(super) fn share(&mut self, at: usize, place: usize, rows: [&[f64]; 2]) {
        let inputs = self.low[0].len();
        let size = self.low[at].len();
        let Some(shares) = self.shares.get_mut(at) else { return };
        shares.resize(size * inputs, 0.0);
        let shares = &mut shares[place * inputs..(place + 1) * inputs];
        for (input, share) in shares.iter_mut().enumerate() {
            let width = self.high[0][input] - self.low[0][input];
            *share = (rows[0][input].abs() + rows[1][input].abs()) * width;
        }
        let whole = shares.iter().sum::<f64>();
        if whole > 0.0 {
            shares.iter_mut().for_each(|share| *share /= whole);
        }
    }

    /// Take the lines of every curve anew, from its bounds.
    pub(super) fn set_lines(&mut self, network: &Network) {
        for (at, layer) in network.layers.iter().enumerate() {
            if let Kind::Curve { from, curve } = layer.kind {
                let bounds = self.low[from].iter().zip(&self.high[from]);
                self.lines[at] = bounds.map(|(low, high)| curve.lines(*low, *high)).collect();
            }
        }
    }
}
