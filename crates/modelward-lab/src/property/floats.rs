//! The `f32` points of a box.

use crate::{
    exact::{self, Rational},
    property::case::Case,
};

/// The `f32` that stand for each interval of a box.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Floats {
    pub(super) low: Vec<f32>,
    pub(super) high: Vec<f32>,
}

impl Floats {
    /// Those of a case; `None` where an interval holds no number at all.
    pub(super) fn of(case: &Case) -> Option<Self> {
        let sides = case
            .low
            .iter()
            .zip(&case.high)
            .map(|(low, high)| interval(low.as_ref(), high.as_ref()));
        let (low, high) = sides.collect::<Option<Vec<_>>>()?.into_iter().unzip();
        Some(Self { low, high })
    }

    /// The point of the box that is nearest to a point.
    pub(super) fn nearest(&self, point: &[f32]) -> Vec<f32> {
        let sides = self.low.iter().zip(&self.high);
        point.iter().zip(sides).map(|(&value, (&low, &high))| value.max(low).min(high)).collect()
    }
}

/// The `f32` point of a case's box that is nearest to a point; `None` where the box holds no number.
pub fn nearest_inside(case: &Case, point: &[f32]) -> Option<Vec<f32>> {
    Floats::of(case).map(|floats| floats.nearest(point))
}

/// The least and the largest `f32` of an interval. Where it holds none, as where an input is fixed
/// to a decimal, the one that is nearest to a bound stands for it.
fn interval(low: Option<&Rational>, high: Option<&Rational>) -> Option<(f32, f32)> {
    if low.zip(high).is_some_and(|(low, high)| low > high) {
        return None;
    }
    let least = low.map_or(Some(f32::MIN), exact::above);
    let largest = high.map_or(Some(f32::MAX), exact::below);
    match (least, largest) {
        (Some(least), Some(largest)) if least <= largest => Some((least, largest)),
        _ => {
            let near = exact::nearest(low.or(high)?).filter(|near| near.is_finite())?;
            Some((near, near))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Rational {
        exact::parse(text).unwrap()
    }

    #[test]
    fn an_interval_has_the_floats_inside() {
        let (low, high) = interval(Some(&number("0.1")), Some(&number("0.2"))).unwrap();
        assert_eq!((low, high), (0.1, 0.2_f32.next_down()));
        assert_eq!(interval(None, Some(&number("1"))), Some((f32::MIN, 1.0)));
        assert_eq!(interval(Some(&number("2")), Some(&number("1"))), None);
    }

    #[test]
    fn an_input_fixed_to_a_decimal_is_the_nearest_float() {
        let fixed = number("0.3");
        assert_eq!(interval(Some(&fixed), Some(&fixed)), Some((0.3, 0.3)));
    }
}
