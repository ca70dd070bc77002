//! One descent from one start towards a goal.

use std::rc::Rc;

use crate::property::falsify::goal::Space;

/// How steps are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// By the sign of the gradient, with momentum, in steps that halve where they stop to help
    /// (APGD, Croce and Hein 2020, algorithm 1).
    Sign,
    /// As far along the gradient as the goal would be if the outputs were linear (Polyak's step
    /// size, whose optimum is known here: a margin of 0).
    Polyak,
}

/// A descent.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) goal: usize,
    pub(super) rule: Rule,
    pub(super) point: Vec<f32>,
    before: Vec<f32>,
    /// The best point, how far it is from the goal, and its gradient.
    pub(super) best: Vec<f32>,
    pub(super) far: f64,
    slope: Vec<f32>,
    /// Length of a step of signs, in widths of the box; by how much a step of the other rule is
    /// longer than what would do for linear outputs.
    step: f32,
    pub(super) steps: usize,
    /// Steps since the best point.
    pub(super) idle: usize,
    /// Steps that helped, and all, since the last checkpoint; how long it lasts.
    helped: usize,
    since: usize,
    period: usize,
    last: f64,
}

/// Steps to the first checkpoint, what each is shorter than the one before, and the least, of 100.
const PERIODS: (usize, usize, usize) = (22, 3, 6);

/// For how many steps the checkpoints are laid out.
const PLANNED: usize = 48;

impl Walk {
    pub(super) fn new(goal: usize, rule: Rule, start: Vec<f32>, step: f32) -> Self {
        Self {
            goal,
            rule,
            before: start.clone(),
            best: start.clone(),
            slope: vec![0.0; start.len()],
            point: start,
            far: f64::INFINITY,
            step,
            steps: 0,
            idle: 0,
            helped: 0,
            since: 0,
            period: PERIODS.0 * PLANNED / 100,
            last: f64::INFINITY,
        }
    }

    /// Go on from here, where the goal is so far and the gradient is this.
    pub(super) fn go(&mut self, space: &Rc<Space>, far: f64, gradient: &[f32]) {
        self.steps += 1;
        self.idle += 1;
        if far < self.far {
            self.far = far;
            self.idle = 0;
            self.best.copy_from_slice(&self.point);
            self.slope.copy_from_slice(gradient);
        }
        self.helped += usize::from(far < self.last);
        self.last = far;
        match self.rule {
            Rule::Sign => self.go_by_sign(space, gradient),
            Rule::Polyak => self.go_by_distance(space, far, gradient),
        }
    }

    fn go_by_sign(&mut self, space: &Rc<Space>, gradient: &[f32]) {
        self.since += 1;
        let mut slope = gradient;
        let kept;
        if self.since >= self.period {
            let few = (self.helped as f32) < 0.75 * self.since as f32;
            if few || self.idle >= self.since {
                self.step *= 0.5;
                self.point.copy_from_slice(&self.best);
                self.before.copy_from_slice(&self.best);
                kept = self.slope.clone();
                slope = &kept;
            }
            let least = PERIODS.2 * PLANNED / 100;
            self.period = self.period.saturating_sub(PERIODS.1 * PLANNED / 100).max(least);
            (self.since, self.helped) = (0, 0);
        }
        let momentum = if self.steps == 1 { 1.0 } else { 0.75 };
        for &at in &space.free {
            let (low, high) = (space.floats.low[at], space.floats.high[at]);
            let sign = if slope[at] == 0.0 { 0.0 } else { slope[at].signum() };
            let here = self.point[at];
            let there = (here - self.step * space.width[at] * sign).max(low).min(high);
            let next =
                here + momentum * (there - here) + (1.0 - momentum) * (here - self.before[at]);
            self.before[at] = here;
            self.point[at] = next.max(low).min(high);
        }
    }

    fn go_by_distance(&mut self, space: &Rc<Space>, far: f64, gradient: &[f32]) {
        // In widths of the box, without what the box holds back.
        let mut length = 0.0_f64;
        for &at in &space.free {
            let held = match gradient[at] > 0.0 {
                true => self.point[at] <= space.floats.low[at],
                false => self.point[at] >= space.floats.high[at],
            };
            let slope = f64::from(gradient[at]) * f64::from(space.width[at]);
            length += if held { 0.0 } else { slope * slope };
        }
        if length <= 0.0 || !length.is_finite() {
            self.idle = usize::MAX / 2;
            return;
        }
        let share = far.max(0.0) * f64::from(self.step) / length;
        for &at in &space.free {
            let width = f64::from(space.width[at]);
            let by = share * f64::from(gradient[at]) * width * width;
            #[expect(clippy::cast_possible_truncation, reason = "points are of 32 bits")]
            let next = (f64::from(self.point[at]) - by) as f32;
            self.point[at] = next.max(space.floats.low[at]).min(space.floats.high[at]);
        }
    }
}
