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
    whole: Option<Whole>,
}

/// Steps that are whole numbers and small: what is done with them in `f64` is exact, and each is an
/// `f32` itself.
#[derive(Clone, Copy, Debug)]
struct Whole {
    base: f64,
    step: f64,
    min: f64,
    max: f64,
}

/// Below this, whole numbers and their sums are exact in `f32`.
const SMALL: f64 = 8_388_608.0;

impl Whole {
    fn of(grid: &Grid<'_>) -> Option<Self> {
        let number = |number: &Rational| {
            let float = about(number);
            (number.is_integer() && float.abs() < SMALL).then_some(float)
        };
        let min = match &grid.feature.min {
            Some(_) => number(&grid.base)?,
            None => f64::NEG_INFINITY,
        };
        let max = match &grid.last {
            Some(last) => number(&grid.at(last))?,
            None => f64::INFINITY,
        };
        Some(Self { base: number(&grid.base)?, step: number(grid.step)?, min, max })
    }

    fn holds(self, value: f64) -> bool {
        (value - self.base) % self.step == 0.0 && self.min <= value && value <= self.max
    }

    /// The step nearest to a value, among those within bounds.
    fn snap(self, value: f64, low: f64, high: f64) -> Option<f64> {
        let value = value.min(self.max).max(self.min);
        let count = ((value - self.base) / self.step).round();
        let steps = [0.0, 1.0, -1.0].map(|away| self.base + (count + away) * self.step);
        let inside = steps
            .into_iter()
            .filter(|&step| low.max(self.min) <= step && step <= high.min(self.max));
        inside.min_by(|a, b| (a - value).abs().total_cmp(&(b - value).abs()))
    }
}

impl<'a> Grid<'a> {
    /// The steps of a feature that has some.
    pub(super) fn of(feature: &'a Feature) -> Option<Self> {
        let step = feature.step.as_ref()?;
        let base = feature.min.clone().unwrap_or_else(|| Rational::from_integer(0.into()));
        let last = feature.max.as_ref().map(|max| ((max - &base) / step).floor());
        let mut grid = Self { feature, step, base, last, whole: None };
        grid.whole = Whole::of(&grid);
        Some(grid)
    }

    /// How far steps are apart.
    pub(super) fn step(&self) -> &Rational {
        self.step
    }

    /// Whether a float stands for a step within the feature's bounds.
    pub(super) fn holds(&self, value: f32) -> bool {
        if let Some(whole) = self.whole.filter(|_| f64::from(value.abs()) < SMALL) {
            return whole.holds(value.into());
        }
        let Some(exact) = exact::of(value.into()) else { return false };
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
        if let Some(whole) = self.whole.filter(|whole| f64::from(value.abs()) + whole.step < SMALL)
        {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^24")]
            return whole.snap(value.into(), low.into(), high.into()).map(|step| step as f32);
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Steps of 64ths are the same steps, and no whole numbers: both ways must say the same.
        #[test]
        fn small_whole_steps_are_as_all_others(
            min in prop::option::of(-20_i32..0), max in prop::option::of(0_i32..20), step in 1_i32..7,
            value in -120_i32..120, low in -60_i32..0, high in 0_i32..60)
        {
            let number = |number: i32, below: i32| Rational::new(number.into(), below.into());
            let feature = |below| Feature {
                min: min.map(|min| number(min, below)),
                max: max.map(|max| number(max, below)),
                step: Some(number(step, below)),
                ..Feature::free()
            };
            let (whole, parts) = (feature(1), feature(64));
            let (whole, parts) = (Grid::of(&whole).unwrap(), Grid::of(&parts).unwrap());
            prop_assert!(whole.whole.is_some());
            let float = |number: i32| number as f32 / 2.0;
            let small = |number: i32| float(number) / 64.0;
            prop_assert_eq!(whole.holds(float(value)), parts.holds(small(value)));
            let snapped = whole.snap(float(value), float(low), float(high));
            let other = parts.snap(small(value), small(low), small(high));
            prop_assert_eq!(snapped, other.map(|value| value * 64.0));
            // By looking at every step there is.
            let steps = (-200..200).map(|at| float(at * 2));
            let inside = |step: &f32| float(low) <= *step && *step <= float(high) && whole.holds(*step);
            let far = |step: f32| (step - float(value).clamp(float(low), float(high))).abs();
            let nearest = steps.filter(inside).map(far).min_by(f32::total_cmp);
            prop_assert_eq!(snapped.map(far), nearest);
        }
    }
}
