use super::*;

/// A classifier of 1 x 4 x 4 images that knows what it wants: the nearest of ten images.
struct Wants {
    images: Vec<Vec<f32>>,
}

/// Digits that a generator of Lehmer (1951) draws.
fn drawn(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state * 48271 % 2_147_483_647;
        state as f32 / 2_147_483_647.0
    }
}

impl Wants {
    fn new() -> Self {
        let mut draw = drawn(7);
        Self { images: (0..10).map(|_| (0..16).map(|_| draw().powi(2)).collect()).collect() }
    }

    fn samples(&self, count: usize) -> Samples {
        let mut draw = drawn(11);
        let mut x = Vec::new();
        let mut y = Vec::new();
        for at in 0..count {
            y.push((at % 10) as i64);
            x.extend(
                self.images[at % 10].iter().map(|v| (v + 0.05 * (draw() - 0.5)).clamp(0.0, 1.0)),
            );
        }
        let (columns, classes) = (None, None);
        Samples { x, shape: vec![1, 4, 4], y: Some(y), columns, classes, source: String::new() }
    }

    /// Of data by a convention; in scores the distances.
    fn ask(&self, convention: &str, x: &[f32], scores: bool) -> Guess {
        let convention = Convention::new(&convention.parse().unwrap(), &[1, 4, 4]).unwrap();
        let images = self.images.iter().map(|image| convention.apply(image)).collect::<Vec<_>>();
        let mut guess = Guess::default();
        for sample in x.chunks_exact(16) {
            let far = images
                .iter()
                .map(|image| image.iter().zip(sample).map(|(a, b)| (a - b).powi(2)).sum::<f32>());
            let far = far.collect::<Vec<_>>();
            let near = (0..10).min_by(|&a, &b| far[a].total_cmp(&far[b])).unwrap();
            guess.labels.push(near as i64);
            guess.scores.extend(far.iter().filter(|_| scores).map(|far| -far));
        }
        guess
    }

    fn found(&self, convention: &str, shape: &[usize], count: usize, scores: bool) -> Found {
        let shape = shape.iter().map(|&size| Some(size)).collect::<Vec<_>>();
        find(&self.samples(count), &shape, &mut |x, _| Ok(self.ask(convention, x, scores))).unwrap()
    }
}

#[test]
fn conventions_are_found() {
    let wants = Wants::new();
    for scores in [true, false] {
        for text in ["none", "transpose", "invert"] {
            let found = wants.found(text, &[1, 4, 4], 300, scores);
            assert_eq!(found.spec.to_string(), text, "{:?}", found.tried);
        }
        for text in ["scale=16", "invert transpose", "mean=0.5 std=0.5 transpose"] {
            let found = wants.found(text, &[1, 4, 4], 300, scores);
            assert_eq!(found.right, 300, "{text} {:?}", found.tried);
            assert!(found.raw.unwrap() < 250);
        }
    }
    let found = wants.found("scale=16", &[1, 4, 4], 300, true);
    assert_eq!(found.spec.to_string(), "scale=16", "{found:?}");
    let found = wants.found("none", &[4, 4, 1], 300, true);
    assert_eq!((found.spec.to_string().as_str(), found.raw), ("layout=nhwc", None));
}

#[test]
fn few_samples_prove_nothing() {
    let wants = Wants::new();
    let found = wants.found("invert", &[1, 4, 4], 4, true);
    assert!(found.spec.is_none());
    assert_eq!(found.raw, Some(found.right));
}

#[test]
fn data_that_are_right_are_asked_once() {
    let wants = Wants::new();
    let mut asked = 0;
    let shape = [Some(1), Some(4), Some(4)];
    let found = find(&wants.samples(200), &shape, &mut |x, samples| {
        asked += samples;
        Ok(wants.ask("none", x, true))
    });
    assert!(found.unwrap().spec.is_none());
    assert_eq!(asked, 200);
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let wants = Wants::new();
    let mut ask = |x: &[f32], _: usize| Ok(wants.ask("none", x, true));
    let trouble = find(&wants.samples(5), &[Some(3), Some(4), Some(4)], &mut ask).unwrap_err();
    assert!(trouble.to_string().contains("[3, 4, 4]"), "{trouble}");
    let mut unlabelled = wants.samples(5);
    unlabelled.y = None;
    assert!(find(&unlabelled, &[Some(16)], &mut ask).unwrap_err().help.is_some());
}
