//! How robust a model is on samples: an upper bound by attack, and whether it can be trusted.

use std::time::Instant;

use modelward_engine::{Result, Trouble};

use crate::{
    arena::{self, Arena, Case, Spent, Witness},
    budget::Budget,
    evade::{self, Done, Effort, Watch},
    exact::{self, Rational},
    random,
    rule::Rule,
    trust::{self, Indicator, Reliability},
    victim::{Answers, Averaged, Gives, Victim},
};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Samples `[n, features]`.
    pub samples: &'a [f32],
    /// Their labels `[n]`.
    pub labels: &'a [usize],
    /// What the model says of them, where it was asked already: nobody pays twice for the same answers.
    pub clean: Option<&'a Answers>,
    /// What may be done to them.
    pub budget: Budget,
    /// What of that is admitted.
    pub rule: Rule<'a>,
    /// How hard is tried.
    pub effort: Effort,
    /// Whether each sample is to be given a class that was drawn for it, and not just any other.
    pub targeted: bool,
    /// Where random numbers begin.
    pub seed: u64,
    /// When to stop.
    pub deadline: Option<Instant>,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Robustness {
    /// How many samples there were.
    pub samples: usize,
    /// How many the model gets right as they are.
    pub right: usize,
    /// How many stand against all that was tried.
    pub stood: usize,
    /// How many of these are proven to.
    pub proven: usize,
    /// What could be had of the model.
    pub gives: Gives,
    /// Of each class: its samples, those that are right, those that stand.
    pub classes: Vec<Class>,
    /// The steps of the attack.
    pub steps: Vec<Done>,
    /// What says whether the number can be trusted.
    pub indicators: Vec<Indicator>,
    /// Nodes that were taken for the identity to get a gradient.
    pub straightened: Vec<String>,
    /// How many draws each answer is the most frequent of, for a model that draws random numbers.
    pub draws: usize,
    /// Those that fell, with the points that they fell to, each judged again by itself.
    pub fallen: Vec<Fallen>,
    /// Witnesses that did not hold when they were judged again.
    pub lost: usize,
    /// How many stand at other sizes of the budget, the smallest first.
    pub curve: Vec<Point>,
    /// Inputs that were sent through the model.
    pub spent: Spent,
    /// Why not all was tried: time or queries were up.
    pub cut: Option<&'static str>,
}

/// Samples of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// All.
    pub samples: usize,
    /// Those that are right.
    pub right: usize,
    /// Those that stand.
    pub stood: usize,
}

/// A sample and the point that it fell to.
#[derive(Clone, Debug, PartialEq)]
pub struct Fallen {
    /// Its place in the data.
    pub index: usize,
    /// Its class.
    pub label: usize,
    /// The point.
    pub witness: Witness,
    /// The least distance at which a wrong answer was seen.
    pub nearest: f64,
}

/// How many stand at one size of the budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The size.
    pub eps: Rational,
    /// How many stand.
    pub stood: usize,
}

/// Draws that each answer of a random model is made of.
const DRAWS: usize = 16;

/// Measure a model.
///
/// # Errors
/// Where the model cannot be run, or a label is no class of it.
pub fn measure(
    victim: &mut dyn Victim,
    question: &Question<'_>,
    watch: &dyn Watch,
) -> Result<Robustness> {
    let classes = victim.classes();
    if let Some(at) = question.labels.iter().position(|&label| label >= classes) {
        let label = question.labels[at];
        return Err(Trouble::new(
            modelward_engine::Kind::Input,
            format!("expected labels from 0 to {}, got {label} for the sample {at}", classes - 1),
        ));
    }
    let own;
    let clean = match question.clean {
        Some(clean) => clean,
        None => {
            own = victim.ask(question.samples)?;
            &own
        }
    };
    let (expected, got) = (question.labels.len(), clean.labels.len());
    if expected != got {
        let why = format!("expected answers to {expected} samples, got {got}");
        return Err(Trouble::new(modelward_engine::Kind::Input, why));
    }
    let (mut cut, mut is_random, mut repeated) = (None, false, None);
    until_time(differs(victim, question.samples), &mut cut, |found| is_random = found)?;
    if is_random {
        // How often single answers differ is asked of the model itself.
        let mut arena = arena(victim, question, clean)?;
        let cases = arena.standing().into_iter().take(trust::looked_at(&arena, usize::MAX));
        let cases = cases.collect::<Vec<_>>();
        let found = trust::repetition(&mut arena, &cases);
        until_time(found, &mut cut, |found| repeated = Some(found))?;
    }
    let mut averaged;
    let victim: &mut dyn Victim = if is_random {
        averaged = Averaged::new(victim, DRAWS);
        &mut averaged
    } else {
        victim
    };
    let mut drawn = None;
    if is_random && cut.is_none() {
        until_time(victim.ask(question.samples), &mut cut, |found| drawn = Some(found))?;
    }
    let draws = if drawn.is_some() { DRAWS } else { 1 };
    let mut arena = arena(victim, question, drawn.as_ref().unwrap_or(clean))?;
    let right = arena.cases.len();
    let mut indicators = Vec::new();
    if cut.is_none() {
        until_time(trust::before(&mut arena), &mut cut, |found| indicators = found)?;
    }
    if let Some(repeated) = repeated {
        indicators.retain(|indicator| indicator.name != repeated.name);
        indicators.push(repeated);
    }
    let no_gradient = |found: &Indicator| found.name == "zero-gradient" && found.raised();
    let mut straightened = Vec::new();
    if indicators.iter().any(no_gradient) {
        straightened = arena.straighten()?;
    }
    let mut steps = Vec::new();
    if cut.is_none() {
        steps = evade::attack(&mut arena, question.effort, watch)?;
        cut = steps.iter().find(|step| step.is_cut()).and_then(|step| step.stopped);
    }
    if cut.is_none() {
        let found = trust::behind(&mut arena, &steps);
        until_time(found, &mut cut, |found| indicators.extend(found))?;
    }
    let mut curve = Vec::new();
    if cut.is_none() {
        until_time(security_curve(&mut arena, question), &mut cut, |found| curve = found)?;
    }
    let (fallen, lost, stopped) = judged_again(&mut arena)?;
    let cut = cut.or(stopped);
    let stood = arena.standing().len();
    let mut of_class = vec![Class::default(); classes];
    for &label in question.labels {
        of_class[label].samples += 1;
    }
    for (at, case) in arena.cases.iter().enumerate() {
        of_class[case.label].right += 1;
        of_class[case.label].stood += usize::from(arena.stands(at));
    }
    Ok(Robustness {
        samples: question.labels.len(),
        right,
        stood,
        proven: arena.cases.iter().filter(|case| case.proven).count(),
        gives: arena.gives(),
        classes: of_class,
        steps,
        indicators,
        straightened,
        draws,
        fallen,
        lost,
        curve,
        spent: arena.spent,
        cut,
    })
}

impl Robustness {
    /// The indicators that are raised.
    pub fn raised(&self) -> impl Iterator<Item = &Indicator> {
        self.indicators.iter().filter(|indicator| indicator.raised())
    }

    /// What they say of the number.
    pub fn reliability(&self) -> Reliability {
        Reliability::of(&self.indicators, self.cut)
    }
}

fn arena<'a>(
    victim: &'a mut dyn Victim,
    question: &Question<'a>,
    clean: &Answers,
) -> Result<Arena<'a>> {
    let Question { samples, labels, budget, seed, deadline, .. } = question;
    let samples = (*samples, *labels);
    let arena = Arena::asked(victim, budget.clone(), samples, clean, *seed, *deadline);
    let mut arena = arena.under(question.rule)?;
    if question.targeted {
        let (classes, seed) = (arena.classes(), arena.seed);
        for case in &mut arena.cases {
            let mut random = random::stream(&[seed, case.index as u64, 200]);
            let other = random.usize(..classes - 1);
            case.target = Some(other + usize::from(other >= case.label));
        }
    }
    Ok(arena)
}

/// Whether a model answers the same inputs with other numbers when it is asked again.
fn differs(victim: &mut dyn Victim, samples: &[f32]) -> Result<bool> {
    let few = samples.len().min(8 * victim.features());
    let first = victim.ask(&samples[..few])?;
    for _ in 0..2 {
        let again = victim.ask(&samples[..few])?;
        let bits = |scores: &[f32]| scores.iter().map(|s| s.to_bits()).collect::<Vec<_>>();
        if first.labels != again.labels || bits(&first.scores) != bits(&again.scores) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Take what was found, or note that time or queries were up.
fn until_time<T>(
    found: Result<T>,
    cut: &mut Option<&'static str>,
    take: impl FnOnce(T),
) -> Result<()> {
    match found {
        Ok(found) => take(found),
        Err(trouble) => *cut = Some(arena::stopped(&trouble).ok_or(trouble)?),
    }
    Ok(())
}

/// Judge every witness again, by itself: inside the budget exactly, and wrong in a batch of one. What
/// does not hold is taken back, and so is what nobody answers about; then why nobody does is said.
fn judged_again(arena: &mut Arena<'_>) -> Result<(Vec<Fallen>, usize, Option<&'static str>)> {
    let mut fallen = Vec::new();
    let (mut lost, mut stopped) = (0, None);
    let mut left = (arena.cases.len() - arena.standing().len()) as u64;
    for at in 0..arena.cases.len() {
        let Some(witness) = arena.cases[at].witness.clone() else { continue };
        // Each may be asked about twice while there is enough for those that follow.
        left -= 1;
        arena.keep(left);
        let mut label = None;
        if stopped.is_none() {
            let found = arena.label_of(&witness.point);
            until_time(found, &mut stopped, |found| label = Some(found))?;
        }
        let is_wrong = label.is_some_and(|label| arena.is_wrong(at, label));
        let holds = is_wrong && arena.admits(at, &witness.point);
        let Case { index, label: own, nearest, .. } = &arena.cases[at];
        if holds {
            fallen.push(Fallen { index: *index, label: *own, witness, nearest: *nearest });
        } else {
            lost += 1;
            arena.cases[at].witness = None;
        }
    }
    Ok((fallen, lost, stopped))
}

/// How many stand at a quarter, a half, twice and four times the budget: by a short attack, and by
/// what was seen on the way.
fn security_curve(arena: &mut Arena<'_>, question: &Question<'_>) -> Result<Vec<Point>> {
    // Squares and places have no size in a norm.
    let is_ball = matches!(arena.rule(), Rule::Any | Rule::Domain(_));
    let is_quick = question.effort == Effort::Quick;
    if question.targeted || is_quick || arena.is_metered() || !is_ball {
        return Ok(Vec::new());
    }
    let mut curve = Vec::new();
    let factors = [(1, 4), (1, 2), (1, 1), (2, 1), (4, 1)];
    for (above, below) in factors {
        let eps = &arena.budget.eps * Rational::new(above.into(), below.into());
        let size = exact::float(&eps);
        // Who falls to less falls to more, and who stands against more stands against less.
        let reached = |case: &Case| case.nearest < size;
        let open = (0..arena.cases.len())
            .filter(|&at| !reached(&arena.cases[at]) && (above > below || !arena.stands(at)));
        let open = open.collect::<Vec<_>>();
        let settled = arena.cases.iter().filter(|case| reached(case)).count();
        let mut fallen = settled;
        if above == below {
            fallen = arena.cases.len() - arena.standing().len();
        } else if !open.is_empty() {
            let rows = |at: usize| arena.cases[at].sample.iter().copied();
            let points = open.iter().flat_map(|&at| rows(at)).collect::<Vec<_>>();
            let labels = open.iter().map(|&at| arena.cases[at].label).collect::<Vec<_>>();
            let budget = arena.budget.of_size(eps.clone());
            let near = arena.aside((budget, arena.rule()), &points, &labels, |aside| {
                evade::look(aside, 200, 300)?;
                Ok(aside.cases.iter().map(|case| case.nearest).collect::<Vec<_>>())
            })?;
            for (&at, near) in open.iter().zip(near) {
                let case = &mut arena.cases[at];
                case.nearest = case.nearest.min(near);
                fallen += usize::from(case.nearest <= size);
            }
        }
        curve.push(Point { eps, stood: arena.cases.len() - fallen });
    }
    // The counts come from attacks of their own: what a smaller budget breaks a larger one breaks.
    let mut least = usize::MAX;
    for point in &mut curve {
        point.stood = point.stood.min(least);
        least = point.stood;
    }
    Ok(curve)
}
