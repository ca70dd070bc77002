//! What a search goes for: outputs in one set that is wrong, from inputs of one box.

use std::rc::Rc;

use fastrand::Rng;

use crate::property::{
    case::{Halfspace, Property},
    floats::Floats,
};

/// One set of wrong outputs of one case.
#[derive(Debug)]
pub(super) struct Goal<'p> {
    pub(super) case: usize,
    pub(super) wrong: &'p [Halfspace],
    pub(super) space: Rc<Space>,
    /// One over the length of each halfspace's weights.
    scales: Vec<f64>,
}

/// The points of a box that a search takes, which are finite.
#[derive(Debug)]
pub(super) struct Space {
    pub(super) floats: Floats,
    /// Inputs that are not fixed.
    pub(super) free: Vec<usize>,
    /// The width of each interval.
    pub(super) width: Vec<f32>,
}

/// The goals of a property; those of boxes without points are left out.
pub(super) fn goals(property: &Property) -> Vec<Goal<'_>> {
    let mut goals = Vec::new();
    for (at, case) in property.cases.iter().enumerate() {
        let Some(floats) = Floats::of(case) else { continue };
        let space = Rc::new(Space::new(floats));
        goals.extend(case.wrong.iter().map(|wrong| Goal::new(at, wrong, space.clone())));
    }
    goals
}

impl<'p> Goal<'p> {
    fn new(case: usize, wrong: &'p [Halfspace], space: Rc<Space>) -> Self {
        let length = |one: &Halfspace| one.weights.iter().map(|w| w * w).sum::<f64>().sqrt();
        let scales = wrong.iter().map(|one| 1.0 / length(one).max(f64::MIN_POSITIVE)).collect();
        Self { case, wrong, space, scales }
    }

    /// The halfspace that outputs are farthest from, and how far, in output units.
    pub(super) fn worst(&self, outputs: &[f64]) -> (usize, f64) {
        let far =
            self.wrong.iter().zip(&self.scales).map(|(one, scale)| one.margin(outputs) * scale);
        let worst = far.enumerate().max_by(|one, other| one.1.total_cmp(&other.1));
        worst.unwrap_or((0, f64::NEG_INFINITY))
    }

    /// The direction of outputs that leads away from a halfspace, of length 1.
    #[expect(clippy::cast_possible_truncation, reason = "it is a direction")]
    pub(super) fn seed(&self, halfspace: usize, into: &mut Vec<f32>) {
        if let (Some(one), Some(scale)) = (self.wrong.get(halfspace), self.scales.get(halfspace)) {
            into.extend(one.weights.iter().map(|weight| (weight * scale) as f32));
        }
    }

    /// Whether it only compares outputs with each other, so that it is the same below a softmax.
    pub(super) fn compares(&self) -> bool {
        self.wrong.iter().all(|one| {
            let sum = one.weights.iter().sum::<f64>();
            let ends = one.weights.iter().filter(|weight| **weight != 0.0).count();
            one.bound == 0.0 && sum == 0.0 && ends == 2
        })
    }
}

impl Space {
    /// What a side without a bound is taken for.
    const FAR: f32 = 1e3;

    fn new(floats: Floats) -> Self {
        let Floats { mut low, mut high } = floats;
        for (low, high) in low.iter_mut().zip(&mut high) {
            if *low == f32::MIN {
                *low = (-Self::FAR).min(*high);
            }
            if *high == f32::MAX {
                *high = Self::FAR.max(*low);
            }
        }
        let sides = low.iter().zip(&high);
        let width = sides.map(|(low, high)| high - low).collect::<Vec<_>>();
        let free = (0..width.len()).filter(|&at| width[at] > 0.0).collect();
        Self { floats: Floats { low, high }, free, width }
    }

    pub(super) fn centre(&self) -> Vec<f32> {
        let sides = self.floats.low.iter().zip(&self.floats.high);
        let middle = sides.map(|(low, high)| low * 0.5 + high * 0.5).collect::<Vec<_>>();
        self.floats.nearest(&middle)
    }

    /// A point anywhere.
    pub(super) fn anywhere(&self, random: &mut Rng) -> Vec<f32> {
        let sides = self.floats.low.iter().zip(&self.width);
        let point = sides.map(|(low, width)| match *width > 0.0 {
            true => low + width * random.f32(),
            false => *low,
        });
        self.floats.nearest(&point.collect::<Vec<_>>())
    }

    /// A corner.
    pub(super) fn corner(&self, random: &mut Rng) -> Vec<f32> {
        let sides = self.floats.low.iter().zip(&self.floats.high);
        sides.map(|(&low, &high)| if random.bool() { low } else { high }).collect()
    }

    /// A point like another but for a share of its inputs, which go to an end of their interval.
    pub(super) fn flipped(&self, point: &[f32], share: f32, random: &mut Rng) -> Vec<f32> {
        let mut point = point.to_vec();
        for &at in &self.free {
            if random.f32() < share {
                let (low, high) = (self.floats.low[at], self.floats.high[at]);
                point[at] = if random.bool() { low } else { high };
            }
        }
        point
    }

    /// A point near another: each input is moved by up to a share of its width.
    pub(super) fn near(&self, point: &[f32], share: f32, random: &mut Rng) -> Vec<f32> {
        let moved = point.iter().zip(&self.width).map(|(value, width)| {
            let by = if *width > 0.0 { random.f32() * 2.0 - 1.0 } else { 0.0 };
            value + by * share * width
        });
        self.floats.nearest(&moved.collect::<Vec<_>>())
    }
}
