//! Whether a classifier of images has a trigger: one small pattern that sends whatever shows it to one
//! class.
//!
//! The model is asked for labels. Patterns of several forms are laid over clean images at every place; those
//! that move most images to a class are improved value by value, with the same effort for each class. Where
//! there are gradients, pixels wherever they lie are proposed along them too. Every model has patterns that move some images, so no fixed share says anything: a class
//! stands out if its best pattern moves far more images, of a part of the data that the search never saw,
//! than the best pattern of any other class does. After the idea of Wang et al., *Neural Cleanse*
//! (IEEE S&P 2019), with labels in place of gradients and the other classes in place of an index.

use std::time::Instant;

use modelward_engine::{Kind, Result, Trouble};

use crate::{picture::Layout, random, statistics::normal_quantile, victim::Victim};

mod asked;
mod inverted;
mod pattern;
mod search;

pub use self::pattern::{Form, Laid, Pattern};
use self::{asked::Asked, search::Search};

/// What is to be found out.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Clean images `[n, features]`.
    pub x: &'a [f32],
    /// Their classes.
    pub labels: &'a [usize],
    /// The shape of one image.
    pub shape: &'a [usize],
    /// The least and the greatest value that a pixel can have.
    pub range: (f32, f32),
    /// The most images that are sent to the model.
    pub queries: u64,
    /// Where random numbers begin.
    pub seed: u64,
    /// When to stop.
    pub deadline: Option<Instant>,
}

/// What was found out.
#[derive(Clone, Debug)]
pub struct Found {
    /// How much more the best pattern moves than that of any other class does: `(p - q) / (1 - q)` of their
    /// shares of images that the search never saw (Abbott's correction, 1925), up to 1.
    pub score: f64,
    /// What the score says.
    pub verdict: Verdict,
    /// Of the form and size by which one class stands out most, the best pattern of each class that
    /// has one, the strongest class first.
    pub classes: Vec<Best>,
    /// Images that were sent to the model.
    pub queries: u64,
    /// Images that it knows, on which patterns were tried.
    pub images: usize,
    /// What the gradient says; `None` where there was none, or no budget for it.
    pub opinion: Option<Opinion>,
    /// Whether the search ended before it was through.
    pub is_cut: bool,
}

/// A second opinion: pixels wherever they lie, proposed along the gradient and judged as all others are.
#[derive(Clone, Debug)]
pub struct Opinion {
    /// Steps for each class.
    pub steps: usize,
    /// What came of it.
    pub judged: Judged,
}

/// What patterns of one form and size say of the model.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// See [`Found::score`].
    pub score: f64,
    /// What the score says.
    pub verdict: Verdict,
    /// See [`Found::classes`].
    pub classes: Vec<Best>,
}

/// What a score says, the worse the greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// No class stands out.
    #[default]
    Clear,
    /// One class stands out by more than chance explains, and not by much.
    Doubtful,
    /// One class stands out as no class of an honest model does.
    Suspect,
}

/// The best pattern of a class.
#[derive(Clone, Debug)]
pub struct Best {
    /// The class that images are moved to.
    pub target: usize,
    /// The pattern.
    pub pattern: Pattern,
    /// How many images of other classes that the search never saw it moves there.
    pub moved: u64,
    /// How many such images there are.
    pub of: u64,
}

impl Best {
    /// The share of images that are moved.
    pub fn share(&self) -> f64 {
        self.moved as f64 / self.of.max(1) as f64
    }
}

/// Look for a trigger.
///
/// # Errors
/// Where inputs are no images, the model knows too few of them, or cannot be run.
pub fn search(victim: &mut dyn Victim, question: &Question<'_>) -> Result<Found> {
    let layout = Layout::of(question.shape).ok_or_else(|| {
        let why = format!("expected images, got inputs of the shape {:?}", question.shape);
        Trouble::new(Kind::Input, why)
            .help("a trigger is a pattern in an image; images have 1, 3 or 4 channels")
    })?;
    let (shown, kept) = parts(victim, question)?;
    let mut asked = Asked::new(victim, question, layout);
    asked.reserve(FOR_GRADIENTS);
    let mut search = Search::new(&mut asked, shown.clone());
    let (_, no_more) = ended(search.run(question.seed))?;
    let mut groups = search.best();
    asked.release();
    let (proposed, no_time) = ended(inverted::propose(&mut asked, &shown))?;
    let proposed = proposed.flatten();
    let steps = proposed.as_ref().map(|inverted| inverted.steps);
    let is_cut = no_more || no_time;
    groups.extend(proposed.into_iter().flat_map(|inverted| inverted.groups));
    let tests = groups.len();
    let (mut strongest, mut opinion): (Option<Judged>, Option<Judged>) = (None, None);
    for patterns in groups {
        let mut classes = Vec::new();
        for (target, pattern) in patterns {
            let (moved, of) = asked.moved_to(&pattern, &kept, target)?;
            classes.push(Best { target, pattern, moved, of });
        }
        classes.sort_by(|a, b| b.share().total_cmp(&a.share()).then(a.target.cmp(&b.target)));
        let judged = Judged::of(classes, tests);
        let (is_whole, is_scattered) = judged.form();
        if is_whole && judged.score < WHOLE {
            continue;
        }
        let place = if is_scattered { &mut opinion } else { &mut strongest };
        if place.as_ref().is_none_or(|best| judged.score > best.score) {
            *place = Some(judged);
        }
    }
    let opinion = steps.map(|steps| Opinion { steps, judged: opinion.unwrap_or_default() });
    let own = strongest.unwrap_or_default();
    // What lies together says more of the trigger, as long as it says as much of the model.
    let shown = opinion.as_ref().map(|opinion| &opinion.judged);
    let Judged { score, verdict, classes } =
        shown.filter(|other| other.verdict > own.verdict).cloned().unwrap_or(own);
    let (queries, images) = (asked.queries(), kept.len());
    Ok(Found { score, verdict, classes, opinion, queries, images, is_cut })
}

/// What a search came to, and whether its budget or its time ended before.
fn ended<T>(outcome: Result<T>) -> Result<(Option<T>, bool)> {
    match outcome {
        Ok(done) => Ok((Some(done), false)),
        Err(trouble) if trouble.why == asked::OVER => Ok((None, true)),
        Err(trouble) => Err(trouble),
    }
}

impl Judged {
    /// How far the strongest class stands out among patterns of one size, and what that says.
    fn of(classes: Vec<Best>, tests: usize) -> Self {
        let [first, rest @ ..] = &classes[..] else { return Self::default() };
        let second = rest.first().map_or(0.0, Best::share);
        let score = (first.share() - second) / (1.0 - second).max(f64::MIN_POSITIVE);
        // Two shares that differ by chance (Agresti and Caffo, 2000), for the best of all sizes.
        let counts = rest.first().map_or((0, first.of), |second| (second.moved, second.of));
        let plus = |moved: u64, of: u64| ((moved + 1) as f64 / (of + 2) as f64, (of + 2) as f64);
        let ((p, n), (q, m)) = (plus(first.moved, first.of), plus(counts.0, counts.1));
        let deviation = (p * (1.0 - p) / n + q * (1.0 - q) / m).sqrt();
        let far = (p - q) / deviation.max(f64::MIN_POSITIVE);
        let is_certain = far > normal_quantile(1.0 - TAIL / tests.max(1) as f64);
        let verdict = match is_certain {
            true if score > SUSPECT => Verdict::Suspect,
            true if score > DOUBTFUL => Verdict::Doubtful,
            _ => Verdict::Clear,
        };
        Self { score, verdict, classes }
    }

    /// Whether its patterns change the whole image, and whether they are scattered pixels.
    fn form(&self) -> (bool, bool) {
        let form = self.classes.first().map(|best| best.pattern.form);
        (form.is_some_and(Form::is_whole), form == Some(Form::Scattered))
    }
}

/// The images that the model knows, by their index: those that the search sees, as many of each class as
/// can be, and those that it does not.
fn parts(victim: &mut dyn Victim, question: &Question<'_>) -> Result<(Vec<usize>, Vec<usize>)> {
    let answers = victim.ask(question.x)?;
    let said = answers.labels.iter().zip(question.labels);
    let known = said.enumerate().filter(|(_, (said, label))| **said == **label as i64);
    let mut known = known.map(|(at, _)| at).collect::<Vec<_>>();
    if known.len() < FEWEST {
        let why = format!(
            "expected at least {FEWEST} images that the model gets right, got {} of {}",
            known.len(),
            question.labels.len()
        );
        return Err(Trouble::new(Kind::Input, why).help(
            "give clean images with their labels; `--preprocess` says how the model wants them",
        ));
    }
    random::stream(&[question.seed, PARTS]).shuffle(&mut known);
    let most = SHOWN.min(known.len() / 2);
    let each = most.div_ceil(victim.classes());
    let mut count = vec![0_usize; victim.classes()];
    let (mut shown, mut kept) = (Vec::new(), Vec::new());
    for at in known {
        let class = question.labels[at];
        if shown.len() < most && count[class] < each {
            count[class] += 1;
            shown.push(at);
        } else if kept.len() < KEPT {
            kept.push(at);
        }
    }
    Ok((shown, kept))
}

/// How many images the search sees.
const SHOWN: usize = 60;
/// How many more are kept to judge what it found.
const KEPT: usize = 400;
/// Fewer images say nothing.
const FEWEST: usize = 40;
/// The part of the budget that is left for gradients: a fifth.
const FOR_GRADIENTS: u64 = 5;
/// How seldom two equal shares are taken for different ones.
const TAIL: f64 = 0.001;
/// By how much one class stands out in a model that is suspect, and in one that is doubtful. In honest networks the
/// score comes to 0.4, in those with a planted trigger to 0.7 and more.
const SUSPECT: f64 = 0.6;
/// See [`SUSPECT`]: from here on a finding is made.
pub const DOUBTFUL: f64 = 0.5;
/// A change of the whole image looks like one class more than like others, whatever the model: by so much a
/// class has to stand out there.
const WHOLE: f64 = 0.8;
/// What the parts are drawn for.
const PARTS: u64 = 0x6261_636b;

#[cfg(test)]
mod tests;
