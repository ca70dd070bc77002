//! A second opinion where the model gives gradients: for each class the lightest mask and the values under it
//! that send images there, after Wang et al., *Neural Cleanse* (IEEE S&P 2019), equations 2 and 3.
//!
//! Their index compares the weights of the masks and finds most honest models guilty. Here the mask only proposes
//! pixels, wherever they lie; patterns of the same number of pixels are then held to images that the search
//! never saw, class against class, as all others are.

use modelward_engine::Result;

use super::{
    asked::Asked,
    pattern::{Laid, Pattern},
};

/// What was proposed, and with how many steps.
pub(super) struct Inverted {
    /// For each number of pixels, a pattern of each class.
    pub(super) groups: Vec<Vec<(usize, Pattern)>>,
    /// Steps of the descent for each class.
    pub(super) steps: usize,
}

/// Propose patterns; `None` where the model gives no gradient, or the budget is too small for all classes.
///
/// # Errors
/// Where the model cannot be run, or the budget or the time is spent.
pub(super) fn propose(asked: &mut Asked<'_>, images: &[usize]) -> Result<Option<Inverted>> {
    let images = &images[..images.len().min(IMAGES)];
    let layout = asked.laid.0;
    let pixels = layout.height * layout.width;
    let counts = COUNTS.into_iter().filter(|count| *count as f64 <= SMALL * pixels as f64);
    let counts = counts.collect::<Vec<_>>();
    let classes = asked.classes();
    let affordable = asked.left() / (classes * images.len().max(1)) as u64;
    // The values under each of the settled masks take half as many as the mask.
    let affordable = usize::try_from(affordable).unwrap_or(usize::MAX);
    let steps = affordable.saturating_mul(2) / (2 + counts.len());
    let steps = steps.min(STEPS);
    if steps < FEWEST_STEPS || counts.is_empty() {
        return Ok(None);
    }
    let mut groups = vec![Vec::new(); counts.len()];
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
        for (group, count) in groups.iter_mut().zip(&counts) {
            let mut hard = trial.hardened(*count);
            hard.color(asked, &others, steps / 2)?;
            group.push((class, hard.pattern(&asked.laid)));
        }
    }
    Ok(Some(Inverted { groups, steps }))
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

    /// The same with a mask of the heaviest pixels alone.
    fn hardened(&self, count: usize) -> Self {
        let mut order = (0..self.mask.at.len()).collect::<Vec<_>>();
        order.sort_by(|a, b| self.mask.at[*b].total_cmp(&self.mask.at[*a]).then(a.cmp(b)));
        order.truncate(count);
        order.sort_unstable();
        let values = Descent::new(self.values.at.clone());
        Self { settled: Some(order), values, ..self.clone() }
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
    fn pattern(&self, laid: &Laid) -> Pattern {
        let Laid(layout, (low, high)) = *laid;
        let settled = self.settled.as_deref().unwrap_or_default();
        let cells = settled.iter().map(|pixel| (pixel / layout.width, pixel % layout.width));
        let values = settled.iter().flat_map(|pixel| {
            let logits = &self.values.at[pixel * self.channels..][..self.channels];
            logits.iter().map(|logit| low + (high - low) * sigmoid(*logit))
        });
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

/// Images that a step is taken on.
const IMAGES: usize = 40;
/// Pixels of the patterns that are proposed.
const COUNTS: [usize; 3] = [4, 9, 16];
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
