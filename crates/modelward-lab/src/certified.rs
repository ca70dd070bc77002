//! What is proven of samples: those that keep their answer within a budget, those that do not, and
//! those of which neither is known.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use modelward_engine::{Model, Result, Trouble, exec::How};

use crate::{
    arena::{Arena, is_out_of_time},
    budget::{Ball, Budget, Norm},
    certify::{Asked, Prover, Verdict as Proof},
    constraints::{Constraints, Space},
    evade::pgd,
    preprocess::Convention,
    rule::Rule,
    trees::{Trees, Verdict as InBox},
    victim::{Network, Prepared, Victim},
};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Samples `[n, features]`.
    pub samples: &'a [f32],
    /// Their labels `[n]`.
    pub labels: &'a [usize],
    /// What may be done to them, in `linf`.
    pub budget: Budget,
    /// The rules of the domain, where there are some.
    pub domain: Option<&'a Constraints>,
    /// Whether the least distance at which each can be broken is found, for trees.
    pub minimal: bool,
    /// Time for one sample.
    pub each: Duration,
    /// When to stop.
    pub deadline: Option<Instant>,
    /// How many samples are looked at at once.
    pub threads: usize,
    /// Where random numbers begin.
    pub seed: u64,
}

/// What is known of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No input within the budget changes its answer.
    Holds,
    /// Neither is known.
    Unknown,
    /// One does.
    Violated,
    /// Its answer is wrong before any change.
    Wrong,
}

impl Verdict {
    /// The number of files.
    pub fn code(self) -> i8 {
        match self {
            Self::Holds => 1,
            Self::Unknown => 0,
            Self::Violated => -1,
            Self::Wrong => -2,
        }
    }
}

/// What was proven.
#[derive(Clone, Debug, Default)]
pub struct Certified {
    /// One for each sample.
    pub verdicts: Vec<Verdict>,
    /// The least distance of each, where it was asked for: 0 where it is wrong before, infinity where
    /// it cannot be broken, NaN where it is not known.
    pub distances: Vec<f64>,
    /// A point at that distance, `[n, features]`; the sample itself where there is none.
    pub witnesses: Vec<f32>,
    /// Why samples stayed unknown.
    pub why: Option<String>,
}

impl Certified {
    /// How many have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.verdicts.iter().filter(|each| **each == verdict).count()
    }

    /// The mean of the distances of samples that are right and can be broken.
    pub fn mean_distance(&self) -> Option<f64> {
        let finite = self.distances.iter().filter(|d| d.is_finite() && **d > 0.0);
        let (sum, count) = finite.fold((0.0, 0_u32), |(sum, count), d| (sum + d, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }
}

/// What is known of one sample.
struct One {
    verdict: Verdict,
    distance: f64,
    witness: Option<Vec<f32>>,
    why: Option<String>,
}

/// Certify trees: exactly, but where time runs out.
///
/// # Errors
/// Where the samples have another number of features.
pub fn trees(trees: &Trees, question: &Question<'_>) -> Result<Certified> {
    if question.minimal && question.domain.is_some() {
        return Err(Trouble::unsupported("distances are found without rules of a domain")
            .help("leave out `--minimal`, and certify at several `--eps`"));
    }
    let said = trees.classify(question.samples)?;
    let features = trees.features();
    let names = trees.labels();
    each(question, features, |at, sample, label, deadline| {
        let name = names.get(label).copied().unwrap_or(label as i64);
        if said[at] != name {
            return Ok(One::wrong());
        }
        if !question.minimal {
            let space = question.space(sample)?;
            return narrowed(question, sample, space.as_ref(), &mut |part| {
                let mut point = match trees.holds(&part.low, &part.high, name, deadline)? {
                    InBox::Holds => return Ok(One::of(Verdict::Holds)),
                    InBox::Violated(point) => point,
                    InBox::Unknown => return Ok(One::late()),
                };
                if let Some(space) = &space {
                    space.project(&mut point);
                    if !question.admits(sample, Some(space), &point)
                        || trees.classify(&point)?.first() == Some(&name)
                    {
                        return Ok(One::beyond());
                    }
                }
                Ok(One { witness: Some(point), ..One::of(Verdict::Violated) })
            });
        }
        let found = trees.minimal(sample, name, question.budget.clip, deadline)?;
        let exact = found.exact();
        let inside = |point: &Vec<f32>| question.budget.contains(sample, point);
        let verdict = match &found.witness {
            Some(point) if inside(point) => Verdict::Violated,
            _ if exact || found.lower > question.budget.size() => Verdict::Holds,
            _ => Verdict::Unknown,
        };
        let distance = if exact { found.upper } else { f64::NAN };
        let why = (!exact).then(|| "the time was up".to_owned());
        Ok(One { verdict, distance, witness: found.witness, why })
    })
}

/// Certify a network: a short attack first, then bounds and branches for what stands.
///
/// # Errors
/// Where the model cannot be run on the samples, or distances are asked for.
pub fn network(
    model: &Model,
    convention: &Convention,
    shape: &[usize],
    how: How,
    question: &Question<'_>,
) -> Result<Certified> {
    if question.minimal {
        return Err(Trouble::unsupported("exact distances are found for trees alone")
            .help("leave out `--minimal`, and certify at several `--eps`"));
    }
    if question.budget.norm != Norm::Linf {
        return Err(Trouble::unsupported("networks are certified in linf"));
    }
    let network = || Network::new(model.clone(), convention.shape(), how);
    let mut victim = Prepared::new(network()?, convention.clone(), shape.to_vec());
    let features = victim.features();
    let mut first = vec![Verdict::Wrong; question.labels.len()];
    let mut points = vec![None; first.len()];
    let budget = question.budget.clone();
    let (samples, labels) = (question.samples, question.labels);
    let arena = Arena::new(&mut victim, budget, samples, labels, question.seed, question.deadline)?;
    let mut arena = arena.under(question.domain.map_or(Rule::Any, Rule::Domain))?;
    match pgd::climb(&mut arena, 20, 2, 400) {
        Err(trouble) if !is_out_of_time(&trouble) => return Err(trouble),
        _ => {}
    }
    for case in &arena.cases {
        first[case.index] = match case.witness {
            Some(_) => Verdict::Violated,
            None => Verdict::Unknown,
        };
        points[case.index] = case.witness.as_ref().map(|witness| witness.point.clone());
    }
    let prover = Prover::new(model, &how.limits);
    // Points between the two spaces cannot be told apart in general.
    let plain = convention.is_plain();
    each(question, features, |at, sample, label, deadline| {
        match first[at] {
            Verdict::Wrong => return Ok(One::wrong()),
            Verdict::Violated => {
                return Ok(One { witness: points[at].clone(), ..One::of(Verdict::Violated) });
            }
            Verdict::Unknown | Verdict::Holds => {}
        }
        let prover = match &prover {
            Ok(prover) => prover,
            Err(trouble) => {
                let why = Some(trouble.to_string());
                return Ok(One { why, ..One::of(Verdict::Unknown) });
            }
        };
        let space = question.space(sample)?;
        // Few proofs come upon a point that has to be asked about.
        let judged = RefCell::new(None);
        let is_other = |point: &[f32]| -> Result<bool> {
            let mut judged = judged.borrow_mut();
            let network = match &mut *judged {
                Some(network) => network,
                None => judged.insert(network()?),
            };
            Ok(network.ask(point)?.labels.first() != Some(&(label as i64)))
        };
        let inside = |point: &[f32]| {
            let admitted = plain && question.admits(sample, space.as_ref(), point);
            admitted && is_other(point).unwrap_or(false)
        };
        let time_up = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let asked = Asked { time_up: &time_up, judge: &inside };
        narrowed(question, sample, space.as_ref(), &mut |part| {
            let (low, high) = convention.apply_box(&part.low, &part.high);
            Ok(match prover.class(label, &low, &high, &asked) {
                Proof::Holds { .. } => One::of(Verdict::Holds),
                Proof::Candidate(point) if inside(&point) => {
                    One { witness: Some(point), ..One::of(Verdict::Violated) }
                }
                Proof::Candidate(_) => One::beyond(),
                Proof::Unknown { why } => One { why: Some(why), ..One::of(Verdict::Unknown) },
            })
        })
    })
}

/// The most boxes that a space is taken apart into.
const MOST_BOXES: usize = 256;

/// Look at the box around a sample, and where the rules of a domain leave that open at each of the
/// boxes that its points lie in. The box holds more than those points, so what holds in it holds for
/// them; that one of them breaks the answer is for `look` to make sure of.
fn narrowed(
    question: &Question<'_>,
    sample: &[f32],
    space: Option<&Space<'_>>,
    look: &mut dyn FnMut(&Ball) -> Result<One>,
) -> Result<One> {
    let ball = question.budget.ball(sample);
    let Some(space) = space else { return look(&ball) };
    let whole = look(&ball.within(space.low(), space.high()))?;
    if whole.verdict != Verdict::Unknown {
        return Ok(whole);
    }
    let Some(boxes) = space.boxes(MOST_BOXES) else { return Ok(whole) };
    let mut open = None;
    for part in boxes {
        let part = ball.within(&part.low, &part.high);
        if part.low.iter().zip(&part.high).any(|(low, high)| low > high) {
            continue;
        }
        let one = look(&part)?;
        match one.verdict {
            Verdict::Holds => {}
            Verdict::Unknown => open = Some(one),
            Verdict::Violated | Verdict::Wrong => return Ok(one),
        }
    }
    Ok(open.unwrap_or_else(|| One::of(Verdict::Holds)))
}

impl<'a> Question<'a> {
    /// What a sample may become under the rules of the domain.
    fn space(&self, sample: &[f32]) -> Result<Option<Space<'a>>> {
        let space = |domain: &'a Constraints| domain.around(sample, Some(&self.budget.eps));
        self.domain.map(space).transpose()
    }

    fn admits(&self, sample: &[f32], space: Option<&Space<'_>>, point: &[f32]) -> bool {
        self.budget.contains(sample, point) && space.is_none_or(|space| space.admits(point).is_ok())
    }
}

impl One {
    fn of(verdict: Verdict) -> Self {
        Self { verdict, distance: f64::NAN, witness: None, why: None }
    }

    fn wrong() -> Self {
        Self { distance: 0.0, ..Self::of(Verdict::Wrong) }
    }

    fn beyond() -> Self {
        let why = "what breaks the box around it is none of the points that are admitted";
        Self { why: Some(why.to_owned()), ..Self::of(Verdict::Unknown) }
    }

    fn late() -> Self {
        Self { why: Some("the time was up".to_owned()), ..Self::of(Verdict::Unknown) }
    }
}

/// Look at every sample, several at once; each is looked at by itself.
fn each(
    question: &Question<'_>,
    features: usize,
    look: impl Fn(usize, &[f32], usize, Option<Instant>) -> Result<One> + Sync,
) -> Result<Certified> {
    let count = question.labels.len();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(&label) = question.labels.get(at) else { return done };
            let sample = &question.samples[at * features..(at + 1) * features];
            let own = Instant::now().checked_add(question.each);
            let deadline = [own, question.deadline].into_iter().flatten().min();
            done.push((at, look(at, sample, label, deadline)));
        }
    };
    let all = std::thread::scope(|scope| {
        let others = (1..question.threads.min(count)).map(|_| scope.spawn(work));
        let others = others.collect::<Vec<_>>();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    let mut ones = (0..count).map(|_| None).collect::<Vec<_>>();
    for (at, one) in all {
        ones[at] = Some(one?);
    }
    let mut certified = Certified::default();
    for (at, one) in ones.into_iter().enumerate() {
        let one = one.unwrap_or_else(One::late);
        let sample = &question.samples[at * features..(at + 1) * features];
        certified.verdicts.push(one.verdict);
        certified.distances.push(one.distance);
        certified.witnesses.extend_from_slice(one.witness.as_deref().unwrap_or(sample));
        if certified.why.is_none() {
            certified.why = one.why;
        }
    }
    Ok(certified)
}

#[cfg(test)]
mod tests;
