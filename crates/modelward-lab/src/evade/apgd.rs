//! Auto-PGD: projected gradient steps whose size follows the progress they make.
//!
//! Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse
//! parameter-free attacks", 2020, algorithm 1; for `l1` steps after Croce and Hein 2021.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach, row},
    budget::{Ball, Norm},
    evade::{
        geometry::{ascend, project, scatter},
        loss::Aim,
    },
};

/// One attempt at one sample.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The case.
    pub case: usize,
    /// What is climbed.
    pub aim: Aim,
    /// The point where it is, `[features]`.
    pub point: Vec<f32>,
    /// Where it may go, and how far from the sample; without it the case's ball and the budget.
    pub ball: Option<(Ball, f64)>,
    before: Vec<f32>,
    /// The best point so far.
    pub best: Vec<f32>,
    best_gradient: Vec<f32>,
    /// The largest loss so far.
    pub best_loss: f32,
    /// The largest loss of the attempts that led here.
    pub reached: f32,
    scores: Vec<f32>,
    step: f32,
    /// How many numbers share a step in `l1`.
    sparsity: usize,
    /// How many the best point changed at the last check.
    changed: usize,
    last_loss: f32,
    rises: usize,
    best_at_check: f32,
    was_halved: bool,
}

impl Attempt {
    /// Begin at a random point around a sample.
    pub fn scattered(arena: &Arena<'_>, case: usize, aim: Aim, attack: u64, attempt: u64) -> Self {
        let mut random = arena.random(case, attack, attempt);
        let (size, here) = (arena.budget.size(), &arena.cases[case]);
        let point = scatter(arena.budget.norm, size, &here.ball, &here.sample, &mut random);
        Self::from(arena, case, aim, point)
    }

    /// Begin at a random point of a ball in which it stays.
    pub fn within(
        arena: &Arena<'_>,
        case: usize,
        aim: Aim,
        ball: Ball,
        attack: u64,
        attempt: u64,
    ) -> Self {
        let mut random = arena.random(case, attack, attempt);
        let (size, sample) = (arena.budget.size(), &arena.cases[case].sample);
        let point = scatter(arena.budget.norm, size, &ball, sample, &mut random);
        Self::from(arena, case, aim, point).inside(ball, size)
    }

    /// Stay in this ball, at most so far from the sample.
    #[must_use]
    pub fn inside(self, ball: Ball, size: f64) -> Self {
        Self { ball: Some((ball, size)), ..self }
    }

    /// Begin at a point.
    pub fn from(arena: &Arena<'_>, case: usize, aim: Aim, point: Vec<f32>) -> Self {
        let features = point.len();
        Self {
            case,
            aim,
            before: point.clone(),
            best: point.clone(),
            point,
            ball: None,
            best_gradient: Vec::new(),
            best_loss: f32::NEG_INFINITY,
            reached: f32::NEG_INFINITY,
            scores: arena.cases[case].scores.clone(),
            step: 0.0,
            sparsity: (features / 5).max(1),
            changed: features,
            last_loss: f32::NEG_INFINITY,
            rises: 0,
            best_at_check: f32::NEG_INFINITY,
            was_halved: true,
        }
    }
}

/// Climb for so many steps; `false` where the model gives no gradient. All attempts aim at losses of
/// one kind.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn climb(arena: &mut Arena<'_>, attempts: &mut [Attempt], steps: usize) -> Result<bool> {
    let (norm, budget) = (arena.budget.norm, arena.budget.size());
    let mut reach = Reach::Ball;
    for attempt in attempts.iter_mut() {
        let size = attempt.size(budget);
        if size > budget {
            reach = Reach::Range;
        }
        attempt.step = match norm {
            Norm::Linf | Norm::L2 => 2.0 * size as f32,
            Norm::L1 => size as f32,
            Norm::L0 => 1.0,
        };
    }
    let checks = if norm == Norm::L1 { Checks::even(steps) } else { Checks::new(steps) };
    let mut next_check = 0;
    let mut half = arena.standing().len();
    for at in 0..=steps {
        if at == steps.div_ceil(2) {
            half = arena.standing().len();
        }
        let standing = (0..attempts.len()).filter(|&i| arena.stands(attempts[i].case));
        let standing = standing.collect::<Vec<_>>();
        if standing.is_empty() {
            break;
        }
        let cases = standing.iter().map(|&i| attempts[i].case).collect::<Vec<_>>();
        let mut points = Vec::with_capacity(standing.len() * arena.features());
        standing.iter().for_each(|&i| points.extend_from_slice(&attempts[i].point));
        let aims = standing.iter().map(|&i| (attempts[i].aim, &attempts[i].scores[..]));
        let terms = Aim::terms(arena, &cases, aims);
        let Some(slopes) = arena.slope(terms.slope(), &cases, &mut points, reach)? else {
            return Ok(false);
        };
        let check = checks.at(at, &mut next_check);
        for (row_at, &i) in standing.iter().enumerate() {
            let attempt = &mut attempts[i];
            let features = attempt.point.len();
            attempt.point.copy_from_slice(row(&points, row_at, features));
            let scores = row(&slopes.answers.scores, row_at, arena.classes());
            let gradient = row(&slopes.gradients, row_at, features);
            attempt.step(arena, scores, gradient, at == 0, check);
        }
    }
    let stood = arena.standing().len();
    arena.course.note(steps, half.saturating_sub(stood));
    Ok(true)
}

impl Attempt {
    /// Take in what the model says of the point, and go on to the next.
    fn step(
        &mut self,
        arena: &Arena<'_>,
        scores: &[f32],
        gradient: &[f32],
        first: bool,
        check: Option<usize>,
    ) {
        let case = &arena.cases[self.case];
        let (norm, size) = (arena.budget.norm, self.size(arena.budget.size()));
        let loss = self.aim.loss(case.label, scores);
        self.scores.copy_from_slice(scores);
        self.rises += usize::from(loss > self.last_loss);
        self.last_loss = loss;
        if loss > self.best_loss || self.best_gradient.is_empty() {
            self.best_loss = loss;
            self.best.copy_from_slice(&self.point);
            self.best_gradient.clear();
            self.best_gradient.extend_from_slice(gradient);
        }
        let mut slope = gradient;
        if let Some(since) = check {
            let shrunk = norm == Norm::L1 && self.thin(&case.sample, size);
            let swings = self.rises * 4 <= since * 3;
            let stands = !self.was_halved && self.best_at_check >= self.best_loss;
            self.was_halved = swings || stands;
            self.best_at_check = self.best_loss;
            self.rises = 0;
            if norm != Norm::L1 && self.was_halved {
                self.step /= 2.0;
                self.sparsity = (self.sparsity * 2 / 3).max(1);
            }
            if shrunk || (norm != Norm::L1 && self.was_halved) {
                self.point.copy_from_slice(&self.best);
                self.before.copy_from_slice(&self.best);
                slope = &self.best_gradient;
            }
        }
        let ball = self.ball.as_ref().map_or(&case.ball, |(ball, _)| ball);
        let mut next = self.point.clone();
        ascend(norm, self.step, self.sparsity, slope, ball, &mut next);
        project(norm, size, ball, &case.sample, &mut next);
        if !first && matches!(norm, Norm::Linf | Norm::L2) {
            let old = self.point.iter().zip(&self.before);
            for (next, (&here, &before)) in next.iter_mut().zip(old) {
                *next = here + 0.75 * (*next - here) + 0.25 * (here - before);
            }
            project(norm, size, ball, &case.sample, &mut next);
        }
        std::mem::swap(&mut self.before, &mut self.point);
        self.point = next;
    }

    fn size(&self, budget: f64) -> f64 {
        self.ball.as_ref().map_or(budget, |(_, size)| *size)
    }

    /// Let fewer numbers share a step, two of three that the best point changes (Croce and Hein 2021,
    /// algorithm 1); whether it changes clearly fewer than before, and the steps begin anew from it.
    fn thin(&mut self, sample: &[f32], size: f64) -> bool {
        let changed = self.best.iter().zip(sample).filter(|(a, b)| a != b).count();
        let shrunk = (changed as f64) < 0.95 * self.changed as f64;
        self.changed = changed;
        self.sparsity = (changed * 2 / 3).max(1);
        let size = size as f32;
        self.step = if shrunk { size } else { (self.step / 1.5).max(size / 10.0) };
        shrunk
    }
}

/// The attempts of each case that came nearest to making it fall, from where they came.
pub fn nearest(arena: &Arena<'_>, attempts: Vec<Attempt>, kept: usize) -> Vec<Attempt> {
    let mut next = Vec::new();
    for of_case in attempts.chunk_by(|a, b| a.case == b.case) {
        if !of_case.first().is_some_and(|attempt| arena.stands(attempt.case)) {
            continue;
        }
        let mut order = of_case.iter().collect::<Vec<_>>();
        order.sort_by(|a, b| b.best_loss.total_cmp(&a.best_loss));
        for attempt in order.into_iter().take(kept) {
            let begun = Attempt::from(arena, attempt.case, attempt.aim, attempt.best.clone());
            next.push(Attempt { ball: attempt.ball.clone(), reached: attempt.best_loss, ..begun });
        }
    }
    next
}

/// When the progress is looked at.
struct Checks {
    steps: Vec<usize>,
}

impl Checks {
    fn new(steps: usize) -> Self {
        let share = |of: f64| ((of * steps as f64) as usize).max(1);
        let (mut period, least, shrink) = (share(0.22), share(0.06), share(0.03));
        let (mut at, mut all) = (0, Vec::new());
        while at + period <= steps {
            at += period;
            all.push(at);
            period = period.saturating_sub(shrink).max(least);
        }
        Self { steps: all }
    }

    /// One of twenty-five steps.
    fn even(steps: usize) -> Self {
        let period = (steps / 25).max(1);
        Self { steps: (1..=steps / period).map(|at| at * period).collect() }
    }

    /// How many steps the check at this one looks back over, if there is one.
    fn at(&self, step: usize, next: &mut usize) -> Option<usize> {
        let due = *self.steps.get(*next)?;
        if step != due {
            return None;
        }
        let before = if *next == 0 { 0 } else { self.steps[*next - 1] };
        *next += 1;
        Some(due - before)
    }
}
