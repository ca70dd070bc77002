//! Proposals where the model gives gradients: for each class the lightest mask and the values under it that send
//! images there, after Wang et al., *Neural Cleanse* (IEEE S&P 2019), equations 2 and 3.
//!
//! Their index compares the weights of the masks and finds most honest models guilty. Here the mask only proposes
//! where to look: the pixels that weigh most, and the patches that hold most of the weight. They are then improved
//! and held against images that the search never saw as all other patterns are.

use modelward_engine::Result;

use super::{
    asked::Asked,
    pattern::{Form, Laid, Pattern},
    plan,
};
use crate::picture::Layout;

/// What was proposed, and with how many steps.
pub(super) struct Inverted {
    /// Of each class, patterns of several sizes.
    pub(super) patterns: Vec<Pattern>,
    /// Steps of the descent for each class, 0 where the budget is too small for all.
    pub(super) steps: usize,
}

/// Propose patterns; `None` where the model gives no gradient.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub(super) fn propose(asked: &mut Asked<'_>, images: &[usize]) -> Result<Option<Inverted>> {
    let layout = asked.laid.0;
    let pixels = layout.height * layout.width;
    let covered = COUNTS.into_iter().filter(|count| *count as f64 <= SMALL * pixels as f64);
    let covered =
        covered.map(Covered::Heaviest).chain(plan::sides(layout).skip(1).map(Covered::Patch));
    let covered = covered.collect::<Vec<_>>();
    let classes = asked.classes();
    // The values under each of the settled masks take a quarter as many steps as the mask.
    let affordable = |images: usize| {
        let each = asked.left() / (classes * images).max(1) as u64;
        let each = usize::try_from(each).unwrap_or(usize::MAX);
        (each.saturating_mul(4) / (4 + covered.len())).min(STEPS)
    };
    let counts = [IMAGES, IMAGES / 2].map(|count| count.min(images.len()));
    let [count, fewer] = counts;
    let count = if affordable(count) < STEPS / 2 { fewer } else { count };
    let (images, steps) = (&images[..count], affordable(count));
    if !asked.has_gradients() || covered.is_empty() {
        return Ok(None);
    }
    if steps < FEWEST_STEPS {
        return Ok(Some(Inverted { patterns: Vec::new(), steps: 0 }));
    }
    let mut patterns = Vec::new();
    for class in 0..classes {
        let others = images.iter().copied().filter(|image| asked.label(*image) != class);
        let others = others.collect::<Vec<_>>();
        if others.is_empty() {
            continue;
        }
        let mut trial = Trial::new(class, pixels, layout.channels);
        if !trial.weigh(asked, &others, steps)? {
            return Ok(None);
        }
        for covered in &covered {
            let mut hard = trial.settled(*covered, layout);
            hard.color(asked, &others, steps / 4)?;
            patterns.push(hard.pattern(&asked.laid, *covered));
        }
    }
    Ok(Some(Inverted { patterns, steps }))
}

/// Which pixels a settled mask covers.
#[derive(Clone, Copy)]
enum Covered {
    /// So many, those that weigh most.
    Heaviest(usize),
    /// The patch of such sides that weighs most.
    Patch(usize),
}

/// A mask and the values under it, on the way to one class. Both are held as logits: of the share that the mask
/// takes of each pixel, and of the place of each value in the range.
#[derive(Clone)]
struct Trial {
    class: usize,
    channels: usize,
    /// `[pixels]`
    mask: Descent,
    /// `[pixels, channels]`
    values: Descent,
    /// Pixels that are wholly covered, while all others are not: the mask is settled.
    settled: Option<Vec<usize>>,
}

impl Trial {
    fn new(class: usize, pixels: usize, channels: usize) -> Self {
        let mask = Descent::new(vec![THIN; pixels]);
        let values = Descent::new(vec![0.0; pixels * channels]);
        Self { class, channels, mask, values, settled: None }
    }

    /// Look for a light mask; false where the model gives no gradient.
    fn weigh(&mut self, asked: &mut Asked<'_>, images: &[usize], steps: usize) -> Result<bool> {
        let mut price = PRICE;
        for _ in 0..steps {
            let Some((moved, mask, values)) = self.slope(asked, images)? else { return Ok(false) };
            let count = mask.len() as f32;
            let priced = mask.iter().zip(&self.mask.at).map(|(slope, logit)| {
                let share = sigmoid(*logit);
                (slope + price / count) * share * (1.0 - share)
            });
            let priced = priced.collect::<Vec<_>>();
            self.mask.step(&priced);
            self.values.step(&values);
            // As long as images go there, lighter is better.
            price *= if moved >= ENOUGH { CHANGE } else { 1.0 / CHANGE };
        }
        Ok(true)
    }

    /// The same with a mask that covers some pixels wholly.
    fn settled(&self, covered: Covered, layout: Layout) -> Self {
        let mut settled = match covered {
            Covered::Heaviest(count) => {
                let mut order = (0..self.mask.at.len()).collect::<Vec<_>>();
                order.sort_by(|a, b| self.mask.at[*b].total_cmp(&self.mask.at[*a]).then(a.cmp(b)));
                order.truncate(count);
                order
            }
            Covered::Patch(side) => self.heaviest_patch(side, layout),
        };
        settled.sort_unstable();
        let values = Descent::new(self.values.at.clone());
        Self { settled: Some(settled), values, ..self.clone() }
    }

    /// The pixels of the patch that holds most of the weight.
    fn heaviest_patch(&self, side: usize, layout: Layout) -> Vec<usize> {
        let cells = |row: usize, column: usize| {
            (row..row + side)
                .flat_map(move |row| (column..column + side).map(move |at| row * layout.width + at))
        };
        let mut best = (f32::NEG_INFINITY, (0, 0));
        for row in 0..=layout.height.saturating_sub(side) {
            for column in 0..=layout.width.saturating_sub(side) {
                let weight =
                    cells(row, column).map(|pixel| sigmoid(self.mask.at[pixel])).sum::<f32>();
                if weight > best.0 {
                    best = (weight, (row, column));
                }
            }
        }
        let (row, column) = best.1;
        cells(row, column).collect()
    }

    /// Better values under a settled mask.
    fn color(&mut self, asked: &mut Asked<'_>, images: &[usize], steps: usize) -> Result<()> {
        for _ in 0..steps {
            let Some((moved, _, values)) = self.slope(asked, images)? else { return Ok(()) };
            if moved >= 1.0 {
                break;
            }
            self.values.step(&values);
        }
        Ok(())
    }

    /// The share of a pixel that the mask takes.
    fn share(&self, pixel: usize) -> f32 {
        match &self.settled {
            Some(settled) => f32::from(u8::from(settled.binary_search(&pixel).is_ok())),
            None => sigmoid(self.mask.at[pixel]),
        }
    }

    /// The share of images that are moved, and the slopes of the mean loss: by the share of each pixel, and by the
    /// logit of each value.
    fn slope(&self, asked: &mut Asked<'_>, images: &[usize]) -> Result<Option<Slopes>> {
        let Laid(layout, (low, high)) = asked.laid;
        let (channels, range) = (self.channels, high - low);
        let places = (0..layout.height).flat_map(|row| {
            (0..layout.width).flat_map(move |column| {
                (0..channels).map(move |channel| layout.at(channel, row, column))
            })
        });
        let places = places.collect::<Vec<_>>();
        let shares = (0..self.mask.at.len()).map(|pixel| self.share(pixel)).collect::<Vec<_>>();
        let values = self.values.at.iter().map(|logit| low + range * sigmoid(*logit));
        let values = values.collect::<Vec<_>>();
        let change = |image: &mut [f32]| {
            for (at, place) in places.iter().enumerate() {
                let pixel = &mut image[*place];
                *pixel += shares[at / channels] * (values[at] - *pixel);
            }
        };
        let Some((slopes, images)) = asked.slope(self.class, images, change)? else {
            return Ok(None);
        };
        let moved = slopes.answers.labels.iter().filter(|said| **said == self.class as i64);
        let moved = moved.count() as f32 / slopes.answers.labels.len().max(1) as f32;
        let (mut by_share, mut by_value) =
            (vec![0.0; shares.len()], vec![0.0; self.values.at.len()]);
        let features = slopes.gradients.len() / slopes.answers.labels.len().max(1);
        let rows = slopes.gradients.chunks_exact(features).zip(images.chunks_exact(features));
        for (gradient, image) in rows {
            for (at, place) in places.iter().enumerate() {
                let (pixel, slope) = (at / channels, gradient[*place]);
                let slope = if slope.is_finite() { slope } else { 0.0 };
                by_share[pixel] += slope * (values[at] - image[*place]);
                by_value[at] += slope * shares[pixel];
            }
        }
        let count = slopes.answers.labels.len().max(1) as f32;
        by_share.iter_mut().for_each(|slope| *slope /= count);
        for (slope, logit) in by_value.iter_mut().zip(&self.values.at) {
            let place = sigmoid(*logit);
            *slope *= range * place * (1.0 - place) / count;
        }
        Ok(Some((moved, by_share, by_value)))
    }

    /// The pattern under a settled mask.
    fn pattern(&self, laid: &Laid, covered: Covered) -> Pattern {
        let Laid(layout, (low, high)) = *laid;
        let settled = self.settled.as_deref().unwrap_or_default();
        let value = |pixel: usize, channel: usize| {
            low + (high - low) * sigmoid(self.values.at[pixel * self.channels + channel])
        };
        if let (Covered::Patch(side), Some(first)) = (covered, settled.first()) {
            let at = (first / layout.width, first % layout.width);
            return Pattern::new(Form::Patch, at, (side, side), layout, |row, column, channel| {
                value((at.0 + row) * layout.width + at.1 + column, channel)
            });
        }
        let cells = settled.iter().map(|pixel| (pixel / layout.width, pixel % layout.width));
        let values = settled
            .iter()
            .flat_map(|pixel| (0..self.channels).map(move |channel| value(*pixel, channel)));
        Pattern::scattered(cells.collect(), values.collect())
    }
}

/// The share of images that are moved; slopes by the shares of the mask and by the logits of the values.
type Slopes = (f32, Vec<f32>, Vec<f32>);

/// Numbers on their way down, by Adam (Kingma and Ba, ICLR 2015, algorithm 1).
#[derive(Clone)]
struct Descent {
    at: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    steps: i32,
}

impl Descent {
    fn new(at: Vec<f32>) -> Self {
        let zero = vec![0.0; at.len()];
        Self { first: zero.clone(), second: zero, at, steps: 0 }
    }

    fn step(&mut self, slopes: &[f32]) {
        self.steps += 1;
        let (beta1, beta2) = (0.5_f32, 0.9_f32);
        let (bias1, bias2) = (1.0 - beta1.powi(self.steps), 1.0 - beta2.powi(self.steps));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((at, slope), (first, second)) in self.at.iter_mut().zip(slopes).zip(moments) {
            *first = beta1 * *first + (1.0 - beta1) * slope;
            *second = beta2 * *second + (1.0 - beta2) * slope * slope;
            let next = RATE * (*first / bias1) / ((*second / bias2).sqrt() + 1e-8);
            *at = (*at - next).clamp(-FARTHEST, FARTHEST);
        }
    }
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Images that a step is taken on; half of them where they have to do.
const IMAGES: usize = 24;
/// Pixels of the patterns that are proposed.
const COUNTS: [usize; 2] = [4, 9];
/// The largest share of an image that they cover. A tenth of the pixels, chosen along the gradient, sends nearly all
/// images to any class of an honest model, which then says nothing.
const SMALL: f64 = 0.08;
/// Steps for each class, at most and at least.
const STEPS: usize = 60;
const FEWEST_STEPS: usize = 16;
/// How far a step goes, in logits: far, since there are few steps.
const RATE: f32 = 0.3;
/// The farthest logit: a share of 0.9997.
const FARTHEST: f32 = 8.0;
/// The logit that a mask begins with: an eighth of each pixel.
const THIN: f32 = -2.0;
/// What a mask over the whole image costs at first, in units of the loss; how it changes; and the share of images from
/// which on it grows.
const PRICE: f32 = 0.5;
const CHANGE: f32 = 1.2;
const ENOUGH: f32 = 0.9;
