//! What is proven of samples: those that keep their answer within a budget, those that do not, and
//! those of which neither is known.

use std::{
    cell::RefCell,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use modelward_engine::{Model, Result, Trouble, exec::How};

use crate::{
    arena::{Arena, is_out_of_time},
    budget::{Ball, Norm},
    certify::{Asked, Prover, Verdict as Proof, smoothing::Smoothing},
    constraints::Space,
    evade::pgd,
    preprocess::Convention,
    random::Normal,
    rule::Rule,
    trees::{Trees, Verdict as InBox},
    victim::{Network, Prepared, Victim},
};

mod each;

pub use self::each::{Certified, Question, Verdict};
use self::each::{One, each};

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
        Ok(One { verdict, distance, radius: None, witness: found.witness, why })
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

/// Certify what a model says most often of each sample under Gaussian noise, in `l2`: the smoothed
/// classifier, not the model itself. `open` gives the model, once for each thread. A sample holds where its
/// radius reaches to the budget, and each such answer is wrong with a chance of at most
/// `smoothing.alpha`.
///
/// # Errors
/// Where the model cannot be run on the samples, or the budget is none in `l2`.
pub fn smoothed<V: Victim + Send>(
    open: impl Fn() -> Result<V> + Sync,
    smoothing: &Smoothing,
    question: &Question<'_>,
) -> Result<Certified> {
    if question.budget.norm != Norm::L2 || question.domain.is_some() || question.minimal {
        return Err(Trouble::unsupported("smoothing certifies in l2, without rules of a domain"));
    }
    let first = open()?;
    let features = first.features();
    let idle = Mutex::new(vec![first]);
    let waiting = || idle.lock().unwrap_or_else(PoisonError::into_inner);
    let (size, seed) = (question.budget.size(), question.seed);
    // Large inputs come in small batches: so much is drawn at most behind the end of the time. The
    // answers do not hang on it.
    let most = (MOST_DRAWN / features.max(1)).max(1);
    let smoothing = Smoothing { batch: smoothing.batch.min(most), ..*smoothing };
    each(question, features, |at, sample, label, deadline| {
        let one = waiting().pop();
        let mut victim = one.map_or_else(&open, Ok)?;
        let mut noise = Normal::new(&[seed, at as u64, STREAM]);
        let mut late = false;
        let found = smoothing.certify(sample, &mut noise, &mut |batch| {
            late |= deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if late {
                return Ok(Vec::new());
            }
            let class = |label: i64| usize::try_from(label).ok();
            Ok(victim.ask(batch)?.labels.into_iter().map(class).collect())
        })?;
        waiting().push(victim);
        let radius = Some(found.map_or(0.0, |found| found.radius)).filter(|_| !late);
        Ok(match found {
            _ if late => One { radius: Some(0.0), ..One::late() },
            Some(found) if found.class != label => One { radius: Some(0.0), ..One::wrong() },
            Some(found) if found.radius >= size => One { radius, ..One::of(Verdict::Holds) },
            // A radius that ends early is what was asked for, and nothing that was left open.
            Some(_) | None => One { radius, ..One::of(Verdict::Unknown) },
        })
    })
}

/// The most numbers of noise that are drawn at once.
const MOST_DRAWN: usize = 1 << 21;

/// What the noise of smoothing is drawn for.
const STREAM: u64 = 400;

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

#[cfg(test)]
mod tests;
