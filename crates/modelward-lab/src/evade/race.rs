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

/// The targeted difference of logits ratio: a short climb towards each class, a longer one towards the
/// four that came nearest, a long one towards the nearest. In the corpus nothing fell in the later
/// rounds that the first had not brought down; they are for models with rougher ground.
pub(super) fn ratio(arena: &mut Arena<'_>) -> Result<bool> {
    ratios(arena, 9, &[(10, usize::MAX), (30, 4), (100, 1)])
}

/// A long climb towards every class.
pub(super) fn all_ratios(arena: &mut Arena<'_>) -> Result<bool> {
    ratios(arena, usize::MAX, &[(100, usize::MAX), (200, 4)])
}

fn ratios(arena: &mut Arena<'_>, targets: usize, rounds: &[(usize, usize)]) -> Result<bool> {
    let mut attempts = Vec::new();
    for case in arena.standing() {
        for target in targets_of(arena, case, targets) {
            let attempt = 20 + target as u64;
            attempts.push(Attempt::scattered(arena, case, Aim::Ratio(target), 12, attempt));
        }
    }
    for (round, &(steps, kept)) in rounds.iter().enumerate() {
        if round > 0 {
            attempts = apgd::nearest(arena, attempts, kept);
        }
        if !apgd::climb(arena, &mut attempts, steps)? {
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

/// Steps to the nearest boundaries.
pub(super) fn boundary(arena: &mut Arena<'_>) -> Result<bool> {
    boundaries(arena, 3, 1, 40)
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
    let mut standing = square::search(arena, cases, 400, 14)?;
    standing.sort_by(|(a, x), (b, y)| x.total_cmp(y).then(a.cmp(b)));
    standing.truncate(standing.len().div_ceil(4));
    let mut nearest = standing.into_iter().map(|(case, _)| case).collect::<Vec<_>>();
    nearest.sort_unstable();
    square::search(arena, nearest, 1000, 15)?;
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
