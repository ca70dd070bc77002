//! One square of an image in which all may change: a short climb in many places, longer ones where it
//! came nearest, and random search for what has no gradient.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Case, Reach, row},
    budget::Ball,
    evade::{
        apgd::{self, Attempt},
        loss::Aim,
    },
    rule::{Patch, Rule},
};

/// The most places that get a short climb.
const PLACES: usize = 64;
/// The most attempts that run at once.
const AT_ONCE: usize = 512;

/// Climb; `false` where the model gives no gradient, or the arena's rule is another one. Each round
/// takes so many steps in so many places, the best of the round before.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn climb(arena: &mut Arena<'_>, rounds: &[(usize, usize)]) -> Result<bool> {
    let Rule::Patch(patch) = arena.rule() else { return Ok(false) };
    let corners = spread(patch);
    let standing = arena.standing();
    for cases in standing.chunks((AT_ONCE / corners.len().max(1)).max(1)) {
        let mut attempts = Vec::new();
        for &case in cases {
            for (at, &corner) in corners.iter().enumerate() {
                let ball = ball(arena, case, patch, corner);
                attempts.push(Attempt::within(arena, case, Aim::Margin, ball, 31, at as u64));
            }
        }
        for (round, &(steps, kept)) in rounds.iter().enumerate() {
            if round > 0 {
                attempts = apgd::nearest(arena, attempts, kept);
            }
            if !apgd::climb(arena, &mut attempts, steps)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Random search in the place and the numbers of a square, with so many queries a sample: Sparse-RS
/// for patches (Croce et al. 2022, section 5), by scores alone.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn search(arena: &mut Arena<'_>, queries: usize) -> Result<bool> {
    let Rule::Patch(patch) = arena.rule() else { return Ok(false) };
    let classes = arena.classes();
    let corners = patch.corners().collect::<Vec<_>>();
    let mut searches = Vec::new();
    for case in arena.standing() {
        let mut random = arena.random(case, 32, 0);
        let corner = corners[random.usize(..corners.len())];
        let values = patch.places(corner).map(|at| end(&arena.cases[case], at, &mut random));
        let best = Square { corner, values: values.collect() };
        searches.push(Search { case, best, margin: f32::INFINITY, random });
    }
    for query in 0..queries {
        searches.retain(|search| arena.stands(search.case));
        if searches.is_empty() {
            break;
        }
        let share = 1.0 - query as f64 / queries as f64;
        let cases = searches.iter().map(|search| search.case).collect::<Vec<_>>();
        let (mut points, mut proposals) = (Vec::new(), Vec::new());
        for search in &mut searches {
            let here = &arena.cases[search.case];
            let mut square = search.best.clone();
            // Every fifth query another place, the others some numbers; the first the start itself.
            if query % 5 == 4 {
                square.corner = corners[search.random.usize(..corners.len())];
            } else if query > 0 {
                square.change(here, patch, share, &mut search.random);
            }
            let start = points.len();
            points.extend_from_slice(&here.sample);
            for (at, value) in patch.places(square.corner).zip(&square.values) {
                points[start + at] = *value;
            }
            proposals.push(square);
        }
        let answers = arena.ask(&cases, &mut points, Reach::Ball)?;
        for ((at, search), square) in searches.iter_mut().enumerate().zip(proposals) {
            let margin = arena.margin(search.case, row(&answers.scores, at, classes));
            if margin <= search.margin {
                (search.best, search.margin) = (square, margin);
            }
        }
    }
    Ok(true)
}

/// A random search at one sample.
#[derive(Debug)]
struct Search {
    case: usize,
    best: Square,
    margin: f32,
    random: fastrand::Rng,
}

/// A square and what is in it, in the order of its places.
#[derive(Clone, Debug)]
struct Square {
    corner: (usize, usize),
    values: Vec<f32>,
}

impl Square {
    /// Draw a share of a quarter of the numbers again.
    fn change(&mut self, case: &Case, patch: Patch, share: f64, random: &mut fastrand::Rng) {
        let places = patch.places(self.corner).collect::<Vec<_>>();
        let changed = ((share * self.values.len() as f64 / 4.0) as usize).max(1);
        for _ in 0..changed {
            let at = random.usize(..self.values.len());
            self.values[at] = end(case, places[at], random);
        }
    }
}

/// One end of a number's range.
fn end(case: &Case, at: usize, random: &mut fastrand::Rng) -> f32 {
    if random.bool() { case.ball.high[at] } else { case.ball.low[at] }
}

/// Places all over the image, not more than get a climb.
fn spread(patch: Patch) -> Vec<(usize, usize)> {
    let all = patch.corners().collect::<Vec<_>>();
    let count = all.len().min(PLACES);
    (0..count).map(|at| all[at * all.len() / count]).collect()
}

/// The ball of a case inside a square; outside of it nothing moves.
fn ball(arena: &Arena<'_>, case: usize, patch: Patch, corner: (usize, usize)) -> Ball {
    let here = &arena.cases[case];
    let mut ball = Ball { low: here.sample.clone(), high: here.sample.clone() };
    for at in patch.places(corner) {
        ball.low[at] = here.ball.low[at];
        ball.high[at] = here.ball.high[at];
    }
    ball
}
