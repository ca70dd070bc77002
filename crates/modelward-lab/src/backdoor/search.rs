//! The search: every form at every place, then the best of each class improved value by value.

use std::collections::BTreeMap;

use modelward_engine::Result;

use super::{
    asked::Asked,
    pattern::{Form, Pattern},
};
use crate::random;

/// A pattern and how many images it moves to the class that it is kept for.
#[derive(Clone)]
struct Kept {
    pattern: Pattern,
    moved: u32,
}

pub(super) struct Search<'s, 'a> {
    asked: &'s mut Asked<'a>,
    /// The images that the search sees.
    images: Vec<usize>,
    /// Of each form and size, the best patterns of each class, the best first.
    kept: BTreeMap<Group, Vec<Vec<Kept>>>,
}

/// A form and a size: larger patterns move more images of any model, so that classes are compared by
/// patterns of one size.
pub(super) type Group = (Form, (usize, usize));

impl<'s, 'a> Search<'s, 'a> {
    pub(super) fn new(asked: &'s mut Asked<'a>, images: Vec<usize>) -> Self {
        Self { asked, images, kept: BTreeMap::new() }
    }

    /// Search until it is through.
    ///
    /// # Errors
    /// Where the model cannot be run, or the budget is spent; what was found until then is kept.
    pub(super) fn run(&mut self, seed: u64) -> Result<()> {
        let mut random = random::stream(&[seed, SEARCH]);
        // Half of the budget is for places, the rest for what is best there.
        let most = usize::try_from(self.asked.left() / 2).unwrap_or(usize::MAX) / FEW;
        let frames = frames(
            self.asked.laid.0.height,
            self.asked.laid.0.width,
            most / (PLAIN + FEWEST_DRAWN),
        );
        // Of small frames there are few patterns, which leaves more for the others.
        let channels = self.asked.laid.0.channels;
        let cost = |drawn: usize| {
            let of = |frame: &Frame| PLAIN + drawn.min(frame.patterns(channels));
            frames.iter().map(of).sum::<usize>()
        };
        let drawn = (FEWEST_DRAWN..=MOST_DRAWN).rev().find(|drawn| cost(*drawn) <= most);
        let drawn = drawn.unwrap_or(FEWEST_DRAWN);
        // Few images tell which places are worth more of them.
        let few = self.images.iter().copied().take(FEW).collect::<Vec<_>>();
        for frame in &frames {
            let patterns = self.first(*frame, drawn, &mut random);
            let counts = self.asked.moved(&patterns, &few)?;
            for (pattern, count) in patterns.iter().zip(&counts) {
                self.keep(pattern, count, CANDIDATES);
            }
        }
        self.again()?;
        for at in 0..IMPROVED {
            for class in 0..self.asked.classes() {
                let nth = self.kept.values().filter_map(|kept| kept[class].get(at).cloned());
                for kept in nth.collect::<Vec<_>>() {
                    self.improve(class, kept)?;
                }
            }
        }
        Ok(())
    }

    /// Of each form and size the best pattern of each class.
    pub(super) fn best(&self) -> Vec<Vec<(usize, Pattern)>> {
        let of = |kept: &Vec<Vec<Kept>>| {
            let best = kept.iter().enumerate();
            best.filter_map(|(class, kept)| Some((class, kept.first()?.pattern.clone()))).collect()
        };
        self.kept.values().map(of).collect()
    }

    /// The patterns that are tried first in a frame: plain, checkered, and drawn.
    fn first(&self, frame: Frame, drawn: usize, random: &mut fastrand::Rng) -> Vec<Pattern> {
        let layout = self.asked.laid.0;
        let (low, high) = self.asked.laid.1;
        let Frame { form, at, size } = frame;
        let new = |value: &dyn Fn(usize, usize, usize) -> f32| {
            Pattern::new(form, at, size, layout, value)
        };
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

    /// Keep a pattern for the classes to which it moves more than others do.
    fn keep(&mut self, pattern: &Pattern, count: &[u32], most: usize) {
        let group = (pattern.form, pattern.size);
        let kept = self.kept.entry(group).or_insert_with(|| vec![Vec::new(); count.len()]);
        for (kept, &moved) in kept.iter_mut().zip(count) {
            if moved == 0 || (kept.len() >= most && kept.last().is_some_and(|it| it.moved >= moved))
            {
                continue;
            }
            let at = kept.partition_point(|other| other.moved >= moved);
            kept.insert(at, Kept { pattern: pattern.clone(), moved });
            kept.truncate(most);
        }
    }

    /// Count anew, on all images that the search sees.
    fn again(&mut self) -> Result<()> {
        for classes in self.kept.values_mut() {
            for (class, kept) in classes.iter_mut().enumerate() {
                let patterns = kept.iter().map(|kept| kept.pattern.clone()).collect::<Vec<_>>();
                let counts = self.asked.moved(&patterns, &self.images)?;
                for (kept, count) in kept.iter_mut().zip(counts) {
                    kept.moved = count[class];
                }
                kept.sort_by_key(|kept| std::cmp::Reverse(kept.moved));
            }
        }
        Ok(())
    }

    /// Turn one value at a time to the other end of the range, while that moves more images.
    fn improve(&mut self, class: usize, mut best: Kept) -> Result<()> {
        let (low, high) = self.asked.laid.1;
        let channels = self.asked.laid.0.channels;
        if best.pattern.form == Form::Overlay {
            return Ok(());
        }
        let mut groups = Vec::new();
        for cell in 0..best.pattern.values.len() / channels {
            groups.extend(
                (0..channels)
                    .map(|channel| cell * channels + channel..cell * channels + channel + 1),
            );
            if channels > 1 {
                groups.push(cell * channels..(cell + 1) * channels);
            }
        }
        groups.truncate(MOST_GROUPS);
        for _ in 0..ROUNDS {
            let turned = groups.iter().map(|group| {
                let mut pattern = best.pattern.clone();
                for value in &mut pattern.values[group.clone()] {
                    *value = if *value * 2.0 > low + high { low } else { high };
                }
                pattern
            });
            let turned = turned.collect::<Vec<_>>();
            let counts = self.asked.moved(&turned, &self.images)?;
            let better = turned.into_iter().zip(counts);
            let better = better.max_by_key(|(_, count)| count[class]);
            match better.filter(|(_, count)| count[class] > best.moved) {
                Some((pattern, count)) => best = Kept { pattern, moved: count[class] },
                None => break,
            }
        }
        let mut count = vec![0; self.asked.classes()];
        count[class] = best.moved;
        self.keep(&best.pattern, &count, CANDIDATES);
        Ok(())
    }
}

/// A form at a place.
#[derive(Clone, Copy)]
struct Frame {
    form: Form,
    at: (usize, usize),
    size: (usize, usize),
}

impl Frame {
    /// How many patterns there are of it with values at the ends of the range, at most.
    fn patterns(&self, channels: usize) -> usize {
        let values = self.size.0 * self.size.1 * channels;
        u32::try_from(values)
            .ok()
            .and_then(|values| 1_usize.checked_shl(values))
            .unwrap_or(usize::MAX)
    }
}

/// Every form at every place, in sizes that grow with the image; at places further apart where that would
/// be more than the most.
fn frames(height: usize, width: usize, most: usize) -> Vec<Frame> {
    (1..=height.max(width))
        .map(|step| frames_in_steps(height, width, step))
        .find(|frames| frames.len() <= most)
        .unwrap_or_default()
}

fn frames_in_steps(height: usize, width: usize, step: usize) -> Vec<Frame> {
    let unit = (height.min(width) / 32).max(1);
    let mut frames = Vec::new();
    let mut lay = |form, size: usize| {
        let side = size * unit;
        let last = |whole: usize| whole.saturating_sub(side);
        for row in places(last(height), step) {
            for column in places(last(width), step) {
                frames.push(Frame { form, at: (row, column), size: (side, side) });
            }
        }
    };
    let is_small = |size: &usize| {
        let side = size * unit;
        side <= height.min(width) && (side * side) as f64 <= SMALL * (height * width) as f64
    };
    for size in SIZES.into_iter().filter(is_small) {
        lay(Form::Patch, size);
    }
    if height.min(width) >= 3 * unit {
        lay(Form::Cross, 3);
    }
    let size = (height, width);
    frames.push(Frame { form: Form::Border, at: (0, 0), size });
    frames.push(Frame { form: Form::Overlay, at: (0, 0), size });
    frames
}

/// From 0 to the last in steps, the last included.
fn places(last: usize, step: usize) -> impl Iterator<Item = usize> + Clone {
    let beyond = (!last.is_multiple_of(step)).then_some(last);
    (0..=last).step_by(step).chain(beyond)
}

/// Sides of patches, in pixels of an image of 32.
const SIZES: [usize; 4] = [1, 2, 3, 4];
/// Patterns of each place that are not drawn: plain and checkered ones.
const PLAIN: usize = 4;
/// Patterns that are drawn for each place, at least and at most.
const FEWEST_DRAWN: usize = 8;
const MOST_DRAWN: usize = 512;
/// The largest share of an image that a patch covers: what covers more is the image.
const SMALL: f64 = 0.15;
/// How strong an overlay is, as a share of the range of a pixel.
const OVERLAY: f32 = 0.15;
/// Images on which places are compared first.
const FEW: usize = 24;
/// Patterns that are kept for each class.
const CANDIDATES: usize = 12;
/// How many of these are improved.
const IMPROVED: usize = 5;
/// Values that are turned one after the other.
const ROUNDS: usize = 8;
/// Values of a pattern that are tried to be turned.
const MOST_GROUPS: usize = 128;
/// What patterns are drawn for.
const SEARCH: u64 = 0x7472_6967;
