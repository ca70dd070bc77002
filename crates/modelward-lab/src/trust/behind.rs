//! Behind an attack: does chance do better, and does a budget without bounds reach everything?

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach},
    evade::{look, pgd},
    exact::Rational,
    rule::Rule,
    trust::{
        Indicator, LOOKED_AT,
        before::{around, samples},
    },
    victim::{Gives, NO_CLASS},
};

/// Samples for which a point inside the budget makes the model answer what is no number.
pub(super) fn nonfinite(arena: &Arena<'_>) -> Indicator {
    let of = |label: i64| label == NO_CLASS;
    let fallen = arena.cases.iter().filter_map(|case| case.witness.as_ref());
    let count = fallen.filter(|witness| of(witness.label)).count();
    Indicator::of("nonfinite-output", count, arena.cases.len(), 0.0)
}

/// Random points that are tried at each sample.
const NOISE: u64 = 20;
/// Samples that a larger budget is tried at where there are no gradients, and questions at each.
const BLACK: (usize, usize) = (20, 1000);

/// Samples that stand against an attack and fall to plain noise; nothing where queries do not
/// suffice.
pub(super) fn noise(arena: &mut Arena<'_>) -> Result<Option<Indicator>> {
    let before = arena.standing().len();
    if arena.allowance(NOISE as usize, before) < NOISE as usize {
        return Ok(None);
    }
    for draw in 0..NOISE {
        let cases = arena.open();
        let mut points = around(arena, &cases, 103, draw);
        arena.ask(&cases, &mut points, Reach::Ball)?;
    }
    let (all, fallen) = (arena.cases.len(), before - arena.standing().len());
    Ok(Some(Indicator::of("noise-over-white", fallen, all, 0.01)))
}

/// Samples that stand against sixteen times the budget, with no other rule; nothing where queries do
/// not suffice.
pub(super) fn larger(arena: &mut Arena<'_>) -> Result<Option<Indicator>> {
    let is_white = arena.gives() == Gives::Gradients;
    let most = if is_white { LOOKED_AT } else { BLACK.0 };
    let cases = (0..arena.cases.len()).take(most).collect::<Vec<_>>();
    if !is_white && arena.allowance(3 * BLACK.1, cases.len()) < 3 * BLACK.1 {
        return Ok(None);
    }
    let points = samples(arena, &cases);
    let labels = cases.iter().map(|&case| arena.cases[case].label).collect::<Vec<_>>();
    let budget = arena.budget.of_size(&arena.budget.eps * Rational::from_integer(16.into()));
    let standing = arena.aside((budget, Rule::Any), &points, &labels, |arena| {
        if is_white {
            pgd::climb(arena, 20, 1, 104)?;
            pgd::climb(arena, 100, 3, 105)?;
        } else {
            look(arena, BLACK.1, 104)?;
        }
        Ok(arena.standing().len())
    })?;
    Ok(Some(Indicator::of("large-eps-survivors", standing, cases.len(), 0.0)))
}
