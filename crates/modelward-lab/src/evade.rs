//! Evasion: small changes of the input, large changes of the answer.
//!
//! One dial sets the effort. Each step of it sees only the samples that those before it left, and
//! what is spent on a sample follows how near it is to falling: many targets get a short look, the
//! nearest a long one.

use modelward_engine::Result;

use crate::{
    arena::{Arena, is_out_of_time},
    budget::Norm,
    rule::Rule,
};

pub mod apgd;
pub mod carlini;
pub mod fab;
pub mod fmn;
pub mod geometry;
pub mod loss;
mod narrow;
pub mod patch;
pub mod pgd;
mod race;
pub mod sparse;
pub mod spatial;
pub mod square;

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
    /// Why it did not run to its end, if it did not.
    pub stopped: Option<&'static str>,
}

/// Why a step did not run to its end where the time was up.
pub const OUT_OF_TIME: &str = "the time is up";

/// Attack all samples that stand; `seconds` is the processor time of this process.
///
/// # Errors
/// Where the model cannot be run.
pub fn attack(
    arena: &mut Arena<'_>,
    effort: Effort,
    seconds: &dyn Fn() -> f64,
) -> Result<Vec<Done>> {
    let mut all = Vec::new();
    for step in all_steps(arena, effort) {
        let left = arena.standing().len();
        if left == 0 {
            break;
        }
        let (before, start) = (arena.spent, seconds());
        let run = (step.run)(arena);
        let stopped = match run {
            Ok(true) => None,
            Ok(false) => Some("the model gives no gradient"),
            Err(trouble) if is_out_of_time(&trouble) => Some(OUT_OF_TIME),
            Err(trouble) => return Err(trouble),
        };
        all.push(Done {
            attack: step.name,
            left,
            stood: arena.standing().len(),
            forward: arena.spent.forward - before.forward,
            backward: arena.spent.backward - before.backward,
            seconds: seconds() - start,
            stopped,
        });
        if stopped == Some(OUT_OF_TIME) {
            break;
        }
    }
    Ok(all)
}

/// The steps against what the arena allows.
fn all_steps(arena: &Arena<'_>, effort: Effort) -> Vec<Step> {
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
            Step { name: "square", run: |arena| race::squares(arena, 1000) },
        ],
        Effort::Deep => &[
            Step { name: "apgd-ce(100)", run: |arena| race::cross_entropy(arena, 100, 1) },
            Step { name: "apgd-t(200)", run: |arena| narrow::climb(arena, 9, 200, 5) },
            Step { name: "fab-t(100)", run: race::all_boundaries },
            Step { name: "square(5000)", run: |arena| race::squares(arena, 5000) },
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
            Step { name: "square", run: |arena| race::squares(arena, 1000) },
        ],
        Effort::Deep => &[
            Step { name: "pgd(10)", run: |arena| pgd::climb(arena, 10, 1, 1) },
            Step { name: "apgd-ce(100)", run: |arena| race::cross_entropy(arena, 100, 5) },
            Step { name: "apgd-t(100)", run: race::all_ratios },
            Step { name: "fab-t(100)", run: race::all_boundaries },
            Step { name: "pgd(200)", run: |arena| pgd::climb(arena, 200, 10, 3) },
            Step { name: "square(5000)", run: |arena| race::squares(arena, 5000) },
        ],
    }
}

#[cfg(test)]
mod tests;
