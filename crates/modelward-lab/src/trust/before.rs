//! Before any attack: is there a gradient, and is it that of the function?

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach, row},
    evade::{
        geometry::scatter,
        loss::{Aim, best_class},
    },
    trust::Indicator,
};

/// How often the same inputs are asked about again.
const REPEATS: usize = 3;
/// How many steps are taken to see whether anything changes, or a difference agrees.
const DRAWS: u64 = 4;

/// Samples that are answered otherwise when they are asked about again.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn repetition(arena: &mut Arena<'_>, cases: &[usize]) -> Result<Indicator> {
    let mut points = samples(arena, cases);
    let first = arena.ask(cases, &mut points, Reach::Ball)?;
    let mut differs = vec![false; cases.len()];
    for _ in 0..REPEATS {
        let again = arena.ask(cases, &mut points, Reach::Ball)?;
        let classes = arena.classes();
        for (at, differs) in differs.iter_mut().enumerate() {
            let (a, b) = (row(&first.scores, at, classes), row(&again.scores, at, classes));
            let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
            *differs |= first.labels[at] != again.labels[at] || !a.iter().zip(b).all(same);
        }
    }
    let count = differs.iter().filter(|differs| **differs).count();
    Ok(Indicator::of("repeat-disagreement", count, cases.len(), 0.0))
}

/// Samples around which the output as deployed does not change at all, though the input does.
pub(super) fn flatness(arena: &mut Arena<'_>, cases: &[usize]) -> Result<Indicator> {
    let mut points = samples(arena, cases);
    let first = arena.deployed(cases, &mut points)?;
    let width = first.len() / cases.len().max(1);
    let mut flat = vec![true; cases.len()];
    for draw in 0..DRAWS {
        let mut points = around(arena, cases, 101, draw);
        let there = arena.deployed(cases, &mut points)?;
        for (at, flat) in flat.iter_mut().enumerate() {
            *flat &= row(&first, at, width) == row(&there, at, width);
        }
    }
    let count = flat.iter().filter(|flat| **flat).count();
    Ok(Indicator::of("saturated-output", count, cases.len(), 0.1))
}

/// Samples with no gradient, and steps uphill after which the model is not higher.
pub(super) fn gradients(arena: &mut Arena<'_>, cases: &[usize]) -> Result<Vec<Indicator>> {
    let (features, classes) = (arena.features(), arena.classes());
    let mut points = samples(arena, cases);
    let scores = cases.iter().map(|&case| (Aim::Margin, &arena.cases[case].scores[..]));
    let terms = Aim::terms(arena, cases, scores);
    let Some(slopes) = arena.slope(terms.slope(), cases, &mut points, Reach::Ball)? else {
        return Ok(vec![Indicator::of("zero-gradient", cases.len(), cases.len(), 0.1)]);
    };
    let is_zero = |at: usize| {
        let gradient = row(&slopes.gradients, at, features);
        !gradient.iter().any(|slope| slope.is_finite() && *slope != 0.0)
    };
    let zero = (0..cases.len()).filter(|&at| is_zero(at)).count();
    let steep = (0..cases.len()).filter(|&at| !is_zero(at)).collect::<Vec<_>>();
    let own = steep.iter().map(|&at| cases[at]).collect::<Vec<_>>();
    let other = |arena: &Arena<'_>, case: usize, scores: &[f32]| {
        let here = &arena.cases[case];
        scores[best_class(&here.scores, here.label)] - scores[here.label]
    };
    let (mut against, mut steps) = (0, 0);
    for draw in 0..DRAWS {
        let mut ends = Vec::with_capacity(2);
        for sign in [1.0_f32, -1.0] {
            let mut points = samples(arena, &own);
            for ((&at, &case), point) in
                steep.iter().zip(&own).zip(points.chunks_exact_mut(features.max(1)))
            {
                // Uphill along a random half of the numbers, by an eighth of the budget.
                let mut random = arena.random(case, 102, draw);
                let ball = &arena.cases[case].ball;
                let gradient = row(&slopes.gradients, at, features);
                for (i, x) in point.iter_mut().enumerate() {
                    let reach = (ball.high[i] - ball.low[i]).min(2.0 * arena.budget.size() as f32);
                    if random.bool() && gradient[i] != 0.0 {
                        *x += sign * (reach / 16.0).copysign(gradient[i]);
                    }
                }
            }
            ends.push(arena.ask(&own, &mut points, Reach::Range)?);
        }
        let [up, down] = &ends[..] else { continue };
        for (at, &case) in own.iter().enumerate() {
            let up = other(arena, case, row(&up.scores, at, classes));
            let down = other(arena, case, row(&down.scores, at, classes));
            steps += 1;
            // What is no number is not higher.
            against += usize::from(up.partial_cmp(&down) != Some(std::cmp::Ordering::Greater));
        }
    }
    Ok(vec![
        Indicator::of("zero-gradient", zero, cases.len(), 0.1),
        Indicator::of("gradient-mismatch", against, steps, 0.4),
    ])
}

/// The samples themselves.
pub(super) fn samples(arena: &Arena<'_>, cases: &[usize]) -> Vec<f32> {
    cases.iter().flat_map(|&case| arena.cases[case].sample.iter().copied()).collect()
}

/// A random point of each ball.
pub(super) fn around(arena: &Arena<'_>, cases: &[usize], purpose: u64, draw: u64) -> Vec<f32> {
    let (norm, size) = (arena.budget.norm, arena.budget.size());
    let mut points = Vec::with_capacity(cases.len() * arena.features());
    for &case in cases {
        let (mut random, here) = (arena.random(case, purpose, draw), &arena.cases[case]);
        points.extend(scatter(norm, size, &here.ball, &here.sample, &mut random));
    }
    points
}
