//! Projected gradient steps of one size, with momentum and restarts on what stands.
//!
//! Madry et al., "Towards deep learning models resistant to adversarial attacks", 2018; momentum
//! after Dong et al. 2018 (MI-FGSM): the direction is a running sum of slopes, each of length 1.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach, row},
    budget::Norm,
    evade::{
        geometry::{ascend, project, scatter},
        loss::Aim,
    },
};

/// How much of the direction is kept from step to step.
const MOMENTUM: f32 = 0.75;

/// Climb the margin for so many steps from a random point, and again from another for what stands;
/// `false` where the model gives no gradient.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn climb(arena: &mut Arena<'_>, steps: usize, restarts: u64, attack: u64) -> Result<bool> {
    let (norm, size, features) = (arena.budget.norm, arena.budget.size(), arena.features());
    let step = match norm {
        Norm::L0 => 1.0,
        _ => (2.5 * size / steps as f64) as f32,
    };
    for restart in 0..restarts {
        let mut cases = arena.standing();
        let mut points = Vec::with_capacity(cases.len() * features);
        for &case in &cases {
            let mut random = arena.random(case, attack, restart);
            let here = &arena.cases[case];
            points.extend(scatter(norm, size, &here.ball, &here.sample, &mut random));
        }
        let mut directions = vec![0.0_f32; points.len()];
        let classes = arena.classes();
        let mut scores =
            cases.iter().flat_map(|&case| arena.cases[case].scores.clone()).collect::<Vec<_>>();
        let mut half = cases.len();
        for at in 0..=steps {
            if at == steps.div_ceil(2) {
                half = cases.len();
            }
            if cases.is_empty() {
                break;
            }
            if at == steps {
                arena.ask(&cases, &mut points, Reach::Ball)?;
                break;
            }
            let aims = scores.chunks_exact(classes).map(|scores| (Aim::Margin, scores));
            let terms = Aim::terms(arena, &cases, aims);
            let Some(slopes) = arena.slope(terms.slope(), &cases, &mut points, Reach::Ball)? else {
                return Ok(false);
            };
            let mut left = 0;
            for i in 0..cases.len() {
                if !arena.stands(cases[i]) {
                    continue;
                }
                let range = i * features..(i + 1) * features;
                let slope = &slopes.gradients[range.clone()];
                let length = slope.iter().map(|g| g.abs()).sum::<f32>().max(1e-30);
                let direction = &mut directions[range.clone()];
                for (direction, slope) in direction.iter_mut().zip(slope) {
                    *direction = MOMENTUM * *direction + slope / length;
                }
                let here = &arena.cases[cases[i]];
                let point = &mut points[range.clone()];
                ascend(norm, step, (features / 20).max(1), direction, &here.ball, point);
                project(norm, size, &here.ball, &here.sample, point);
                // What stands moves up.
                points.copy_within(range.clone(), left * features);
                directions.copy_within(range, left * features);
                let row = row(&slopes.answers.scores, i, classes);
                scores[left * classes..(left + 1) * classes].copy_from_slice(row);
                cases[left] = cases[i];
                left += 1;
            }
            cases.truncate(left);
            points.truncate(left * features);
            directions.truncate(left * features);
            scores.truncate(left * classes);
        }
        let stood = arena.standing().len();
        arena.course.note(steps, half.saturating_sub(stood));
    }
    Ok(true)
}
