//! Behind an attack: does chance do better, and does a budget without bounds reach everything?

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach},
    evade::pgd,
    exact::Rational,
    rule::Rule,
    trust::{
        Indicator, LOOKED_AT,
        before::{around, samples},
    },
    victim::NO_CLASS,
};

/// Samples for which a point inside the budget makes the model answer what is no number.
pub(super) fn nonfinite(arena: &Arena<'_>) -> Indicator {
    let of = |label: i64| label == NO_CLASS;
    let fallen = arena.cases.iter().filter_map(|case| case.witness.as_ref());
    let count = fallen.filter(|witness| of(witness.label)).count();
    Indicator::of("nonfinite-output", count, arena.cases.len(), 0.0)
}

/// Samples that stand against gradients and fall to plain noise.
pub(super) fn noise(arena: &mut Arena<'_>) -> Result<Indicator> {
    let before = arena.standing().len();
    for draw in 0..20 {
        let cases = arena.standing();
        let mut points = around(arena, &cases, 103, draw);
        arena.ask(&cases, &mut points, Reach::Ball)?;
    }
    let (all, fallen) = (arena.cases.len(), before - arena.standing().len());
    Ok(Indicator::of("noise-over-white", fallen, all, 0.01))
}

/// Samples that stand against sixteen times the budget, with no other rule.
pub(super) fn larger(arena: &mut Arena<'_>) -> Result<Indicator> {
    let cases = (0..arena.cases.len()).take(LOOKED_AT).collect::<Vec<_>>();
    let points = samples(arena, &cases);
    let labels = cases.iter().map(|&case| arena.cases[case].label).collect::<Vec<_>>();
    let budget = arena.budget.of_size(&arena.budget.eps * Rational::from_integer(16.into()));
    let standing = arena.aside((budget, Rule::Any), &points, &labels, |arena| {
        pgd::climb(arena, 20, 1, 104)?;
        pgd::climb(arena, 100, 3, 105)?;
        Ok(arena.standing().len())
    })?;
    Ok(Indicator::of("large-eps-survivors", standing, cases.len(), 0.0))
}
