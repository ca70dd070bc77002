//! Attacks on many targets, as a race: all get a short look, the nearest to falling a long one.

use modelward_engine::Result;

use crate::{
    arena::Arena,
    evade::{
        apgd::{self, Attempt},
        fab,
        hopskipjump::enough,
        loss::Aim,
        square,
    },
};

/// Climb the cross-entropy, with restarts on what stands.
pub(super) fn cross_entropy(arena: &mut Arena<'_>, steps: usize, restarts: u64) -> Result<bool> {
    for restart in 0..restarts {
        let mut attempts = arena
            .standing()
            .into_iter()
            .map(|case| Attempt::scattered(arena, case, Aim::CrossEntropy, 11, restart))
            .collect::<Vec<_>>();
        if !apgd::climb(arena, &mut attempts, steps)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// One round of a race: how many steps, for how many targets of a sample, and for which share of the
/// samples.
#[derive(Clone, Copy)]
struct Round {
    steps: usize,
    targets: usize,
    share: f64,
}

/// So many samples run in every round, where there are so many.
const FIELD: usize = 16;

/// The targeted difference of logits ratio: a short climb towards each class; a longer one towards the
/// three that came nearest, for the half of the samples that came nearest to falling; a long one
/// towards the nearest. In the corpus nothing fell in the later rounds that the first had not
/// brought down; they are for models with rougher ground.
pub(super) fn ratio(arena: &mut Arena<'_>) -> Result<bool> {
    let rounds = [
        Round { steps: 10, targets: 9, share: 1.0 },
        Round { steps: 30, targets: 3, share: 0.5 },
        Round { steps: 80, targets: 1, share: 0.5 },
    ];
    ratios(arena, &rounds)
}

/// A long climb towards every class.
pub(super) fn all_ratios(arena: &mut Arena<'_>) -> Result<bool> {
    let rounds = [
        Round { steps: 100, targets: usize::MAX, share: 1.0 },
        Round { steps: 200, targets: 4, share: 1.0 },
    ];
    ratios(arena, &rounds)
}

fn ratios(arena: &mut Arena<'_>, rounds: &[Round]) -> Result<bool> {
    let Some((first, later)) = rounds.split_first() else { return Ok(true) };
    let mut attempts = Vec::new();
    for case in arena.open() {
        for target in targets_of(arena, case, first.targets) {
            let attempt = 20 + target as u64;
            attempts.push(Attempt::scattered(arena, case, Aim::Ratio(target), 12, attempt));
        }
    }
    let most = arena.open().len();
    if !apgd::climb(arena, &mut attempts, first.steps)? {
        return Ok(false);
    }
    for round in later {
        attempts = apgd::nearest(arena, attempts, round.targets);
        let field = ((most as f64 * round.share).ceil() as usize).max(FIELD);
        let mut order = attempts.chunk_by(|a, b| a.case == b.case).collect::<Vec<_>>();
        let height = |of_case: &[Attempt]| {
            of_case.iter().map(|attempt| attempt.reached).fold(f32::NEG_INFINITY, f32::max)
        };
        order.sort_by(|a, b| height(b).total_cmp(&height(a)));
        let mut kept = order.into_iter().take(field).flatten().cloned().collect::<Vec<_>>();
        kept.sort_by_key(|attempt| attempt.case);
        attempts = kept;
        if !apgd::climb(arena, &mut attempts, round.steps)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The classes but the label, those with the largest scores first; where the attack is targeted,
/// the target.
pub(super) fn targets_of(arena: &Arena<'_>, case: usize, most: usize) -> Vec<usize> {
    let case = &arena.cases[case];
    if let Some(target) = case.target {
        return vec![target];
    }
    let mut classes = (0..arena.classes()).filter(|&class| class != case.label).collect::<Vec<_>>();
    classes.sort_by(|&a, &b| case.scores[b].total_cmp(&case.scores[a]).then(a.cmp(&b)));
    classes.truncate(most);
    classes
}

/// Steps to the nearest boundaries: a few to three of each sample, more to the nearest of the half of
/// the samples that it was found nearest at.
pub(super) fn boundary(arena: &mut Arena<'_>) -> Result<bool> {
    let mut attempts = Vec::new();
    for case in arena.open() {
        for target in targets_of(arena, case, 3) {
            attempts.push(fab::Attempt::new(arena, case, target, 13, 0));
        }
    }
    if !fab::approach(arena, &mut attempts, 15)? {
        return Ok(false);
    }
    attempts.retain(|attempt| arena.stands(attempt.case));
    attempts.sort_by(|a, b| a.nearest.total_cmp(&b.nearest).then(a.case.cmp(&b.case)));
    let mut seen = std::collections::HashSet::new();
    attempts.retain(|attempt| seen.insert(attempt.case));
    attempts.truncate(attempts.len().div_ceil(2).max(FIELD));
    fab::approach(arena, &mut attempts, 40)
}

/// Steps to every boundary, also from random points.
pub(super) fn all_boundaries(arena: &mut Arena<'_>) -> Result<bool> {
    boundaries(arena, 9, 3, 100)
}

fn boundaries(arena: &mut Arena<'_>, targets: usize, restarts: u64, steps: usize) -> Result<bool> {
    for restart in 0..restarts {
        let mut attempts = Vec::new();
        for case in arena.standing() {
            for target in targets_of(arena, case, targets) {
                attempts.push(fab::Attempt::new(arena, case, target, 13, restart));
            }
        }
        if !fab::approach(arena, &mut attempts, steps)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Queries of the Square attack where fewer have shown that gradients miss something: as many as in
/// AutoAttack.
const MANY: usize = 5000;

/// Random squares: a short search at every sample, a longer one at the quarter that came nearest to
/// falling; and as long a one as AutoAttack's at all, where gradients have missed more than luck would.
pub(super) fn some_squares(arena: &mut Arena<'_>) -> Result<bool> {
    let (before, all) = (arena.standing().len(), arena.cases.len());
    let cases = arena.standing();
    let mut standing = square::search(arena, cases, 250, 14)?;
    standing.sort_by(|(a, x), (b, y)| x.total_cmp(y).then(a.cmp(b)));
    standing.truncate(standing.len().div_ceil(4));
    let mut nearest = standing.into_iter().map(|(case, _)| case).collect::<Vec<_>>();
    nearest.sort_unstable();
    square::search(arena, nearest, 600, 15)?;
    let fallen = before - arena.standing().len();
    if fallen * 100 > all.max(150) {
        return many_squares(arena);
    }
    Ok(true)
}

/// As long a search as AutoAttack's at every sample.
pub(super) fn many_squares(arena: &mut Arena<'_>) -> Result<bool> {
    let cases = arena.standing();
    square::search(arena, cases, MANY, 16)?;
    Ok(true)
}

/// Squares where scores are all that can be had, with so many queries for each sample that is open.
pub(super) fn few_squares(arena: &mut Arena<'_>, queries: usize) -> Result<bool> {
    let cases = arena.open();
    let most = arena.allowance(queries, cases.len());
    square::search(arena, cases, most, 17)?;
    enough(most, queries)
}
