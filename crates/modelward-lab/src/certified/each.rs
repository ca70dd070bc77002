//! What is asked of samples and what is said of them, and how they are shared out to threads.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use modelward_engine::Result;

use crate::{
    budget::Budget,
    constraints::{Constraints, Space},
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
    /// The radius within which each keeps the class that it has under noise, where that was asked for;
    /// 0 where no class has more than half.
    pub radii: Vec<f64>,
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

impl<'a> Question<'a> {
    /// What a sample may become under the rules of the domain.
    pub(super) fn space(&self, sample: &[f32]) -> Result<Option<Space<'a>>> {
        let space = |domain: &'a Constraints| domain.around(sample, Some(&self.budget.eps));
        self.domain.map(space).transpose()
    }

    pub(super) fn admits(&self, sample: &[f32], space: Option<&Space<'_>>, point: &[f32]) -> bool {
        self.budget.contains(sample, point) && space.is_none_or(|space| space.admits(point).is_ok())
    }
}

/// What is known of one sample.
pub(super) struct One {
    pub(super) verdict: Verdict,
    pub(super) distance: f64,
    pub(super) radius: Option<f64>,
    pub(super) witness: Option<Vec<f32>>,
    pub(super) why: Option<String>,
}

impl One {
    pub(super) fn of(verdict: Verdict) -> Self {
        Self { verdict, distance: f64::NAN, radius: None, witness: None, why: None }
    }

    pub(super) fn wrong() -> Self {
        Self { distance: 0.0, ..Self::of(Verdict::Wrong) }
    }

    pub(super) fn beyond() -> Self {
        let why = "what breaks the box around it is none of the points that are admitted";
        Self { why: Some(why.to_owned()), ..Self::of(Verdict::Unknown) }
    }

    pub(super) fn late() -> Self {
        Self { why: Some("the time was up".to_owned()), ..Self::of(Verdict::Unknown) }
    }
}

/// Look at every sample, several at once; each is looked at by itself.
pub(super) fn each(
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
        certified.radii.extend(one.radius);
        certified.witnesses.extend_from_slice(one.witness.as_deref().unwrap_or(sample));
        if certified.why.is_none() {
            certified.why = one.why;
        }
    }
    Ok(certified)
}
