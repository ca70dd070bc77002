//! Evasion: small changes of the input, large changes of the answer.
//!
//! One dial sets the effort. Each step of it sees only the samples that those before it left, and
//! what is spent on a sample follows how near it is to falling: many targets get a short look, the
//! nearest a long one.

use modelward_engine::Result;

use crate::{
    arena::{self, Arena, Course},
    budget::Norm,
    rule::Rule,
    victim::{Gives, NO_ANSWER, OUT_OF_QUERIES},
};

pub mod apgd;
pub mod boundary;
pub mod carlini;
mod decision;
pub mod exact;
pub mod fab;
pub mod fmn;
pub mod geometry;
pub mod hopskipjump;
pub mod loss;
mod narrow;
pub mod nes;
pub mod patch;
pub mod pgd;
mod plateau;
mod race;
pub mod simba;
pub mod sparse;
pub mod spatial;
pub mod square;
pub mod transfer;

/// How hard is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// A look: PGD with 10 steps, then with 40 on what stands.
    Quick,
    /// As strong as AutoAttack's standard version (Croce and Hein 2020).
    Standard,
    /// More restarts, targets and queries.
    Deep,
}

impl Effort {
    /// Every effort.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Standard, Self::Deep];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Standard => "standard",
            Self::Deep => "deep",
        }
    }
}

/// One step of an effort.
#[derive(Clone, Copy, Debug)]
struct Step {
    name: &'static str,
    /// `false` where the model does not give what it needs.
    run: fn(&mut Arena<'_>) -> Result<bool>,
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The attack.
    pub attack: &'static str,
    /// Samples that stood before it.
    pub left: usize,
    /// Samples that stood behind it.
    pub stood: usize,
    /// Inputs sent forward.
    pub forward: u64,
    /// Inputs sent forward and back.
    pub backward: u64,
    /// Processor seconds of it.
    pub seconds: f64,
    /// Its longest climb; of no steps where it does not climb.
    pub course: Course,
    /// Why it did not run to its end, if it did not.
    pub stopped: Option<&'static str>,
}

impl Done {
    /// Whether it was cut off, and more might have been found.
    pub fn is_cut(&self) -> bool {
        matches!(self.stopped, Some(arena::OUT_OF_TIME | OUT_OF_QUERIES | NO_ANSWER))
    }
}

/// Who looks on while an experiment runs: a clock, and perhaps somebody who waits.
pub trait Watch {
    /// Processor seconds of this process.
    fn seconds(&self) -> f64;

    /// A step begins, with so many samples.
    fn step(&self, _name: &str, _left: usize) {}
}

impl<F: Fn() -> f64> Watch for F {
    fn seconds(&self) -> f64 {
        self()
    }
}

/// The step that goes on where the climbs before it still brought samples down.
pub const MORE_STEPS: &str = "more steps";

/// Attack all samples that stand.
///
/// # Errors
/// Where the model cannot be run.
pub fn attack(arena: &mut Arena<'_>, effort: Effort, watch: &dyn Watch) -> Result<Vec<Done>> {
    let mut all = Vec::new();
    let mut course = Course::default();
    let more = Step { name: MORE_STEPS, run: plateau::extend };
    for step in wanted(arena, effort).into_iter().chain([more]) {
        let left = arena.open().len();
        let is_more = step.name == MORE_STEPS;
        if left == 0 || (is_more && !course.goes_on(arena.cases.len(), left)) {
            break;
        }
        arena.course = if is_more { course } else { Course::default() };
        watch.step(step.name, left);
        let (before, start) = (arena.spent, watch.seconds());
        let run = (step.run)(arena);
        let stopped = match run {
            Ok(true) => None,
            Ok(false) => Some("the model gives no gradient"),
            Err(trouble) => Some(arena::stopped(&trouble).ok_or(trouble)?),
        };
        let done = Done {
            attack: step.name,
            left,
            stood: arena.standing().len(),
            forward: arena.spent.forward - before.forward,
            backward: arena.spent.backward - before.backward,
            seconds: watch.seconds() - start,
            course: arena.course,
            stopped,
        };
        if arena.course.steps > 0 {
            course = arena.course;
        }
        all.push(done.clone());
        if done.is_cut() {
            break;
        }
    }
    Ok(all)
}

/// A short look with what a model gives: proofs, gradients, or so many queries.
///
/// # Errors
/// Where the model cannot be run, or time or queries are up.
pub fn look(arena: &mut Arena<'_>, queries: usize, attack: u64) -> Result<()> {
    if arena.decides() {
        exact::settle(arena)?;
        return Ok(());
    }
    match arena.gives() {
        Gives::Gradients => {
            pgd::climb(arena, 10, 1, attack)?;
        }
        Gives::Scores => {
            let cases = arena.open();
            square::search(arena, cases, queries, attack)?;
            hopskipjump::walk(arena, queries, attack)?;
        }
        Gives::Labels => {
            hopskipjump::walk(arena, queries, attack)?;
        }
    }
    Ok(())
}

/// The steps that a model allows.
fn wanted(arena: &Arena<'_>, effort: Effort) -> Vec<Step> {
    let exact = Step { name: "exact", run: exact::settle };
    let exact = arena.decides().then_some(exact);
    let steps = match arena.gives() {
        Gives::Gradients => by_gradients(arena, effort),
        Gives::Scores => by_scores(effort).to_vec(),
        Gives::Labels => by_labels(effort).to_vec(),
    };
    exact.into_iter().chain(steps).collect()
}

/// Where nothing but scores can be had.
fn by_scores(effort: Effort) -> &'static [Step] {
    match effort {
        Effort::Quick => &[
            Step { name: "square(500)", run: |arena| race::few_squares(arena, 500) },
            Step { name: "nes(500)", run: |arena| nes::climb(arena, 500, 30) },
        ],
        Effort::Standard => &[
            Step { name: "square(2000)", run: |arena| race::few_squares(arena, 2000) },
            Step { name: "simba(1000)", run: |arena| simba::walk(arena, 1000, 31) },
            Step { name: "nes(2000)", run: |arena| nes::climb(arena, 2000, 30) },
            Step { name: "hopskipjump(1000)", run: |arena| hopskipjump::walk(arena, 1000, 32) },
        ],
        Effort::Deep => &[
            Step { name: "square(5000)", run: |arena| race::few_squares(arena, 5000) },
            Step { name: "simba(5000)", run: |arena| simba::walk(arena, 5000, 31) },
            Step { name: "nes(5000)", run: |arena| nes::climb(arena, 5000, 30) },
            Step { name: "hopskipjump(10000)", run: |arena| hopskipjump::walk(arena, 10_000, 32) },
            Step { name: "boundary(5000)", run: |arena| boundary::walk(arena, 5000, 33) },
            Step { name: "transfer", run: |arena| transfer::attack(arena, 34) },
        ],
    }
}

/// Where nothing but labels can be had.
fn by_labels(effort: Effort) -> &'static [Step] {
    match effort {
        Effort::Quick => {
            &[Step { name: "hopskipjump(500)", run: |arena| hopskipjump::walk(arena, 500, 32) }]
        }
        Effort::Standard => &[
            Step { name: "hopskipjump(3000)", run: |arena| hopskipjump::walk(arena, 3000, 32) },
            Step { name: "boundary(1000)", run: |arena| boundary::walk(arena, 1000, 33) },
            Step { name: "transfer", run: |arena| transfer::attack(arena, 34) },
        ],
        Effort::Deep => &[
            Step { name: "hopskipjump(10000)", run: |arena| hopskipjump::walk(arena, 10_000, 32) },
            Step { name: "boundary(5000)", run: |arena| boundary::walk(arena, 5000, 33) },
            Step { name: "transfer", run: |arena| transfer::attack(arena, 34) },
        ],
    }
}

/// Where gradients can be had: the steps against what the arena allows.
fn by_gradients(arena: &Arena<'_>, effort: Effort) -> Vec<Step> {
    let (norm, rule) = (arena.budget.norm, arena.rule());
    let own = match (rule, norm) {
        (Rule::Patch(_), _) => patches(effort),
        (Rule::Spatial(_), _) => &[Step { name: "grid", run: spatial::search }],
        (_, Norm::L0) => few(effort),
        (_, Norm::L1) => sums(effort),
        (_, Norm::Linf | Norm::L2) => steps(effort),
    };
    let mut all = own.to_vec();
    if effort == Effort::Deep && matches!(rule, Rule::Any | Rule::Domain(_)) {
        all.push(Step { name: "fmn(500)", run: |arena| fmn::search(arena, 500) });
        if norm == Norm::L2 {
            all.push(Step { name: "carlini(6x200)", run: |arena| carlini::search(arena, 6, 200) });
        }
    }
    all
}

/// Steps against changes of few numbers.
fn few(effort: Effort) -> &'static [Step] {
    match effort {
        Effort::Quick => &[Step { name: "greedy", run: |arena| sparse::greedy(arena, 0) }],
        Effort::Standard => &[
            Step { name: "greedy", run: |arena| sparse::greedy(arena, 1) },
            Step { name: "fmn(100)", run: |arena| fmn::search(arena, 100) },
            Step { name: "sparse-rs(2000)", run: |arena| sparse::exchange(arena, 2000, 21) },
        ],
        Effort::Deep => &[
            Step { name: "greedy", run: |arena| sparse::greedy(arena, 3) },
            Step { name: "sparse-rs(10000)", run: |arena| sparse::exchange(arena, 10_000, 21) },
        ],
    }
}

/// Steps against changes of a small sum.
fn sums(effort: Effort) -> &'static [Step] {
    match effort {
        Effort::Quick => &[Step { name: "apgd(40)", run: |arena| narrow::climb(arena, 1, 40, 1) }],
        Effort::Standard => &[
            Step { name: "apgd-ce(50)", run: |arena| race::cross_entropy(arena, 50, 1) },
            Step { name: "apgd(100)", run: |arena| narrow::climb(arena, 1, 100, 1) },
            Step { name: "apgd-t(100)", run: |arena| narrow::climb(arena, 4, 100, 1) },
            Step { name: "fmn(100)", run: |arena| fmn::search(arena, 100) },
            Step { name: "fab-t", run: race::boundary },
            Step { name: "square", run: |arena| race::few_squares(arena, 1000) },
        ],
        Effort::Deep => &[
            Step { name: "apgd-ce(100)", run: |arena| race::cross_entropy(arena, 100, 1) },
            Step { name: "apgd-t(200)", run: |arena| narrow::climb(arena, 9, 200, 5) },
            Step { name: "fab-t(100)", run: race::all_boundaries },
            Step { name: "square(5000)", run: |arena| race::few_squares(arena, 5000) },
        ],
    }
}

/// Steps against a square of an image.
fn patches(effort: Effort) -> &'static [Step] {
    match effort {
        Effort::Quick => &[Step {
            name: "patch-apgd",
            run: |arena| patch::climb(arena, &[(5, usize::MAX), (20, 2)]),
        }],
        Effort::Standard => &[
            Step {
                name: "patch-apgd",
                run: |arena| patch::climb(arena, &[(5, usize::MAX), (20, 8), (60, 2)]),
            },
            Step { name: "sparse-rs-patch(1000)", run: |arena| patch::search(arena, 1000) },
        ],
        Effort::Deep => &[
            Step {
                name: "patch-apgd",
                run: |arena| patch::climb(arena, &[(20, usize::MAX), (100, 8)]),
            },
            Step { name: "sparse-rs-patch(10000)", run: |arena| patch::search(arena, 10_000) },
        ],
    }
}

fn steps(effort: Effort) -> &'static [Step] {
    match effort {
        Effort::Quick => &[
            Step { name: "pgd(10)", run: |arena| pgd::climb(arena, 10, 1, 1) },
            Step { name: "pgd(40)", run: |arena| pgd::climb(arena, 40, 1, 2) },
        ],
        Effort::Standard => &[
            Step { name: "pgd(10)", run: |arena| pgd::climb(arena, 10, 1, 1) },
            Step { name: "apgd-ce(50)", run: |arena| race::cross_entropy(arena, 50, 1) },
            Step { name: "apgd-t", run: race::ratio },
            Step { name: "fab-t", run: race::boundary },
            Step { name: "square", run: race::some_squares },
        ],
        Effort::Deep => &[
            Step { name: "pgd(10)", run: |arena| pgd::climb(arena, 10, 1, 1) },
            Step { name: "apgd-ce(100)", run: |arena| race::cross_entropy(arena, 100, 5) },
            Step { name: "apgd-t(100)", run: race::all_ratios },
            Step { name: "fab-t(100)", run: race::all_boundaries },
            Step { name: "pgd(200)", run: |arena| pgd::climb(arena, 200, 10, 3) },
            Step { name: "square(5000)", run: race::many_squares },
            Step { name: "hopskipjump", run: |arena| hopskipjump::walk(arena, 3000, 32) },
            Step { name: "transfer", run: |arena| transfer::attack(arena, 34) },
        ],
    }
}

#[cfg(test)]
mod tests;
