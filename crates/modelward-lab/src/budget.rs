//! What an attacker may do to an input: a norm, a size, and the range of all inputs.
//!
//! Whether a point is inside is decided in exact arithmetic. The box of a sample is made of the
//! outermost floats that are inside, so that a point clipped to it needs no tolerance.

use std::{fmt, str::FromStr};

use crate::exact::{self, Rational};

/// How a change is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// The largest change of any one number.
    Linf,
    /// The Euclidean length of the change.
    L2,
    /// The sum of all changes.
    L1,
    /// How many numbers change.
    L0,
}

impl Norm {
    /// Every norm.
    pub const ALL: [Self; 4] = [Self::Linf, Self::L2, Self::L1, Self::L0];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linf => "linf",
            Self::L2 => "l2",
            Self::L1 => "l1",
            Self::L0 => "l0",
        }
    }

    /// How far two points are apart, in `f64`.
    pub fn distance(self, a: &[f32], b: &[f32]) -> f64 {
        let apart = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
        match self {
            Self::Linf => apart.fold(0.0, f64::max),
            Self::L2 => apart.map(|d| d * d).sum::<f64>().sqrt(),
            Self::L1 => apart.sum(),
            Self::L0 => apart.filter(|d| *d > 0.0).count() as f64,
        }
    }
}

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Norm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|norm| norm.name() == lower)
            .ok_or_else(|| format!("unknown norm `{text}`; expected linf, l2, l1 or l0"))
    }
}

/// How far an input may be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// How a change is measured.
    pub norm: Norm,
    /// How large it may be, in the units of the input; for `l0` a number of inputs.
    pub eps: Rational,
    /// The range of every input.
    pub clip: Option<(f32, f32)>,
}

/// The smallest box of floats that a sample may be moved in.
#[derive(Clone, Debug, PartialEq)]
pub struct Ball {
    /// The least of each input.
    pub low: Vec<f32>,
    /// The largest of each input.
    pub high: Vec<f32>,
}

impl Ball {
    /// The part of it between these.
    #[must_use]
    pub fn within(&self, low: &[f32], high: &[f32]) -> Self {
        let low = self.low.iter().zip(low).map(|(a, b)| a.max(*b)).collect();
        let high = self.high.iter().zip(high).map(|(a, b)| a.min(*b)).collect();
        Self { low, high }
    }
}

impl Budget {
    /// All of a range, or of all floats.
    pub fn whole(clip: Option<(f32, f32)>) -> Self {
        let (low, high) = clip.unwrap_or((f32::MIN, f32::MAX));
        let exact = |x: f32| exact::of(x.into()).unwrap_or_else(exact::one);
        Self { norm: Norm::Linf, eps: exact(high) - exact(low), clip }
    }

    /// The size as the nearest float.
    pub fn size(&self) -> f64 {
        exact::float(&self.eps)
    }

    /// The same with another size.
    #[must_use]
    pub fn of_size(&self, eps: Rational) -> Self {
        Self { norm: self.norm, eps, clip: self.clip }
    }

    /// The box around a sample, `[features]`: every float in it is within the budget by itself.
    pub fn ball(&self, sample: &[f32]) -> Ball {
        let size = self.size();
        let (least, most) = self.clip.unwrap_or((f32::MIN, f32::MAX));
        let bound = |&x: &f32, sign: f64| {
            if self.norm == Norm::L0 {
                return if sign < 0.0 { least } else { most };
            }
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is only where the search begins"
            )]
            let mut near = (f64::from(x) + sign * size) as f32;
            near = near.clamp(f32::MIN, f32::MAX);
            let outward = |near: f32| if sign < 0.0 { near.next_down() } else { near.next_up() };
            let inward = |near: f32| if sign < 0.0 { near.next_up() } else { near.next_down() };
            while near != x && !self.reaches(x, near, size) {
                near = inward(near);
            }
            while outward(near).is_finite() && self.reaches(x, outward(near), size) {
                near = outward(near);
            }
            near
        };
        // A sample outside the range stays where it is: it is only never moved further out.
        let low = sample.iter().map(|x| bound(x, -1.0).max(least.min(*x))).collect();
        let high = sample.iter().map(|x| bound(x, 1.0).min(most.max(*x))).collect();
        Ball { low, high }
    }

    /// Whether one number may be moved from `a` to `b`, exactly.
    fn reaches(&self, a: f32, b: f32, size: f64) -> bool {
        // The difference of two floats of 32 bits has an error below 2^-53 of itself in 64.
        let apart = (f64::from(a) - f64::from(b)).abs();
        if (apart - size).abs() > 1e-12 * size {
            return apart < size;
        }
        let [a, b] = [a, b].map(|x| exact::of(x.into()));
        match (a, b) {
            (Some(a), Some(b)) => (if a > b { a - b } else { b - a }) <= self.eps,
            _ => false,
        }
    }

    /// Whether a point is within the budget of a sample, exactly.
    pub fn contains(&self, sample: &[f32], point: &[f32]) -> bool {
        let inside = |(x, least): (&f32, &f32)| {
            self.clip.is_none_or(|(low, high)| *x >= low.min(*least) && *x <= high.max(*least))
        };
        if !point.iter().all(|x| x.is_finite()) || !point.iter().zip(sample).all(inside) {
            return false;
        }
        let size = self.size();
        if self.norm == Norm::Linf {
            return sample.iter().zip(point).all(|(a, b)| self.reaches(*a, *b, size));
        }
        let near = self.norm.distance(sample, point);
        if (near - size).abs() > 1e-9 * size.max(1e-300) {
            return near < size;
        }
        let apart = sample
            .iter()
            .zip(point)
            .filter_map(|(a, b)| Some(exact::of((*a).into())? - exact::of((*b).into())?));
        match self.norm {
            Norm::L2 => {
                let square = apart.map(|d| &d * &d).sum::<Rational>();
                square <= &self.eps * &self.eps
            }
            Norm::L1 => {
                let zero = Rational::from_integer(0.into());
                apart.map(|d| if d < zero { -d } else { d }).sum::<Rational>() <= self.eps
            }
            Norm::L0 | Norm::Linf => near <= size,
        }
    }
}

/// The nearest number between two bounds; what is no number stays so. Unlike [`f32::clamp`] it does
/// not look whether the bounds cross, so that loops are made into vectors.
#[inline]
pub fn between(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn budget(norm: Norm, eps: &str) -> Budget {
        Budget { norm, eps: exact::parse(eps).unwrap(), clip: Some((0.0, 1.0)) }
    }

    proptest! {
        #[test]
        fn the_box_is_the_largest_that_is_inside(
            x in 0.0_f32..1.0,
            eps in prop::sample::select(vec!["8/255", "0.1", "0.5", "1/1020", "0.25", "3", "1e-9", "0"]),
        ) {
            let budget = budget(Norm::Linf, eps);
            let Ball { low, high } = budget.ball(&[x]);
            for end in [low[0], high[0]] {
                prop_assert!(budget.contains(&[x], &[end]), "{end}");
            }
            prop_assert!(low[0] == 0.0 || !budget.contains(&[x], &[low[0].next_down()]));
            prop_assert!(high[0] == 1.0 || !budget.contains(&[x], &[high[0].next_up()]));
        }

        #[test]
        fn lengths_are_compared_exactly(x in prop::collection::vec(0.0_f32..1.0, 5), at in 0_usize..5) {
            // One number moved by exactly a quarter: on the edge in each norm.
            let mut point = x.clone();
            point[at] = (x[at] * 2048.0).round() / 4096.0 + 0.25;
            let mut from = x;
            from[at] = point[at] - 0.25;
            for norm in [Norm::Linf, Norm::L2, Norm::L1] {
                prop_assert!(budget(norm, "0.25").contains(&from, &point));
                prop_assert!(!budget(norm, "0.2499999999999999999").contains(&from, &point));
            }
            prop_assert!(budget(Norm::L0, "1").contains(&from, &point));
            prop_assert!(!budget(Norm::L0, "0").contains(&from, &point));
        }
    }

    #[test]
    fn the_whole_range_holds_all_of_it() {
        for clip in [None, Some((-1.0, 3.0))] {
            let (low, high) = clip.unwrap_or((f32::MIN, f32::MAX));
            let whole = Budget::whole(clip);
            assert!(whole.contains(&[low], &[high]));
            assert_eq!(whole.ball(&[0.25]), Ball { low: vec![low], high: vec![high] });
        }
    }

    #[test]
    fn what_is_no_number_is_outside() {
        for norm in Norm::ALL {
            assert!(!budget(norm, "5").contains(&[0.5], &[f32::NAN]));
        }
    }

    #[test]
    fn a_sample_outside_the_range_is_in_its_own_box() {
        let ball = budget(Norm::Linf, "0.1").ball(&[1.5, -1.0]);
        assert!(ball.low[0] <= 1.5 && ball.high[0] == 1.5 && ball.low[1] == -1.0);
    }
}
