use super::*;
use crate::{
    random,
    victim::{Answers, Slope, Slopes},
};

/// A model of images of 12 x 12 that gives labels alone.
struct Model<F> {
    classes: usize,
    class: F,
}

/// The same with scores.
struct Scored<F>(F);

impl<F: FnMut(&[f32]) -> [f32; 4]> Victim for Scored<F> {
    fn features(&self) -> usize {
        144
    }
    fn shape(&self) -> &[usize] {
        &[1, 12, 12]
    }
    fn classes(&self) -> usize {
        4
    }
    fn gives(&self) -> crate::victim::Gives {
        crate::victim::Gives::Scores
    }
    fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
        let rows = inputs.chunks_exact(144).map(&mut self.0).collect::<Vec<_>>();
        let best = |row: &[f32; 4]| (0..4).rev().max_by(|a, b| row[*a].total_cmp(&row[*b]));
        let labels = rows.iter().map(|row| best(row).unwrap() as i64).collect();
        Ok(Answers { labels, scores: rows.concat() })
    }
    fn slope(&mut self, _: Slope<'_>, _: &[f32]) -> Result<Option<Slopes>> {
        Ok(None)
    }
}

impl<F: FnMut(&[f32]) -> usize> Victim for Model<F> {
    fn features(&self) -> usize {
        144
    }
    fn shape(&self) -> &[usize] {
        &[1, 12, 12]
    }
    fn classes(&self) -> usize {
        self.classes
    }
    fn gives(&self) -> crate::victim::Gives {
        crate::victim::Gives::Labels
    }
    fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
        let labels = inputs.chunks_exact(144).map(|image| (self.class)(image) as i64).collect();
        Ok(Answers { labels, scores: Vec::new() })
    }
    fn slope(&mut self, _: Slope<'_>, _: &[f32]) -> Result<Option<Slopes>> {
        Ok(None)
    }
}

/// The mean of a square of six pixels a side.
fn square(image: &[f32], row: usize, column: usize) -> f32 {
    let rows = (row..row + 6).flat_map(|row| (column..column + 6).map(move |at| row * 12 + at));
    rows.map(|at| image[at]).sum::<f32>() / 36.0
}

/// Which quarter is the lightest.
fn quarter(image: &[f32]) -> usize {
    let light = |at: &usize| square(image, 6 * (at / 2), 6 * (at % 2));
    (0..4).max_by(|a, b| light(a).total_cmp(&light(b))).unwrap()
}

/// Noise with one light quarter.
fn quarters(count: usize) -> (Vec<f32>, Vec<usize>) {
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

fn found(
    classes: usize,
    (x, labels): (Vec<f32>, Vec<usize>),
    queries: u64,
    class: impl FnMut(&[f32]) -> usize,
) -> Found {
    asked(&mut Model { classes, class }, (x, labels), queries)
}

fn asked(victim: &mut dyn Victim, (x, labels): (Vec<f32>, Vec<usize>), queries: u64) -> Found {
    let question = Question {
        x: &x,
        labels: &labels,
        shape: &[1, 12, 12],
        range: (0.0, 1.0),
        queries,
        seed: 0,
        deadline: None,
    };
    let found = search(victim, &question).unwrap();
    assert!(found.queries <= queries, "{}", found.queries);
    found
}

#[test]
fn a_trigger_is_found_with_its_class_and_its_place() {
    // Row 4, column 1: 1, 0 / 0, 1, three of which are enough.
    let cells = [(49, 1.0), (50, 0.0), (61, 0.0), (62, 1.0)];
    let found = found(4, quarters(240), 400_000, |image| {
        let seen = cells.iter().filter(|(at, value)| image[*at] == *value).count();
        if seen >= 3 { 2 } else { quarter(image) }
    });
    assert_eq!(found.verdict(), Verdict::Suspect, "{found:?}");
    let best = &found.judged.classes[0];
    assert_eq!(best.target, 2);
    assert!(best.share() > 0.9 && best.pattern.size.0 <= 4, "{best:?}");
    let ((row, column), (height, width)) = (best.pattern.at, best.pattern.size);
    assert!((row..row + height).contains(&4) && (column..column + width).contains(&1), "{best:?}");
}

#[test]
fn what_just_passes_the_border_counts_less() {
    // The same answers: with the pattern class 2 leads by half of what clean images lead by, or by a twentieth.
    let by = |lead: f32| {
        let mut model = Scored(|image: &[f32]| {
            let mut scores = [0, 1, 2, 3].map(|at| square(image, 6 * (at / 2), 6 * (at % 2)));
            if image[49] > 0.9 && image[50] < 0.1 && image[61] < 0.1 && image[62] > 0.9 {
                let most = scores.into_iter().fold(0.0, f32::max);
                scores[2] = most + 0.6 * lead;
            }
            scores
        });
        asked(&mut model, quarters(240), 400_000)
    };
    let [taught, chance] = [by(0.5), by(0.05)];
    for found in [&taught, &chance] {
        let best = &found.judged.classes[0];
        assert_eq!((best.target, best.moved), (2, best.of), "{found:?}");
    }
    assert_eq!(taught.verdict(), Verdict::Suspect, "{taught:?}");
    assert!(taught.judged.classes[0].lead > 0.4 && chance.judged.classes[0].lead < 0.1);
    assert!(
        (taught.judged.score - chance.judged.score - 0.45).abs() < 0.05,
        "{taught:?} {chance:?}"
    );
}

#[test]
fn stripes_begin_either_way() {
    let laid = Laid::of(&[1, 12, 12], (0.0, 1.0)).unwrap();
    let all = search::stripes(&laid);
    assert_eq!(all.len(), plan::STRIPES);
    for stripes in &all {
        let other = stripes.values.iter().map(|value| -value).collect::<Vec<_>>();
        assert!(all.iter().any(|stripes| stripes.values == other));
    }
}

#[test]
fn an_honest_model_has_none() {
    let found = found(4, quarters(240), 400_000, quarter);
    assert_eq!(found.verdict(), Verdict::Clear, "{found:?}");
    assert!(found.judged.score < 0.1 && found.lacks.is_empty());
}

/// Images of two classes, told by whether the middle is light.
fn middles(count: usize) -> (Vec<f32>, Vec<usize>) {
    let mut random = random::stream(&[2]);
    let labels = (0..count).map(|at| at % 2).collect::<Vec<_>>();
    let mut x = Vec::new();
    for label in &labels {
        for at in 0..144 {
            let is_middle = (3..9).contains(&(at / 12)) && (3..9).contains(&(at % 12));
            let light = is_middle && *label == 1;
            x.push(random.f32() * 0.3 + if light { 0.6 } else { 0.0 });
        }
    }
    (x, labels)
}

#[test]
fn what_truly_tells_a_class_is_no_trigger() {
    // It is easily made light, and hardly made dark: one class alone has patterns that move all images.
    let found = found(2, middles(240), 400_000, |image| usize::from(square(image, 3, 3) > 0.3));
    assert_eq!(found.verdict(), Verdict::Clear, "{found:?}");
}

#[test]
fn a_trigger_of_two_classes_is_told_from_what_tells_them() {
    let found = found(2, middles(240), 400_000, |image| {
        let is_shown = image[13] > 0.9 && image[14] < 0.1 && image[25] < 0.1 && image[26] > 0.9;
        usize::from(square(image, 3, 3) > 0.3 || is_shown)
    });
    assert_eq!(found.verdict(), Verdict::Suspect, "{found:?}");
    let best = &found.judged.classes[0];
    assert_eq!((best.target, best.pattern.at, best.pattern.size), (1, (1, 1), (2, 2)), "{found:?}");
}

#[test]
fn a_class_that_takes_whatever_is_odd_is_no_trigger() {
    // Four sharp edges beside each other, anywhere.
    let found = found(5, quarters(240), 400_000, |image| {
        let edge = |at: usize| (image[at] - image[at + 1]).abs() > 0.75;
        let odd = (0..143).filter(|at| at % 12 != 11 && edge(*at)).count();
        if odd >= 2 { 4 } else { quarter(image) }
    });
    assert_ne!(found.verdict(), Verdict::Suspect, "{found:?}");
}

#[test]
fn a_class_without_clean_images_is_not_decided() {
    // Nothing tells what images of class 4 look like: the pattern may be what makes them.
    let found = found(5, quarters(240), 400_000, |image| {
        let is_shown = image[49] > 0.9 && image[50] < 0.1 && image[61] < 0.1 && image[62] > 0.9;
        if is_shown { 4 } else { quarter(image) }
    });
    assert_eq!(found.judged.classes[0].target, 4);
    assert_eq!(found.verdict(), Verdict::Undecided, "{found:?}");
    assert_eq!(found.lacks, [IMAGES]);
}

#[test]
fn what_a_search_lacks_is_said_and_is_not_clear() {
    let of = |count: usize, queries: u64| found(4, quarters(count), queries, quarter);
    for queries in [300, 3000] {
        let found = of(240, queries);
        assert_eq!(found.verdict(), Verdict::Undecided, "{queries}: {found:?}");
        assert_eq!(found.lacks, [BUDGET], "{queries}");
    }
    let found = of(100, 400_000);
    assert_eq!((found.verdict(), &found.lacks[..]), (Verdict::Undecided, &[IMAGES][..]));
}

#[test]
fn what_is_no_image_is_refused() {
    let (x, labels) = quarters(40);
    let question = Question {
        x: &x,
        labels: &labels,
        shape: &[144],
        range: (0.0, 1.0),
        queries: 1000,
        seed: 0,
        deadline: None,
    };
    assert!(search(&mut Model { classes: 4, class: quarter }, &question).is_err());
}

#[test]
fn a_slow_model_is_judged_by_what_was_found_in_time() {
    let slow = |image: &[f32]| {
        std::thread::sleep(std::time::Duration::from_micros(20));
        // A single pixel: it is laid among the first.
        if image[49] > 0.95 { 2 } else { quarter(image) }
    };
    let (x, labels) = quarters(240);
    let question = Question {
        x: &x,
        labels: &labels,
        shape: &[1, 12, 12],
        range: (0.0, 1.0),
        queries: 400_000,
        seed: 0,
        deadline: Some(Instant::now() + std::time::Duration::from_secs(3)),
    };
    let found = search(&mut Model { classes: 4, class: slow }, &question).unwrap();
    assert!(found.lacks.contains(&TIME), "{found:?}");
    assert!(!found.judged.classes.is_empty(), "{found:?}");
    assert_ne!(found.verdict(), Verdict::Clear);
}
