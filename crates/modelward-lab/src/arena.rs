//! Where attacks meet a model: they propose points, and the arena clips, asks, counts and judges.
//!
//! An attack never says that it has won. Every point that it asks about is looked at here; one that
//! lies inside the budget, exactly, and is answered wrongly by a clear margin is a witness, whoever
//! proposed it. A sample that has one is done, and no attack spends anything on it any more.

use std::{borrow::Cow, time::Instant};

use modelward_engine::{Kind, Result, Trouble};

use crate::{
    budget::{Ball, Budget, Norm},
    constraints::Space,
    random,
    rule::Rule,
    victim::{Answers, NO_CLASS, Slope, Slopes, Victim},
};

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
    deadline: Option<Instant>,
    features: usize,
    classes: usize,
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
const CLEAR: f32 = 4e-6;

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
        let (features, classes) = (victim.features(), victim.classes());
        let answers = victim.ask(samples)?;
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
                    nearest: f64::INFINITY,
                });
            }
        }
        let spent = Spent { forward: labels.len() as u64, backward: 0 };
        let (rule, spaces) = (Rule::Any, Vec::new());
        Ok(Self { victim, budget, rule, spaces, cases, seed, spent, deadline, features, classes })
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
        self.time()?;
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
        self.time()?;
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
        self.time()?;
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
        let (seed, deadline) = (self.seed, self.deadline);
        let aside = Arena::new(self.victim, budget, samples, labels, seed, deadline)?;
        let mut aside = aside.under(rule)?;
        let done = run(&mut aside)?;
        let Spent { forward, backward } = aside.spent;
        self.spent.forward += forward;
        self.spent.backward += backward;
        Ok(done)
    }

    /// Take rounding, signs and the like for the identity from now on; gives the nodes that are.
    ///
    /// # Errors
    /// Where the gradient cannot be written.
    pub fn straighten(&mut self) -> Result<Vec<String>> {
        self.victim.straighten()
    }

    /// How far the label of a case, or its target, is from winning: below 0 where it is wrong.
    pub fn margin(&self, case: usize, scores: &[f32]) -> f32 {
        let case = &self.cases[case];
        match case.target {
            Some(target) => best_other(scores, target) - scores[target],
            None => scores[case.label] - best_other(scores, case.label),
        }
    }

    fn time(&self) -> Result<()> {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(out_of_time()),
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
                        *x = if x.is_nan() { old } else { x.clamp(low, high) };
                    }
                }
                (Reach::Range, Some((low, high))) => {
                    for (x, &old) in point.iter_mut().zip(&case.sample) {
                        *x = if x.is_nan() { old } else { x.clamp(low.min(old), high.max(old)) };
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
            let wrong = match found.target {
                Some(target) => label == target as i64,
                None => label != found.label as i64,
            };
            if !wrong || !self.is_clear(case, label, scores) || !self.obeys(case, point) {
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
        if label == NO_CLASS || scores.is_empty() {
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

/// What is said where the time is up.
fn out_of_time() -> Trouble {
    Trouble::new(Kind::Limit, OUT_OF_TIME)
}

/// Whether a trouble is that the time is up.
pub fn is_out_of_time(trouble: &Trouble) -> bool {
    trouble.kind == Kind::Limit && trouble.why == OUT_OF_TIME
}

const OUT_OF_TIME: &str = "the time is up";
