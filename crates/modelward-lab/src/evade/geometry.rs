//! Steps and projections in the norms of a budget.

use crate::budget::{Ball, Norm, between};

/// How much of the budget a projection uses: what a sum of squares or of sizes may be off by in
/// `f32` does not carry a point outside.
const INNER: f64 = 1.0 - 2e-6;

/// Move a point to the nearest one, or one near it, that lies in a ball around a sample.
pub fn project(norm: Norm, size: f64, ball: &Ball, sample: &[f32], point: &mut [f32]) {
    match norm {
        Norm::Linf => clamp(ball, point),
        Norm::L2 => {
            clamp(ball, point);
            let length = norm.distance(sample, point);
            if length > size * INNER {
                shrink(sample, point, size * INNER / length);
            }
        }
        Norm::L1 => {
            cut(sample, point, ball, size * INNER);
            clamp(ball, point);
            // Rounding to floats may have added a little.
            let length = norm.distance(sample, point);
            if length > size * INNER {
                shrink(sample, point, size * INNER / length);
            }
        }
        Norm::L0 => {
            clamp(ball, point);
            keep_largest(sample, point, size as usize);
        }
    }
}

/// Undo all changes but the largest `count`.
pub fn keep_largest(sample: &[f32], point: &mut [f32], count: usize) {
    let changes = changes(sample, point);
    let mut order = (0..changes.len()).collect::<Vec<_>>();
    order.sort_by(|&a, &b| changes[b].total_cmp(&changes[a]).then(a.cmp(&b)));
    for &at in order.iter().skip(count) {
        point[at] = sample[at];
    }
}

/// The sizes of all changes.
fn changes(sample: &[f32], point: &[f32]) -> Vec<f64> {
    point.iter().zip(sample).map(|(x, old)| (f64::from(*x) - f64::from(*old)).abs()).collect()
}

fn shrink(sample: &[f32], point: &mut [f32], by: f64) {
    for (x, &old) in point.iter_mut().zip(sample) {
        *x = (f64::from(old) + (f64::from(*x) - f64::from(old)) * by) as f32;
    }
}

fn clamp(ball: &Ball, point: &mut [f32]) {
    for (x, (&low, &high)) in point.iter_mut().zip(ball.low.iter().zip(&ball.high)) {
        *x = between(*x, low, high);
    }
}

/// Move a point to the nearest one in a box whose changes sum to at most `total`: all changes are cut
/// by one size, and then at the box (Croce and Hein 2021, proposition 2.1). A change that goes far
/// beyond the box so still reaches its end.
fn cut(sample: &[f32], point: &mut [f32], ball: &Ball, total: f64) {
    let each = point.iter().zip(sample).zip(ball.low.iter().zip(&ball.high));
    let parts = each.map(|((&x, &old), (&low, &high))| {
        let change = f64::from(x) - f64::from(old);
        let room = if change < 0.0 { old - low } else { high - old };
        (change, f64::from(room).max(0.0))
    });
    let parts = parts.collect::<Vec<_>>();
    let sum = |by: f64| parts.iter().map(|(d, room)| (d.abs() - by).clamp(0.0, *room)).sum::<f64>();
    if sum(0.0) <= total {
        return;
    }
    // The sum falls as the cut grows, so bisection finds where it is the total, to a part of 2^-30.
    let (mut less, mut more) = (0.0, parts.iter().fold(0.0_f64, |most, (d, _)| most.max(d.abs())));
    for _ in 0..30 {
        let middle = f64::midpoint(less, more);
        if sum(middle) > total { less = middle } else { more = middle }
    }
    for ((x, &old), (change, room)) in point.iter_mut().zip(sample).zip(&parts) {
        let kept = (change.abs() - more).clamp(0.0, *room).copysign(*change);
        *x = (f64::from(old) + kept) as f32;
    }
}

/// Add a step of a length in the steepest direction of a norm.
///
/// For `l1` and `l0` the `sparsity` largest slopes among the numbers that can still move that way
/// share the step (Croce and Hein 2021, algorithm 1).
pub fn ascend(
    norm: Norm,
    step: f32,
    sparsity: usize,
    gradient: &[f32],
    ball: &Ball,
    point: &mut [f32],
) {
    match norm {
        Norm::Linf => {
            for (x, &slope) in point.iter_mut().zip(gradient) {
                if slope != 0.0 {
                    *x += step.copysign(slope);
                }
            }
        }
        Norm::L2 => {
            let square = gradient.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>();
            let scale = f64::from(step) / square.sqrt().max(1e-300);
            for (x, &slope) in point.iter_mut().zip(gradient) {
                *x += (f64::from(slope) * scale) as f32;
            }
        }
        Norm::L1 | Norm::L0 => {
            let movable = |at: usize| {
                let slope = gradient[at];
                (slope > 0.0 && point[at] < ball.high[at])
                    || (slope < 0.0 && point[at] > ball.low[at])
            };
            let mut order = (0..gradient.len()).filter(|&at| movable(at)).collect::<Vec<_>>();
            order.sort_by(|&a, &b| gradient[b].abs().total_cmp(&gradient[a].abs()).then(a.cmp(&b)));
            order.truncate(sparsity.max(1));
            let each = if norm == Norm::L1 { step / order.len().max(1) as f32 } else { step };
            for at in order {
                point[at] += each.copysign(gradient[at]);
            }
        }
    }
}

/// A random point of a ball around a sample.
pub fn scatter(
    norm: Norm,
    size: f64,
    ball: &Ball,
    sample: &[f32],
    random: &mut fastrand::Rng,
) -> Vec<f32> {
    let mut point = sample.to_vec();
    match norm {
        Norm::Linf => {
            for (x, (&low, &high)) in point.iter_mut().zip(ball.low.iter().zip(&ball.high)) {
                *x = low + (high - low) * random.f32();
            }
        }
        Norm::L2 => {
            let noise = sample.iter().map(|_| crate::random::normal(random)).collect::<Vec<_>>();
            let length = noise.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            let scale = size * f64::from(random.f32()) / length.max(1e-300);
            for (x, noise) in point.iter_mut().zip(&noise) {
                *x += (f64::from(*noise) * scale) as f32;
            }
        }
        Norm::L1 | Norm::L0 => {
            let count = if norm == Norm::L0 { size as usize } else { sample.len().div_ceil(10) };
            for _ in 0..count.min(sample.len()) {
                let at = random.usize(..sample.len());
                let (low, high) = (ball.low[at], ball.high[at]);
                if (high - low).is_finite() {
                    point[at] = low + (high - low) * random.f32();
                }
            }
        }
    }
    project(norm, size, ball, sample, &mut point);
    point
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{budget::Budget, exact};

    proptest! {
        #[test]
        fn no_point_of_an_l1_ball_in_the_range_is_nearer(
            sample in prop::collection::vec(0.0_f32..1.0, 4),
            step in prop::collection::vec(-3.0_f32..3.0, 4),
            seed: u64,
        ) {
            let budget =
                Budget { norm: Norm::L1, eps: exact::parse("0.8").unwrap(), clip: Some((0.0, 1.0)) };
            let ball = budget.ball(&sample);
            let far = sample.iter().zip(&step).map(|(x, s)| x + s).collect::<Vec<_>>();
            let mut point = far.clone();
            project(Norm::L1, 0.8, &ball, &sample, &mut point);
            let mut random = crate::random::stream(&[seed]);
            for _ in 0..50 {
                let other = scatter(Norm::L1, 0.8, &ball, &sample, &mut random);
                let near = Norm::L2.distance(&far, &point);
                prop_assert!(near <= Norm::L2.distance(&far, &other) + 1e-5);
            }
        }

        #[test]
        fn what_is_projected_lies_inside_exactly(
            sample in prop::collection::vec(0.0_f32..1.0, 6),
            step in prop::collection::vec(-3.0_f32..3.0, 6),
            eps in prop::sample::select(vec!["0.1", "1/3", "0.77", "2"]),
        ) {
            for norm in Norm::ALL {
                let budget = Budget { norm, eps: exact::parse(eps).unwrap(), clip: Some((0.0, 1.0)) };
                let ball = budget.ball(&sample);
                let mut point = sample.iter().zip(&step).map(|(x, s)| x + s).collect::<Vec<_>>();
                project(norm, budget.size(), &ball, &sample, &mut point);
                prop_assert!(budget.contains(&sample, &point), "{norm}: {point:?}");
                let scattered = scatter(norm, budget.size(), &ball, &sample, &mut crate::random::stream(&[1]));
                prop_assert!(budget.contains(&sample, &scattered), "{norm}: {scattered:?}");
            }
        }
    }
}
