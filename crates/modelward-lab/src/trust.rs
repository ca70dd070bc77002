//! Can the number be trusted? Behaviour of a model that makes an attack fail without making the
//! model robust, measured and held against a limit.
//!
//! After Carlini et al. 2019 ("On evaluating adversarial robustness", sections 3 and 5), the flags of
//! AutoAttack, Pintor et al. 2022 ("Indicators of attack failure") and Zimmermann et al. 2022
//! ("Increasing confidence in adversarial robustness evaluations"). Nothing here looks at names or
//! operators: each indicator is a share of samples that behave in a way.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Course},
    budget::Norm,
    evade::{Done, MORE_STEPS},
    rule::Rule,
    victim::Gives,
};

mod before;
mod behind;
mod twin;

pub use self::before::repetition;

/// A share of samples, and the limit above which the number is not to be trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct Indicator {
    /// Its name.
    pub name: &'static str,
    /// The share.
    pub value: f64,
    /// Of how many samples.
    pub n: usize,
    /// Above this it is raised.
    pub limit: f64,
}

impl Indicator {
    /// Whether it says that the number is not to be trusted.
    pub fn raised(&self) -> bool {
        self.value > self.limit
    }

    fn of(name: &'static str, count: usize, n: usize, limit: f64) -> Self {
        let value = if n == 0 { 0.0 } else { count as f64 / n as f64 };
        Self { name, value, n, limit }
    }
}

/// What the indicators say of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliability {
    /// All were looked into, and none is raised.
    Trustworthy,
    /// At least one is raised.
    Unreliable,
    /// The run was cut short before all were looked into.
    Unknown,
}

impl Reliability {
    /// Of these, where the run was `cut` for a reason or not at all.
    pub fn of(indicators: &[Indicator], cut: Option<&str>) -> Self {
        match (indicators.iter().any(Indicator::raised), cut) {
            (true, _) => Self::Unreliable,
            (false, Some(_)) => Self::Unknown,
            (false, None) => Self::Trustworthy,
        }
    }

    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trustworthy => "trustworthy",
            Self::Unreliable => "unreliable",
            Self::Unknown => "unknown",
        }
    }
}

/// The most samples that are looked at.
const LOOKED_AT: usize = 100;

/// The same where queries are counted.
const LOOKED_AT_COUNTED: usize = 10;

/// What can be seen before any attack: gradients, differences, repetition, flatness. A model that has
/// no gradient by nature is not blamed for having none, and trees are not for being flat.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn before(arena: &mut Arena<'_>) -> Result<Vec<Indicator>> {
    let most = looked_at(arena, LOOKED_AT);
    let cases = arena.standing().into_iter().take(most).collect::<Vec<_>>();
    let mut all = vec![before::repetition(arena, &cases)?];
    if arena.gives() >= Gives::Scores && !arena.is_flat_by_nature() {
        all.push(before::flatness(arena, &cases)?);
    }
    if arena.gives() == Gives::Gradients {
        all.extend(before::gradients(arena, &cases)?);
    }
    Ok(all)
}

/// How many samples are looked at: `most`, or few where queries are counted.
pub(crate) fn looked_at(arena: &Arena<'_>, most: usize) -> usize {
    if arena.is_metered() { LOOKED_AT_COUNTED } else { most }
}

/// What an attack's own course says, and what a larger budget and planted answers do. Where the model
/// itself has settled every sample there is nothing left that an attack could have missed.
///
/// # Errors
/// As [`before`].
pub fn behind(arena: &mut Arena<'_>, done: &[Done]) -> Result<Vec<Indicator>> {
    let all = arena.cases.len();
    // What was climbed on behind a random search says nothing of what the search found.
    let is_white = |step: &&Done| !is_black(step.attack) && step.attack != MORE_STEPS;
    let white = done.iter().filter(is_white).map(|step| step.stood).next_back();
    let black = done.iter().filter(|step| is_black(step.attack)).map(|step| step.stood).next_back();
    let mut found = vec![behind::nonfinite(arena)];
    let mut climbs = done.iter().map(|step| step.course).filter(|course| course.steps > 0);
    if let Some(course) = climbs.next_back() {
        let late = course.late.min(arena.open().len());
        found.push(Indicator::of("iteration-plateau", late, all, Course::limit(all)));
    }
    if arena.decides() && arena.open().is_empty() {
        return Ok(found);
    }
    // Which few numbers, or which square, is a choice that no gradient sees whole: there a search that
    // finds more says nothing of the model, and no twin is planted.
    let is_smooth = arena.gives() == Gives::Gradients
        && arena.budget.norm != Norm::L0
        && matches!(arena.rule(), Rule::Any | Rule::Domain(_));
    if is_smooth && let (Some(white), Some(black)) = (white, black) {
        // One of a hundred that gradients miss is what luck does.
        let most = 0.01_f64.max(1.5 / all.max(1) as f64);
        found.push(Indicator::of("black-over-white", white - black.min(white), all, most));
    }
    found.extend(behind::noise(arena)?);
    found.extend(behind::larger(arena)?);
    if is_smooth {
        found.push(twin::missed(arena)?);
    }
    Ok(found)
}

/// Whether an attack asks for scores or labels alone.
fn is_black(attack: &str) -> bool {
    ["square", "hopskipjump", "boundary", "simba", "nes", "sparse", "transfer"]
        .iter()
        .any(|black| attack.starts_with(black))
}
