//! The Boundary attack: a random walk along the boundary, towards the sample. It asks for labels
//! alone.
//!
//! Brendel, Rauber and Bethge, "Decision-based adversarial attacks: reliable attacks against black-box
//! machine learning models", 2018, section 2 and algorithm 1: a step on the sphere around the sample,
//! then one towards it, both lengths held where about half of them stay wrong.

use modelward_engine::Result;

use crate::{
    arena::Arena,
    budget::Norm,
    evade::{
        decision::{Front, begin, wrong},
        hopskipjump::enough,
    },
    random::normal,
};

/// How many steps are counted before their lengths are set anew.
const WINDOW: u32 = 10;
/// By how much they are.
const FACTOR: f64 = 1.5;

/// A walk, with the lengths of its steps as parts of the distance.
struct Walk {
    front: Front,
    /// The Euclidean distance, in which the walk goes.
    distance: f64,
    around: f64,
    inward: f64,
    steps: u32,
    kept_around: u32,
    kept_inward: u32,
}

/// Walk with so many questions for each sample that is open.
///
/// # Errors
/// Where the model cannot be run, or time or queries are up.
pub fn walk(arena: &mut Arena<'_>, queries: usize, attack: u64) -> Result<bool> {
    let most = arena.allowance(queries, arena.open().len());
    let features = arena.features();
    let fronts = begin(arena, attack, most)?;
    let begun = |front: Front| Walk {
        distance: Norm::L2.distance(&arena.cases[front.case].sample, &front.point),
        front,
        around: 0.1,
        inward: 0.1,
        steps: 0,
        kept_around: 0,
        kept_inward: 0,
    };
    let mut walks = fronts.into_iter().map(begun).collect::<Vec<_>>();
    loop {
        walks.retain(|walk| {
            let goes = walk.inward > 1e-6 && walk.front.used + 2 <= most;
            goes && arena.stands(walk.front.case)
        });
        if walks.is_empty() {
            break;
        }
        let mut cases = Vec::with_capacity(2 * walks.len());
        let mut points = Vec::with_capacity(2 * walks.len() * features);
        for walk in &mut walks {
            cases.extend([walk.front.case; 2]);
            let sample = &arena.cases[walk.front.case].sample;
            let there = walk.propose(sample);
            let nearer = sample.iter().zip(&there).map(|(&x, &to)| {
                (f64::from(to) + walk.inward * (f64::from(x) - f64::from(to))) as f32
            });
            let nearer = nearer.collect::<Vec<_>>();
            points.extend(there);
            points.extend(nearer);
        }
        let wrong = wrong(arena, &cases, &mut points)?;
        for ((walk, wrong), both) in walks
            .iter_mut()
            .zip(wrong.chunks_exact(2))
            .zip(points.chunks_exact(2 * features.max(1)))
        {
            walk.front.used += 2;
            let (there, nearer) = both.split_at(features);
            let sample = &arena.cases[walk.front.case].sample;
            walk.take(sample, [there, nearer], [wrong[0], wrong[1]]);
        }
    }
    enough(most, queries)
}

impl Walk {
    /// A random point as far from the sample as the front.
    fn propose(&mut self, sample: &[f32]) -> Vec<f32> {
        let random = &mut self.front.random;
        let back = sample.iter().zip(&self.front.point);
        let back = back.map(|(x, p)| f64::from(*x) - f64::from(*p)).collect::<Vec<_>>();
        let square = back.iter().map(|x| x * x).sum::<f64>().max(1e-300);
        let mut step = back.iter().map(|_| f64::from(normal(random))).collect::<Vec<_>>();
        // Across the way to the sample.
        let along = step.iter().zip(&back).map(|(s, b)| s * b).sum::<f64>() / square;
        for (step, back) in step.iter_mut().zip(&back) {
            *step -= along * back;
        }
        let length = step.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-300);
        let scale = self.around * self.distance / length;
        // Back onto the sphere.
        let shrink = 1.0 / (1.0 + self.around * self.around).sqrt();
        let each = sample.iter().zip(back.iter().zip(&step));
        each.map(|(&x, (back, step))| (f64::from(x) + (step * scale - back) * shrink) as f32)
            .collect()
    }

    /// Go where the answers allow, and set the lengths.
    fn take(&mut self, sample: &[f32], [there, nearer]: [&[f32]; 2], wrong: [bool; 2]) {
        self.steps += 1;
        self.kept_around += u32::from(wrong[0]);
        self.kept_inward += u32::from(wrong[1]);
        let to = match wrong {
            [_, true] => Some(nearer),
            [true, false] => Some(there),
            [false, false] => None,
        };
        if let Some(to) = to {
            let distance = Norm::L2.distance(sample, to);
            if distance <= self.distance * (1.0 + 1e-6) {
                self.front.point.copy_from_slice(to);
                self.distance = distance;
            }
        }
        if self.steps == WINDOW {
            let set = |length: &mut f64, kept: u32, least: u32, most: u32| {
                if kept < least {
                    *length /= FACTOR;
                } else if kept > most {
                    *length = (*length * FACTOR).min(0.5);
                }
            };
            set(&mut self.around, self.kept_around, 2, 5);
            set(&mut self.inward, self.kept_inward, 2, 5);
            (self.steps, self.kept_around, self.kept_inward) = (0, 0, 0);
        }
    }
}
