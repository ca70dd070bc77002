//! What is to be shown: that some linear functions of the output are never all at most 0.

use crate::certify::{network::Network, region::Region, walk::Rows};

/// Sets of linear functions of the output. It is shown where of each set one is always above 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Goal {
    /// Factors of the outputs, and what is added.
    pub(super) functions: Vec<(Vec<f64>, f64)>,
    /// By their places.
    pub(super) sets: Vec<Vec<usize>>,
}

impl Goal {
    /// The functions of some sets, as rows at a layer; and for each row its set's place among them.
    pub(super) fn rows(&self, layer: usize, sets: &[usize], region: usize, rows: &mut Rows) {
        debug_assert!(rows.layer == layer);
        for set in sets {
            for function in &self.sets[*set] {
                let (factors, shift) = &self.functions[*function];
                rows.push(factors, *shift, region);
            }
        }
    }

    /// For the bounds of rows as [`Goal::rows`] makes them: of each set the place of its best row.
    pub(super) fn best(&self, sets: &[usize], bounds: &[f64]) -> Vec<usize> {
        let mut first = 0;
        let places = sets.iter().map(|set| {
            let places = first..first + self.sets[*set].len();
            first = places.end;
            places.max_by(|a, b| bounds[*a].total_cmp(&bounds[*b])).unwrap_or(0)
        });
        places.collect()
    }

    /// The most that a point's outputs violate a set by, where that is not below 0: of the set's
    /// functions the largest, its sign changed.
    pub(super) fn violation(&self, output: &[f64]) -> f64 {
        let largest = |set: &Vec<usize>| {
            let values = set.iter().map(|function| {
                let (factors, shift) = &self.functions[*function];
                factors.iter().zip(output).map(|(a, y)| a * y).sum::<f64>() + shift
            });
            values.fold(f64::NEG_INFINITY, f64::max)
        };
        self.sets.iter().map(|set| -largest(set)).fold(f64::NEG_INFINITY, f64::max)
    }
}

/// The point of a region where a linear function of its input is least.
pub(super) fn corner(region: &Region, factors: &[f64]) -> Vec<f64> {
    let bounds = region.low[0].iter().zip(&region.high[0]);
    bounds.zip(factors).map(|((low, high), a)| if *a >= 0.0 { *low } else { *high }).collect()
}

/// The first of some points that violates a goal, as floats inside the box of all inputs, and that
/// the caller's judge takes for a witness.
pub(super) fn witness(
    network: &Network,
    goal: &Goal,
    whole: (&[f64], &[f64]),
    points: &[f64],
    judge: &dyn Fn(&[f32]) -> bool,
) -> Option<Vec<f32>> {
    let inputs = network.inputs().max(1);
    let bounds = whole.0.iter().zip(whole.1).cycle();
    #[expect(clippy::cast_possible_truncation, reason = "floats near a point are what is tried")]
    let floats = points
        .iter()
        .zip(bounds)
        .map(|(x, (low, high))| (*x as f32).clamp(*low as f32, *high as f32));
    let floats = floats.collect::<Vec<_>>();
    let outputs = network.outputs(&floats.iter().copied().map(f64::from).collect::<Vec<_>>());
    let outputs = outputs.chunks(network.classes().max(1));
    let mut found = floats.chunks(inputs).zip(outputs);
    found
        .find(|(point, output)| goal.violation(output) >= 0.0 && judge(point))
        .map(|(point, _)| point.to_vec())
}
