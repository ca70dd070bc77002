//! Square: random changes of one square at a time, kept where they bring the label nearer to
//! falling. It asks for scores alone.
//!
//! Andriushchenko, Croce, Flammarion and Hein, "Square Attack: a query-efficient black-box
//! adversarial attack via random search", 2020, algorithms 1 to 3. What is no image has no squares:
//! there a random set of as many numbers is changed.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach, row},
    budget::Norm,
    evade::geometry::project,
    image::Shape,
};

/// The share of the numbers that the first squares cover.
const FIRST_SHARE: f64 = 0.8;

/// A search at one sample.
#[derive(Debug)]
struct Search {
    case: usize,
    best: Vec<f32>,
    margin: f32,
    random: fastrand::Rng,
}

/// Search with so many queries a sample; gives the cases that stand, with the smallest margin that
/// each came to.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn search(
    arena: &mut Arena<'_>,
    cases: Vec<usize>,
    queries: usize,
    attack: u64,
) -> Result<Vec<(usize, f32)>> {
    let shape = Shape::of(arena.shape());
    let mut searches = Vec::with_capacity(cases.len());
    for case in cases {
        let mut random = arena.random(case, attack, 0);
        let best = stripes(arena, case, shape, &mut random);
        searches.push(Search { case, best, margin: f32::INFINITY, random });
    }
    for query in 0..queries {
        searches.retain(|search| arena.stands(search.case));
        if searches.is_empty() {
            break;
        }
        let share = FIRST_SHARE * decay(query as f64 / queries as f64);
        let cases = searches.iter().map(|search| search.case).collect::<Vec<_>>();
        let mut points = Vec::with_capacity(cases.len() * arena.features());
        for search in &mut searches {
            let start = points.len();
            points.extend_from_slice(&search.best);
            // The first query is the stripes themselves.
            if query > 0 {
                propose(arena, search, shape, share, &mut points[start..]);
            }
        }
        let answers = arena.ask(&cases, &mut points, Reach::Ball)?;
        for (at, search) in searches.iter_mut().enumerate() {
            let margin = arena.margin(search.case, row(&answers.scores, at, arena.classes()));
            if margin < search.margin {
                search.margin = margin;
                search.best.copy_from_slice(row(&points, at, arena.features()));
            }
        }
    }
    let standing = searches.into_iter().filter(|search| arena.stands(search.case));
    Ok(standing.map(|search| (search.case, search.margin)).collect())
}

/// The share of the numbers that are changed, relative to the first: halved as the queries go by,
/// at the places of the paper rescaled to their number.
fn decay(done: f64) -> f64 {
    const HALVED: [f64; 9] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8];
    HALVED.iter().filter(|&&at| done > at).fold(1.0, |share, _| share / 2.0)
}

/// Where a search begins: vertical stripes at the ends of the box; for other norms a random change
/// as large as the budget.
fn stripes(arena: &Arena<'_>, case: usize, shape: Shape, random: &mut fastrand::Rng) -> Vec<f32> {
    let here = &arena.cases[case];
    let mut point = here.sample.clone();
    let end = |at: usize, up: bool| if up { here.ball.high[at] } else { here.ball.low[at] };
    for channel in 0..shape.channels {
        for column in 0..shape.width {
            let up = random.bool();
            for row in 0..shape.height {
                let at = shape.at(channel, row, column);
                let end = end(at, up);
                if end.abs() < f32::MAX {
                    point[at] = end;
                }
            }
        }
    }
    let size = arena.budget.size();
    project(arena.budget.norm, size, &here.ball, &here.sample, &mut point);
    point
}

/// Change one square of a point, or one set of its numbers.
fn propose(arena: &Arena<'_>, search: &mut Search, shape: Shape, share: f64, point: &mut [f32]) {
    let here = &arena.cases[search.case];
    let random = &mut search.random;
    let places = places(shape, share, random);
    let norm = arena.budget.norm;
    match norm {
        Norm::Linf => {
            // One sign a channel and square, as the paper; numbers of a table go each by itself.
            for places in &places {
                let up = random.bool();
                for &at in places {
                    let up = if shape.is_image() { up } else { random.bool() };
                    point[at] = if up { here.ball.high[at] } else { here.ball.low[at] };
                }
            }
        }
        Norm::L2 | Norm::L1 | Norm::L0 => {
            // The budget of the places is renewed with what others give up.
            let size = arena.budget.size();
            let each = match norm {
                Norm::L2 => {
                    size / (places.iter().map(Vec::len).sum::<usize>().max(1) as f64).sqrt()
                }
                Norm::L1 => size / places.iter().map(Vec::len).sum::<usize>().max(1) as f64,
                _ => f64::INFINITY,
            };
            let keep = random.f64();
            for (x, &old) in point.iter_mut().zip(&here.sample) {
                if norm != Norm::L0 {
                    *x = (f64::from(old) + (f64::from(*x) - f64::from(old)) * keep) as f32;
                } else if random.f64() < share / 4.0 {
                    *x = old;
                }
            }
            for places in &places {
                let up = random.bool();
                for &at in places {
                    let up = if shape.is_image() { up } else { random.bool() };
                    let end = if up { here.ball.high[at] } else { here.ball.low[at] };
                    let signed = if up { each } else { -each };
                    let moved = f64::from(here.sample[at]) + signed;
                    point[at] = (moved as f32).clamp(here.ball.low[at], here.ball.high[at]);
                    if each.is_infinite() {
                        point[at] = end;
                    }
                }
            }
            project(norm, size, &here.ball, &here.sample, point);
        }
    }
}

/// The numbers that are changed, a list for each channel.
fn places(shape: Shape, share: f64, random: &mut fastrand::Rng) -> Vec<Vec<usize>> {
    if !shape.is_image() {
        let count = ((share * shape.channels as f64).round() as usize).clamp(1, shape.channels);
        let mut all = (0..shape.channels).collect::<Vec<_>>();
        for at in 0..count {
            let other = random.usize(at..all.len());
            all.swap(at, other);
        }
        all.truncate(count);
        return vec![all];
    }
    let area = share * (shape.height * shape.width) as f64;
    let side = (area.sqrt().round() as usize).clamp(1, shape.height.min(shape.width));
    let top = random.usize(..=shape.height - side);
    let left = random.usize(..=shape.width - side);
    let channel = |channel: usize| {
        let rows = top..top + side;
        rows.flat_map(|row| (left..left + side).map(move |column| shape.at(channel, row, column)))
            .collect()
    };
    (0..shape.channels).map(channel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_lie_inside_any_image() {
        let mut random = crate::random::stream(&[3]);
        for dims in [&[3, 8, 8][..], &[8, 9, 3], &[1, 5, 7], &[30], &[2, 2, 2]] {
            let shape = Shape::of(dims);
            let count = dims.iter().product::<usize>();
            for step in 0..200 {
                let places = places(shape, decay(f64::from(step) / 200.0) * 0.8, &mut random);
                assert!(places.iter().flatten().all(|&at| at < count), "{dims:?}");
                assert!(places.iter().any(|places| !places.is_empty()));
            }
        }
    }

    #[test]
    fn the_share_falls_as_in_the_paper() {
        assert_eq!(decay(0.0), 1.0);
        assert_eq!(decay(0.003), 0.5);
        assert_eq!(decay(0.9), 1.0 / 512.0);
    }
}
