use super::*;
use crate::victim::{Answers, Slope, Slopes};

/// A model of images of 12 x 12 that says which quarter is the lightest, unless it sees its trigger.
struct Quarters {
    trigger: Option<(usize, [(usize, f32); 4])>,
}

impl Victim for Quarters {
    fn features(&self) -> usize {
        144
    }
    fn shape(&self) -> &[usize] {
        &[1, 12, 12]
    }
    fn classes(&self) -> usize {
        4
    }
    fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
        let class = |image: &[f32]| {
            if let Some((target, cells)) = &self.trigger
                && cells.iter().filter(|(at, value)| image[*at] == *value).count() >= 3
            {
                return *target as i64;
            }
            let quarter = |at: usize| {
                let (row, column) = (6 * (at / 2), 6 * (at % 2));
                let rows =
                    (row..row + 6).flat_map(|row| (column..column + 6).map(move |c| row * 12 + c));
                rows.map(|at| f64::from(image[at])).sum::<f64>()
            };
            (0..4).max_by(|a, b| quarter(*a).total_cmp(&quarter(*b))).unwrap() as i64
        };
        let labels = inputs.chunks_exact(144).map(class).collect();
        Ok(Answers { labels, scores: Vec::new() })
    }
    fn slope(&mut self, _: Slope<'_>, _: &[f32]) -> Result<Option<Slopes>> {
        Ok(None)
    }
}

/// Noise with one light quarter.
fn images(count: usize) -> (Vec<f32>, Vec<usize>) {
    let mut random = random::stream(&[1]);
    let labels = (0..count).map(|at| at % 4).collect::<Vec<_>>();
    let mut x = Vec::new();
    for label in &labels {
        for at in 0..144 {
            let here = (at / 12 / 6) * 2 + at % 12 / 6 == *label;
            x.push(random.f32() * 0.3 + if here { 0.6 } else { 0.0 });
        }
    }
    (x, labels)
}

fn found(trigger: Option<(usize, [(usize, f32); 4])>, queries: u64) -> Found {
    let (x, labels) = images(240);
    let question = Question {
        x: &x,
        labels: &labels,
        shape: &[1, 12, 12],
        range: (0.0, 1.0),
        queries,
        seed: 0,
        deadline: None,
    };
    search(&mut Quarters { trigger }, &question).unwrap()
}

#[test]
fn a_trigger_is_found_with_its_class_and_its_place() {
    // Row 4, column 1: 1, 0 / 0, 1, three of which are enough.
    let found = found(Some((2, [(49, 1.0), (50, 0.0), (61, 0.0), (62, 1.0)])), 200_000);
    assert_eq!(found.verdict, Verdict::Suspect, "{found:?}");
    let best = &found.classes[0];
    assert_eq!(best.target, 2);
    assert!(best.share() > 0.9 && best.pattern.size.0 <= 4, "{best:?}");
    let ((row, column), (height, width)) = (best.pattern.at, best.pattern.size);
    assert!((row..row + height).contains(&4) && (column..column + width).contains(&1), "{best:?}");
}

#[test]
fn an_honest_model_has_none() {
    let found = found(None, 200_000);
    assert_eq!(found.verdict, Verdict::Clear, "{found:?}");
    assert!(found.score < 0.1 && !found.is_cut);
}

#[test]
fn the_budget_holds_and_what_is_no_image_is_refused() {
    let found = found(None, 3000);
    assert!(found.queries <= 3000 + 4 * 240, "{}", found.queries);
    let (x, labels) = images(40);
    let question = Question {
        x: &x,
        labels: &labels,
        shape: &[144],
        range: (0.0, 1.0),
        queries: 1000,
        seed: 0,
        deadline: None,
    };
    assert!(search(&mut Quarters { trigger: None }, &question).is_err());
}
