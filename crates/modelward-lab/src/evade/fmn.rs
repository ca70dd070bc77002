//! The least change: a ball that shrinks where the answer is wrong and grows where it is right.
//!
//! Pintor, Roli, Brendel and Biggio, "Fast minimum-norm adversarial attacks through adaptive norm
//! constraints", 2021, algorithm 1, for every norm.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach, row},
    budget::{Ball, Norm},
    evade::{geometry::project, loss::Aim},
};

/// By how much the ball changes at the first step and at the last, `gamma`.
const CHANGE: (f64, f64) = (0.05, 1e-4);
/// The length of the first step and of the last, `alpha`, of the widest change that the range allows.
const STEP: (f64, f64) = (1.0, 1e-5);

/// One sample on the way to its nearest wrong answer.
#[derive(Debug)]
struct Search {
    case: usize,
    point: Vec<f32>,
    scores: Vec<f32>,
    /// The size of the ball.
    size: f64,
    /// The least change that was answered wrongly.
    best: f64,
}

/// Search for so many steps around every sample that stands; `false` where the model gives no
/// gradient.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn search(arena: &mut Arena<'_>, steps: usize) -> Result<bool> {
    let (norm, features, classes) = (arena.budget.norm, arena.features(), arena.classes());
    let first = if norm == Norm::L0 { 1.0 } else { f64::INFINITY };
    let search = |case: usize| {
        let here = &arena.cases[case];
        let (point, scores) = (here.sample.clone(), here.scores.clone());
        Search { case, point, scores, size: first, best: f64::INFINITY }
    };
    let mut searches = arena.standing().into_iter().map(search).collect::<Vec<_>>();
    for at in 0..=steps {
        searches.retain(|search| arena.stands(search.case));
        if searches.is_empty() {
            break;
        }
        let cases = searches.iter().map(|search| search.case).collect::<Vec<_>>();
        let mut points = Vec::with_capacity(cases.len() * features);
        searches.iter().for_each(|search| points.extend_from_slice(&search.point));
        let aims = searches.iter().zip(&cases).map(|(search, &case)| {
            let target = arena.cases[case].target;
            (target.map_or(Aim::Margin, Aim::Towards), &search.scores[..])
        });
        let terms = Aim::terms(arena, &cases, aims);
        let Some(slopes) = arena.slope(terms.slope(), &cases, &mut points, Reach::Range)? else {
            return Ok(false);
        };
        let share = at as f64 / steps.max(1) as f64;
        for (at, search) in searches.iter_mut().enumerate() {
            let range = range(arena, search.case);
            search.point.copy_from_slice(row(&points, at, features));
            search.scores.copy_from_slice(row(&slopes.answers.scores, at, classes));
            let margin = arena.margin(search.case, &search.scores);
            let gradient = row(&slopes.gradients, at, features);
            search.resize(norm, &arena.cases[search.case].sample, margin, gradient, share);
            let length = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
            let step = annealed(STEP, share) * widest(&range) / length.max(1e-300);
            for (x, &slope) in search.point.iter_mut().zip(gradient) {
                *x += (f64::from(slope) * step) as f32;
            }
            let sample = &arena.cases[search.case].sample;
            let ball = if norm == Norm::Linf { cube(&range, sample, search.size) } else { range };
            project(norm, search.size, &ball, sample, &mut search.point);
        }
    }
    Ok(true)
}

impl Search {
    /// Make the ball smaller or larger by what the model says of the point.
    fn resize(&mut self, norm: Norm, sample: &[f32], margin: f32, gradient: &[f32], share: f64) {
        let length = norm.distance(sample, &self.point);
        let change = annealed(CHANGE, share);
        if margin < 0.0 {
            self.best = self.best.min(length);
            self.size = match norm {
                Norm::L0 => {
                    let less = (self.size - 1.0).min((self.size * (1.0 - change)).floor());
                    less.min(self.best).max(1.0)
                }
                _ => (self.size * (1.0 - change)).min(self.best),
            };
        } else if norm == Norm::L0 {
            self.size = (self.size + 1.0).max((self.size * (1.0 + change)).floor());
        } else if self.best.is_finite() {
            self.size *= 1.0 + change;
        } else {
            // Nothing wrong was seen: a little farther than the boundary of the linear model.
            let slopes = gradient.iter().map(|g| f64::from(g.abs()));
            let dual = match norm {
                Norm::Linf => slopes.sum::<f64>(),
                Norm::L2 => slopes.map(|g| g * g).sum::<f64>().sqrt(),
                Norm::L1 | Norm::L0 => slopes.fold(0.0, f64::max),
            };
            self.size = (length + f64::from(margin) / dual.max(1e-12)) * (1.0 + change / 10.0);
        }
    }
}

/// The range of inputs around a case.
fn range(arena: &Arena<'_>, case: usize) -> Ball {
    let sample = &arena.cases[case].sample;
    let (low, high) = arena.budget.clip.unwrap_or((f32::MIN, f32::MAX));
    Ball {
        low: sample.iter().map(|x| low.min(*x)).collect(),
        high: sample.iter().map(|x| high.max(*x)).collect(),
    }
}

/// The part of a range that is at most so far from a sample in each number.
fn cube(range: &Ball, sample: &[f32], size: f64) -> Ball {
    let size = size.min(f32::MAX.into()) as f32;
    let low = sample.iter().map(|x| x - size).collect::<Vec<_>>();
    let high = sample.iter().map(|x| x + size).collect::<Vec<_>>();
    range.within(&low, &high)
}

/// The widest way that one number can go, or 1 where there is no range.
fn widest(range: &Ball) -> f64 {
    let each = range.low.iter().zip(&range.high).map(|(a, b)| f64::from(*b) - f64::from(*a));
    let widest = each.fold(0.0, f64::max);
    if widest < f64::from(f32::MAX) { widest } else { 1.0 }
}

/// From the first to the last on a quarter of a circle (Loshchilov and Hutter 2017).
fn annealed((first, last): (f64, f64), share: f64) -> f64 {
    last + (first - last) * (1.0 + (std::f64::consts::PI * share).cos()) / 2.0
}
