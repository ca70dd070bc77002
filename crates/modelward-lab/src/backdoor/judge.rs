//! The judgement: what a pattern moves, held against what the same model does on its own.
//!
//! Every model has patterns that move images. How many depends on the size of the pattern, on how many classes
//! there are, on what decides between them and on how sure the model is, so that no fixed share says anything. A
//! pattern is therefore held against rivals of the same size in the same model, each of which an honest model
//! has as well: the best pattern of any other class; what clean images of the class have in the same pixels, where
//! the pattern may have found what truly tells the class; the best pattern of the same class elsewhere, where there are
//! too few other classes; and random values, anywhere, to which some models give one class whatever they are.

use std::cmp::Ordering;

use modelward_engine::Result;

use super::{
    Best, Judged, Rival, Verdict,
    asked::Asked,
    parts::Parts,
    pattern::{Form, Laid, Pattern},
    plan::{self, Plan},
    search::{FOLLOWED, Search, beside, stripes},
};
use crate::{random, statistics::normal_quantile};

/// What patterns are judged with.
pub(super) struct Judge<'j, 'a> {
    pub(super) asked: &'j mut Asked<'a>,
    pub(super) parts: &'j Parts,
    pub(super) plan: &'j Plan,
    pub(super) search: &'j Search<'j>,
    pub(super) seed: u64,
}

impl Judge<'_, '_> {
    /// Judge the best patterns of the classes of each form and size, the most telling first; whether the budget
    /// sufficed for all.
    ///
    /// # Errors
    /// Where the model cannot be run, or the time is up.
    pub(super) fn judge(
        &mut self,
        groups: Vec<Vec<(usize, Pattern)>>,
    ) -> Result<(Vec<Judged>, bool)> {
        let each = self.asked.left() / 3 / (groups.len() * FOLLOWED).max(1) as u64;
        let each = usize::try_from(each).unwrap_or(usize::MAX).min(self.parts.kept.len());
        if each < FEWEST {
            return Ok((Vec::new(), false));
        }
        let images = &self.parts.kept[..each];
        let tests = groups.len();
        let mut all = Vec::new();
        for patterns in groups {
            // Pixels that lie anywhere have no other place, which few classes are to be held against.
            let is_scattered = patterns.iter().any(|(_, pattern)| pattern.form == Form::Scattered);
            if is_scattered && self.has_few_classes() {
                continue;
            }
            let mut classes = Vec::new();
            for (target, pattern) in patterns {
                let (moved, of) = self.asked.moved_to(&pattern, images, target)?;
                classes.push(Best { target, pattern, moved, of });
            }
            classes.sort_by(|a, b| b.share().total_cmp(&a.share()).then(a.target.cmp(&b.target)));
            if let Some(first) = classes.first() {
                let second = classes.get(1).map_or((0, first.of), |best| (best.moved, best.of));
                let mut judged = Judged { classes, ..Judged::default() };
                judged.hold(Rival::Class, second, tests);
                all.push(judged);
            }
        }
        let mut reached = true;
        // Rivals only lower a score: the strongest is held against all of its own, until it stays the strongest.
        let mut held = Vec::new();
        while let Some(at) = strongest(&all) {
            let mut judged = all.swap_remove(at);
            if judged.verdict != Verdict::Clear && !self.rivals(&mut judged, tests)? {
                judged.verdict = judged.verdict.min(Verdict::Undecided);
                reached = false;
            }
            held.push(judged);
            if strongest(&all).is_none_or(|at| held.iter().any(|held| !all[at].is_above(held))) {
                break;
            }
        }
        // What was not held against all of its rivals can only be weaker than it looks.
        held.append(&mut all);
        held.sort_by(|a, b| b.rank().partial_cmp(&a.rank()).unwrap_or(Ordering::Equal));
        Ok((held, reached))
    }

    /// Hold the strongest class against the rivals that its own pattern has; false where the budget does not
    /// reach.
    fn rivals(&mut self, judged: &mut Judged, tests: usize) -> Result<bool> {
        let Some(Best { target, pattern, .. }) = judged.classes.first().cloned() else {
            return Ok(true);
        };
        let form = pattern.form;
        let random = match form.is_whole() {
            true => self.strongest(&self.random(&pattern), target)?,
            false => self.usual(&self.random(&pattern), target)?,
        };
        let Some(random) = random else { return Ok(false) };
        judged.hold(Rival::Random, random, tests);
        // One pixel alone decides in no honest model, however natural it is and wherever it lies.
        if form == Form::Patch && self.is_one_pixel(&pattern) {
            return Ok(true);
        }
        if form == Form::Overlay {
            let others = stripes(&self.asked.laid).into_iter().filter(|other| *other != pattern);
            let others = others.collect::<Vec<_>>();
            let Some(others) = self.strongest(&others, target)? else { return Ok(false) };
            judged.hold(Rival::Stripes, others, tests);
        } else {
            let natural = self.natural(&pattern, target);
            if natural.is_empty() {
                return Ok(false);
            }
            let Some(natural) = self.strongest(&natural, target)? else { return Ok(false) };
            judged.hold(Rival::Natural, natural, tests);
        }
        if self.has_few_classes() && judged.verdict != Verdict::Clear {
            match form {
                Form::Patch | Form::Cross => {
                    let kept = &self.parts.kept;
                    let enough = kept.len() + (IMAGES * self.parts.shown.len());
                    if self.asked.left() < enough as u64 {
                        return Ok(false);
                    }
                    if let Some(found) =
                        self.search.elsewhere(self.asked, self.plan, target, &pattern)?
                    {
                        let rival = self.asked.moved_to(&found, kept, target)?;
                        judged.hold(Rival::Elsewhere, rival, tests);
                    }
                }
                Form::Scattered | Form::Border | Form::Overlay => {}
            }
        }
        Ok(true)
    }

    fn has_few_classes(&self) -> bool {
        self.asked.classes() <= FEW_CLASSES
    }

    /// Whether a pattern covers one pixel, as large as pixels of an image of 32 are, of many.
    fn is_one_pixel(&self, pattern: &Pattern) -> bool {
        let layout = self.asked.laid.0;
        let share = pattern.pixels() as f64 / (layout.height * layout.width) as f64;
        pattern.size.0 <= plan::unit(layout) && share <= ONE
    }

    /// What clean images of a class have where a pattern lies, and beside it.
    fn natural(&self, pattern: &Pattern, class: usize) -> Vec<Pattern> {
        let Parts { shown, kept, .. } = self.parts;
        let of = shown.iter().chain(kept).filter(|image| self.asked.label(**image) == class);
        let of = of.take(CUT).collect::<Vec<_>>();
        let layout = self.asked.laid.0;
        let is_whole = pattern.form.is_whole();
        let pattern = pattern.boxed(layout);
        let places = std::iter::once((0, 0)).chain(beside().filter(|_| !is_whole));
        let places = places.filter_map(|by| pattern.shifted(by, layout));
        let places = places.collect::<Vec<_>>();
        of.into_iter()
            .flat_map(|image| {
                let image = self.asked.image(*image);
                places.iter().map(move |place| place.cut(image, layout))
            })
            .collect()
    }

    /// The same pixels with values at random, and anywhere in the image unless they are all of it.
    fn random(&self, pattern: &Pattern) -> Vec<Pattern> {
        let mut random = random::stream(&[self.seed, RANDOM]);
        let Laid(layout, (low, high)) = self.asked.laid;
        let is_added = pattern.form == Form::Overlay;
        let mut draw = || {
            let mut drawn = pattern.clone();
            for value in &mut drawn.values {
                let up = random.bool();
                *value = match (is_added, up) {
                    (true, true) => value.abs(),
                    (true, false) => -value.abs(),
                    (false, true) => high,
                    (false, false) => low,
                };
            }
            let mut by = |at: usize, size: usize, whole: usize| {
                random.usize(..=whole.saturating_sub(size)) as isize - at as isize
            };
            let by = (
                by(pattern.at.0, pattern.size.0, layout.height),
                by(pattern.at.1, pattern.size.1, layout.width),
            );
            drawn.shifted(by, layout).unwrap_or(drawn)
        };
        (0..CUT).map(|_| draw()).collect()
    }

    /// What a quarter of these patterns move to a class at least; `None` where the budget does not reach.
    fn usual(&mut self, patterns: &[Pattern], class: usize) -> Result<Option<(u64, u64)>> {
        let kept = self.parts.kept.iter().copied();
        let others = kept.filter(|image| self.asked.label(*image) != class);
        let few = others.take(FEW).collect::<Vec<_>>();
        if self.asked.left() < (patterns.len() * few.len()) as u64 || few.is_empty() {
            return Ok(None);
        }
        let counts = self.asked.moved(patterns, &few)?;
        let mut moved = counts.iter().map(|count| u64::from(count[class])).collect::<Vec<_>>();
        moved.sort_unstable();
        Ok(Some((moved.get(moved.len() * 3 / 4).copied().unwrap_or(0), few.len() as u64)))
    }

    /// What the strongest of these patterns moves to a class; `None` where the budget does not reach.
    fn strongest(&mut self, patterns: &[Pattern], class: usize) -> Result<Option<(u64, u64)>> {
        let kept = self.parts.kept.iter().copied();
        let others = kept.filter(|image| self.asked.label(*image) != class).collect::<Vec<_>>();
        let mut order = (0..patterns.len()).collect::<Vec<_>>();
        let mut strongest = 0;
        // Few images tell which are worth more of them.
        for (most, images) in [(usize::MAX, FEW / 4), (CUT, FEW), (BEST, usize::MAX)] {
            order.truncate(most);
            let images = &others[..others.len().min(images)];
            let patterns = order.iter().map(|at| patterns[*at].clone()).collect::<Vec<_>>();
            if self.asked.left() < (patterns.len() * images.len()) as u64 || images.is_empty() {
                return Ok(None);
            }
            let counts = self.asked.moved(&patterns, images)?;
            let moved = order.iter().copied().zip(counts.iter().map(|count| count[class]));
            let mut moved = moved.collect::<Vec<_>>();
            moved.sort_by_key(|(_, moved)| std::cmp::Reverse(*moved));
            strongest = moved.first().map_or(0, |(_, moved)| u64::from(*moved));
            order = moved.into_iter().map(|(at, _)| at).collect();
        }
        Ok(Some((strongest, others.len() as u64)))
    }
}

/// Which says most.
fn strongest(all: &[Judged]) -> Option<usize> {
    (0..all.len()).reduce(|best, at| if all[at].is_above(&all[best]) { at } else { best })
}

impl Judged {
    /// The worse verdict, then the greater score; what lies together says more of the trigger.
    fn rank(&self) -> (Verdict, f64, bool) {
        (self.verdict, self.score, self.form() != Some(Form::Scattered))
    }

    fn is_above(&self, other: &Self) -> bool {
        self.rank() > other.rank()
    }

    /// Whether it can make a model suspect: pixels that are chosen along the gradient, wherever they lie, and a change
    /// of every pixel move images of honest models too, and few images decide nothing.
    fn decides(&self) -> bool {
        let Some(first) = self.classes.first() else { return false };
        first.of >= ENOUGH as u64 && !matches!(first.pattern.form, Form::Scattered | Form::Overlay)
    }

    /// Hold the strongest class against a rival that moves so many images of so many.
    fn hold(&mut self, rival: Rival, (moved, of): (u64, u64), tests: usize) {
        let Some(first) = self.classes.first() else { return };
        let odds = |moved: u64, of: u64| {
            let share = (moved as f64 + 0.5) / (of as f64 + 1.0);
            let share = share.clamp(FLOOR, CEILING);
            share / (1.0 - share)
        };
        let most = if self.decides() { 1.0 } else { SUSPECT };
        let score = (1.0 - odds(moved, of) / odds(first.moved, first.of)).min(most);
        if self.rival.is_some() && score >= self.score {
            return;
        }
        // Two shares that differ by chance (Agresti and Caffo, 2000), for the best of all sizes.
        let plus = |moved: u64, of: u64| ((moved + 1) as f64 / (of + 2) as f64, (of + 2) as f64);
        let ((p, n), (q, m)) = (plus(first.moved, first.of), plus(moved, of));
        let deviation = (p * (1.0 - p) / n + q * (1.0 - q) / m).sqrt();
        let far = (p - q) / deviation.max(f64::MIN_POSITIVE);
        let is_certain = far > normal_quantile(1.0 - TAIL / tests.max(1) as f64);
        self.score = score.max(0.0);
        self.rival = Some((rival, moved as f64 / of.max(1) as f64));
        self.verdict = match is_certain {
            true if score > SUSPECT => Verdict::Suspect,
            _ if score > DOUBTFUL => Verdict::Undecided,
            _ => Verdict::Clear,
        };
    }
}

/// Images of other classes that the search does not see, below which nothing is decided.
pub(super) const ENOUGH: usize = 50;
/// Fewer images judge nothing.
const FEWEST: usize = 20;
/// How seldom two equal shares are taken for different ones.
const TAIL: f64 = 0.001;
/// A model is suspect where the odds that a pattern moves an image are ten times those of any rival.
const SUSPECT: f64 = 0.9;
/// It is not decided where they are five times those.
pub const DOUBTFUL: f64 = 0.8;
/// A rival is taken to move so many images at least: then nothing that moves fewer than half of them makes a model
/// suspect, however few others move.
const FLOOR: f64 = 0.1;
/// And so many at most: what the last images do says little of the odds.
const CEILING: f64 = 0.99;
/// Up to so many classes the other classes are too few to say what patterns of a size do.
const FEW_CLASSES: usize = 6;
/// The largest share of an image that one pixel is.
const ONE: f64 = 0.02;
/// Images of a class that something is cut out of; random patterns.
const CUT: usize = 24;
/// Images on which rivals are compared, and how many of the best are counted on all.
const FEW: usize = 24;
const BEST: usize = 2;
/// Images that the search sees are asked so often, at least, for a pattern at another place.
const IMAGES: usize = 10;
/// What rivals are drawn for.
const RANDOM: u64 = 0x7269_7661;
