//! Asking the model for what images with a pattern are, within a budget.

use modelward_engine::{Kind, Result, Trouble};

use super::{
    Question,
    pattern::{Laid, Pattern},
};
use crate::{
    picture::Layout,
    victim::{Gives, Slope, Slopes, Victim},
};

/// The model, the images, and what was asked so far.
pub(super) struct Asked<'a> {
    victim: &'a mut dyn Victim,
    question: &'a Question<'a>,
    pub(super) laid: Laid,
    queries: u64,
    /// The most that may be asked until the next search.
    most: u64,
    batch: Vec<f32>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(
        victim: &'a mut dyn Victim,
        question: &'a Question<'a>,
        layout: Layout,
    ) -> Self {
        let laid = Laid(layout, question.range);
        Self { victim, question, laid, queries: 0, most: question.queries, batch: Vec::new() }
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
            let said = self.victim.ask(&self.batch)?.labels;
            let right = some.iter().zip(said).filter(|(at, said)| self.label(**at) as i64 == *said);
            known.extend(right.map(|(at, _)| *at));
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

    /// Count images that are sent next.
    fn spend(&mut self, images: usize) -> Result<()> {
        let queries = self.queries.saturating_add(images as u64);
        let is_late = self.question.deadline.is_some_and(|end| std::time::Instant::now() > end);
        if is_late {
            return Err(Trouble::new(Kind::Limit, LATE));
        }
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
        self.spend(patterns.len() * images.len())?;
        let (classes, features) = (self.victim.classes(), self.victim.features());
        let mut counts = Vec::with_capacity(patterns.len());
        if images.is_empty() {
            return Ok(vec![vec![0; classes]; patterns.len()]);
        }
        let together = (BATCH / images.len()).max(1);
        for some in patterns.chunks(together) {
            self.batch.clear();
            for pattern in some {
                for &image in images {
                    let from = self.batch.len();
                    let pixels = &self.question.x[image * features..][..features];
                    self.batch.extend_from_slice(pixels);
                    pattern.lay(&mut self.batch[from..], &self.laid);
                }
            }
            let said = self.victim.ask(&self.batch)?.labels;
            for said in said.chunks_exact(images.len()) {
                let mut count = vec![0; classes];
                for (&image, &said) in images.iter().zip(said) {
                    let label = self.question.labels[image];
                    if let Some(class) = usize::try_from(said).ok().filter(|said| *said != label)
                        && let Some(count) = count.get_mut(class)
                    {
                        *count += 1;
                    }
                }
                counts.push(count);
            }
        }
        Ok(counts)
    }

    /// How many of these images a pattern moves to a class, and how many there are of other classes.
    ///
    /// # Errors
    /// Where the model cannot be run, or the budget is spent.
    pub(super) fn moved_to(
        &mut self,
        pattern: &Pattern,
        images: &[usize],
        target: usize,
    ) -> Result<(u64, u64)> {
        let others = images.iter().copied().filter(|&at| self.question.labels[at] != target);
        let others = others.collect::<Vec<_>>();
        let counts = self.moved(std::slice::from_ref(pattern), &others)?;
        let moved = counts.first().map_or(0, |count| u64::from(count[target]));
        Ok((moved, others.len() as u64))
    }
}

/// Images that are sent at once.
const BATCH: usize = 512;
/// What is said where the time is up.
pub(super) const LATE: &str = "the time of the search is up";
/// What is said where the budget is spent.
pub(super) const OVER: &str = "the budget of the search is spent";
