//! The way back through a network: lower bounds of linear functions of a layer, by CROWN.

use crate::certify::{
    network::{Kind, Network},
    region::Region,
};

/// Linear functions of a layer's values.
#[derive(Debug)]
pub(super) struct Rows {
    /// The layer.
    pub(super) layer: usize,
    /// Their factors, one function a row.
    pub(super) factors: Vec<f64>,
    /// What is added to each.
    pub(super) shifts: Vec<f64>,
    /// In which region each is bounded.
    pub(super) regions: Vec<usize>,
}

/// Slopes of lines below each open `max(0, x)`, by layer.
pub(super) type Slopes = Vec<Vec<f64>>;

/// A multiple of a value that is added to a row on its way: layer, place, factor.
pub(super) type Multiple = (usize, usize, f64);

/// What else a walk takes in.
#[derive(Debug, Default)]
pub(super) struct Extras<'a> {
    /// Slopes of its own for each row.
    pub(super) slopes: Option<&'a [Slopes]>,
    /// Multiples of values that are known to be at most 0 each.
    pub(super) multiples: Option<&'a [Vec<Multiple>]>,
    /// Whether the factors at every curve are kept.
    pub(super) keep: bool,
}

/// What a walk gives.
#[derive(Debug)]
pub(super) struct Back {
    /// A lower bound of each row.
    pub(super) bounds: Vec<f64>,
    /// The rows as functions of the input, without what is added.
    pub(super) input: Vec<f64>,
    /// The rows as functions of each curve's values, where they were to be kept.
    pub(super) curves: Vec<Vec<f64>>,
}

impl Back {
    /// A row as a function of the input.
    pub(super) fn row(&self, row: usize) -> &[f64] {
        let inputs = self.input.len() / self.bounds.len().max(1);
        &self.input[row * inputs..(row + 1) * inputs]
    }
}

impl Rows {
    /// None yet, of this layer.
    pub(super) fn new(layer: usize) -> Self {
        Self { layer, factors: Vec::new(), shifts: Vec::new(), regions: Vec::new() }
    }

    /// One more.
    pub(super) fn push(&mut self, factors: &[f64], shift: f64, region: usize) {
        self.factors.extend_from_slice(factors);
        self.shifts.push(shift);
        self.regions.push(region);
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.regions.len()
    }
}

/// Sums of a row so far.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    /// What is added.
    shift: f64,
    /// The absolute values of what was added.
    size: f64,
    /// Errors that are to be taken off.
    error: f64,
}

/// Walk back to the input.
///
/// The true value of a row on the deployed network is `a . z`, where each affine layer is
/// `z = W x + b + e` with `|e| <= error`, and each curve lies between its lines. So
/// `a . z >= (a W) . x + a . b - |a| . error`, and for a curve each factor takes the line below it where
/// it is not negative, the line above it elsewhere. The rounding of `a W` in `f64` is a part of `error`.
pub(super) fn walk(network: &Network, regions: &[Region], rows: Rows, extras: &Extras<'_>) -> Back {
    let count = rows.len();
    let sums = rows.shifts.iter().map(|shift| Sum { shift: *shift, size: shift.abs(), error: 0.0 });
    let mut sums = sums.collect::<Vec<_>>();
    let mut pending: Vec<Option<Vec<f64>>> = vec![None; rows.layer + 1];
    let mut curves = vec![Vec::new(); if extras.keep { network.layers.len() } else { 0 }];
    pending[rows.layer] = Some(rows.factors);
    let mut steps = network.layers[0].size;
    for at in (1..=rows.layer).rev() {
        let Some(mut a) = pending[at].take() else { continue };
        let layer = &network.layers[at];
        steps += layer.size;
        if let Some(multiples) = extras.multiples {
            for (row, multiples) in multiples.iter().enumerate() {
                for (_, place, factor) in multiples.iter().filter(|(layer, ..)| *layer == at) {
                    a[row * layer.size + place] += factor;
                }
            }
        }
        match &layer.kind {
            Kind::Input => {}
            Kind::Affine(affine) => {
                for ((a, sum), region) in
                    a.chunks(layer.size.max(1)).zip(&mut sums).zip(&rows.regions)
                {
                    add_affine(sum, a, &affine.bias, &regions[*region].errors[at]);
                }
                for (from, map) in &affine.terms {
                    let size = count * network.layers[*from].size;
                    let out = pending[*from].get_or_insert_with(|| vec![0.0; size]);
                    map.back(network.cpu, &a, out);
                }
            }
            Kind::Curve { from, .. } => {
                if extras.keep {
                    curves[at].clone_from(&a);
                }
                for (row, (a, sum)) in a.chunks_mut(layer.size.max(1)).zip(&mut sums).enumerate() {
                    let region = &regions[rows.regions[row]];
                    let slopes = extras.slopes.and_then(|slopes| slopes.get(row)?.get(at));
                    let slopes = slopes.filter(|slopes| slopes.len() == a.len());
                    bend(sum, a, region, at, *from, slopes.map(|slopes| &slopes[..]));
                }
                match &mut pending[*from] {
                    Some(out) => out.iter_mut().zip(&a).for_each(|(out, a)| *out += a),
                    none => *none = Some(a),
                }
            }
        }
    }
    let size = network.layers[0].size;
    let input = pending[0].take().unwrap_or_else(|| vec![0.0; count * size]);
    let bounds =
        input.chunks(size.max(1)).zip(&sums).zip(&rows.regions).map(|((a, sum), region)| {
            let region = &regions[*region];
            let mut sum = *sum;
            for ((a, low), high) in a.iter().zip(&region.low[0]).zip(&region.high[0]) {
                sum.shift += a * if *a >= 0.0 { low } else { high };
                sum.size += a.abs() * low.abs().max(high.abs());
            }
            // The error of a sum of so many numbers, and of the sums of errors.
            let ours = sum.size * (steps as f64 * 2.0 + 50.0) * 2.0_f64.powi(-52);
            let bound = sum.shift - sum.error * (1.0 + 1e-9) - ours;
            if bound.is_nan() { f64::NEG_INFINITY } else { bound.next_down() }
        });
    let bounds = bounds.collect();
    Back { bounds, input, curves }
}

/// Take in what an affine layer adds, and its errors. In eight chains, which the compiler vectorises.
fn add_affine(sum: &mut Sum, a: &[f64], bias: &[f64], errors: &[f64]) {
    const LANES: usize = 8;
    let (mut shift, mut size, mut error) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    let whole = a.len() / LANES * LANES;
    let chunks =
        a.chunks_exact(LANES).zip(bias.chunks_exact(LANES)).zip(errors.chunks_exact(LANES));
    for ((a, bias), errors) in chunks {
        for lane in 0..LANES {
            let product = a[lane] * bias[lane];
            shift[lane] += product;
            size[lane] += product.abs();
            error[lane] += a[lane].abs() * errors[lane];
        }
    }
    for at in whole..a.len() {
        let product = a[at] * bias[at];
        shift[0] += product;
        size[0] += product.abs();
        error[0] += a[at].abs() * errors[at];
    }
    sum.shift += shift.iter().sum::<f64>();
    sum.size += size.iter().sum::<f64>();
    sum.error += error.iter().sum::<f64>();
}

/// Replace a curve by its lines.
fn bend(
    sum: &mut Sum,
    a: &mut [f64],
    region: &Region,
    at: usize,
    from: usize,
    slopes: Option<&[f64]>,
) {
    let (low, high) = (&region.low[from], &region.high[from]);
    for (place, ((a, lines), error)) in
        a.iter_mut().zip(&region.lines[at]).zip(&region.errors[at]).enumerate()
    {
        if *a == 0.0 {
            continue;
        }
        let line = if *a >= 0.0 { lines.0 } else { lines.1 };
        sum.error += a.abs() * error;
        sum.shift += *a * line.shift;
        sum.size += (*a * line.shift).abs();
        *a *= match slopes {
            Some(slopes) if *a > 0.0 && low[place] < 0.0 && high[place] > 0.0 => slopes[place],
            _ => line.slope,
        };
    }
}
