//! FAB: steps along the model's own linearisation towards the nearest wrong answer.
//!
//! Croce and Hein, "Minimally distorted adversarial examples with a fast adaptive boundary attack",
//! 2020, algorithm 1, in its targeted form: the boundary to one class at a time.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach, row},
    budget::Norm,
    evade::{geometry::scatter, loss::Aim},
};

/// One attempt at one sample.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The case.
    pub case: usize,
    /// The class behind the boundary.
    pub target: usize,
    point: Vec<f32>,
    /// The least distance at which it was on the other side.
    pub nearest: f64,
}

/// Overshoot of the boundary, `eta`.
const OVERSHOOT: f32 = 1.05;
/// The most that a step is drawn to the sample's own projection, `alpha_max`.
const BIAS: f32 = 0.1;
/// How far a wrong answer is drawn back to the sample, `beta`.
const BACK: f32 = 0.9;

impl Attempt {
    /// Begin at the sample, or from the second attempt on at a random point around it.
    pub fn new(arena: &Arena<'_>, case: usize, target: usize, attack: u64, attempt: u64) -> Self {
        let here = &arena.cases[case];
        let point = if attempt == 0 {
            here.sample.clone()
        } else {
            let mut random = arena.random(case, attack, attempt);
            let size = arena.budget.size() / 2.0;
            scatter(arena.budget.norm, size, &here.ball, &here.sample, &mut random)
        };
        Self { case, target, point, nearest: f64::INFINITY }
    }
}

/// Go on for so many steps; `false` where the model gives no gradient.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn approach(arena: &mut Arena<'_>, attempts: &mut [Attempt], steps: usize) -> Result<bool> {
    let (features, classes, norm) = (arena.features(), arena.classes(), arena.budget.norm);
    let range = arena.budget.clip.unwrap_or((f32::MIN, f32::MAX));
    for _ in 0..steps {
        let standing = (0..attempts.len()).filter(|&i| arena.stands(attempts[i].case));
        let standing = standing.collect::<Vec<_>>();
        if standing.is_empty() {
            break;
        }
        let cases = standing.iter().map(|&i| attempts[i].case).collect::<Vec<_>>();
        let mut points = Vec::with_capacity(standing.len() * features);
        standing.iter().for_each(|&i| points.extend_from_slice(&attempts[i].point));
        let aims = standing.iter().map(|&i| (Aim::Towards(attempts[i].target), &[][..]));
        let terms = Aim::terms(arena, &cases, aims);
        let Some(slopes) = arena.slope(terms.slope(), &cases, &mut points, Reach::Range)? else {
            return Ok(false);
        };
        for (at, &i) in standing.iter().enumerate() {
            let attempt = &mut attempts[i];
            let case = &arena.cases[attempt.case];
            let scores = row(&slopes.answers.scores, at, classes);
            // Wrong where it is above 0: the boundary is `slope . x = slope . here - gap`.
            let gap = scores[attempt.target] - scores[case.label];
            let slope = row(&slopes.gradients, at, features);
            let here = row(&points, at, features);
            let (to_here, far) = project(norm, here, here, slope, gap, range);
            let (to_sample, wide) = project(norm, &case.sample, here, slope, gap, range);
            let bias = (far / (far + wide).max(1e-30)).clamp(0.0, 1.0).min(f64::from(BIAS)) as f32;
            let each = attempt.point.iter_mut().zip(here.iter().zip(&case.sample));
            for ((x, (&here, &old)), (&a, &b)) in each.zip(to_here.iter().zip(&to_sample)) {
                *x = (here + OVERSHOOT * a) * (1.0 - bias) + (old + OVERSHOOT * b) * bias;
                *x = x.clamp(range.0.min(old), range.1.max(old));
            }
        }
        points.clear();
        standing.iter().for_each(|&i| points.extend_from_slice(&attempts[i].point));
        let answers = arena.ask(&cases, &mut points, Reach::Range)?;
        for (at, &i) in standing.iter().enumerate() {
            let attempt = &mut attempts[i];
            let case = &arena.cases[attempt.case];
            let here = row(&points, at, features);
            attempt.point.copy_from_slice(here);
            if answers.labels[at] != case.label as i64 {
                attempt.nearest = attempt.nearest.min(norm.distance(&case.sample, here));
                for (x, &old) in attempt.point.iter_mut().zip(&case.sample) {
                    *x = old + (*x - old) * BACK;
                }
            }
        }
    }
    Ok(true)
}

/// The smallest move of `from` that reaches the plane where `slope . x + gap = slope . here`, within
/// the range of inputs; and its length.
fn project(
    norm: Norm,
    from: &[f32],
    here: &[f32],
    slope: &[f32],
    gap: f32,
    (low, high): (f32, f32),
) -> (Vec<f32>, f64) {
    // What the move has to add: `slope . move = need`.
    let apart = from.iter().zip(here).zip(slope);
    let apart = apart.map(|((a, b), w)| f64::from(*w) * (f64::from(*a) - f64::from(*b)));
    let need = -f64::from(gap) - apart.sum::<f64>();
    let sign = if need < 0.0 { -1.0 } else { 1.0 };
    let mut need = need.abs();
    let weights = slope.iter().map(|w| f64::from(w.abs())).collect::<Vec<_>>();
    // How far each number may go in its helpful direction.
    let rooms = from.iter().zip(slope).map(|(&x, &w)| {
        let up = f64::from(w) * sign > 0.0;
        f64::from(if up { high - x } else { x - low }).max(0.0)
    });
    let rooms = rooms.collect::<Vec<_>>();
    let each = || weights.iter().zip(&rooms);
    let mut sizes = vec![0.0_f64; slope.len()];
    match norm {
        // All move alike.
        Norm::Linf => {
            let size = fill(need, each().map(|(&weight, &room)| (weight, room, weight * room)));
            for (total, (&weight, &room)) in sizes.iter_mut().zip(each()) {
                *total = if weight > 0.0 { size.min(room) } else { 0.0 };
            }
        }
        // All move in the proportion of their slopes.
        Norm::L2 => {
            let parts = each().map(|(&weight, &room)| {
                (weight * weight, if weight > 0.0 { room / weight } else { 0.0 }, weight * room)
            });
            let scale = fill(need, parts);
            for (total, (&weight, &room)) in sizes.iter_mut().zip(each()) {
                *total = (scale * weight).min(room);
            }
        }
        // The steepest goes first, as far as it can.
        Norm::L1 | Norm::L0 => {
            let mut order = (0..slope.len()).filter(|&at| slope[at] != 0.0).collect::<Vec<_>>();
            order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
            for &at in &order {
                let size = (need / weights[at]).min(rooms[at]);
                sizes[at] = size;
                need -= weights[at] * size;
                if need <= 0.0 {
                    break;
                }
            }
        }
    }
    let length = match norm {
        Norm::Linf => sizes.iter().fold(0.0, |a: f64, &b| a.max(b)),
        Norm::L2 => sizes.iter().map(|d| d * d).sum::<f64>().sqrt(),
        Norm::L1 => sizes.iter().sum(),
        Norm::L0 => sizes.iter().filter(|d| **d > 0.0).count() as f64,
    };
    let moves = sizes.iter().zip(slope).map(|(&size, &w)| (size * sign) as f32 * w.signum());
    (moves.collect(), length)
}

/// The level `t` at which `sum of min(rate * t, most)` is `need`, for parts `(rate, end, most)` that
/// are full at `t = end`; or one at which all are full, where they cannot hold so much.
///
/// The sum is concave, so Newton's method comes from below and ends once no more parts fill up.
fn fill(need: f64, parts: impl Iterator<Item = (f64, f64, f64)> + Clone) -> f64 {
    let mut level = 0.0;
    loop {
        let (mut rates, mut full, mut last) = (0.0, 0.0, 0.0_f64);
        for (rate, end, most) in parts.clone() {
            if rate > 0.0 && end > level {
                rates += rate;
            } else if rate > 0.0 {
                full += most;
                last = last.max(end);
            }
        }
        if rates <= 0.0 {
            return level.max(last);
        }
        let next = (need - full) / rates;
        if next <= level {
            return level;
        }
        let fills = parts.clone().any(|(rate, end, _)| rate > 0.0 && end > level && end <= next);
        level = next;
        if !fills {
            return level;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_projection_reaches_the_plane_where_the_range_lets_it(
            from in prop::collection::vec(0.0_f32..1.0, 5),
            here in prop::collection::vec(0.0_f32..1.0, 5),
            slope in prop::collection::vec(-2.0_f32..2.0, 5),
            gap in -0.5_f32..0.5,
        ) {
            prop_assume!(slope.iter().all(|w| w.abs() > 1e-3));
            for norm in Norm::ALL {
                let (moves, length) = project(norm, &from, &here, &slope, gap, (0.0, 1.0));
                let there = from.iter().zip(&moves).map(|(x, m)| x + m).collect::<Vec<_>>();
                prop_assert!(there.iter().all(|x| (-1e-5..=1.0 + 1e-5).contains(x)), "{norm} {there:?}");
                let dot = |x: &[f32]| x.iter().zip(&slope).map(|(x, w)| x * w).sum::<f32>();
                let short = dot(&there) - dot(&here) + gap;
                let need = dot(&here) - gap - dot(&from);
                // All numbers at their ends is the most that can be done.
                let ends = from.iter().zip(&slope).map(|(x, w)| if (*w > 0.0) == (need > 0.0) { 1.0 - x } else { *x });
                let most = ends.zip(&slope).map(|(e, w)| e * w.abs()).sum::<f32>();
                prop_assert!(short.abs() < 1e-3 || most < need.abs() + 1e-3, "{norm} short by {short}");
                prop_assert!(length >= 0.0);
            }
        }

        #[test]
        fn no_move_within_the_range_is_shorter_in_l2(
            from in prop::collection::vec(0.2_f32..0.8, 3),
            slope in prop::collection::vec(0.5_f32..2.0, 3),
        ) {
            // Far from the ends the projection is the orthogonal one.
            let (moves, length) = project(Norm::L2, &from, &from, &slope, 0.1, (0.0, 1.0));
            let norm = slope.iter().map(|w| w * w).sum::<f32>().sqrt();
            prop_assert!((length - f64::from(0.1 / norm)).abs() < 1e-5);
            prop_assert!(moves.iter().zip(&slope).all(|(m, w)| (m + 0.1 * w / (norm * norm)).abs() < 1e-5));
        }
    }
}
