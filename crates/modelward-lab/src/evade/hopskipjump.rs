//! HopSkipJump: along the boundary by the direction in which labels change. It asks for labels alone.
//!
//! Chen, Jordan and Wainwright, "HopSkipJumpAttack: a query-efficient decision-based attack", 2020,
//! algorithms 1 and 2: the normal of the boundary is estimated by random steps (equation 9, with the
//! mean taken out, equation 16), a step is taken along it whose length falls with the square root of
//! the round and is halved until the point is wrong, and the way back to the boundary is halved too.
//! A new point is kept where it is nearer.

use modelward_engine::{Result, Trouble};

use crate::{
    arena::Arena,
    budget::Norm,
    evade::decision::{Front, begin, bisect, wrong},
    random::normal,
};

/// Random steps of the first estimate; those of round `t` are the root of `t` times as many.
const FIRST: f64 = 100.0;
/// The most of one estimate.
const MOST: usize = 10_000;
/// The fewest that are an estimate.
const FEWEST: usize = 10;
/// How often a step is halved.
const HALVINGS: usize = 12;
/// The most numbers of the random steps that are held at once.
const PIECE: usize = 1 << 22;

/// Walk with so many questions for each sample that is open. In `l1` and `l0` the way is that of `l2`.
///
/// # Errors
/// Where the model cannot be run, or time or queries are up.
pub fn walk(arena: &mut Arena<'_>, queries: usize, attack: u64) -> Result<bool> {
    let most = arena.allowance(queries, arena.open().len());
    let mut fronts = begin(arena, attack, most)?;
    for round in 1_u32.. {
        fronts.retain(|front| arena.stands(front.case) && front.used + FEWEST < most);
        if fronts.is_empty() {
            break;
        }
        let counts = fronts.iter().map(|front| {
            let wanted = (FIRST * f64::from(round).sqrt()) as usize;
            // The last rounds leave something for the way back.
            let rest = most - front.used;
            wanted.min(MOST).min(if rest > 2 * wanted { wanted } else { rest * 2 / 3 })
        });
        let counts = counts.collect::<Vec<_>>();
        let normals = normals(arena, &mut fronts, &counts, round)?;
        jump(arena, &mut fronts, &normals, round, most)?;
    }
    enough(most, queries)
}

/// Whether an attack had all the queries that it wanted.
pub(super) fn enough(most: usize, queries: usize) -> Result<bool> {
    if most < queries {
        return Err(Trouble::new(modelward_engine::Kind::Limit, crate::victim::OUT_OF_QUERIES));
    }
    Ok(true)
}

/// The direction into what is wrong at each front, `[features]` of length 1, by so many random steps.
fn normals(
    arena: &mut Arena<'_>,
    fronts: &mut [Front],
    counts: &[usize],
    round: u32,
) -> Result<Vec<Vec<f32>>> {
    let features = arena.features();
    let mut all = Vec::with_capacity(fronts.len());
    let mut from = 0;
    while from < fronts.len() {
        // As many fronts at once as their steps fit.
        let mut to = from + 1;
        let mut held = counts[from] * features;
        while to < fronts.len() && held + counts[to] * features <= PIECE {
            held += counts[to] * features;
            to += 1;
        }
        let mut cases = Vec::new();
        let mut points = Vec::with_capacity(held);
        let mut sizes = Vec::new();
        for (front, &count) in fronts[from..to].iter_mut().zip(&counts[from..to]) {
            let size = match (round, arena.budget.clip) {
                (1, Some((low, high))) => 0.1 * f64::from(high - low),
                (1, None) => 0.1 * front.distance,
                _ => 0.01 * front.distance,
            };
            sizes.push(size);
            for _ in 0..count {
                cases.push(front.case);
                points.extend(stepped(arena.budget.norm, front, size));
            }
            front.used += count;
        }
        let wrong = wrong(arena, &cases, &mut points)?;
        let (mut wrong, mut points) = (&wrong[..], &points[..]);
        for ((front, &count), size) in fronts[from..to].iter().zip(&counts[from..to]).zip(sizes) {
            let (own, rest) = wrong.split_at(count);
            let (steps, others) = points.split_at(count * features);
            all.push(normal_of(front, own, steps, size));
            (wrong, points) = (rest, others);
        }
        from = to;
    }
    Ok(all)
}

/// A random step of a length from a front.
fn stepped(norm: Norm, front: &mut Front, size: f64) -> Vec<f32> {
    let random = &mut front.random;
    let mut draw = || match norm {
        Norm::Linf => 2.0 * random.f32() - 1.0,
        _ => normal(random),
    };
    let step = front.point.iter().map(|_| draw()).collect::<Vec<_>>();
    let length = step.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt().max(1e-30);
    let scale = size / length;
    front
        .point
        .iter()
        .zip(step)
        .map(|(x, s)| (f64::from(*x) + f64::from(s) * scale) as f32)
        .collect()
}

/// The mean of the steps that were wrong less that of those that were not.
fn normal_of(front: &Front, wrong: &[bool], points: &[f32], size: f64) -> Vec<f32> {
    let features = front.point.len();
    let sign = |wrong: bool| if wrong { 1.0 } else { -1.0 };
    let mean = wrong.iter().map(|&wrong| sign(wrong)).sum::<f64>() / wrong.len().max(1) as f64;
    let one_sided = mean.abs() >= 1.0;
    let mut sum = vec![0.0_f64; features];
    for (&wrong, point) in wrong.iter().zip(points.chunks_exact(features.max(1))) {
        let weight = if one_sided { mean } else { sign(wrong) - mean };
        for (sum, (x, from)) in sum.iter_mut().zip(point.iter().zip(&front.point)) {
            *sum += weight * (f64::from(*x) - f64::from(*from)) / size.max(1e-300);
        }
    }
    let length = sum.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-300);
    sum.into_iter().map(|x| (x / length) as f32).collect()
}

/// Step along the normals, halve the steps until they end at what is wrong, and come back to the
/// boundary.
fn jump(
    arena: &mut Arena<'_>,
    fronts: &mut [Front],
    normals: &[Vec<f32>],
    round: u32,
    most: usize,
) -> Result<()> {
    let (norm, features) = (arena.budget.norm, arena.features());
    let mut lengths =
        fronts.iter().map(|front| front.distance / f64::from(round).sqrt()).collect::<Vec<_>>();
    let mut pending = (0..fronts.len()).collect::<Vec<_>>();
    let mut moved = Vec::new();
    for _ in 0..HALVINGS {
        pending.retain(|&at| arena.stands(fronts[at].case) && fronts[at].used < most);
        if pending.is_empty() {
            break;
        }
        let cases = pending.iter().map(|&at| fronts[at].case).collect::<Vec<_>>();
        let mut points = Vec::with_capacity(pending.len() * features);
        for &at in &pending {
            let step = |(x, n): (&f32, &f32)| {
                let direction = match norm {
                    Norm::Linf if *n == 0.0 => 0.0,
                    Norm::Linf => 1.0_f64.copysign(f64::from(*n)),
                    _ => f64::from(*n),
                };
                (f64::from(*x) + lengths[at] * direction) as f32
            };
            points.extend(fronts[at].point.iter().zip(&normals[at]).map(step));
        }
        let wrong = wrong(arena, &cases, &mut points)?;
        let mut left = Vec::new();
        for ((&at, wrong), point) in
            pending.iter().zip(wrong).zip(points.chunks_exact(features.max(1)))
        {
            fronts[at].used += 1;
            if wrong {
                let distance = norm.distance(&arena.cases[fronts[at].case].sample, point);
                moved.push((at, Front { point: point.to_vec(), distance, ..fronts[at].clone() }));
            } else {
                lengths[at] /= 2.0;
                left.push(at);
            }
        }
        pending = left;
    }
    let (places, mut there): (Vec<_>, Vec<_>) =
        moved.into_iter().filter(|(_, front)| arena.stands(front.case)).unzip();
    let places = places.into_iter().map(|at: usize| (fronts[at].case, at));
    let places = places.collect::<std::collections::BTreeMap<_, _>>();
    bisect(arena, &mut there, most)?;
    for front in there {
        let Some(&at) = places.get(&front.case) else { continue };
        if front.distance < fronts[at].distance {
            fronts[at] = front;
        } else {
            fronts[at].used = front.used;
        }
    }
    Ok(())
}
