//! Where attacks meet a model: they propose points, and the arena clips, asks, counts and judges.
//!
//! An attack never says that it has won. Every point that it asks about is looked at here; one that
//! lies inside the budget, exactly, and is answered wrongly by a clear margin is a witness, whoever
//! proposed it. A sample that has one is done, and no attack spends anything on it any more.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use modelward_engine::{Kind, Result, Trouble};

use crate::{
    budget::{Ball, Budget, Norm, between},
    constraints::Space,
    random,
    rule::Rule,
    trees::Verdict,
    victim::{Answers, Gives, NO_ANSWER, NO_CLASS, OUT_OF_QUERIES, Slope, Slopes, Victim},
};

mod course;

pub use self::course::Course;

/// A model, samples that it gets right, and what has become of them.
pub struct Arena<'a> {
    victim: &'a mut dyn Victim,
    /// What may be done to a sample.
    pub budget: Budget,
    /// What of that is admitted.
    rule: Rule<'a>,
    /// Under the rules of a domain, what each case may become.
    spaces: Vec<Space<'a>>,
    /// The samples, in the order of the data.
    pub cases: Vec<Case>,
    /// Where random numbers begin.
    pub seed: u64,
    /// Inputs that were sent through the model.
    pub spent: Spent,
    /// The longest climb of the attack that runs.
    pub course: Course,
    deadline: Option<Instant>,
    features: usize,
    classes: usize,
    /// Queries that are kept back where they are counted, so that each witness can be judged again.
    reserve: u64,
}

/// A sample under attack.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its place in the data.
    pub index: usize,
    /// The sample, `[features]`.
    pub sample: Vec<f32>,
    /// Its class.
    pub label: usize,
    /// The class that it is to be given, where any other is not enough.
    pub target: Option<usize>,
    /// The scores of the sample itself.
    pub scores: Vec<f32>,
    /// Where it may be moved.
    pub ball: Ball,
    /// A point inside the budget that is answered wrongly.
    pub witness: Option<Witness>,
    /// Whether it is proven that there is none.
    pub proven: bool,
    /// The least distance at which a wrong answer was seen, inside the budget or not.
    pub nearest: f64,
}

/// A point that is answered wrongly.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The point, `[features]`.
    pub point: Vec<f32>,
    /// The class that it is given, or [`NO_CLASS`].
    pub label: i64,
}

/// Inputs that were sent through the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Forward.
    pub forward: u64,
    /// Forward and back.
    pub backward: u64,
}

/// Where points may lie that an attack asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Inside the box of the budget.
    Ball,
    /// Anywhere in the range of inputs.
    Range,
}

/// By how much of its largest score a model has to be wrong for a witness: another order of
/// summation than this engine's may move a score that far.
pub(crate) const CLEAR: f32 = 4e-6;

impl<'a> Arena<'a> {
    /// Samples with their labels, those that the model gets right; the others are left out.
    ///
    /// # Errors
    /// Where the model cannot be run on them.
    pub fn new(
        victim: &'a mut dyn Victim,
        budget: Budget,
        samples: &[f32],
        labels: &[usize],
        seed: u64,
        deadline: Option<Instant>,
    ) -> Result<Self> {
        let answers = victim.ask(samples)?;
        Ok(Self::asked(victim, budget, (samples, labels), &answers, seed, deadline))
    }

    /// The same of samples that the model was asked about before, with what it said.
    pub fn asked(
        victim: &'a mut dyn Victim,
        budget: Budget,
        (samples, labels): (&[f32], &[usize]),
        answers: &Answers,
        seed: u64,
        deadline: Option<Instant>,
    ) -> Self {
        let (features, classes) = (victim.features(), victim.classes());
        let mut cases = Vec::new();
        let rows = samples.chunks_exact(features).zip(labels);
        for (index, ((sample, &label), &said)) in rows.zip(&answers.labels).enumerate() {
            if said == label as i64 {
                cases.push(Case {
                    index,
                    sample: sample.to_vec(),
                    label,
                    target: None,
                    scores: row(&answers.scores, index, classes).to_vec(),
                    ball: budget.ball(sample),
                    witness: None,
                    proven: false,
                    nearest: f64::INFINITY,
                });
            }
        }
        let spent = Spent { forward: labels.len() as u64, backward: 0 };
        let reserve = cases.len() as u64;
        let (rule, spaces) = (Rule::Any, Vec::new());
        let mut arena = Self {
            victim,
            budget,
            rule,
            spaces,
            cases,
            seed,
            spent,
            course: Course::default(),
            deadline,
            features,
            classes,
            reserve,
        };
        arena.keep(reserve);
        arena
    }

    /// Keep back so many queries, where they are counted, for witnesses to be judged again.
    pub(crate) fn keep(&mut self, queries: u64) {
        self.reserve = queries;
        self.victim.keep(queries);
    }

    /// The same where a rule holds as well.
    ///
    /// # Errors
    /// Where it is one for inputs of another size.
    pub fn under(mut self, rule: Rule<'a>) -> Result<Self> {
        self.rule = rule;
        self.spaces.clear();
        if let Rule::Domain(constraints) = rule {
            // In each of these norms no one number moves farther than the whole.
            let eps = (self.budget.norm != Norm::L0).then_some(&self.budget.eps);
            for case in &mut self.cases {
                let space = constraints.around(&case.sample, eps)?;
                case.ball = case.ball.within(space.low(), space.high());
                self.spaces.push(space);
            }
        }
        Ok(self)
    }

    /// What of the budget is admitted.
    pub fn rule(&self) -> Rule<'a> {
        self.rule
    }

    /// Whether a point is one that a case may become: within the budget and the rule, exactly.
    pub fn admits(&self, case: usize, point: &[f32]) -> bool {
        self.budget.contains(&self.cases[case].sample, point) && self.obeys(case, point)
    }

    /// Whether a point is within the rule.
    fn obeys(&self, case: usize, point: &[f32]) -> bool {
        let sample = &self.cases[case].sample;
        match self.rule {
            Rule::Any => true,
            Rule::Domain(_) => self.spaces[case].admits(point).is_ok(),
            Rule::Patch(patch) => patch.admits(sample, point),
            Rule::Spatial(spatial) => spatial.admits(sample, point),
        }
    }

    /// How many numbers an input has.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The shape of an input.
    pub fn shape(&self) -> &[usize] {
        self.victim.shape()
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// What can be had of the model.
    pub fn gives(&self) -> Gives {
        self.victim.gives()
    }

    /// Whether the model itself decides what holds within this budget, exactly.
    pub fn decides(&self) -> bool {
        self.budget.norm == Norm::Linf && self.victim.decides()
    }

    /// Whether the scores are the same all around most inputs, as those of trees are.
    pub fn is_flat_by_nature(&self) -> bool {
        self.victim.decides()
    }

    /// Whether queries are counted.
    pub fn is_metered(&self) -> bool {
        self.victim.left().is_some()
    }

    /// How many points may be asked about for each of so many cases, at most `most`.
    pub fn allowance(&self, most: usize, cases: usize) -> usize {
        let Some(left) = self.victim.left() else { return most };
        let each = left.saturating_sub(self.reserve) / cases.max(1) as u64;
        usize::try_from(each).map_or(most, |each| each.min(most))
    }

    /// The cases that stand and are not proven to.
    pub fn open(&self) -> Vec<usize> {
        (0..self.cases.len())
            .filter(|&case| self.stands(case) && !self.cases[case].proven)
            .collect()
    }

    /// The cases that stand.
    pub fn standing(&self) -> Vec<usize> {
        (0..self.cases.len()).filter(|&case| self.stands(case)).collect()
    }

    /// Whether a case stands.
    pub fn stands(&self, case: usize) -> bool {
        self.cases[case].witness.is_none()
    }

    /// A stream of random numbers for a case, an attack and an attempt of it.
    pub fn random(&self, case: usize, attack: u64, attempt: u64) -> fastrand::Rng {
        random::stream(&[self.seed, self.cases[case].index as u64, attack, attempt])
    }

    /// Ask about one point for each of these cases, `[n, features]`; they are clipped first. Under a
    /// rule the nearest point that it admits is asked about; the proposal itself stays, so that steps
    /// shorter than the way to the next admitted point add up.
    ///
    /// # Errors
    /// Where the model cannot be run, or the time is up.
    pub fn ask(&mut self, cases: &[usize], points: &mut [f32], reach: Reach) -> Result<Answers> {
        self.admit(cases.len())?;
        self.clip(cases, points, reach);
        let points = self.admitted(cases, points);
        let answers = self.victim.ask(&points)?;
        self.spent.forward += cases.len() as u64;
        self.judge(cases, &points, &answers);
        Ok(answers)
    }

    /// Ask about one point for each of these cases, with gradients; they are clipped first. `None`
    /// where the model gives no gradient.
    ///
    /// # Errors
    /// As [`Arena::ask`].
    pub fn slope(
        &mut self,
        of: Slope<'_>,
        cases: &[usize],
        points: &mut [f32],
        reach: Reach,
    ) -> Result<Option<Slopes>> {
        self.admit(cases.len())?;
        self.clip(cases, points, reach);
        let points = self.admitted(cases, points);
        let slopes = self.victim.slope(of, &points)?;
        if let Some(slopes) = &slopes {
            self.spent.forward += cases.len() as u64;
            self.spent.backward += cases.len() as u64;
            self.judge(cases, &points, &slopes.answers);
        }
        Ok(slopes)
    }

    /// What the model gives as deployed for one point for each of these cases; nothing is judged.
    ///
    /// # Errors
    /// As [`Arena::ask`].
    pub fn deployed(&mut self, cases: &[usize], points: &mut [f32]) -> Result<Vec<f32>> {
        self.admit(cases.len())?;
        self.clip(cases, points, Reach::Ball);
        let points = self.admitted(cases, points);
        self.spent.forward += cases.len() as u64;
        self.victim.deployed(&points)
    }

    /// The class of one point, asked by itself; nothing is judged.
    ///
    /// # Errors
    /// Where the model cannot be run.
    pub fn label_of(&mut self, point: &[f32]) -> Result<i64> {
        self.spent.forward += 1;
        Ok(self.victim.ask(point)?.labels.first().copied().unwrap_or(NO_CLASS))
    }

    /// Run something against the same model with another budget and rule; what it finds is no witness
    /// here.
    ///
    /// # Errors
    /// Where the model cannot be run, or the time is up.
    pub fn aside<T>(
        &mut self,
        (budget, rule): (Budget, Rule<'_>),
        samples: &[f32],
        labels: &[usize],
        run: impl FnOnce(&mut Arena<'_>) -> Result<T>,
    ) -> Result<T> {
        self.admit(labels.len())?;
        let (seed, deadline, reserve) = (self.seed, self.deadline, self.reserve);
        let aside = Arena::new(self.victim, budget, samples, labels, seed, deadline)?;
        let mut aside = aside.under(rule)?;
        aside.keep(reserve);
        let done = run(&mut aside)?;
        let Spent { forward, backward } = aside.spent;
        self.spent.forward += forward;
        self.spent.backward += backward;
        Ok(done)
    }

    /// Settle a case by the model's own proof: it is proven to stand, or a point is asked about that
    /// makes it fall. Neither happens where [`EACH`] does not suffice.
    ///
    /// # Errors
    /// As [`Arena::ask`].
    pub fn decide(&mut self, case: usize) -> Result<()> {
        self.admit(0)?;
        let until = Instant::now().checked_add(EACH);
        let until = self.deadline.into_iter().chain(until).min();
        let here = &self.cases[case];
        match self.victim.decide(&here.ball.low, &here.ball.high, here.label, until)? {
            Verdict::Holds => self.cases[case].proven = true,
            Verdict::Violated(mut point) => {
                self.ask(&[case], &mut point, Reach::Ball)?;
            }
            Verdict::Unknown => self.admit(0)?,
        }
        Ok(())
    }

    /// Whether a class is what an attack wants for a case.
    pub fn is_wrong(&self, case: usize, label: i64) -> bool {
        match self.cases[case].target {
            Some(target) => label == target as i64,
            None => label != self.cases[case].label as i64,
        }
    }

    /// Take rounding, signs and the like for the identity from now on; gives the nodes that are.
    ///
    /// # Errors
    /// Where the gradient cannot be written.
    pub fn straighten(&mut self) -> Result<Vec<String>> {
        self.victim.straighten()
    }

    /// How far the label of a case, or its target, is from winning: below 0 where it is wrong. It is
    /// no number where there are no scores.
    pub fn margin(&self, case: usize, scores: &[f32]) -> f32 {
        let case = &self.cases[case];
        if scores.is_empty() {
            return f32::NAN;
        }
        match case.target {
            Some(target) => best_other(scores, target) - scores[target],
            None => scores[case.label] - best_other(scores, case.label),
        }
    }

    /// Whether there are time and queries for so many points.
    fn admit(&self, points: usize) -> Result<()> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Trouble::new(Kind::Limit, OUT_OF_TIME));
        }
        let wanted = self.reserve.saturating_add(points as u64);
        match self.victim.left() {
            Some(left) if points > 0 && left < wanted => {
                Err(Trouble::new(Kind::Limit, OUT_OF_QUERIES))
            }
            _ => Ok(()),
        }
    }

    fn clip(&self, cases: &[usize], points: &mut [f32], reach: Reach) {
        for (&case, point) in cases.iter().zip(points.chunks_exact_mut(self.features)) {
            let case = &self.cases[case];
            match (reach, self.budget.clip) {
                (Reach::Ball, _) => {
                    let ends = case.ball.low.iter().zip(&case.ball.high);
                    for ((x, (&low, &high)), &old) in point.iter_mut().zip(ends).zip(&case.sample) {
                        // What is no number is no proposal.
                        *x = if x.is_nan() { old } else { between(*x, low, high) };
                    }
                }
                (Reach::Range, Some((low, high))) => {
                    for (x, &old) in point.iter_mut().zip(&case.sample) {
                        *x =
                            if x.is_nan() { old } else { between(*x, low.min(old), high.max(old)) };
                    }
                }
                (Reach::Range, None) => {
                    for (x, &old) in point.iter_mut().zip(&case.sample) {
                        *x = if x.is_finite() { *x } else { old };
                    }
                }
            }
        }
    }

    /// The points that are asked about.
    fn admitted<'p>(&self, cases: &[usize], points: &'p [f32]) -> Cow<'p, [f32]> {
        if matches!(self.rule, Rule::Any | Rule::Spatial(_)) {
            return Cow::Borrowed(points);
        }
        let mut points = points.to_vec();
        for (&case, point) in cases.iter().zip(points.chunks_exact_mut(self.features)) {
            match self.rule {
                Rule::Domain(_) => self.spaces[case].project(point),
                Rule::Patch(patch) => patch.project(&self.cases[case].sample, point),
                Rule::Any | Rule::Spatial(_) => {}
            }
        }
        Cow::Owned(points)
    }

    fn judge(&mut self, cases: &[usize], points: &[f32], answers: &Answers) {
        let each = cases.iter().zip(points.chunks_exact(self.features)).zip(&answers.labels);
        for (at, ((&case, point), &label)) in each.enumerate() {
            let scores = row(&answers.scores, at, self.classes);
            let found = &self.cases[case];
            if !self.is_wrong(case, label)
                || !self.is_clear(case, label, scores)
                || !self.obeys(case, point)
            {
                continue;
            }
            let distance = self.budget.norm.distance(&found.sample, point);
            let inside = found.witness.is_none() && self.budget.contains(&found.sample, point);
            let case = &mut self.cases[case];
            case.nearest = case.nearest.min(distance);
            if inside {
                case.witness = Some(Witness { point: point.to_vec(), label });
            }
        }
    }

    /// Whether a wrong answer stays wrong in another order of summation.
    fn is_clear(&self, case: usize, label: i64, scores: &[f32]) -> bool {
        // Trees are summed as their library sums them, and a tie of votes goes where it goes there.
        if label == NO_CLASS || scores.is_empty() || self.victim.decides() {
            return true;
        }
        let largest = scores.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
        self.margin(case, scores) < -CLEAR * largest
    }
}

/// The best score but one.
pub fn best_other(scores: &[f32], but: usize) -> f32 {
    let others = scores.iter().enumerate().filter(|(class, _)| *class != but);
    others.fold(f32::NEG_INFINITY, |best, (_, &score)| best.max(score))
}

/// A row of a matrix; nothing where there is none.
pub fn row(values: &[f32], at: usize, width: usize) -> &[f32] {
    values.get(at * width..(at + 1) * width).unwrap_or_default()
}

/// Whether a trouble is that the time is up.
pub fn is_out_of_time(trouble: &Trouble) -> bool {
    trouble.kind == Kind::Limit && trouble.why == OUT_OF_TIME
}

/// Why a run had to stop, where a trouble is nothing worse.
pub fn stopped(trouble: &Trouble) -> Option<&'static str> {
    let known =
        [OUT_OF_TIME, OUT_OF_QUERIES, NO_ANSWER].into_iter().find(|known| trouble.why == *known);
    known.filter(|_| trouble.kind == Kind::Limit)
}

/// What is said where the time is up.
pub const OUT_OF_TIME: &str = "the time is up";

/// The longest that one case may take to be decided.
pub const EACH: Duration = Duration::from_secs(60);
