//! The search: every form at every place, then the best of each class improved value by value.

use std::collections::BTreeMap;

use modelward_engine::Result;

use super::{
    asked::Asked,
    pattern::{Form, Pattern},
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
    kept: BTreeMap<Group, Classes>,
}

impl<'s> Search<'s> {
    pub(super) fn new(images: &'s [usize], seed: u64) -> Self {
        Self { images, seed, kept: BTreeMap::new() }
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
            for (pattern, count) in patterns.iter().zip(&counts) {
                self.keep(pattern, count, CANDIDATES);
            }
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
            for count in asked.moved(std::slice::from_ref(pattern), few)? {
                self.keep(pattern, &count, CANDIDATES);
            }
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
        order.sort_by_key(|group| std::cmp::Reverse(strongest(&self.kept[group]).1));
        let mut reached = order.iter().all(|group| followed(&self.kept[group]).is_empty());
        for at in 0..IMPROVED {
            for group in &order {
                let mut classes = followed(&self.kept[group]);
                // The same for each class, the weaker first, so that none is the best for the effort alone.
                classes.reverse();
                let each = asked.left() / 2 / classes.len().max(1) as u64;
                for class in classes {
                    let Some(kept) = self.kept[group][class].get(at).cloned() else { continue };
                    if let Some(better) = turned(asked, class, kept, self.images, plan, each)? {
                        insert(&mut self.classes(*group)[class], better, CANDIDATES);
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
        self.kept.values().map(of).collect()
    }

    fn classes(&mut self, group: Group) -> &mut Classes {
        self.kept.entry(group).or_default()
    }

    fn group(&mut self, pattern: &Pattern, classes: usize) -> &mut Classes {
        let group = (pattern.form, pattern.pixels());
        self.kept.entry(group).or_insert_with(|| vec![Vec::new(); classes])
    }

    /// Keep a pattern for the classes to which it moves more than others do.
    fn keep(&mut self, pattern: &Pattern, count: &[u32], most: usize) {
        let kept = self.group(pattern, count.len());
        for (kept, &moved) in kept.iter_mut().zip(count) {
            if moved > 0 {
                insert(kept, Kept { pattern: pattern.clone(), moved }, most);
            }
        }
    }

    /// Count anew, on all images that the search sees, within so many queries.
    fn again(&mut self, asked: &mut Asked<'_>, group: Group, most: u64) -> Result<()> {
        let images = self.images;
        let classes = self.classes(group);
        let followed = followed(classes);
        let affordable = most / (images.len() * followed.len()).max(1) as u64;
        let each = usize::try_from(affordable).unwrap_or(usize::MAX).clamp(1, CANDIDATES);
        let is_followed = |class: &usize| followed.contains(class);
        for (class, kept) in classes.iter_mut().enumerate() {
            kept.truncate(if is_followed(&class) { each } else { 0 });
            let patterns = kept.iter().map(|kept| kept.pattern.clone()).collect::<Vec<_>>();
            if asked.left() < (patterns.len() * images.len()) as u64 {
                kept.clear();
                continue;
            }
            let counts = asked.moved(&patterns, images)?;
            for (kept, count) in kept.iter_mut().zip(counts) {
                kept.moved = count[class];
            }
            kept.sort_by_key(|kept| std::cmp::Reverse(kept.moved));
        }
        Ok(())
    }
}

/// The best pattern of a class at other places than that of a pattern, searched as that was; `None` where there
/// is no other place, or the budget does not reach.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub(super) fn elsewhere(
    asked: &mut Asked<'_>,
    images: &[usize],
    plan: &Plan,
    class: usize,
    best: &Pattern,
    seed: u64,
) -> Result<Option<Pattern>> {
    let mut random = random::stream(&[seed, ELSEWHERE]);
    let few = &images[..plan.few.min(images.len())];
    let mut kept = Vec::new();
    let alike = |frame: &&Frame| frame.form == best.form && frame.size == best.size;
    for frame in plan.frames.iter().filter(alike) {
        if !frame.is_apart(best.at, best.size) {
            continue;
        }
        let patterns = first(*frame, plan.drawn.min(DRAWN_ELSEWHERE), asked, &mut random);
        if asked.left() < (patterns.len() * few.len()) as u64 {
            return Ok(None);
        }
        let counts = asked.moved(&patterns, few)?;
        for (pattern, count) in patterns.into_iter().zip(counts) {
            insert(&mut kept, Kept { pattern, moved: count[class] }, IMPROVED);
        }
    }
    let mut best: Option<Kept> = None;
    let each = asked.left() / (2 * IMPROVED) as u64;
    for mut kept in kept {
        if asked.left() >= images.len() as u64 {
            let counts = asked.moved(std::slice::from_ref(&kept.pattern), images)?;
            kept.moved = counts.first().map_or(0, |count| count[class]);
        }
        let kept = turned(asked, class, kept.clone(), images, plan, each)?.unwrap_or(kept);
        if best.as_ref().is_none_or(|best| kept.moved > best.moved) {
            best = Some(kept);
        }
    }
    Ok(best.map(|best| best.pattern))
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
    if best.pattern.form == Form::Overlay {
        return Ok(Some(best));
    }
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

/// Put a pattern among the best.
fn insert(kept: &mut Vec<Kept>, new: Kept, most: usize) {
    if kept.len() >= most && kept.last().is_some_and(|last| last.moved >= new.moved) {
        return;
    }
    let at = kept.partition_point(|other| other.moved >= new.moved);
    kept.insert(at, new);
    kept.truncate(most);
}

/// The strongest class and what its best pattern moves.
fn strongest(classes: &Classes) -> (usize, u32) {
    let best = classes.iter().map(|kept| kept.first().map_or(0, |kept| kept.moved)).enumerate();
    best.max_by_key(|(class, moved)| (*moved, std::cmp::Reverse(*class))).unwrap_or((0, 0))
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
        let strong = (high - low) * OVERLAY;
        let waves = [1, 2, 4].into_iter().flat_map(|period| {
            [
                new(&|row, _, _| {
                    if (row / period).is_multiple_of(2) { strong } else { -strong }
                }),
                new(&|_, column, _| {
                    if (column / period).is_multiple_of(2) { strong } else { -strong }
                }),
                new(&|row, column, _| {
                    if (row / period + column / period).is_multiple_of(2) {
                        strong
                    } else {
                        -strong
                    }
                }),
            ]
        });
        return waves.collect();
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
/// Patterns that are drawn for each place beside that of the best pattern.
const DRAWN_ELSEWHERE: usize = 24;
/// What patterns are drawn for.
const SEARCH: u64 = 0x7472_6967;
const ELSEWHERE: u64 = 0x656c_7365;
