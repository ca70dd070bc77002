//! More steps where the last ones still brought samples down.
//!
//! Carlini et al. 2019, "On evaluating adversarial robustness", section 4.3: an attack has to be run
//! until more steps bring nothing.

use modelward_engine::Result;

use crate::{
    arena::Arena,
    budget::Norm,
    evade::{
        apgd::{self, Attempt},
        loss::Aim,
        narrow, patch,
        race::targets_of,
    },
    rule::Rule,
};

/// The most steps of a climb.
const MOST: usize = 1280;

/// Climb with twice the steps, and twice that, until that brings next to nothing.
pub(super) fn extend(arena: &mut Arena<'_>) -> Result<bool> {
    let all = arena.cases.len();
    while arena.course.goes_on(all, arena.open().len()) && arena.course.steps < MOST {
        let steps = arena.course.steps.saturating_mul(2).min(MOST);
        let gave = match (arena.rule(), arena.budget.norm) {
            (Rule::Patch(_), _) => patch::climb(arena, &[(steps, usize::MAX)])?,
            (Rule::Spatial(_), _) | (_, Norm::L0) => return Ok(true),
            // Its last ball takes four tenths of the steps.
            (_, Norm::L1) => narrow::climb(arena, 1, steps.saturating_mul(5) / 2, 1)?,
            (_, Norm::Linf | Norm::L2) => ratio(arena, steps)?,
        };
        if !gave {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Climb towards the nearest class of each sample that is open.
fn ratio(arena: &mut Arena<'_>, steps: usize) -> Result<bool> {
    let mut attempts = Vec::new();
    for case in arena.open() {
        for target in targets_of(arena, case, 1) {
            let aim = Aim::Ratio(target);
            attempts.push(Attempt::scattered(arena, case, aim, 18, steps as u64));
        }
    }
    apgd::climb(arena, &mut attempts, steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        budget::Budget,
        exact,
        victim::{Answers, Slope, Slopes, Victim},
    };

    /// The sum of its inputs against a bound; its gradient shows one input at a time.
    struct Narrow {
        calls: usize,
    }

    const WIDTH: usize = 320;

    impl Victim for Narrow {
        fn features(&self) -> usize {
            WIDTH
        }

        fn shape(&self) -> &[usize] {
            &[WIDTH]
        }

        fn classes(&self) -> usize {
            2
        }

        fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
            let score = |x: &[f32]| x.iter().sum::<f32>() - 160.0;
            let scores = inputs.chunks(WIDTH).flat_map(|x| [0.0, score(x)]).collect::<Vec<_>>();
            let labels = scores.chunks(2).map(|pair| i64::from(pair[1] > 0.0)).collect();
            Ok(Answers { labels, scores })
        }

        fn slope(&mut self, of: Slope<'_>, inputs: &[f32]) -> Result<Option<Slopes>> {
            let Slope::Ratio { .. } = of else { return Ok(None) };
            let answers = self.ask(inputs)?;
            self.calls += 1;
            let mut gradients = vec![0.0; inputs.len()];
            // The loss is the score against that of the label, as the label is 0 for all samples.
            gradients.chunks_mut(WIDTH).for_each(|row| row[self.calls % WIDTH] = 1.0);
            Ok(Some(Slopes { gradients, answers }))
        }
    }

    #[test]
    fn a_climb_that_still_rises_is_given_more_steps() {
        // Sample k has to be raised at about 9 k inputs, one a step.
        let rows = (0..40).flat_map(|k| {
            (0..WIDTH).map(move |at| if at == 0 { 0.0 } else { 0.5 - 0.0027 * k as f32 })
        });
        let samples = rows.collect::<Vec<f32>>();
        let mut victim = Narrow { calls: 0 };
        let budget =
            Budget { norm: Norm::Linf, eps: exact::parse("0.1").unwrap(), clip: Some((0.0, 1.0)) };
        let mut arena = Arena::new(&mut victim, budget, &samples, &[0; 40], 3, None).unwrap();
        ratio(&mut arena, 40).unwrap();
        let (short, course) = (arena.standing().len(), arena.course);
        assert!(course.steps == 40 && course.goes_on(40, short), "{course:?} {short}");
        extend(&mut arena).unwrap();
        assert!(arena.course.steps > 40 && !arena.course.goes_on(40, 40), "{:?}", arena.course);
        assert!(arena.standing().len() + 5 < short, "{short} {}", arena.standing().len());
    }
}
