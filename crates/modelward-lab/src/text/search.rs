//! The search for edits: which words matter, which single edits hurt most, and which go together.
//!
//! Words are ranked by what the scores lose without them (DeepWordBug, Gao et al. 2018; TextFooler,
//! Jin et al. 2020). Single edits are tried in that order, and a beam puts the best together: edits
//! of different words add up nearly linearly, so few are worth a second look. Without a beam and with
//! few words it is the greedy search of those papers.

use std::{collections::HashSet, ops::Range};

use modelward_engine::Result;

use crate::{
    evade::Effort,
    random,
    text::{
        arena::{Arena, Success},
        edit::{Edit, Family},
    },
};

/// How broad the search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breadth {
    /// Words that are left out to see what they weigh.
    weighed: usize,
    /// Single edits that are tried, the most important words first.
    singles: usize,
    /// Of these, those that are put together.
    pool: usize,
    /// Sets of edits that are kept from step to step.
    beam: usize,
    /// Sets that are drawn at last.
    drawn: usize,
}

impl Breadth {
    /// What an effort allows.
    pub const fn of(effort: Effort) -> Self {
        match effort {
            Effort::Quick => Self { weighed: 32, singles: 96, pool: 12, beam: 1, drawn: 0 },
            Effort::Standard => Self { weighed: 128, singles: 768, pool: 32, beam: 4, drawn: 64 },
            Effort::Deep => Self { weighed: 512, singles: 6144, pool: 96, beam: 12, drawn: 1024 },
        }
    }
}

/// Proposals that go to the arena at once: after each lot it may be over.
const LOT: usize = 32;

/// Search edits of these families.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn search(
    arena: &mut Arena<'_>,
    families: &[Family],
    breadth: Breadth,
    seed: u64,
) -> Result<()> {
    let ranked = ranked(arena, families, breadth)?;
    let pool = best_of_each_place(ranked, breadth.pool, 2);
    together(arena, &pool, breadth)?;
    draw(arena, &pool, breadth.drawn, &[seed, arena.case.index as u64, 300])?;
    fewer(arena)
}

/// As many edits as the budget has, piled up in the order of what each does alone, and drawn: for a
/// budget so large that the best choice matters little.
///
/// # Errors
/// As [`search`].
pub fn pile(arena: &mut Arena<'_>, families: &[Family], seed: u64) -> Result<()> {
    let most = arena.budget.edits;
    let breadth = Breadth { weighed: 32, singles: 256, pool: most, beam: 0, drawn: 64 };
    let ranked = ranked(arena, families, breadth)?;
    let pool = best_of_each_place(ranked, most, 1);
    let piles = (2..=pool.len()).map(|count| pool[..count].iter().map(|(_, edit)| edit.clone()));
    let piles = piles.map(Iterator::collect).collect::<Vec<_>>();
    for lot in piles.chunks(LOT) {
        if arena.open() {
            arena.ask(lot)?;
        }
    }
    draw(arena, &pool, breadth.drawn, &[seed, arena.case.index as u64, 302])
}

/// Sets of edits that are drawn without looking.
///
/// # Errors
/// As [`search`].
pub fn noise(arena: &mut Arena<'_>, families: &[Family], count: usize, seed: u64) -> Result<()> {
    let of = |word: &Range<usize>| {
        families
            .iter()
            .flat_map(|family| arena.proposals(*family, word.clone()))
            .collect::<Vec<_>>()
    };
    let pool = arena.case.words.iter().flat_map(of).map(|edit| (0.0, edit)).collect::<Vec<_>>();
    draw(arena, &pool, count, &[seed, arena.case.index as u64, 301])
}

/// Single edits by the margin that each leaves, the least first; nothing where one of them won.
fn ranked(
    arena: &mut Arena<'_>,
    families: &[Family],
    breadth: Breadth,
) -> Result<Vec<(f32, Edit)>> {
    let mut ranked = Vec::new();
    for lot in by_weight(arena, families, breadth)?.chunks(LOT) {
        if !arena.open() {
            return Ok(Vec::new());
        }
        let alone = lot.iter().map(|edit| vec![edit.clone()]).collect::<Vec<_>>();
        let margins = arena.ask(&alone)?;
        ranked.extend(margins.into_iter().zip(lot.iter().cloned()));
    }
    ranked.retain(|(margin, _)| margin.is_finite());
    // Stable, so that ties stay in the order of the proposals.
    ranked.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    Ok(ranked)
}

/// Every proposal, those for the words that weigh most first.
fn by_weight(arena: &mut Arena<'_>, families: &[Family], breadth: Breadth) -> Result<Vec<Edit>> {
    let (text, all) = (&arena.case.text, &arena.case.words);
    let of_word = |arena: &Arena<'_>, word: &Range<usize>| {
        let each = families.iter().map(|family| arena.proposals(*family, word.clone()));
        each.collect::<Vec<_>>()
    };
    let editable =
        all.iter().filter(|word| of_word(arena, word).iter().any(|edits| !edits.is_empty()));
    // Each has a proposal at least, so no more than these are come to.
    let editable = editable.take(breadth.weighed.saturating_add(breadth.singles));
    let editable = editable.cloned().collect::<Vec<_>>();
    let weighed = &editable[..editable.len().min(breadth.weighed)];
    let without = weighed
        .iter()
        .map(|word| text[..word.start].iter().chain(&text[word.end..]).collect::<String>());
    let mut margins = arena.look(&without.collect::<Vec<_>>())?;
    margins.resize(editable.len(), f32::INFINITY);
    let mut order = (0..editable.len()).collect::<Vec<_>>();
    order.sort_by(|&one, &other| margins[one].total_cmp(&margins[other]));
    let mut proposals = Vec::new();
    for at in order {
        if proposals.len() >= breadth.singles {
            break;
        }
        proposals.extend(of_word(arena, &editable[at]).into_iter().flatten());
    }
    proposals.truncate(breadth.singles);
    Ok(proposals)
}

/// The best single edits, no more than so many for any one place.
fn best_of_each_place(ranked: Vec<(f32, Edit)>, most: usize, each: usize) -> Vec<(f32, Edit)> {
    let mut pool = Vec::<(f32, Edit)>::new();
    for (margin, edit) in ranked {
        if pool.len() == most {
            break;
        }
        let same = pool.iter().filter(|(_, other)| !other.fits(&edit));
        if same.count() < each {
            pool.push((margin, edit));
        }
    }
    pool
}

/// Put single edits together, keeping the best sets from step to step.
fn together(arena: &mut Arena<'_>, pool: &[(f32, Edit)], breadth: Breadth) -> Result<()> {
    let mut beam = (0..pool.len().min(breadth.beam)).map(|at| vec![at]).collect::<Vec<_>>();
    for _ in 1..arena.budget.edits {
        let mut seen = HashSet::new();
        let mut longer = Vec::new();
        for set in &beam {
            let fits = |at: &usize| {
                !set.contains(at) && set.iter().all(|other| pool[*other].1.fits(&pool[*at].1))
            };
            for at in (0..pool.len()).filter(fits) {
                let mut set = set.clone();
                set.push(at);
                set.sort_unstable();
                if seen.insert(set.clone()) {
                    longer.push(set);
                }
            }
        }
        let mut next = Vec::new();
        for lot in longer.chunks(LOT) {
            if !arena.open() {
                return Ok(());
            }
            let sets = lot.iter().map(|set| set.iter().map(|at| pool[*at].1.clone()).collect());
            let margins = arena.ask(&sets.collect::<Vec<_>>())?;
            next.extend(margins.into_iter().zip(lot.iter().cloned()));
        }
        next.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        beam = next.into_iter().take(breadth.beam).map(|(_, set)| set).collect();
        if beam.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Ask about sets as large as the budget, drawn from a pool.
fn draw(arena: &mut Arena<'_>, pool: &[(f32, Edit)], count: usize, stream: &[u64]) -> Result<()> {
    if pool.is_empty() {
        return Ok(());
    }
    let mut random = random::stream(stream);
    let mut sets = Vec::new();
    for _ in 0..count {
        let mut set = Vec::<Edit>::new();
        for _ in 0..arena.budget.edits.saturating_mul(3) {
            let (_, edit) = &pool[random.usize(..pool.len())];
            if set.len() < arena.budget.edits && set.iter().all(|other| other.fits(edit)) {
                set.push(edit.clone());
            }
        }
        sets.push(set);
    }
    for lot in sets.chunks(LOT) {
        if !arena.open() {
            break;
        }
        arena.ask(lot)?;
    }
    Ok(())
}

/// Take back edits that a success does not need.
fn fewer(arena: &mut Arena<'_>) -> Result<()> {
    loop {
        let Some(success) = arena.success.take() else { return Ok(()) };
        let without = (0..success.edits.len()).map(|at| {
            let mut edits = success.edits.clone();
            edits.remove(at);
            edits
        });
        let without = without.collect::<Vec<_>>();
        if without.len() > 1 {
            arena.ask(&without)?;
        }
        if arena.success.is_none() {
            arena.success = Some(Success { ..success });
            return Ok(());
        }
    }
}
