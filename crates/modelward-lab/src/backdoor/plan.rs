//! Where patterns are laid, and how many of them on how many images, within a budget.

use super::pattern::Form;
use crate::{picture::Layout, random};

/// A form at a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) form: Form,
    pub(super) at: (usize, usize),
    pub(super) size: (usize, usize),
}

impl Frame {
    /// How many patterns are laid where so many are drawn, at most.
    fn laid(&self, drawn: usize, channels: usize) -> usize {
        match self.form {
            Form::Overlay => STRIPES,
            _ => PLAIN + drawn.min(self.patterns(channels)),
        }
    }

    /// How many patterns there are of it with values at the ends of the range, at most.
    pub(super) fn patterns(&self, channels: usize) -> usize {
        let values = self.size.0 * self.size.1 * channels;
        u32::try_from(values)
            .ok()
            .and_then(|values| 1_usize.checked_shl(values))
            .unwrap_or(usize::MAX)
    }
}

/// What is laid first.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// The forms at their places.
    pub(super) frames: Vec<Frame>,
    /// The images on which places are compared.
    pub(super) few: usize,
    /// The patterns that are drawn for each frame, at most, beside plain and checkered ones.
    pub(super) drawn: usize,
    /// Pixels between two places.
    pub(super) step: usize,
    /// Whether a trigger could lie between two places.
    pub(super) is_thin: bool,
}

impl Plan {
    /// The best within so many queries: every place, if need be on fewer images, before places further
    /// apart.
    pub(super) fn of(layout: Layout, most: u64) -> Self {
        let unit = unit(layout);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let steps = [1, unit, 2 * unit].into_iter().filter(|step| *step >= unit || unit <= 2);
        let coarse = (2..).map(|power| unit << power);
        let coarse = coarse.take_while(|step| *step < layout.height.max(layout.width));
        for step in steps.chain(coarse) {
            let frames = frames(layout, step, unit);
            for (few, least) in [(24, 8), (12, 8), (6, 0)] {
                let fits = |drawn: usize| {
                    let of = |frame: &Frame| frame.laid(drawn, layout.channels);
                    frames.iter().map(of).sum::<usize>().saturating_mul(few) <= most
                };
                if let Some(drawn) = (least..=MOST_DRAWN).rev().find(|drawn| fits(*drawn)) {
                    return Self { frames, few, drawn, step, is_thin: step > 2 * unit };
                }
            }
        }
        Self { is_thin: true, ..Self::default() }
    }
}

/// A pixel of an image of 32.
pub(super) fn unit(layout: Layout) -> usize {
    (layout.height.min(layout.width) / 32).max(1)
}

/// Every form, in sizes that grow with the image, at places so far apart.
fn frames(layout: Layout, step: usize, unit: usize) -> Vec<Frame> {
    let (height, width) = (layout.height, layout.width);
    let largest = SMALL * (height * width) as f64;
    let mut frames = Vec::new();
    // Not all at multiples of the step: a network that takes each second pixel sees those alone.
    let mut random = random::stream(&[PLACES]);
    let mut within = |at: usize, last: usize| match at {
        0 => at,
        at if at == last => at,
        at => (at + random.usize(..=unit.min(step - 1))).min(last),
    };
    let mut lay = |form, side: usize| {
        let [down, right] = [height, width].map(|whole| whole.saturating_sub(side));
        for row in places(down, step) {
            for column in places(right, step) {
                let at = (within(row, down), within(column, right));
                frames.push(Frame { form, at, size: (side, side) });
            }
        }
    };
    for side in sides(layout) {
        lay(Form::Patch, side);
    }
    let cross = 3 * unit;
    if (2 * cross - 1) as f64 <= largest {
        lay(Form::Cross, cross);
    }
    let size = (height, width);
    if (2 * (height + width) - 4) as f64 <= largest {
        frames.push(Frame { form: Form::Border, at: (0, 0), size });
    }
    frames.push(Frame { form: Form::Overlay, at: (0, 0), size });
    frames
}

/// The sides of patches.
pub(super) fn sides(layout: Layout) -> impl Iterator<Item = usize> {
    let unit = unit(layout);
    let largest = SMALL * (layout.height * layout.width) as f64;
    let sides = SIZES.into_iter().map(move |size| size * unit);
    sides.filter(move |side| (side * side) as f64 <= largest)
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
/// Stripes of three widths and directions that begin either way.
pub(super) const STRIPES: usize = 18;
/// Patterns that are drawn for each place, at most.
const MOST_DRAWN: usize = 512;
/// What places are drawn for.
const PLACES: u64 = 0x706c_6163;
/// The largest share of an image that a pattern covers: what covers more is the image.
const SMALL: f64 = 0.15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_laid_on_before_more_patterns_are_drawn() {
        let layout = |side: usize| Layout::of(&[1, side, side]).unwrap();
        let plan = Plan::of(layout(8), 500_000);
        assert_eq!((plan.step, plan.few, plan.is_thin), (1, 24, false));
        assert!(plan.drawn > 50);
        // What covers two fifths of an image is no trigger.
        assert!(plan.frames.iter().all(|frame| frame.form != Form::Border));
        let plan = Plan::of(layout(32), 40_000);
        assert!(!plan.is_thin && plan.step == 2, "{plan:?}");
        assert!(plan.frames.iter().any(|frame| frame.form == Form::Border));
        // No network that takes each second pixel alone sees all places alike.
        let odd = plan.frames.iter().filter(|frame| frame.at.0 % 2 == 1 && frame.at.1 % 2 == 1);
        assert!(odd.count() > plan.frames.len() / 8);
        let cost = plan.frames.len() * (PLAIN + plan.drawn) * plan.few;
        assert!(cost <= 40_000, "{cost}");
        let plan = Plan::of(layout(224), 40_000);
        assert!(!plan.is_thin && plan.step <= 14, "{plan:?}");
    }

    #[test]
    fn a_budget_that_does_not_reach_is_thin() {
        let layout = Layout::of(&[3, 32, 32]).unwrap();
        for most in [0, 100, 5000] {
            let plan = Plan::of(layout, most);
            assert!(plan.is_thin, "{most}");
            assert!(plan.frames.len() * PLAIN * plan.few <= most as usize);
        }
    }
}
