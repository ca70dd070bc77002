//! What attacks on labels alone share: where they begin, and the way to the boundary.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach},
    budget::Norm,
};

/// The most numbers that are asked about at once.
const PIECE: usize = 1 << 22;
/// Classes from each of which the nearest sample is tried as a beginning.
const BEGINNINGS: usize = 3;
/// Random points that are tried where no sample of another class is known.
const TRIES: u64 = 30;
/// Questions on the way to the boundary, at most.
const HALVINGS: usize = 16;

/// A point beyond the boundary, as near to it as is known.
#[derive(Clone, Debug)]
pub(super) struct Front {
    pub(super) case: usize,
    /// A point that is answered wrongly.
    pub(super) point: Vec<f32>,
    /// How far it is from the sample.
    pub(super) distance: f64,
    /// Questions asked so far.
    pub(super) used: usize,
    pub(super) random: fastrand::Rng,
}

/// Which points, `[n, features]`, are answered wrongly; one case for each.
pub(super) fn wrong(
    arena: &mut Arena<'_>,
    cases: &[usize],
    points: &mut [f32],
) -> Result<Vec<bool>> {
    let features = arena.features().max(1);
    let rows = (PIECE / features).max(1);
    let mut all = Vec::with_capacity(cases.len());
    for (cases, points) in cases.chunks(rows).zip(points.chunks_mut(rows * features)) {
        let answers = arena.ask(cases, points, Reach::Range)?;
        let each = cases.iter().zip(&answers.labels);
        all.extend(each.map(|(&case, &label)| arena.is_wrong(case, label)));
    }
    Ok(all)
}

/// Begin at the boundary in the direction of samples of other classes, or of random points; a case
/// for which nothing wrong is found has no front. At most `most` questions are asked for each.
pub(super) fn begin(arena: &mut Arena<'_>, attack: u64, most: usize) -> Result<Vec<Front>> {
    let mut fronts = Vec::new();
    let mut bare = Vec::new();
    for case in arena.open() {
        let points = of_other_classes(arena, case);
        let share = most / points.len().max(1);
        if points.is_empty() {
            bare.push(case);
        } else if share > HALVINGS {
            fronts.extend(points.into_iter().map(|point| front(arena, case, point, attack)));
        } else if most > 0 {
            let nearest = points.into_iter().take(1);
            fronts.extend(nearest.map(|point| front(arena, case, point, attack)));
        }
    }
    for attempt in 0..TRIES.min(most as u64 / 2) {
        if bare.is_empty() {
            break;
        }
        let draw = |&case: &usize| noise(arena, case, attack, attempt);
        let mut points = bare.iter().flat_map(draw).collect::<Vec<_>>();
        let wrong = wrong(arena, &bare, &mut points)?;
        let features = arena.features();
        let mut left = Vec::new();
        for (at, &case) in bare.iter().enumerate() {
            if wrong[at] {
                let point = points[at * features..(at + 1) * features].to_vec();
                fronts.push(Front { used: attempt as usize, ..front(arena, case, point, attack) });
            } else {
                left.push(case);
            }
        }
        bare = left;
    }
    fronts.sort_by_key(|front| front.case);
    bisect(arena, &mut fronts, most)?;
    // Of the beginnings of a case the nearest goes on, with what all have cost.
    let mut nearest: Vec<Front> = Vec::new();
    for front in fronts {
        match nearest.last_mut() {
            Some(last) if last.case == front.case => {
                let used = last.used + front.used;
                if front.distance < last.distance {
                    *last = front;
                }
                last.used = used;
            }
            _ => nearest.push(front),
        }
    }
    Ok(nearest)
}

/// Move each front along the straight way to its sample until it lies just beyond the boundary: the
/// first question is about the edge of the budget.
pub(super) fn bisect(arena: &mut Arena<'_>, fronts: &mut Vec<Front>, most: usize) -> Result<()> {
    let (norm, size) = (arena.budget.norm, arena.budget.size() * (1.0 - 2e-6));
    let features = arena.features();
    let exact = match norm {
        Norm::Linf => 0.01 / features as f64,
        _ => 0.01 / (features as f64).sqrt(),
    };
    let far = fronts.iter().map(|front| front.point.clone()).collect::<Vec<_>>();
    let mut ends = fronts.iter().map(|front| (0.0, front.distance)).collect::<Vec<_>>();
    let whole = ends.iter().map(|(_, high)| *high).collect::<Vec<_>>();
    for step in 0..HALVINGS {
        let mut asked = Vec::new();
        for (at, front) in fronts.iter().enumerate() {
            let (low, high) = ends[at];
            let near = high - low <= exact.max(1e-4) * whole[at];
            if arena.stands(front.case) && front.used < most && !near {
                let middle = if step == 0 && size < high { size } else { (low + high) / 2.0 };
                asked.push((at, middle));
            }
        }
        if asked.is_empty() {
            break;
        }
        let cases = asked.iter().map(|&(at, _)| fronts[at].case).collect::<Vec<_>>();
        let mut points = Vec::with_capacity(asked.len() * features);
        for &(at, middle) in &asked {
            let sample = &arena.cases[fronts[at].case].sample;
            points.extend(towards(norm, sample, &far[at], whole[at], middle));
        }
        let wrong = wrong(arena, &cases, &mut points)?;
        for ((&(at, middle), wrong), point) in
            asked.iter().zip(wrong).zip(points.chunks_exact(features.max(1)))
        {
            fronts[at].used += 1;
            if wrong {
                ends[at].1 = middle;
                fronts[at].point.copy_from_slice(point);
                let sample = &arena.cases[fronts[at].case].sample;
                fronts[at].distance = norm.distance(sample, point);
            } else {
                ends[at].0 = middle;
            }
        }
    }
    fronts.retain(|front| arena.stands(front.case));
    Ok(())
}

/// The point at a distance from a sample on the way to a far one: in `linf` every number goes as far
/// as it may, in other norms all of them the same part of the way.
fn towards(norm: Norm, sample: &[f32], far: &[f32], whole: f64, distance: f64) -> Vec<f32> {
    let part = if whole > 0.0 { distance / whole } else { 0.0 };
    let each = sample.iter().zip(far).map(|(&x, &far)| {
        let change = f64::from(far) - f64::from(x);
        let change = match norm {
            Norm::Linf => change.clamp(-distance, distance),
            _ => change * part,
        };
        (f64::from(x) + change) as f32
    });
    each.collect()
}

fn front(arena: &Arena<'_>, case: usize, point: Vec<f32>, attack: u64) -> Front {
    let distance = arena.budget.norm.distance(&arena.cases[case].sample, &point);
    Front { case, point, distance, used: 0, random: arena.random(case, attack, 0) }
}

/// The nearest sample of each of some other classes, the nearest first.
fn of_other_classes(arena: &Arena<'_>, case: usize) -> Vec<Vec<f32>> {
    let here = &arena.cases[case];
    let norm = match arena.budget.norm {
        Norm::L0 => Norm::L2,
        norm => norm,
    };
    let mut best: Vec<Option<(f64, usize)>> = vec![None; arena.classes()];
    for (at, other) in arena.cases.iter().enumerate() {
        let wanted = here.target.map_or(other.label != here.label, |target| other.label == target);
        if wanted {
            let distance = norm.distance(&here.sample, &other.sample);
            let best = &mut best[other.label];
            if best.is_none_or(|(least, _)| distance < least) {
                *best = Some((distance, at));
            }
        }
    }
    let mut found = best.into_iter().flatten().collect::<Vec<_>>();
    found.sort_by(|(a, x), (b, y)| a.total_cmp(b).then(x.cmp(y)));
    found.truncate(BEGINNINGS);
    found.into_iter().map(|(_, at)| arena.cases[at].sample.clone()).collect()
}

/// A random point of the range of inputs; where that has no ends, one that is further out with each
/// attempt.
fn noise(arena: &Arena<'_>, case: usize, attack: u64, attempt: u64) -> Vec<f32> {
    let mut random = arena.random(case, attack, 1 + attempt);
    let sample = &arena.cases[case].sample;
    match arena.budget.clip {
        Some((low, high)) => sample.iter().map(|_| low + (high - low) * random.f32()).collect(),
        None => {
            let size = sample.iter().fold(arena.budget.size() as f32, |a, x| a.max(x.abs()));
            let reach = size * (1 << (attempt / 4).min(20)) as f32;
            sample.iter().map(|x| x + reach * (2.0 * random.f32() - 1.0)).collect()
        }
    }
}
