//! Climbs in a ball that begins wider than the budget and narrows down to it.
//!
//! Croce and Hein, "Mind the box: l1-APGD for sparse adversarial attacks on image classifiers", 2021,
//! section 3.2: three tenths of the steps in three times the budget, as many in twice, the rest in it.

use modelward_engine::Result;

use crate::{
    arena::Arena,
    evade::{
        apgd::{self, Attempt},
        geometry::{project, scatter},
        loss::Aim,
        race::targets_of,
    },
    exact::Rational,
};

/// The size of each ball, and its share of the steps in tenths.
const BALLS: [(u32, usize); 3] = [(3, 3), (2, 3), (1, 4)];

/// Climb towards so many classes, the nearest first, or for one the margin; with restarts on what
/// stands. `false` where the model gives no gradient.
pub(super) fn climb(
    arena: &mut Arena<'_>,
    targets: usize,
    steps: usize,
    restarts: u64,
) -> Result<bool> {
    for restart in 0..restarts {
        let mut begun: Vec<(usize, Aim, Option<Vec<f32>>)> = Vec::new();
        for case in arena.standing() {
            if targets == 1 && arena.cases[case].target.is_none() {
                begun.push((case, Aim::Margin, None));
                continue;
            }
            let targets = targets_of(arena, case, targets);
            begun.extend(targets.into_iter().map(|target| (case, Aim::Ratio(target), None)));
        }
        for (times, tenths) in BALLS {
            let wide =
                arena.budget.of_size(&arena.budget.eps * Rational::from_integer(times.into()));
            begun.retain(|(case, ..)| arena.stands(*case));
            let attempts = begun.into_iter().map(|(case, aim, point)| {
                let sample = &arena.cases[case].sample;
                let (ball, size) = (wide.ball(sample), wide.size());
                let point = match point {
                    Some(mut point) => {
                        project(wide.norm, size, &ball, sample, &mut point);
                        point
                    }
                    None => {
                        let mut random = arena.random(case, 16, purpose(aim, restart));
                        scatter(wide.norm, size, &ball, sample, &mut random)
                    }
                };
                Attempt::from(arena, case, aim, point).inside(ball, size)
            });
            let mut attempts = attempts.collect::<Vec<_>>();
            if !apgd::climb(arena, &mut attempts, (steps * tenths / 10).max(1))? {
                return Ok(false);
            }
            begun = attempts.into_iter().map(|a| (a.case, a.aim, Some(a.best))).collect();
        }
    }
    Ok(true)
}

/// The number of an attempt: that of its restart and its target.
fn purpose(aim: Aim, restart: u64) -> u64 {
    let target = if let Aim::Ratio(target) = aim { target as u64 + 1 } else { 0 };
    (restart << 32) | target
}
