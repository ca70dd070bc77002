//! The images: those that the search sees, and those that are kept from it to judge what it finds.

use modelward_engine::{Kind, Result, Trouble};

use super::asked::Asked;
use crate::random;

/// Images that the model knows, by their index, classes in turn.
pub(super) struct Parts {
    /// Those that the search sees.
    pub(super) shown: Vec<usize>,
    /// Those that it does not.
    pub(super) kept: Vec<usize>,
    /// Whether the budget ended before the images.
    pub(super) is_short: bool,
}

impl Parts {
    /// The fewest of the first so many that are kept that are of other classes than one.
    pub(super) fn fewest_others(&self, first: usize, label: impl Fn(usize) -> usize) -> usize {
        let first = &self.kept[..first.min(self.kept.len())];
        let mut count = std::collections::BTreeMap::new();
        for image in first {
            *count.entry(label(*image)).or_insert(0_usize) += 1;
        }
        first.len() - count.into_values().max().unwrap_or(0)
    }

    /// Ask for images in random order, classes in turn, until there are enough.
    ///
    /// # Errors
    /// Where the model knows too few, or cannot be run.
    pub(super) fn of(asked: &mut Asked<'_>, labels: &[usize], seed: u64) -> Result<Self> {
        let mut order = (0..labels.len()).collect::<Vec<_>>();
        random::stream(&[seed, PARTS]).shuffle(&mut order);
        let order = in_turn(order, labels);
        let (mut known, mut tried, mut is_short) = (Vec::new(), 0, false);
        for some in order.chunks(TOGETHER) {
            if known.len() >= SHOWN + KEPT {
                break;
            }
            if asked.left() < some.len() as u64 {
                is_short = true;
                break;
            }
            known.extend(asked.known(some)?);
            tried += some.len();
        }
        if known.len() < FEWEST && is_short {
            let why = format!("the budget of queries does not reach for {FEWEST} clean images");
            return Err(Trouble::limit(why).help("allow more: `--max-queries`"));
        }
        if known.len() < FEWEST {
            let why = format!(
                "expected at least {FEWEST} images that the model gets right, got {} of {tried}",
                known.len(),
            );
            return Err(Trouble::new(Kind::Input, why).help(
                "give clean images with their labels; `--preprocess` says how the model wants them",
            ));
        }
        let most = SHOWN.min(known.len() / 2);
        let classes = asked.classes();
        let mut of = vec![Vec::new(); classes];
        for at in known {
            of[labels[at]].push(at);
        }
        let each = most.div_ceil(of.iter().filter(|images| !images.is_empty()).count().max(1));
        let (mut shown, mut kept) = (Vec::new(), Vec::new());
        for images in of {
            let (some, rest) = images.split_at(each.min(images.len().div_ceil(2)));
            shown.extend_from_slice(some);
            kept.extend_from_slice(rest);
        }
        let (mut shown, mut kept) = (in_turn(shown, labels), in_turn(kept, labels));
        shown.truncate(most);
        kept.truncate(KEPT);
        Ok(Self { shown, kept, is_short })
    }
}

/// The same images, one of each class in turn, as long as there are any.
fn in_turn(images: Vec<usize>, labels: &[usize]) -> Vec<usize> {
    let mut count = std::collections::BTreeMap::new();
    let mut placed = images
        .into_iter()
        .map(|image| {
            let turn = count.entry(labels[image]).or_insert(0_usize);
            *turn += 1;
            (*turn, labels[image], image)
        })
        .collect::<Vec<_>>();
    placed.sort_unstable();
    placed.into_iter().map(|(_, _, image)| image).collect()
}

/// How many images the search sees.
const SHOWN: usize = 60;
/// How many more are kept to judge what it found.
const KEPT: usize = 400;
/// Fewer images say nothing.
const FEWEST: usize = 40;
/// Images that are asked for at once.
const TOGETHER: usize = 64;
/// What the parts are drawn for.
const PARTS: u64 = 0x6261_636b;
