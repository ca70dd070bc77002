//! Transfer: a network of our own is taught by the model's answers, attacked with gradients, and what
//! breaks it is asked of the model.
//!
//! Papernot, McDaniel, Goodfellow, Jha, Celik and Swami, "Practical black-box attacks against machine
//! learning", 2017, section 4: the samples to learn from are moved along the gradient of the label that
//! the substitute has learnt, so that the next questions lie where it still has to learn.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach, row},
    budget::Norm,
    evade::{
        geometry::{ascend, project, scatter},
        hopskipjump::enough,
    },
    random::stream,
};

mod substitute;

use substitute::{Lessons, Substitute};

/// How often the samples to learn from are moved and asked about.
const ROUNDS: u64 = 5;
/// Random points of each ball to begin with.
const SCATTERED: u64 = 3;
/// Samples that questions are asked around, at most.
const MOST: usize = 500;
/// Attacks on the substitute for each sample, each from another point.
const ATTEMPTS: u64 = 4;
/// Steps of each of them; after each quarter the point is asked about.
const STEPS: usize = 40;
/// Questions for each sample, at most.
const EACH: usize = (SCATTERED + ROUNDS + 4 * ATTEMPTS) as usize;

/// Teach a substitute, attack it, and ask about what was found.
///
/// # Errors
/// Where the model cannot be run, or time or queries are up.
pub fn attack(arena: &mut Arena<'_>, attack: u64) -> Result<bool> {
    let open = arena.open();
    let most = arena.allowance(EACH, arena.cases.len());
    if most < EACH {
        return enough(most, EACH);
    }
    // Answers around samples that have fallen teach as well.
    let mut taught = open.clone();
    taught.extend((0..arena.cases.len()).filter(|case| !open.contains(case)));
    taught.truncate(MOST);
    taught.sort_unstable();
    let mut lessons = Lessons::new(arena.features(), arena.classes());
    for &case in &taught {
        let here = &arena.cases[case];
        lessons.add(&here.sample, here.label as i64, &here.scores);
    }
    let (norm, size) = (arena.budget.norm, arena.budget.size());
    let mut around = Vec::new();
    for draw in 0..SCATTERED {
        let scattered = |&case: &usize| {
            let mut random = arena.random(case, attack, draw);
            let here = &arena.cases[case];
            scatter(norm, size, &here.ball, &here.sample, &mut random)
        };
        let mut points = taught.iter().flat_map(scattered).collect::<Vec<_>>();
        learn(arena, &taught, &mut points, &mut lessons)?;
        around = points;
    }
    let mut random = stream(&[arena.seed, attack]);
    let mut substitute = Substitute::new(&lessons, &mut random);
    for _ in 0..ROUNDS {
        substitute.train(&lessons, &mut random);
        climb(arena, &substitute, &taught, &mut around, 1, 0.5);
        learn(arena, &taught, &mut around, &mut lessons)?;
    }
    substitute.train(&lessons, &mut random);
    for attempt in 0..ATTEMPTS {
        let mut cases = arena.open();
        let start = |&case: &usize| {
            let mut random = arena.random(case, attack, 100 + attempt);
            let here = &arena.cases[case];
            scatter(norm, size, &here.ball, &here.sample, &mut random)
        };
        let mut points = cases.iter().flat_map(start).collect::<Vec<_>>();
        for quarter in 0..4 {
            let step = if quarter < 2 { 0.15 } else { 0.05 };
            climb(arena, &substitute, &cases, &mut points, STEPS / 4, step);
            arena.ask(&cases, &mut points, Reach::Ball)?;
            let features = arena.features();
            let kept = (0..cases.len()).filter(|&at| arena.stands(cases[at])).collect::<Vec<_>>();
            points = kept.iter().flat_map(|&at| row(&points, at, features).to_vec()).collect();
            cases = kept.into_iter().map(|at| cases[at]).collect();
            if cases.is_empty() {
                break;
            }
        }
    }
    Ok(true)
}

/// Ask about a point of each case, and keep the answers as lessons.
fn learn(
    arena: &mut Arena<'_>,
    cases: &[usize],
    points: &mut [f32],
    lessons: &mut Lessons,
) -> Result<()> {
    let (features, classes) = (arena.features(), arena.classes());
    let answers = arena.ask(cases, points, Reach::Ball)?;
    for (at, point) in points.chunks_exact(features.max(1)).enumerate() {
        lessons.add(point, answers.labels[at], row(&answers.scores, at, classes));
    }
    Ok(())
}

/// Steps inside the balls by the substitute's gradient, each of a part of the budget.
fn climb(
    arena: &Arena<'_>,
    substitute: &Substitute,
    cases: &[usize],
    points: &mut [f32],
    steps: usize,
    part: f64,
) {
    let (norm, size, features) = (arena.budget.norm, arena.budget.size(), arena.features());
    for (&case, point) in cases.iter().zip(points.chunks_exact_mut(features.max(1))) {
        let here = &arena.cases[case];
        for _ in 0..steps {
            let slope = substitute.slope(point, here.label, here.target);
            let step = if norm == Norm::L0 { 1.0 } else { (part * size) as f32 };
            ascend(norm, step, (features / 20).max(1), &slope, &here.ball, point);
            project(norm, size, &here.ball, &here.sample, point);
        }
    }
}
