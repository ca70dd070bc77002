//! The least change in `l2`, by descending the length of the change and the margin together.
//!
//! Carlini and Wagner, "Towards evaluating the robustness of neural networks", 2017, section VI.A: a
//! change of variable keeps the point in the range of inputs, and the weight of the margin is found
//! by bisection. Steps after Kingma and Ba 2015 (Adam).

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach, row},
    evade::loss::Aim,
};

/// The first weight of the margin, `c`.
const FIRST: f64 = 1.0;
/// The length of a step in the other variable.
const STEP: f64 = 0.05;
/// How far inside the range the search stays, so that the other variable is finite.
const INNER: f64 = 1.0 - 1e-6;

/// One sample on the way to its nearest wrong answer.
#[derive(Debug)]
struct Search {
    case: usize,
    /// The other variable, `[features]`.
    at: Vec<f64>,
    mean: Vec<f64>,
    square: Vec<f64>,
    scores: Vec<f32>,
    weight: f64,
    /// No lower weight gave a wrong answer, and this one did.
    between: (f64, f64),
    was_wrong: bool,
}

/// Search for so many steps with each of so many weights around every sample that stands; `false`
/// where the model gives no gradient.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn search(arena: &mut Arena<'_>, weights: usize, steps: usize) -> Result<bool> {
    let range = Range::of(arena);
    let begun = |case: usize| Search {
        case,
        at: Vec::new(),
        mean: Vec::new(),
        square: Vec::new(),
        scores: Vec::new(),
        weight: FIRST,
        between: (0.0, f64::INFINITY),
        was_wrong: false,
    };
    let mut searches = arena.standing().into_iter().map(begun).collect::<Vec<_>>();
    for _ in 0..weights {
        for search in &mut searches {
            search.begin(arena, range);
        }
        for step in 1..=steps {
            searches.retain(|search| arena.stands(search.case));
            if searches.is_empty() {
                return Ok(true);
            }
            if !descend(arena, &mut searches, range, step)? {
                return Ok(false);
            }
        }
        searches.iter_mut().for_each(Search::reweigh);
    }
    Ok(true)
}

fn descend(
    arena: &mut Arena<'_>,
    searches: &mut [Search],
    range: Range,
    step: usize,
) -> Result<bool> {
    let (features, classes) = (arena.features(), arena.classes());
    let cases = searches.iter().map(|search| search.case).collect::<Vec<_>>();
    let mut points = Vec::with_capacity(cases.len() * features);
    for search in searches.iter() {
        points.extend(search.at.iter().map(|&at| range.outward(at)));
    }
    let aims = searches.iter().map(|search| {
        let target = arena.cases[search.case].target;
        (target.map_or(Aim::Margin, Aim::Towards), &search.scores[..])
    });
    let terms = Aim::terms(arena, &cases, aims);
    let Some(slopes) = arena.slope(terms.slope(), &cases, &mut points, Reach::Range)? else {
        return Ok(false);
    };
    for (row_at, search) in searches.iter_mut().enumerate() {
        search.scores.copy_from_slice(row(&slopes.answers.scores, row_at, classes));
        let margin = arena.margin(search.case, &search.scores);
        search.was_wrong |= margin < 0.0;
        // A margin that is won is worth nothing more.
        let weight = if margin > 0.0 { search.weight } else { 0.0 };
        let (point, gradient) =
            (row(&points, row_at, features), row(&slopes.gradients, row_at, features));
        let sample = &arena.cases[search.case].sample;
        let step = step as i32;
        let (mean_bias, square_bias) = (1.0 - 0.9_f64.powi(step), 1.0 - 0.999_f64.powi(step));
        for i in 0..features {
            let apart = f64::from(point[i]) - f64::from(sample[i]);
            let slope = 2.0 * apart - weight * f64::from(gradient[i]);
            let slope = slope * range.rate(search.at[i]);
            search.mean[i] = 0.9 * search.mean[i] + 0.1 * slope;
            search.square[i] = 0.999 * search.square[i] + 0.001 * slope * slope;
            let (mean, square) = (search.mean[i] / mean_bias, search.square[i] / square_bias);
            search.at[i] -= STEP * mean / (square.sqrt() + 1e-8);
        }
    }
    Ok(true)
}

impl Search {
    /// Start again at the sample.
    fn begin(&mut self, arena: &Arena<'_>, range: Range) {
        let here = &arena.cases[self.case];
        self.at = here.sample.iter().map(|&x| range.inward(x)).collect();
        self.mean = vec![0.0; self.at.len()];
        self.square = vec![0.0; self.at.len()];
        self.scores.clone_from(&here.scores);
        self.was_wrong = false;
    }

    /// Weigh the margin less where the answer came to be wrong, and more where it did not.
    fn reweigh(&mut self) {
        if self.was_wrong {
            self.between.1 = self.weight;
        } else {
            self.between.0 = self.weight;
        }
        self.weight = match self.between {
            (low, high) if high.is_finite() => f64::midpoint(low, high),
            (low, _) => low * 10.0,
        };
    }
}

/// The range of inputs, whose points the other variable gives by a hyperbolic tangent; where there is
/// none the variable is the input itself.
#[derive(Clone, Copy, Debug)]
struct Range(Option<(f64, f64)>);

impl Range {
    fn of(arena: &Arena<'_>) -> Self {
        let half = |(low, high): (f32, f32)| {
            let (low, high) = (f64::from(low), f64::from(high));
            (f64::midpoint(low, high), (high - low) / 2.0)
        };
        Self(arena.budget.clip.map(half))
    }

    fn inward(self, x: f32) -> f64 {
        match self.0 {
            Some((middle, half)) if half > 0.0 => {
                (((f64::from(x) - middle) / half).clamp(-1.0, 1.0) * INNER).atanh()
            }
            _ => x.into(),
        }
    }

    fn outward(self, at: f64) -> f32 {
        match self.0 {
            Some((middle, half)) => (middle + half * at.tanh()) as f32,
            None => at as f32,
        }
    }

    /// By how much the input grows with the variable.
    fn rate(self, at: f64) -> f64 {
        self.0.map_or(1.0, |(_, half)| half * (1.0 - at.tanh().powi(2)))
    }
}
