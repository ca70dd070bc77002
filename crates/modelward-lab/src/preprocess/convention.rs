//! A convention for samples of one shape: what the model is given, and gradients on their way back.

use modelward_engine::{Kind, Result, Trouble};

use super::spec::{Layout, Number, Spec, Word};

/// A convention for samples of one shape.
#[derive(Clone, Debug)]
pub struct Convention {
    steps: Vec<Step>,
    width: usize,
    shape: Vec<usize>,
}

/// One step on one sample.
#[derive(Clone, Debug)]
enum Step {
    Multiply(f32),
    Divide(Each),
    Subtract(Each),
    /// 1 - x.
    Invert,
    /// From which place each number comes.
    Move(Vec<usize>),
}

/// A number for each channel.
#[derive(Clone, Debug)]
struct Each {
    values: Vec<f32>,
    /// How many neighbouring numbers share a channel.
    run: usize,
}

impl Each {
    fn of(&self, at: usize) -> f32 {
        self.values[at / self.run % self.values.len()]
    }
}

/// What is known of a sample as an image.
#[derive(Clone, Copy, Debug)]
struct Image {
    channels: usize,
    height: usize,
    width: usize,
    layout: Layout,
}

impl Image {
    /// The image that samples of a shape are: `[c, h, w]`, `[h, w, c]` or `[h, w]`.
    fn of(shape: &[usize], spec: &Spec) -> Option<Self> {
        let first = spec.words.iter().find_map(|word| match word {
            Word::Layout(layout) => Some(*layout),
            _ => None,
        });
        match *shape {
            [height, width] => {
                let layout = if first == Some(Layout::Nchw) { Layout::Nhwc } else { Layout::Nchw };
                Some(Self { channels: 1, height, width, layout })
            }
            [a, b, c] => {
                // A layout that is asked for is not the one that is there.
                let last = match first {
                    Some(asked) => asked == Layout::Nchw,
                    None => c <= 4 && a > 4,
                };
                Some(if last {
                    Self { channels: c, height: a, width: b, layout: Layout::Nhwc }
                } else {
                    Self { channels: a, height: b, width: c, layout: Layout::Nchw }
                })
            }
            _ => None,
        }
    }

    fn shape(self) -> Vec<usize> {
        match self.layout {
            Layout::Nchw => vec![self.channels, self.height, self.width],
            Layout::Nhwc => vec![self.height, self.width, self.channels],
        }
    }

    /// The place of a pixel's channel.
    fn place(self, channel: usize, row: usize, column: usize) -> usize {
        match self.layout {
            Layout::Nchw => (channel * self.height + row) * self.width + column,
            Layout::Nhwc => (row * self.width + column) * self.channels + channel,
        }
    }
}

impl Convention {
    /// Of samples of a shape.
    ///
    /// # Errors
    /// Where a word asks for channels, height or width that samples of this shape do not have.
    pub fn new(spec: &Spec, sample: &[usize]) -> Result<Self> {
        let width = sample.iter().product();
        let mut image = Image::of(sample, spec);
        let mut steps = Vec::with_capacity(spec.words.len());
        let wrong = |why: String| Trouble::new(Kind::Input, why);
        let mut moved = false;
        for word in &spec.words {
            match word {
                Word::Scale(above, below) => {
                    if above.value() != 1.0 {
                        steps.push(Step::Multiply(above.value()));
                    }
                    if let Some(below) = below {
                        steps.push(Step::Divide(Each { values: vec![below.value()], run: 1 }));
                    }
                }
                Word::Mean(means) => steps.push(Step::Subtract(each(means, sample, image)?)),
                Word::Std(stds) => steps.push(Step::Divide(each(stds, sample, image)?)),
                Word::Invert => steps.push(Step::Invert),
                Word::Layout(_) | Word::Transpose => {
                    let Some(from) = image else {
                        return Err(wrong(format!(
                            "`{word}` needs images [channels, height, width], got {sample:?}"
                        )));
                    };
                    let to = match word {
                        Word::Layout(layout) if *layout == from.layout => {
                            return Err(wrong(format!("`{word}`: it is already so")));
                        }
                        Word::Layout(layout) => Image { layout: *layout, ..from },
                        _ => Image { height: from.width, width: from.height, ..from },
                    };
                    let turned = matches!(word, Word::Transpose);
                    steps.push(Step::Move(places(from, to, turned)));
                    image = Some(to);
                    moved = true;
                }
            }
        }
        let shape = image.filter(|_| moved).map_or_else(|| sample.to_vec(), Image::shape);
        Ok(Self { steps, width, shape })
    }

    /// The shape of one sample as the model is given it.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether the model is given samples as they are.
    pub fn is_plain(&self) -> bool {
        self.steps.is_empty()
    }

    /// What the model is given for a batch `[n, sample]` of the user's.
    ///
    /// Each step is done in `f32`, as pipelines do it.
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut values = x.to_vec();
        let mut spare = Vec::new();
        for sample in values.chunks_mut(self.width.max(1)) {
            for step in &self.steps {
                match step {
                    Step::Multiply(by) => sample.iter_mut().for_each(|value| *value *= by),
                    Step::Divide(by) => {
                        for (at, value) in sample.iter_mut().enumerate() {
                            *value /= by.of(at);
                        }
                    }
                    Step::Subtract(from) => {
                        for (at, value) in sample.iter_mut().enumerate() {
                            *value -= from.of(at);
                        }
                    }
                    Step::Invert => sample.iter_mut().for_each(|value| *value = 1.0 - *value),
                    Step::Move(places) => {
                        spare.clear();
                        spare.extend(places.iter().map(|&place| sample[place]));
                        sample.copy_from_slice(&spare);
                    }
                }
            }
        }
        values
    }

    /// The gradient by the user's batch of what has this gradient by the model's.
    pub fn pull_back(&self, gradient: &[f32]) -> Vec<f32> {
        let mut values = gradient.to_vec();
        let mut spare = Vec::new();
        for sample in values.chunks_mut(self.width.max(1)) {
            for step in self.steps.iter().rev() {
                match step {
                    Step::Multiply(by) => sample.iter_mut().for_each(|value| *value *= by),
                    Step::Divide(by) => {
                        for (at, value) in sample.iter_mut().enumerate() {
                            *value /= by.of(at);
                        }
                    }
                    Step::Subtract(_) => {}
                    Step::Invert => sample.iter_mut().for_each(|value| *value = -*value),
                    Step::Move(places) => {
                        spare.clear();
                        spare.extend_from_slice(sample);
                        for (&place, &value) in places.iter().zip(&spare) {
                            sample[place] = value;
                        }
                    }
                }
            }
        }
        values
    }

    /// The box that holds what the model is given for every `f32` point of a box of the user's.
    ///
    /// Every step rises or falls with its number, in `f32` too, so the images of the corners are the
    /// corners: this is exact, and a certificate for it holds in the user's space.
    pub fn apply_box(&self, low: &[f32], high: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (low, high) = (self.apply(low), self.apply(high));
        let both = low.into_iter().zip(high);
        both.map(|(low, high)| (low.min(high), low.max(high))).unzip()
    }
}

/// One number for all, or one for each channel; for each column of a table.
fn each(numbers: &[Number], sample: &[usize], image: Option<Image>) -> Result<Each> {
    let values = numbers.iter().map(Number::value).collect::<Vec<_>>();
    let (channels, run) = match (image, sample) {
        _ if values.len() == 1 => (1, 1),
        (Some(Image { channels, height, width, layout: Layout::Nchw }), _) => {
            (channels, height * width)
        }
        (Some(Image { channels, layout: Layout::Nhwc, .. }), _) => (channels, 1),
        (None, &[columns]) => (columns, 1),
        (None, &[channels, ref rest @ ..]) => (channels, rest.iter().product()),
        (None, []) => (1, 1),
    };
    if values.len() != channels {
        let (expected, got) = (channels, values.len());
        return Err(Trouble::new(
            Kind::Input,
            format!("expected 1 number or {expected}, one a channel, got {got}"),
        ));
    }
    Ok(Each { values, run: run.max(1) })
}

/// For each place of an image, the place in another form of it; `turned` exchanges rows and columns.
fn places(from: Image, to: Image, turned: bool) -> Vec<usize> {
    let mut places = vec![0; to.channels * to.height * to.width];
    for channel in 0..to.channels {
        for row in 0..to.height {
            for column in 0..to.width {
                let (y, x) = if turned { (column, row) } else { (row, column) };
                places[to.place(channel, row, column)] = from.place(channel, y, x);
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn convention(text: &str, shape: &[usize]) -> Convention {
        Convention::new(&text.parse().unwrap(), shape).unwrap()
    }

    #[test]
    fn words_are_applied_in_their_order() {
        let x = [0.0, 51.0, 102.0, 255.0];
        let given = convention("scale=1/255 mean=0.2 std=0.5", &[4]).apply(&x);
        assert_eq!(given, x.map(|x| (x / 255.0 - 0.2) / 0.5));
        assert_eq!(convention("scale=16", &[4]).apply(&x)[1], 816.0);
        assert_eq!(convention("invert scale=2", &[1]).apply(&[0.25]), [1.5]);
    }

    #[test]
    fn images_are_moved_about() {
        let x = (0..12_u8).map(f32::from).collect::<Vec<_>>();
        let last = convention("layout=nhwc", &[2, 2, 3]);
        assert_eq!(last.shape(), [2, 3, 2]);
        assert_eq!(last.apply(&x), [0., 6., 1., 7., 2., 8., 3., 9., 4., 10., 5., 11.]);
        let back = convention("layout=nchw", &[2, 3, 2]);
        assert_eq!(back.apply(&last.apply(&x)), x);
        let turned = convention("transpose", &[2, 2, 3]);
        assert_eq!(turned.shape(), [2, 3, 2]);
        assert_eq!(turned.apply(&x), [0., 3., 1., 4., 2., 5., 6., 9., 7., 10., 8., 11.]);
        // Channels are where the layout has put them.
        let after = convention("layout=nhwc mean=0:6", &[2, 2, 3]).apply(&x);
        assert_eq!(after, convention("mean=0:6 layout=nhwc", &[2, 2, 3]).apply(&x));
        assert_eq!(after[..4], [0., 0., 1., 1.]);
    }

    #[test]
    fn what_a_shape_has_not_is_refused() {
        for (text, shape) in [
            ("transpose", &[4][..]),
            ("mean=1:2:3", &[2, 2, 2]),
            ("mean=1:2", &[3]),
            ("layout=nhwc layout=nhwc", &[1, 2, 2]),
        ] {
            assert!(Convention::new(&text.parse().unwrap(), shape).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn gradients_come_back_as_they_went(
            words in prop::sample::subsequence(
                vec!["scale=1/4", "mean=0.5:0.25", "std=0.5:2", "layout=nhwc", "transpose", "invert"], 0..6)
                .prop_shuffle(),
            x in prop::collection::vec(-8_i8..8, 24), step in prop::collection::vec(-8_i8..8, 24),
            gradient in prop::collection::vec(-8_i8..8, 24))
        {
            let spec = if words.is_empty() { "none".to_owned() } else { words.join(" ") };
            let convention = convention(&spec, &[2, 2, 3]);
            let floats = |values: &[i8]| values.iter().map(|&v| f32::from(v)).collect::<Vec<_>>();
            let (x, step, gradient) = (floats(&x), floats(&step), floats(&gradient));
            // All numbers are small dyadic ones, so sums are exact: <g, f(x + s) - f(x)> = <f'(g), s>.
            let moved = x.iter().zip(&step).map(|(x, s)| x + s).collect::<Vec<_>>();
            let (before, after) = (convention.apply(&x), convention.apply(&moved));
            let forward: f32 =
                gradient.iter().zip(before.iter().zip(&after)).map(|(g, (b, a))| g * (a - b)).sum();
            let back: f32 =
                convention.pull_back(&gradient).iter().zip(&step).map(|(g, s)| g * s).sum();
            prop_assert_eq!(forward, back);
            // Two samples of twelve numbers each went through at once.
            prop_assert_eq!(convention.apply(&x[12..]), &before[12..]);
        }

        #[test]
        fn boxes_hold_their_points(
            low in prop::collection::vec(-2.0_f32..2.0, 4), width in prop::collection::vec(0.0_f32..1.0, 4),
            part in prop::collection::vec(0.0_f32..1.0, 4))
        {
            let convention = convention("scale=-1.7/3 mean=0.1307 std=0.3081 invert transpose", &[2, 2]);
            let high = low.iter().zip(&width).map(|(l, w)| l + w).collect::<Vec<_>>();
            let point = low.iter().zip(&high).zip(&part).map(|((l, h), p)| (l + p * (h - l)).clamp(*l, *h));
            let given = convention.apply(&point.collect::<Vec<_>>());
            let (low, high) = convention.apply_box(&low, &high);
            for ((low, high), given) in low.iter().zip(&high).zip(&given) {
                prop_assert!(low <= given && given <= high);
            }
        }
    }
}
