//! Values that lie on steps, and the floats that stand for them.

use num_traits::{One, ToPrimitive, Zero};

use super::feature::Feature;
use crate::exact::{self, Rational};

/// The steps of a feature: `base + k * step` for whole `k`, between bounds.
#[derive(Clone, Debug)]
pub(super) struct Grid<'a> {
    feature: &'a Feature,
    step: &'a Rational,
    base: Rational,
    /// The number of the last step.
    last: Option<Rational>,
    /// Whether every step is a whole number: those below 2^24 are floats themselves.
    whole: bool,
}

impl<'a> Grid<'a> {
    /// The steps of a feature that has some.
    pub(super) fn of(feature: &'a Feature) -> Option<Self> {
        let step = feature.step.as_ref()?;
        let base = feature.min.clone().unwrap_or_else(|| Rational::from_integer(0.into()));
        let whole = step.is_integer() && base.is_integer();
        let last = feature.max.as_ref().map(|max| ((max - &base) / step).floor());
        Some(Self { feature, step, base, last, whole })
    }

    /// Whether a float stands for a step within the feature's bounds.
    pub(super) fn holds(&self, value: f32) -> bool {
        let Some(exact) = exact::of(value.into()) else { return false };
        if self.whole && value.abs() < 16_777_216.0 {
            let steps = (&exact - &self.base) / self.step;
            return steps.is_integer() && self.feature.refuses(&exact).is_none();
        }
        let near = self.near(&exact);
        let one = Rational::one();
        [near.clone(), &near - &one, near + one].iter().any(|count| {
            let step = self.at(count);
            self.feature.refuses(&step).is_none() && nearest(&step) == Some(value)
        })
    }

    /// The float of the step that is nearest to a value, among those within `low ..= high`.
    pub(super) fn snap(&self, value: f32, low: f32, high: f32) -> Option<f32> {
        let value = value.clamp(low, high);
        if self.holds(value) {
            return Some(value);
        }
        let exact = exact::of(value.into())?;
        let start = self.near(&exact);
        let fits = |count: &Rational| {
            let step = self.at(count);
            let float = nearest(&step)?;
            let inside = low <= float && float <= high && self.feature.refuses(&step).is_none();
            inside.then_some(float)
        };
        // The nearest step may lie just outside: then the next one towards the inside is as near as
        // any. Two steps each way pass over rounding at the rim.
        let mut best: Option<f32> = None;
        for away in [0, 1, -1, 2, -2] {
            let count = &start + Rational::from_integer(away.into());
            let Some(float) = fits(&count) else { continue };
            let nearer = best.is_none_or(|best| {
                (f64::from(float) - f64::from(value)).abs()
                    < (f64::from(best) - f64::from(value)).abs()
            });
            if nearer {
                best = Some(float);
            }
        }
        best
    }

    /// The number of the step nearest to a value.
    fn near(&self, value: &Rational) -> Rational {
        let mut count = ((value - &self.base) / self.step).round();
        if self.feature.min.is_some() {
            count = count.max(Rational::zero());
        }
        match &self.last {
            Some(last) if count > *last => last.clone(),
            _ => count,
        }
    }

    fn at(&self, count: &Rational) -> Rational {
        &self.base + self.step * count
    }
}

/// The float nearest to a number: of two as near, the one whose last bit is 0.
pub(super) fn nearest(number: &Rational) -> Option<f32> {
    let (low, high) = (exact::below(number)?, exact::above(number)?);
    let (Some(down), Some(up)) = (exact::of(low.into()), exact::of(high.into())) else {
        return None;
    };
    let (down, up) = (number - down, up - number);
    Some(if down < up || (down == up && low.to_bits() & 1 == 0) { low } else { high })
}

/// A number as the double nearest to it, for what is decided only where it is far from a bound.
pub(super) fn about(number: &Rational) -> f64 {
    number.to_f64().unwrap_or(f64::INFINITY)
}
