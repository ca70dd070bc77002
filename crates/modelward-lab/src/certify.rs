//! Certificates: what no input of a box can do to a network.
//!
//! # What is proven
//! That a linear function of the outputs stays above 0 for every input of a box: for the network as
//! it is deployed in `f32`, whatever the order of its sums and with fused multiply-adds or without,
//! and for the network in real arithmetic.
//!
//! # How
//! Each affine layer of the deployed network gives `W x + b + e` for the values `x` that it was given.
//! For sums of `n` products in any order `|e| <= gamma_n (|W| |x| + |b|)` with `gamma_n = n u / (1 - n
//! u)` and `u = 2^-24` (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, section 3.1), and
//! below the smallest normal float an absolute error a product more. Intervals bound `|x|`, so `e` is a
//! box around 0, and the network with any such `e` is the model that all bounds are taken of; `e = 0`
//! is real arithmetic. A convolution of 3 x 3 may be computed by minimal filtering, whose larger error
//! is allowed for. `max(0, x)` is exact; sigmoids and hyperbolic tangents may be off by 2^-20.
//!
//! Bounds are CROWN's (Zhang et al. 2018), which are those of DeepPoly (Singh et al. 2019): a linear
//! function of the output is walked back to the input, each curve replaced by a line below or above
//! it. On the way `|a| . e` is taken off. Our own arithmetic is that of `f64`: the rounding of each
//! product `a W` is bounded by the same `|a| (|W| |x| + |b|)`, times `2^-50` a term, and so is a small
//! part of `e`; sums of numbers carry the sum of their absolute values, from which their error
//! follows.
//!
//! Where bounds do not settle it, their slopes are improved ([`climb`]), and then boxes are cut
//! ([`boxes`]) or signs of neurons assumed ([`neurons`]), until time is up.

use modelward_engine::{Limits, Model, Result};

use crate::{exact, property::Case};

mod boxes;
mod build;
mod climb;
mod curve;
mod goal;
mod map;
mod network;
mod neurons;
mod read;
mod region;
pub mod smoothing;
mod survey;
mod walk;

use self::{
    climb::Climber,
    curve::Curve,
    goal::{Goal, corner, witness},
    network::{Ending, Kind, Network},
    region::Gap,
    walk::Rows,
};

/// Inputs that may be cut before it pays more to branch on neurons.
const CUTTABLE: usize = 12;

/// Scores have to differ by so much, and by this part of the largest, where a softmax or sigmoid
/// follows: nearer ones it may make equal in `f32`.
const APART: (f64, f64) = (1.0 / (1 << 16) as f64, 1.0 / (1 << 21) as f64);

/// Proves what can be proven of one network.
#[derive(Debug)]
pub struct Prover {
    network: Network,
}

/// What is asked along with a proof.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Whether the time is up; it is asked often.
    pub time_up: &'a dyn Fn() -> bool,
    /// Whether a point, which by our arithmetic violates the property, does so as deployed. Only then
    /// it is given as a candidate.
    pub judge: &'a dyn Fn(&[f32]) -> bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It holds.
    Holds {
        /// What showed it.
        by: By,
    },
    /// It is not known.
    Unknown {
        /// Why.
        why: String,
    },
    /// A point inside the box that violates it.
    Candidate(Vec<f32>),
}

/// What shows that a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Bounds alone.
    Bounds,
    /// Branch and bound.
    Branching,
}

impl Verdict {
    fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown { why: why.into() }
    }

    fn time() -> Self {
        Self::unknown("the time was up")
    }

    fn overflow() -> Self {
        Self::unknown("values of the network may be too large for float32")
    }

    fn branching() -> Self {
        Self::Holds { by: By::Branching }
    }
}

impl Prover {
    /// For a model of one input, taken for one example, and its first output.
    ///
    /// # Errors
    /// Where it has an operator whose bounds are not known here, or is over the limits.
    pub fn new(model: &Model, limits: &Limits) -> Result<Self> {
        Ok(Self { network: read::network(model, limits)? })
    }

    /// How many numbers it takes.
    pub fn inputs(&self) -> usize {
        self.network.inputs()
    }

    /// How many it gives.
    pub fn outputs(&self) -> usize {
        self.network.classes()
    }

    /// Whether every input between two points has this class: the largest output. A single output is
    /// the probability of class 1 where the model ends in a sigmoid, else its logit.
    pub fn class(&self, label: usize, low: &[f32], high: &[f32], asked: &Asked<'_>) -> Verdict {
        let classes = self.outputs();
        if label >= classes.max(2) {
            return Verdict::unknown(format!(
                "expected a class below {}, got {label}",
                classes.max(2)
            ));
        }
        if low.len() != self.inputs() || high.len() != self.inputs() {
            let (expected, got) = (self.inputs(), low.len());
            return Verdict::unknown(format!("expected {expected} inputs, got {got}"));
        }
        let wide = |bounds: &[f32]| bounds.iter().copied().map(f64::from).collect::<Vec<_>>();
        let mut goal = Goal::default();
        if classes == 1 {
            let sign = if label == 1 { 1.0 } else { -1.0 };
            goal.functions.push((vec![sign], 0.0));
        } else {
            for other in (0..classes).filter(|other| *other != label) {
                let mut factors = vec![0.0; classes];
                (factors[label], factors[other]) = (1.0, -1.0);
                goal.functions.push((factors, 0.0));
            }
        }
        goal.sets = (0..goal.functions.len()).map(|function| vec![function]).collect();
        self.prove(goal, true, &wide(low), &wide(high), asked)
    }

    /// Whether a case of a property, which is written as its negation, has no violation. Its box is
    /// taken with the floats next to its bounds.
    pub fn case(&self, case: &Case, asked: &Asked<'_>) -> Verdict {
        let (mut low, mut high) = (Vec::new(), Vec::new());
        for (at, (least, most)) in case.low.iter().zip(&case.high).enumerate() {
            let least = least.as_ref().and_then(exact::below);
            let most = most.as_ref().and_then(exact::above);
            let (Some(least), Some(most)) = (least, most) else {
                return Verdict::unknown(format!("nothing bounds the input X_{at}"));
            };
            low.push(f64::from(least));
            high.push(f64::from(most));
        }
        let mut goal = Goal::default();
        for all in &case.wrong {
            let first = goal.functions.len();
            for halfspace in all {
                goal.functions.push((halfspace.weights.clone(), -halfspace.bound));
            }
            goal.sets.push((first..goal.functions.len()).collect());
        }
        self.prove(goal, false, &low, &high, asked)
    }

    fn prove(
        &self,
        mut goal: Goal,
        classes: bool,
        low: &[f64],
        high: &[f64],
        asked: &Asked<'_>,
    ) -> Verdict {
        let network = &self.network;
        let fits = |factors: &Vec<f64>| factors.len() == network.classes();
        if low.len() != network.inputs() || !goal.functions.iter().all(|(factors, _)| fits(factors))
        {
            return Verdict::unknown("the property is of another number of inputs or outputs");
        }
        if low.iter().chain(high).any(|bound| !bound.is_finite()) {
            return Verdict::unknown("a bound of the box is not finite");
        }
        if low.iter().zip(high).any(|(low, high)| low > high) {
            return Verdict::Holds { by: By::Bounds };
        }
        if goal.sets.iter().any(Vec::is_empty) {
            return Verdict::unknown("every output violates the property");
        }
        let differences = goal.functions.iter().all(|(factors, shift)| {
            *shift == 0.0
                && factors.iter().sum::<f64>() == 0.0
                && factors.iter().filter(|a| **a != 0.0).count() == 2
        });
        let mut apart = (0.0, 0.0);
        let mut scores = network.output;
        match network.ending {
            Ending::Plain => {}
            Ending::Softmax if differences => apart = APART,
            Ending::Softmax => return Verdict::unknown("no bounds are known of a softmax"),
            Ending::Sigmoid if classes => {
                apart = APART;
                if let Kind::Curve { from, curve: Curve::Sigmoid } = network.layers[scores].kind {
                    scores = from;
                }
            }
            Ending::Sigmoid => {}
        }
        self.settle(&mut goal, scores, apart, (low, high), asked)
    }

    /// Bounds first, then better ones, then branches.
    fn settle(
        &self,
        goal: &mut Goal,
        scores: usize,
        apart: (f64, f64),
        whole: (&[f64], &[f64]),
        asked: &Asked<'_>,
    ) -> Verdict {
        let network = &self.network.up_to(scores);
        let boxes = [(whole.0.to_vec(), whole.1.to_vec())];
        let regions = match survey::regions(network, &boxes, &[], false, asked.time_up) {
            Ok(regions) => regions,
            Err(Gap::Time) => return Verdict::time(),
            Err(Gap::Overflow) => return Verdict::overflow(),
        };
        let Some(region) = regions.first() else { return Verdict::time() };
        if apart.0 > 0.0 {
            let bounds = region.low[scores].iter().chain(&region.high[scores]);
            let largest = bounds.fold(0.0_f64, |most, value| most.max(value.abs()));
            for (factors, shift) in &mut goal.functions {
                let size = factors.iter().fold(0.0_f64, |most, a| most.max(a.abs()));
                *shift -= size * (apart.0 + apart.1 * largest);
            }
        }
        let goal = &*goal;
        let every = (0..goal.sets.len()).collect::<Vec<_>>();
        let mut rows = Rows::new(scores);
        goal.rows(scores, &every, 0, &mut rows);
        let climber = Climber::new(network, &regions, &rows);
        let back = climber.walk(network, &regions, &rows);
        let best = goal.best(&every, &back.bounds);
        let open = every.iter().zip(&best).filter(|(_, best)| back.bounds[**best] <= 0.0);
        let mut open = open.map(|(set, best)| (*set, *best)).collect::<Vec<_>>();
        if open.is_empty() {
            return Verdict::Holds { by: By::Bounds };
        }
        open.sort_by(|a, b| back.bounds[a.1].total_cmp(&back.bounds[b.1]));
        let inputs = network.inputs();
        let mut points = Vec::new();
        for (_, best) in &open {
            let factors = &back.input[best * inputs..(best + 1) * inputs];
            points.extend(corner(region, factors));
        }
        points.extend(whole.0.iter().zip(whole.1).map(|(low, high)| f64::midpoint(*low, *high)));
        if let Some(point) = witness(network, goal, whole, &points, asked.judge) {
            return Verdict::Candidate(point);
        }
        let open = open.into_iter().map(|(set, _)| set).collect::<Vec<_>>();
        let free = whole.0.iter().zip(whole.1).filter(|(low, high)| low < high).count();
        if free == 0 {
            return Verdict::unknown(
                "the box is one point, and its outputs are too near the limit",
            );
        }
        // Signs do not settle what is no `max(0, x)`.
        let bends = network.layers.iter().any(|layer| {
            matches!(layer.kind, Kind::Curve { curve: Curve::Sigmoid | Curve::Tanh, .. })
        });
        if free <= CUTTABLE || bends {
            return boxes::settle(network, goal, whole, region.around(network), open, asked);
        }
        for set in open {
            match neurons::settle(network, goal, set, region, asked) {
                Verdict::Holds { .. } => {}
                other => return other,
            }
        }
        Verdict::branching()
    }
}

#[cfg(test)]
mod tests;
