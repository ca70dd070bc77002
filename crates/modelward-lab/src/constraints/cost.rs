//! What a change costs, and a change that costs no more than the budget.

use num_traits::{Signed, Zero};

use super::{feature::Feature, grid::about};
use crate::exact::{self, Rational};

/// The exact cost of a change of one feature; 0 of a missing value, which cannot change.
pub(super) fn of(feature: &Feature, original: f32, value: f32) -> Rational {
    if original == value || feature.cost.is_zero() {
        return Rational::zero();
    }
    match (exact::of(original.into()), exact::of(value.into())) {
        (Some(original), Some(value)) => (value - original).abs() * &feature.cost,
        _ => Rational::zero(),
    }
}

/// The exact cost of a whole change.
pub(super) fn total(features: &[Feature], original: &[f32], point: &[f32]) -> Rational {
    let changes = features.iter().zip(original).zip(point);
    changes.map(|((feature, &original), &value)| of(feature, original, value)).sum()
}

/// Whether a change is within a budget: exactly, where floats are too near to tell.
pub(super) fn within(
    features: &[Feature],
    original: &[f32],
    point: &[f32],
    budget: &Rational,
) -> bool {
    let mut sum = 0.0;
    for ((feature, &original), &value) in features.iter().zip(original).zip(point) {
        if original != value && !feature.cost.is_zero() {
            sum += about(&feature.cost) * (f64::from(value) - f64::from(original)).abs();
        }
    }
    let limit = about(budget);
    let near = 1e-9 * limit.max(sum);
    if sum.is_nan() || (sum - limit).abs() <= near || near == 0.0 {
        return total(features, original, point) <= *budget;
    }
    sum < limit
}

/// How much of each change to take off so that a sum of `cost x |change|` is at most a budget: the
/// `threshold` for which `sum cost max(0, |change| - threshold cost)` is the budget, so that the
/// point is the nearest in Euclidean distance (Duchi et al. 2008, for a weighted ball).
///
/// `changes` holds cost and absolute change; features without cost are not among them.
pub(super) fn threshold(changes: &[(f64, f64)], budget: f64) -> f64 {
    let mut order = changes.to_vec();
    order.sort_by(|a, b| (b.1 / b.0).total_cmp(&(a.1 / a.0)));
    let (mut linear, mut square, mut best) = (0.0, 0.0, 0.0);
    for (cost, change) in order {
        linear += cost * change;
        square += cost * cost;
        let threshold = (linear - budget) / square;
        if threshold >= change / cost {
            break;
        }
        best = threshold;
    }
    f64::max(best, 0.0)
}
