//! The search: every form at every place, then the best of each class improved value by value.

use std::collections::BTreeMap;

use modelward_engine::Result;

use super::{
    asked::Asked,
    pattern::{Form, Laid, Pattern},
    plan::{Frame, Plan},
};
use crate::random;

/// A pattern and how many images it moves to the class that it is kept for.
#[derive(Clone)]
struct Kept {
    pattern: Pattern,
    moved: u32,
}

/// The best patterns of each class, the best first.
type Classes = Vec<Vec<Kept>>;

/// A form and how much it covers: larger patterns move more images of any model, so that classes are compared
/// by patterns of one size.
type Group = (Form, usize);

pub(super) struct Search<'s> {
    /// The images that the search sees, classes in turn.
    images: &'s [usize],
    seed: u64,
    /// The best of each place, by the few images that places are compared on.
    kept: BTreeMap<Group, Classes>,
    /// The best of these, by all images.
    best: BTreeMap<Group, Classes>,
}

impl<'s> Search<'s> {
    pub(super) fn new(images: &'s [usize], seed: u64) -> Self {
        Self { images, seed, kept: BTreeMap::new(), best: BTreeMap::new() }
    }

    /// Lay patterns at all places of a plan, on few images: they tell which places are worth more of them.
    ///
    /// # Errors
    /// Where the model cannot be run, or the time is up; what was found until then is kept.
    pub(super) fn lay(&mut self, asked: &mut Asked<'_>, plan: &Plan) -> Result<()> {
        let mut random = random::stream(&[self.seed, SEARCH]);
        let few = &self.images[..plan.few.min(self.images.len())];
        for frame in &plan.frames {
            let patterns = first(*frame, plan.drawn, asked, &mut random);
            let counts = asked.moved(&patterns, few)?;
            self.keep(&patterns, &counts);
        }
        Ok(())
    }

    /// Take in what gradients propose, by what it moves of the images that places are compared on.
    ///
    /// # Errors
    /// Where the model cannot be run, or the time is up.
    pub(super) fn take(
        &mut self,
        asked: &mut Asked<'_>,
        plan: &Plan,
        proposed: &[Pattern],
    ) -> Result<()> {
        let few = &self.images[..plan.few.min(self.images.len())];
        for pattern in proposed {
            if asked.left() < few.len() as u64 {
                break;
            }
            let pattern = std::slice::from_ref(pattern);
            let counts = asked.moved(pattern, few)?;
            self.keep(pattern, &counts);
        }
        Ok(())
    }

    /// Compare on all images the strongest classes of each form and size, and improve their best patterns while
    /// the budget lasts, with the same effort for each; false where it does not reach for any.
    ///
    /// # Errors
    /// Where the model cannot be run, or the time is up; what was found until then is kept.
    pub(super) fn improve(&mut self, asked: &mut Asked<'_>, plan: &Plan) -> Result<bool> {
        let groups = self.kept.keys().copied().collect::<Vec<_>>();
        let each = asked.left() / 2 / groups.len().max(1) as u64;
        for group in &groups {
            self.again(asked, *group, each)?;
        }
        let mut order = groups;
        order.sort_by_key(|group| std::cmp::Reverse(strongest(&self.best[group])));
        // Stripes are not improved, and tell nothing of the budget.
        order.retain(|(form, _)| *form != Form::Overlay);
        let mut reached = order.iter().all(|group| followed(&self.best[group]).is_empty());
        // What is improved comes before what it was made of: the first of each class are taken beforehand.
        let first = self.best.clone();
        for at in 0..IMPROVED {
            for group in &order {
                let mut classes = followed(&first[group]);
                // The same for each class, the weaker first, so that none is the best for the effort alone.
                classes.reverse();
                let each = asked.left() / 2 / classes.len().max(1) as u64;
                for class in classes {
                    let Some(kept) = first[group][class].get(at).cloned() else { continue };
                    if let Some(better) = turned(asked, class, kept, self.images, plan, each)? {
                        if let Some(best) = self.best.get_mut(group) {
                            insert(&mut best[class], better);
                        }
                        reached = true;
                    }
                }
            }
        }
        Ok(reached)
    }

    /// Of each form and size the best pattern of the strongest classes.
    pub(super) fn best(&self) -> Vec<Vec<(usize, Pattern)>> {
        let of = |classes: &Classes| {
            let best = |class: usize| Some((class, classes[class].first()?.pattern.clone()));
            followed(classes).into_iter().filter_map(best).collect()
        };
        self.kept.iter().map(|(group, kept)| of(self.best.get(group).unwrap_or(kept))).collect()
    }

    /// Keep for each class the pattern of one place that moves most to it.
    fn keep(&mut self, patterns: &[Pattern], counts: &[Vec<u32>]) {
        let Some((pattern, count)) = patterns.first().zip(counts.first()) else { return };
        let group = (pattern.form, pattern.pixels());
        let kept = self.kept.entry(group).or_insert_with(|| vec![Vec::new(); count.len()]);
        for (class, kept) in kept.iter_mut().enumerate() {
            let all = patterns.iter().zip(counts.iter().map(|count| count[class]));
            let best = all.rev().max_by_key(|(_, moved)| *moved).filter(|(_, moved)| *moved > 0);
            if let Some((pattern, moved)) = best {
                insert(kept, Kept { pattern: pattern.clone(), moved });
            }
        }
    }

    /// Count the best of each of the strongest classes anew, on all images that the search sees, within so many
    /// queries.
    fn again(&mut self, asked: &mut Asked<'_>, group: Group, most: u64) -> Result<()> {
        let images = self.images;
        let classes = &self.kept[&group];
        let followed = followed(classes);
        let affordable = most / (images.len() * followed.len()).max(1) as u64;
        let each = usize::try_from(affordable).unwrap_or(usize::MAX).clamp(1, CANDIDATES);
        let mut best = vec![Vec::new(); classes.len()];
        for class in followed {
            let first = classes[class].iter().take(each).map(|kept| kept.pattern.clone());
            let patterns = first.collect::<Vec<_>>();
            if asked.left() < (patterns.len() * images.len()) as u64 {
                continue;
            }
            let counts = asked.moved(&patterns, images)?;
            for (pattern, count) in patterns.into_iter().zip(counts) {
                insert(&mut best[class], Kept { pattern, moved: count[class] });
            }
        }
        self.best.insert(group, best);
        Ok(())
    }
}

/// Turn one value at a time to the other end of the range, or lay the pattern beside its place, while that moves
/// more images, for so many queries; `None` where these do not reach.
fn turned(
    asked: &mut Asked<'_>,
    class: usize,
    mut best: Kept,
    images: &[usize],
    plan: &Plan,
    most: u64,
) -> Result<Option<Kept>> {
    let until = asked.queries().saturating_add(most.min(asked.left()));
    let mut is_tried = false;
    let (low, high) = asked.laid.1;
    let layout = asked.laid.0;
    let channels = layout.channels;
    let mut groups = Vec::new();
    for cell in 0..best.pattern.pixels() {
        groups.extend(
            (0..channels).map(|channel| cell * channels + channel..cell * channels + channel + 1),
        );
        if channels > 1 {
            groups.push(cell * channels..(cell + 1) * channels);
        }
    }
    groups.truncate(MOST_GROUPS);
    for _ in 0..ROUNDS {
        let flipped = groups.iter().map(|group| {
            let mut pattern = best.pattern.clone();
            for value in &mut pattern.values[group.clone()] {
                *value = if *value * 2.0 > low + high { low } else { high };
            }
            pattern
        });
        let mut tried = flipped.collect::<Vec<_>>();
        if plan.step > 1 && matches!(best.pattern.form, Form::Patch | Form::Cross) {
            tried.extend(beside().filter_map(|by| best.pattern.shifted(by, layout)));
        }
        if until - asked.queries() < (tried.len() * images.len()) as u64 {
            break;
        }
        is_tried = true;
        let counts = asked.moved(&tried, images)?;
        let better = tried.into_iter().zip(counts);
        let better = better.max_by_key(|(_, count)| count[class]);
        match better.filter(|(_, count)| count[class] > best.moved) {
            Some((pattern, count)) => best = Kept { pattern, moved: count[class] },
            None => break,
        }
    }
    Ok(is_tried.then_some(best))
}

/// The eight places beside one.
pub(super) fn beside() -> impl Iterator<Item = (isize, isize)> {
    let all = (-1..=1).flat_map(|down| (-1..=1).map(move |right| (down, right)));
    all.filter(|by| *by != (0, 0))
}

/// Put a pattern among the best, of which so many are kept as are counted again.
fn insert(kept: &mut Vec<Kept>, new: Kept) {
    let at = kept.partition_point(|other| other.moved >= new.moved);
    if at < CANDIDATES {
        kept.insert(at, new);
        kept.truncate(CANDIDATES);
    }
}

/// What the best pattern of any class moves.
fn strongest(classes: &Classes) -> u32 {
    classes.iter().flat_map(|kept| kept.first()).map(|kept| kept.moved).max().unwrap_or(0)
}

/// The classes of which the best patterns move most, the strongest first.
fn followed(classes: &Classes) -> Vec<usize> {
    let moved = |class: usize| classes[class].first().map_or(0, |kept| kept.moved);
    let mut order = (0..classes.len()).filter(|class| moved(*class) > 0).collect::<Vec<_>>();
    order.sort_by_key(|class| std::cmp::Reverse(moved(*class)));
    order.truncate(FOLLOWED);
    order
}

/// The patterns that are tried first in a frame: plain, checkered, and drawn.
fn first(
    frame: Frame,
    drawn: usize,
    asked: &Asked<'_>,
    random: &mut fastrand::Rng,
) -> Vec<Pattern> {
    let layout = asked.laid.0;
    let (low, high) = asked.laid.1;
    let Frame { form, at, size } = frame;
    let new =
        |value: &dyn Fn(usize, usize, usize) -> f32| Pattern::new(form, at, size, layout, value);
    if form == Form::Overlay {
        return stripes(&asked.laid);
    }
    let mut patterns = vec![new(&|_, _, _| high), new(&|_, _, _| low)];
    if size.0 * size.1 > 1 {
        for odd in [0, 1] {
            patterns.push(new(&|row, column, _| {
                if (row + column) % 2 == odd { high } else { low }
            }));
        }
        for _ in 0..drawn.min(frame.patterns(layout.channels)) {
            let mut pattern = new(&|_, _, _| low);
            for value in &mut pattern.values {
                *value = if random.bool() { high } else { low };
            }
            patterns.push(pattern);
        }
    }
    patterns
}

/// Stripes and checks of several widths over the whole image.
pub(super) fn stripes(Laid(layout, (low, high)): &Laid) -> Vec<Pattern> {
    let strong = (high - low) * OVERLAY;
    let (at, size) = ((0, 0), (layout.height, layout.width));
    let new = |is_even: &dyn Fn(usize, usize) -> bool| {
        Pattern::new(Form::Overlay, at, size, *layout, |row, column, _| {
            if is_even(row, column) { strong } else { -strong }
        })
    };
    let even = |at: usize| at.is_multiple_of(2);
    let all = [1, 2, 4].into_iter().flat_map(|period| {
        [true, false].into_iter().flat_map(move |first| {
            [
                new(&|row, _| even(row / period) == first),
                new(&|_, column| even(column / period) == first),
                new(&|row, column| even(row / period + column / period) == first),
            ]
        })
    });
    all.collect()
}

/// How strong an overlay is, as a share of the range of a pixel.
const OVERLAY: f32 = 0.15;
/// Patterns that are kept for each class.
const CANDIDATES: usize = 12;
/// How many of these are improved.
const IMPROVED: usize = 5;
/// Classes of each form and size that are improved: the strongest is held against the others.
pub(super) const FOLLOWED: usize = 4;
/// Values that are turned one after the other.
const ROUNDS: usize = 8;
/// Values of a pattern that are tried to be turned.
const MOST_GROUPS: usize = 128;
/// What patterns are drawn for.
const SEARCH: u64 = 0x7472_6967;
