//! Asking the model for what images with a pattern are, within a budget.

use std::time::Instant;

use modelward_engine::{Kind, Result, Trouble};

use super::{
    Question,
    pattern::{Laid, Pattern},
};
use crate::{
    picture::Layout,
    statistics::normal_quantile,
    victim::{Gives, Slope, Slopes, Victim},
};

/// The model, the images, and what was asked so far.
pub(super) struct Asked<'a> {
    victim: &'a mut dyn Victim,
    question: &'a Question<'a>,
    pub(super) laid: Laid,
    queries: u64,
    /// The most that may be asked until the next search, and until when.
    most: u64,
    end: Option<Instant>,
    /// By how much the right class leads in each image that the model knows.
    known: Vec<f32>,
    batch: Vec<f32>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(
        victim: &'a mut dyn Victim,
        question: &'a Question<'a>,
        layout: Layout,
    ) -> Self {
        let laid = Laid(layout, question.range);
        Self {
            victim,
            question,
            laid,
            queries: 0,
            most: question.queries,
            end: question.deadline,
            known: Vec::new(),
            batch: Vec::new(),
        }
    }

    pub(super) fn classes(&self) -> usize {
        self.victim.classes()
    }

    pub(super) fn queries(&self) -> u64 {
        self.queries
    }

    pub(super) fn has_gradients(&self) -> bool {
        self.victim.gives() == Gives::Gradients
    }

    /// Let this share of what the whole budget has left be spent from here on.
    pub(super) fn allow(&mut self, share: f64) {
        let left = self.question.queries.saturating_sub(self.queries);
        self.most = self.queries + (left as f64 * share) as u64;
    }

    /// Let this share of the time that is left be taken from here on.
    pub(super) fn hurry(&mut self, share: f64) {
        self.end = self.question.deadline.map(|deadline| {
            let now = Instant::now();
            now + deadline.saturating_duration_since(now).mul_f64(share)
        });
    }

    /// An image.
    pub(super) fn image(&self, image: usize) -> &[f32] {
        let features = self.victim.features();
        &self.question.x[image * features..][..features]
    }

    /// Which of these images the model knows.
    ///
    /// # Errors
    /// Where the model cannot be run, or the budget is spent.
    pub(super) fn known(&mut self, images: &[usize]) -> Result<Vec<usize>> {
        self.spend(images.len())?;
        let mut known = Vec::new();
        for some in images.chunks(BATCH) {
            self.batch.clear();
            for image in some {
                let features = self.victim.features();
                self.batch.extend_from_slice(&self.question.x[image * features..][..features]);
            }
            let answers = self.victim.ask(&self.batch)?;
            let classes = self.victim.classes();
            for (row, (&at, &said)) in some.iter().zip(&answers.labels).enumerate() {
                let label = self.label(at);
                if label as i64 == said {
                    known.push(at);
                    self.known
                        .extend(row_of(&answers.scores, row, classes).map(|row| lead(row, label)));
                }
            }
        }
        Ok(known)
    }

    /// The class of an image.
    pub(super) fn label(&self, image: usize) -> usize {
        self.question.labels[image]
    }

    /// How many images may still be sent.
    pub(super) fn left(&self) -> u64 {
        self.most.saturating_sub(self.queries)
    }

    /// Whether there is still time.
    fn in_time(&self) -> Result<()> {
        match self.end {
            Some(end) if Instant::now() > end => Err(Trouble::new(Kind::Limit, LATE)),
            _ => Ok(()),
        }
    }

    /// Count images that are sent next.
    fn spend(&mut self, images: usize) -> Result<()> {
        let queries = self.queries.saturating_add(images as u64);
        self.in_time()?;
        if queries > self.most {
            return Err(Trouble::new(Kind::Limit, OVER));
        }
        self.queries = queries;
        Ok(())
    }

    /// Slopes of the cross-entropy against a class at images that are changed, with the images as they were; `None`
    /// where the model gives none.
    ///
    /// # Errors
    /// Where the model cannot be run, or the budget is spent.
    pub(super) fn slope(
        &mut self,
        class: usize,
        images: &[usize],
        change: impl Fn(&mut [f32]),
    ) -> Result<Option<(Slopes, Vec<f32>)>> {
        self.spend(images.len())?;
        let features = self.victim.features();
        let plain =
            images.iter().flat_map(|image| &self.question.x[image * features..][..features]);
        let plain = plain.copied().collect::<Vec<_>>();
        self.batch.clone_from(&plain);
        self.batch.chunks_exact_mut(features).for_each(change);
        let labels = vec![class; images.len()];
        let slopes = self.victim.slope(Slope::CrossEntropy(&labels), &self.batch)?;
        Ok(slopes.map(|slopes| (slopes, plain)))
    }

    /// For each pattern, how many of these images of other classes are moved to each class.
    ///
    /// # Errors
    /// Where the model cannot be run, or the budget is spent.
    pub(super) fn moved(
        &mut self,
        patterns: &[Pattern],
        images: &[usize],
    ) -> Result<Vec<Vec<u32>>> {
        let (classes, labels) = (self.victim.classes(), self.question.labels);
        let mut counts = Vec::with_capacity(patterns.len());
        self.lay(patterns, images, |said, _| {
            let mut count = vec![0; classes];
            for (&image, &said) in images.iter().zip(said) {
                if let Some(class) =
                    usize::try_from(said).ok().filter(|said| *said != labels[image])
                    && let Some(count) = count.get_mut(class)
                {
                    *count += 1;
                }
            }
            counts.push(count);
        })?;
        Ok(counts)
    }

    /// For each pattern, how far it moves these images to a class: none of them are of that class.
    ///
    /// # Errors
    /// Where the model cannot be run, or the budget is spent.
    pub(super) fn reach(
        &mut self,
        patterns: &[Pattern],
        images: &[usize],
        class: usize,
    ) -> Result<Vec<Reach>> {
        let (classes, unit) = (self.victim.classes(), self.unit());
        let mut all = Vec::with_capacity(patterns.len());
        self.lay(patterns, images, |said, scores| {
            let moved = said.iter().filter(|said| **said == class as i64).count() as u64;
            let mut leads = Vec::new();
            if let Some(unit) = unit {
                let scores = scores.chunks_exact(classes);
                leads.extend(
                    scores.map(|scores| (lead(scores, class) / unit).clamp(-FARTHEST, FARTHEST)),
                );
                leads.sort_unstable_by(f32::total_cmp);
            }
            all.push(Reach { moved, of: said.len() as u64, leads });
        })?;
        Ok(all)
    }

    /// How sure the model is of clean images: the median of the leads of the right class. `None` where it gives labels
    /// alone.
    fn unit(&mut self) -> Option<f32> {
        self.known.sort_unstable_by(f32::total_cmp);
        let unit = self.known.get(self.known.len() / 2).copied();
        unit.filter(|unit| unit.is_finite() && *unit > 0.0)
    }

    /// Lay each pattern over all of these images, and take what the model says of them: labels and scores, a
    /// pattern at a time.
    fn lay(
        &mut self,
        patterns: &[Pattern],
        images: &[usize],
        mut take: impl FnMut(&[i64], &[f32]),
    ) -> Result<()> {
        self.spend(patterns.len() * images.len())?;
        if images.is_empty() {
            patterns.iter().for_each(|_| take(&[], &[]));
            return Ok(());
        }
        let (classes, features) = (self.victim.classes(), self.victim.features());
        let together = (BATCH.min(NUMBERS / features.max(1)) / images.len()).max(1);
        for some in patterns.chunks(together) {
            self.in_time()?;
            self.batch.clear();
            for pattern in some {
                for &image in images {
                    let from = self.batch.len();
                    let pixels = &self.question.x[image * features..][..features];
                    self.batch.extend_from_slice(pixels);
                    pattern.lay(&mut self.batch[from..], &self.laid);
                }
            }
            let answers = self.victim.ask(&self.batch)?;
            for (at, said) in answers.labels.chunks_exact(images.len()).enumerate() {
                let scores = row_of(&answers.scores, at, classes * images.len());
                take(said, scores.unwrap_or_default());
            }
        }
        Ok(())
    }
}

/// How far a pattern moves images to a class.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// How many are moved.
    pub(super) moved: u64,
    /// How many there are.
    pub(super) of: u64,
    /// By how much the class leads in each, in units of what the right class of clean images leads by, from the
    /// least on. Empty where the model gives labels alone.
    leads: Vec<f32>,
}

impl Reach {
    /// By how much the class leads, but for this share of the images. Labels alone tell it as far as leads are normal, and clean
    /// ones [`SPREAD`] deviations.
    pub(super) fn lead(&self, but: f64) -> f64 {
        if let Some(lead) = self.leads.get((self.leads.len() as f64 * but) as usize) {
            return f64::from(*lead);
        }
        if self.of == 0 {
            return f64::from(-FARTHEST);
        }
        let share = (self.moved as f64 + 0.5) / (self.of as f64 + 1.0);
        (normal_quantile(share) + normal_quantile(but)) / SPREAD
    }

    /// The share of images that are moved.
    pub(super) fn share(&self) -> f64 {
        self.moved as f64 / self.of.max(1) as f64
    }
}

/// By how much a class leads all others; none does where a score is no number.
fn lead(scores: &[f32], class: usize) -> f32 {
    if !scores.iter().all(|score| score.is_finite()) {
        return f32::NEG_INFINITY;
    }
    let others = scores.iter().enumerate().filter(|(other, _)| *other != class);
    let others = others.map(|(_, score)| *score).fold(f32::NEG_INFINITY, f32::max);
    scores.get(class).map_or(f32::NEG_INFINITY, |score| score - others)
}

/// A row of so many columns.
fn row_of<T>(all: &[T], row: usize, columns: usize) -> Option<&[T]> {
    all.get(row * columns..).and_then(|rest| rest.get(..columns))
}

/// Images that are sent at once.
const BATCH: usize = 512;
/// The most numbers that are sent at once, beside those of one pattern over all images.
const NUMBERS: usize = 1 << 24;
/// How far clean images are from another class, in deviations of the leads.
const SPREAD: f64 = 2.0;
/// The farthest lead either way, in units of what clean images have.
const FARTHEST: f32 = 10.0;
/// What is said where the time is up.
pub(super) const LATE: &str = "the time of the search is up";
/// What is said where the budget is spent.
pub(super) const OVER: &str = "the budget of the search is spent";
