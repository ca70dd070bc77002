//! SimBA: one direction of a basis at a time, forwards or backwards, kept where the label comes nearer
//! to falling. It asks for scores.
//!
//! Guo, Gardner, You, Wilson and Weinberger, "Simple black-box adversarial attacks", 2019, algorithm 1.
//! Tables are walked number by number; images first along the low frequencies of the cosine transform
//! of their channels (section 3.3), then pixel by pixel.

use std::f64::consts::PI;

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach, row},
    budget::Norm,
    evade::{geometry::project, hopskipjump::enough},
    image::Shape,
};

/// The part of the frequencies of an image that is walked.
const LOW: usize = 4;

/// A direction of a basis.
#[derive(Clone, Copy, Debug)]
enum Direction {
    /// One number.
    Number(usize),
    /// A wave in a channel: half periods down and across.
    Wave(usize, usize, usize),
}

/// A walk at one sample.
struct Walk {
    case: usize,
    best: Vec<f32>,
    margin: f32,
    order: Vec<Direction>,
    next: usize,
    /// How large a step is, as a part of the first.
    scale: f64,
    used: usize,
    random: fastrand::Rng,
}

/// Walk with so many queries for each sample that is open.
///
/// # Errors
/// Where the model cannot be run, or time or queries are up.
pub fn walk(arena: &mut Arena<'_>, queries: usize, attack: u64) -> Result<bool> {
    let cases = arena.open();
    let most = arena.allowance(queries, cases.len());
    let shape = Shape::of(arena.shape());
    let begun = |&case: &usize| {
        let here = &arena.cases[case];
        let mut random = arena.random(case, attack, 0);
        Walk {
            case,
            best: here.sample.clone(),
            margin: arena.margin(case, &here.scores),
            order: order(shape, arena.features(), &mut random),
            next: 0,
            scale: 1.0,
            used: 0,
            random,
        }
    };
    let mut walks = cases.iter().map(begun).collect::<Vec<_>>();
    loop {
        walks.retain(|walk| arena.stands(walk.case) && walk.used + 2 <= most && walk.scale > 0.01);
        if walks.is_empty() {
            break;
        }
        let all = (0..walks.len()).collect::<Vec<_>>();
        let kept = step(arena, &mut walks, shape, &all, 1.0)?;
        let back = all.into_iter().filter(|&at| !kept[at]).collect::<Vec<_>>();
        step(arena, &mut walks, shape, &back, -1.0)?;
        for walk in &mut walks {
            walk.next += 1;
            if walk.next == walk.order.len() {
                walk.next = 0;
                walk.scale /= 2.0;
                let features = walk.best.len();
                walk.order = order(shape, features, &mut walk.random);
            }
        }
    }
    enough(most, queries)
}

/// Step forwards or backwards at some of the walks; says which steps were kept.
fn step(
    arena: &mut Arena<'_>,
    walks: &mut [Walk],
    shape: Shape,
    which: &[usize],
    sign: f64,
) -> Result<Vec<bool>> {
    let (features, classes) = (arena.features(), arena.classes());
    let (norm, size) = (arena.budget.norm, arena.budget.size());
    let cases = which.iter().map(|&at| walks[at].case).collect::<Vec<_>>();
    let mut points = Vec::with_capacity(which.len() * features);
    for &at in which {
        let walk = &walks[at];
        let here = &arena.cases[walk.case];
        let mut point = walk.best.clone();
        let wave = matches!(walk.order[walk.next], Direction::Wave(..));
        // In linf one number goes from end to end of the box; elsewhere a fifth of the budget is a step.
        let length = match norm {
            Norm::Linf if wave => size,
            Norm::Linf => 2.0 * size,
            Norm::L2 | Norm::L1 => 0.2 * size,
            Norm::L0 => f64::from(f32::MAX) / 4.0,
        };
        walk.order[walk.next].add(shape, norm, sign * length * walk.scale, &mut point);
        project(norm, size, &here.ball, &here.sample, &mut point);
        points.extend(point);
    }
    let mut kept = vec![false; walks.len()];
    if which.is_empty() {
        return Ok(kept);
    }
    let answers = arena.ask(&cases, &mut points, Reach::Ball)?;
    for (i, &at) in which.iter().enumerate() {
        let walk = &mut walks[at];
        walk.used += 1;
        let margin = arena.margin(walk.case, row(&answers.scores, i, classes));
        if margin < walk.margin {
            walk.margin = margin;
            walk.best.copy_from_slice(row(&points, i, features));
            kept[at] = true;
        }
    }
    Ok(kept)
}

/// All directions in a random order.
fn order(shape: Shape, features: usize, random: &mut fastrand::Rng) -> Vec<Direction> {
    let mut waves = Vec::new();
    if shape.is_image() {
        let low = |side: usize| side.div_ceil(LOW).max(2).min(side);
        for channel in 0..shape.channels {
            for down in 0..low(shape.height) {
                let across = 0..low(shape.width);
                waves.extend(across.map(|across| Direction::Wave(channel, down, across)));
            }
        }
    }
    let mut numbers = (0..features).map(Direction::Number).collect::<Vec<_>>();
    random.shuffle(&mut waves);
    random.shuffle(&mut numbers);
    waves.extend(numbers);
    waves
}

impl Direction {
    /// Add a step: as long as `length` in Euclidean measure, but in `linf` at its largest place.
    fn add(self, shape: Shape, norm: Norm, length: f64, point: &mut [f32]) {
        match self {
            Self::Number(at) => point[at] = (f64::from(point[at]) + length) as f32,
            Self::Wave(channel, down, across) => {
                let half = |at: usize, of: usize, side: usize| {
                    (PI * (at as f64 + 0.5) * of as f64 / side as f64).cos()
                };
                let size = match norm {
                    Norm::Linf | Norm::L0 => 1.0,
                    _ => ((shape.height * shape.width) as f64).sqrt() / 2.0,
                };
                for y in 0..shape.height {
                    for x in 0..shape.width {
                        let wave = half(y, down, shape.height) * half(x, across, shape.width);
                        let at = shape.at(channel, y, x);
                        point[at] = (f64::from(point[at]) + length * wave / size) as f32;
                    }
                }
            }
        }
    }
}
