//! Natural evolution strategies: projected steps along a gradient that is estimated from scores.
//!
//! Ilyas, Engstrom, Athalye and Lin, "Black-box adversarial attacks with limited queries and
//! information", 2018, section 2.1 and algorithm 1: pairs of opposite random steps, each weighted with
//! the difference of the two losses. The loss is the margin.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach, row},
    budget::Norm,
    evade::{
        geometry::{ascend, project, scatter},
        hopskipjump::enough,
    },
    random::normal,
};

/// Pairs of an estimate.
const PAIRS: usize = 10;
/// Inputs that a step costs.
const STEP: usize = 2 * PAIRS + 1;
/// How much of the direction is kept from step to step.
const MOMENTUM: f32 = 0.75;

/// A climb at one sample.
struct Climb {
    case: usize,
    point: Vec<f32>,
    direction: Vec<f32>,
    random: fastrand::Rng,
}

/// Climb with so many queries for each sample that is open.
///
/// # Errors
/// Where the model cannot be run, or time or queries are up.
pub fn climb(arena: &mut Arena<'_>, queries: usize, attack: u64) -> Result<bool> {
    let cases = arena.open();
    let most = arena.allowance(queries, cases.len());
    let (norm, size, features) = (arena.budget.norm, arena.budget.size(), arena.features());
    let steps = most / STEP;
    let begun = |&case: &usize| {
        let mut random = arena.random(case, attack, 0);
        let here = &arena.cases[case];
        let point = scatter(norm, size, &here.ball, &here.sample, &mut random);
        Climb { case, point, direction: vec![0.0; features], random }
    };
    let mut climbs = cases.iter().map(begun).collect::<Vec<_>>();
    // A quarter of the budget in each number: what is flat further in is seen, and no step is lost.
    let spread = match norm {
        Norm::Linf => 0.25 * size,
        Norm::L2 => 0.5 * size / (features as f64).sqrt(),
        Norm::L1 => 2.0 * size / features as f64,
        Norm::L0 => 0.25,
    };
    for at in 0..steps {
        climbs.retain(|climb| arena.stands(climb.case));
        if climbs.is_empty() {
            break;
        }
        // Long steps first, short ones later.
        let left = 1.0 - at as f64 / steps as f64;
        let step = if norm == Norm::L0 { 0.5 } else { size * (0.04 + 0.3 * left * left) } as f32;
        estimate(arena, &mut climbs, spread as f32)?;
        climbs.retain(|climb| arena.stands(climb.case));
        let cases = climbs.iter().map(|climb| climb.case).collect::<Vec<_>>();
        let mut points = Vec::with_capacity(cases.len() * features);
        for climb in &mut climbs {
            let here = &arena.cases[climb.case];
            let sparsity = (features / 20).max(1);
            ascend(norm, step, sparsity, &climb.direction, &here.ball, &mut climb.point);
            project(norm, size, &here.ball, &here.sample, &mut climb.point);
            points.extend_from_slice(&climb.point);
        }
        arena.ask(&cases, &mut points, Reach::Ball)?;
    }
    enough(most, queries)
}

/// Turn the directions by an estimate each.
fn estimate(arena: &mut Arena<'_>, climbs: &mut [Climb], spread: f32) -> Result<()> {
    let (features, classes) = (arena.features(), arena.classes());
    let mut slopes = vec![0.0_f32; climbs.len() * features];
    let cases = climbs.iter().flat_map(|climb| [climb.case; 2]).collect::<Vec<_>>();
    for _ in 0..PAIRS {
        let mut steps = Vec::with_capacity(climbs.len() * features);
        let mut points = Vec::with_capacity(2 * climbs.len() * features);
        for climb in climbs.iter_mut() {
            let start = steps.len();
            steps.extend((0..features).map(|_| normal(&mut climb.random)));
            for sign in [spread, -spread] {
                points.extend(climb.point.iter().zip(&steps[start..]).map(|(x, s)| x + sign * s));
            }
        }
        let answers = arena.ask(&cases, &mut points, Reach::Ball)?;
        for (at, climb) in climbs.iter().enumerate() {
            let margin = |i: usize| arena.margin(climb.case, row(&answers.scores, i, classes));
            let fall = margin(2 * at + 1) - margin(2 * at);
            if fall.is_finite() {
                let range = at * features..(at + 1) * features;
                for (slope, step) in slopes[range.clone()].iter_mut().zip(&steps[range]) {
                    *slope += fall * step;
                }
            }
        }
    }
    for (climb, slope) in climbs.iter_mut().zip(slopes.chunks_exact(features.max(1))) {
        let length = slope.iter().map(|s| s.abs()).sum::<f32>();
        if length > 0.0 && length.is_finite() {
            for (direction, slope) in climb.direction.iter_mut().zip(slope) {
                *direction = MOMENTUM * *direction + slope / length;
            }
        }
    }
    Ok(())
}
