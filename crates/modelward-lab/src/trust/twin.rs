//! A planted twin: a classifier made of the model's own scores, for which it is known that a point
//! inside the budget is answered wrongly. An attack that misses it would miss others.
//!
//! After Zimmermann et al. 2022, section 4: a linear readout that tells one point on the edge of the
//! ball from points inside it. Here it reads the scores, so it can be made of any file.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach, row},
    evade::geometry::{ascend, project},
    trust::{Indicator, before::around},
    victim::Slope,
};

/// Samples that get a twin.
const TWINS: usize = 50;
/// Random points that the twin answers as the sample.
const INNER: u64 = 24;
/// Random points of which the one that stands out most is planted.
const PLANTED: u64 = 24;
/// Steps that the attack has.
const STEPS: usize = 30;

/// Twins that are not solved.
pub(super) fn missed(arena: &mut Arena<'_>) -> Result<Indicator> {
    let cases = (0..arena.cases.len()).take(TWINS).collect::<Vec<_>>();
    let (features, classes) = (arena.features(), arena.classes());
    let mut inner = vec![Vec::new(); cases.len()];
    let mut edge = vec![Vec::new(); cases.len()];
    for draw in 0..INNER + PLANTED {
        let mut points = around(arena, &cases, 106, draw);
        let answers = arena.ask(&cases, &mut points, Reach::Ball)?;
        for at in 0..cases.len() {
            let scores = row(&answers.scores, at, classes);
            let list = if draw < INNER { &mut inner[at] } else { &mut edge[at] };
            if scores.iter().all(|score| score.is_finite()) {
                list.push(scores.to_vec());
            }
        }
    }
    let twins = cases
        .iter()
        .enumerate()
        .filter_map(|(at, &case)| Some((case, Twin::plant(&inner[at], &edge[at])?)));
    let (own, twins): (Vec<_>, Vec<_>) = twins.unzip();
    let mut points = around(arena, &own, 107, 0);
    let mut solved = vec![false; own.len()];
    let weights = twins.iter().flat_map(|twin: &Twin| twin.weights.clone()).collect::<Vec<_>>();
    for step in 0..STEPS {
        if own.is_empty() {
            break;
        }
        let slopes = arena.slope(Slope::Weighted(&weights), &own, &mut points, Reach::Ball)?;
        let Some(slopes) = slopes else { break };
        let (norm, size) = (arena.budget.norm, arena.budget.size());
        let length = (2.5 * size / STEPS as f64) as f32 * if step < STEPS / 2 { 2.0 } else { 1.0 };
        for (at, &case) in own.iter().enumerate() {
            solved[at] |= twins[at].is_solved(row(&slopes.answers.scores, at, classes));
            let here = &arena.cases[case];
            let point = &mut points[at * features..(at + 1) * features];
            let gradient = row(&slopes.gradients, at, features);
            ascend(norm, length, (features / 20).max(1), gradient, &here.ball, point);
            project(norm, size, &here.ball, &here.sample, point);
        }
    }
    if !own.is_empty() {
        let answers = arena.ask(&own, &mut points, Reach::Ball)?;
        for (at, solved) in solved.iter_mut().enumerate() {
            *solved |= twins[at].is_solved(row(&answers.scores, at, classes));
        }
    }
    let missed = solved.iter().filter(|solved| !**solved).count();
    Ok(Indicator::of("twin-missed", missed, own.len(), 0.05))
}

/// A readout of the scores: the planted answer above the bound, the sample's below.
#[derive(Debug)]
struct Twin {
    weights: Vec<f32>,
    bound: f32,
}

impl Twin {
    /// Of scores that are to be told apart; none where nothing tells a point from the others.
    fn plant(inner: &[Vec<f32>], edge: &[Vec<f32>]) -> Option<Self> {
        let count = inner.len() as f32;
        let classes = inner.first()?.len();
        let mean = |class: usize| inner.iter().map(|scores| scores[class]).sum::<f32>() / count;
        let means = (0..classes).map(mean).collect::<Vec<_>>();
        let variance = |class: usize| {
            let off = inner.iter().map(|scores| (scores[class] - means[class]).powi(2));
            off.sum::<f32>() / count
        };
        let variances = (0..classes).map(variance).collect::<Vec<_>>();
        let floor = variances.iter().fold(0.0_f32, |a, &b| a.max(b)) * 1e-3;
        // The direction in which a point stands out, each class in its own measure.
        let mut best: Option<(f32, Self)> = None;
        for scores in edge {
            let weights = scores.iter().zip(&means).zip(&variances);
            let weights = weights.map(|((x, mean), variance)| (x - mean) / (variance + floor));
            let weights = weights.collect::<Vec<_>>();
            let read =
                |scores: &[f32]| scores.iter().zip(&weights).map(|(x, w)| x * w).sum::<f32>();
            let most = inner.iter().map(|scores| read(scores)).fold(f32::NEG_INFINITY, f32::max);
            let here = read(scores);
            let spread = weights.iter().zip(&variances).map(|(w, v)| w * w * v).sum::<f32>().sqrt();
            let out = (here - most) / spread;
            if out.is_finite() && out > 0.1 && best.as_ref().is_none_or(|(least, _)| out > *least) {
                best = Some((out, Self { weights, bound: (here + most) / 2.0 }));
            }
        }
        best.map(|(_, twin)| twin)
    }

    fn is_solved(&self, scores: &[f32]) -> bool {
        scores.iter().zip(&self.weights).map(|(x, w)| x * w).sum::<f32>() > self.bound
    }
}
