//! Finding the convention by which a model is right.
//!
//! Candidates are screened on a few samples; the best of them, alone and joined, are asked on more.
//! What is chosen must beat the data as they are by more than chance, with every trial counted.
//! Conventions that differ little are right equally often. Of these, one that only adds steps to
//! another falls; then the likelihood decides, which every sample says something about. The means of
//! a data set that these data are not must be likelier by more than chance. What is left is named as
//! being alike.

use std::cmp::Ordering;

use modelward_engine::{Kind, Result, Trouble};

use super::{
    candidates::{self, Values},
    convention::Convention,
    guess::{Guess, losses},
    sign_test::{disagreements, p_value},
    spec::{Spec, Word},
};
use crate::samples::Samples;

/// The most samples of a search.
const SAMPLES: usize = 200;

/// Of these, how many each candidate is screened on.
const SCREEN: usize = 50;

/// How many candidates go on after the screening.
const FINALISTS: usize = 8;

/// The most trials of ways to move joined with what is done to each number.
const JOINED: usize = 160;

/// How many standard errors are more than chance.
const ERRORS: f64 = 2.0;

/// The chance that data which are right as they are get a convention, over all trials.
const CHANCE: f64 = 0.05;

/// A convention that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The convention.
    pub spec: Spec,
    /// How many samples were right.
    pub right: usize,
    /// Of how many.
    pub samples: usize,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The convention to use; none where no other is better by more than chance.
    pub spec: Spec,
    /// How many of all samples are right by it.
    pub right: usize,
    /// How many are right without any; `None` where the data do not fit the model without.
    pub raw: Option<usize>,
    /// Of how many samples.
    pub samples: usize,
    /// Others that these samples do not tell apart from the one to use.
    pub alike: Vec<Spec>,
    /// What was tried, the best first; each on the samples that it was asked last.
    pub tried: Vec<Tried>,
}

impl Found {
    /// The part of all samples that is right by the convention.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.samples.max(1) as f64
    }
}

/// What a model is asked: a batch in its own layout, and how many samples it holds.
pub type Classify<'a> = dyn FnMut(&[f32], usize) -> Result<Guess> + 'a;

/// Find the convention for samples with labels. `model` is the shape of the model's input without
/// the batch, `None` where a size is free.
///
/// At most 250 trials of 50 samples and nine of 200, and two of all. Data that are right as they
/// are cost one or two.
///
/// # Errors
/// Where the samples have no labels, fit the model in no layout, or the model fails.
pub fn find(
    samples: &Samples,
    model: &[Option<usize>],
    classify: &mut Classify<'_>,
) -> Result<Found> {
    let labels = samples.y.as_deref().ok_or_else(|| {
        Trouble::new(Kind::Input, "a convention is found by the labels, and the data have none")
            .help("name it: `--preprocess none`, or `--preprocess \"mean=0.5 std=0.5\"`")
    })?;
    let moves = candidates::moves(&samples.shape, model);
    let Some(plain) = moves.first() else { return Err(no_fit(&samples.shape, model)) };
    let count = samples.len().min(labels.len());
    let some = spread(count, SAMPLES);
    let mut asker = Asker { samples, labels, classify, tried: Vec::new() };
    let mut raw = asker.ask(plain, &some)?;
    let mut best = raw.clone();
    let mut alike = Vec::new();
    if improvable(&raw.right) {
        (best, alike) = asker.search(&moves, &raw, &some)?;
    }
    if some.len() < count {
        let all = (0..count).collect::<Vec<_>>();
        let same = best.spec == raw.spec;
        raw = asker.ask(plain, &all)?;
        best = if same { raw.clone() } else { asker.ask(&best.spec, &all)? };
    }
    if best.spec != raw.spec && !better(&best.right, &raw.right, asker.tried.len()) {
        best = raw.clone();
        alike.clear();
    }
    asker.tried.sort_by(|a, b| rate(b).total_cmp(&rate(a)));
    Ok(Found {
        right: hits(&best.right),
        spec: best.spec,
        raw: plain.is_none().then(|| hits(&raw.right)),
        samples: count,
        alike,
        tried: asker.tried,
    })
}

fn no_fit(shape: &[usize], model: &[Option<usize>]) -> Trouble {
    let model = model.iter().map(|size| size.map_or("?".into(), |size| size.to_string()));
    let model = model.collect::<Vec<_>>().join(", ");
    let why =
        format!("expected samples of the shape [{model}] that the model takes, got {shape:?}");
    Trouble::new(Kind::Input, why)
        .help("bring the data to the model's size; channels first or last are found by themselves")
}

/// What came of one candidate.
#[derive(Clone)]
struct Judged {
    spec: Spec,
    /// Whether each sample was right.
    right: Vec<bool>,
    /// The negative log-likelihood of each sample's class; none where only labels are given.
    losses: Vec<f64>,
}

impl Judged {
    /// The better one first: what is right more often, then what is likelier.
    fn order(&self, other: &Self) -> Ordering {
        hits(&other.right).cmp(&hits(&self.right)).then_with(|| self.likelier(other))
    }

    fn likelier(&self, other: &Self) -> Ordering {
        let (one, other) = (&self.losses, &other.losses);
        if one.len() != other.len() {
            return Ordering::Equal;
        }
        one.iter().sum::<f64>().total_cmp(&other.iter().sum::<f64>())
    }

    /// Whether it is likelier by more than chance, sample by sample.
    fn clearly_likelier(&self, other: &Self) -> bool {
        let pairs = self.losses.iter().zip(&other.losses);
        let gains = pairs.map(|(own, other)| other - own).collect::<Vec<_>>();
        let count = gains.len() as f64;
        let mean = gains.iter().sum::<f64>() / count;
        let square = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>();
        mean > ERRORS * (square / (count - 1.0) / count).sqrt()
    }

    /// Whether another does all of this and more.
    fn is_part_of(&self, other: &Self) -> bool {
        let mut rest = other.spec.words.iter();
        self.spec != other.spec && self.spec.words.iter().all(|word| rest.any(|one| one == word))
    }
}

fn hits(right: &[bool]) -> usize {
    right.iter().filter(|&&right| right).count()
}

fn rate(tried: &Tried) -> f64 {
    tried.right as f64 / tried.samples.max(1) as f64
}

/// Whether so many are wrong that it would be no chance, were they right.
fn improvable(right: &[bool]) -> bool {
    p_value(right.len() - hits(right), 0) <= CHANCE
}

/// Whether one beats another by more than chance, as the best of so many.
fn better(one: &[bool], other: &[bool], trials: usize) -> bool {
    let (wins, losses) = disagreements(one, other);
    wins > losses && p_value(wins, losses) * trials.max(1) as f64 <= CHANCE
}

/// So many places at most, evenly spread.
fn spread(count: usize, most: usize) -> Vec<usize> {
    let taken = count.min(most);
    (0..taken).map(|at| at * count / taken).collect()
}

struct Asker<'a, 'b> {
    samples: &'a Samples,
    labels: &'a [i64],
    classify: &'a mut Classify<'b>,
    tried: Vec<Tried>,
}

impl Asker<'_, '_> {
    /// Ask about some samples, and note it.
    fn ask(&mut self, spec: &Spec, some: &[usize]) -> Result<Judged> {
        let convention = Convention::new(spec, &self.samples.shape)?;
        let x = some.iter().flat_map(|&at| self.samples.sample(at)).copied().collect::<Vec<_>>();
        let guess = (self.classify)(&convention.apply(&x), some.len())?;
        let (expected, got) = (some.len(), guess.labels.len());
        if expected != got {
            let why = format!("expected {expected} labels of the model, got {got}");
            return Err(Trouble::new(Kind::Input, why));
        }
        let labels = some.iter().map(|&at| self.labels[at]).collect::<Vec<_>>();
        let right = labels.iter().zip(&guess.labels).map(|(label, got)| label == got);
        let right = right.collect::<Vec<_>>();
        let tried = Tried { spec: spec.clone(), right: hits(&right), samples: some.len() };
        match self.tried.iter_mut().find(|tried| tried.spec == *spec) {
            Some(before) => *before = tried,
            None => self.tried.push(tried),
        }
        let losses = losses(&guess, &labels).unwrap_or_default();
        Ok(Judged { spec: spec.clone(), right, losses })
    }

    /// The best candidate, and those that cannot be told apart from it.
    fn search(
        &mut self,
        moves: &[Spec],
        raw: &Judged,
        some: &[usize],
    ) -> Result<(Judged, Vec<Spec>)> {
        let Values { specs, foreign } = candidates::values(&self.samples.x, &self.samples.shape);
        let screened = self.screen(moves, &specs, &raw.spec, some)?;
        let mut finalists = vec![raw.clone()];
        for one in screened.iter().filter(|one| one.spec != raw.spec).take(FINALISTS) {
            // Where there are few samples, all of them have been asked already.
            let known = one.right.len() == some.len();
            finalists.push(if known { one.clone() } else { self.ask(&one.spec, some)? });
        }
        // Stable sorts: of equals, the simplest comes first.
        finalists.sort_by(Judged::order);
        let most = finalists[0].right.clone();
        finalists.retain(|one| !better(&most, &one.right, 1));
        let whole = finalists.clone();
        finalists.retain(|one| !whole.iter().any(|other| other.is_part_of(one)));
        finalists.sort_by(Judged::likelier);
        let is_foreign = |one: &Judged| one.spec.words.iter().any(|word| foreign.contains(word));
        let native = finalists.iter().position(|one| !is_foreign(one)).unwrap_or(0);
        let first = if finalists[0].clearly_likelier(&finalists[native]) { 0 } else { native };
        let best = finalists.remove(first);
        if best.spec == raw.spec || !better(&best.right, &raw.right, self.tried.len()) {
            return Ok((raw.clone(), Vec::new()));
        }
        let alike = finalists.into_iter().map(|one| one.spec).filter(|spec| *spec != raw.spec);
        Ok((best, alike.collect()))
    }

    /// Every candidate on a few samples, the best first.
    fn screen(
        &mut self,
        moves: &[Spec],
        values: &[Spec],
        plain: &Spec,
        some: &[usize],
    ) -> Result<Vec<Judged>> {
        let few = spread(some.len(), SCREEN).into_iter().map(|at| some[at]).collect::<Vec<_>>();
        let mut moved = Vec::with_capacity(moves.len());
        for spec in moves {
            moved.push((spec, self.ask(spec, &few)?));
        }
        let mut changed = Vec::with_capacity(values.len());
        for spec in values {
            changed.push((spec, self.ask(&spec.then(plain), &few)?));
        }
        // Joined: the best of each kind, or all of them where none alone says anything.
        let raw = &moved[0].1.right;
        let says = |one: &Judged| better(&one.right, raw, 1);
        let clear = moved.iter().chain(&changed).any(|(_, one)| says(one));
        let all = !clear && moves.len() * values.len() <= JOINED;
        let mut screened =
            moved.iter().chain(&changed).map(|(_, one)| one.clone()).collect::<Vec<_>>();
        moved.sort_by(|a, b| a.1.order(&b.1));
        changed.sort_by(|a, b| a.1.order(&b.1));
        if !all {
            moved.truncate(3);
            changed.truncate(6);
        }
        for (movement, _) in moved.iter().filter(|(spec, _)| *spec != plain) {
            for (value, _) in &changed {
                screened.push(self.ask(&value.then(movement), &few)?);
            }
        }
        screened.sort_by(Judged::order);
        Ok(screened)
    }
}

#[cfg(test)]
mod tests;
