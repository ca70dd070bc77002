//! Whether a classifier of images has a trigger: one small pattern that sends whatever shows it to one
//! class.
//!
//! Patterns of several forms are laid over clean images at every place. Those that move most images to a class, by
//! the labels, are improved value by value, with the same effort for each class; where there are gradients, they
//! propose patterns too. Every model has patterns that move some images, so no fixed share
//! says anything: what counts is how sure the model is of images that the search never saw, held against rivals of
//! the same size in the same model. After the idea of Wang et al., *Neural Cleanse* (IEEE S&P 2019), with labels in
//! place of gradients and rivals in place of an index.

use std::time::Instant;

use modelward_engine::{Kind, Result, Trouble};

use crate::{picture::Layout, victim::Victim};

mod asked;
mod inverted;
mod judge;
mod parts;
mod pattern;
mod plan;
mod search;

use self::{asked::Asked, judge::Judge, parts::Parts, plan::Plan, search::Search};
pub use self::{
    judge::{DOUBTFUL, SUSPECT},
    pattern::{Form, Laid, Pattern},
};

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
    /// What the patterns of the form and size say by which a class stands out most.
    pub judged: Judged,
    /// Images that were sent to the model.
    pub queries: u64,
    /// Images that it knows and the search never saw, on which patterns were judged.
    pub images: usize,
    /// What the gradient says; `None` where there was none, or no budget for it or for judging what it proposed.
    pub opinion: Option<Opinion>,
    /// Why a search that finds nothing says nothing: what it lacked.
    pub lacks: Vec<&'static str>,
}

impl Found {
    /// The verdict: a search that was not through never says clear.
    pub fn verdict(&self) -> Verdict {
        match self.judged.verdict {
            Verdict::Clear if !self.lacks.is_empty() => Verdict::Undecided,
            verdict => verdict,
        }
    }
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
    /// By how much the best pattern leads in three of four images, less what its rivals lead by; each in units of
    /// what the right class of clean images leads by.
    pub score: f64,
    /// What the score says.
    pub verdict: Verdict,
    /// The best pattern of each of the strongest classes, the strongest first.
    pub classes: Vec<Best>,
    /// What the strongest was held against.
    pub rivals: Vec<Held>,
}

/// What a pattern is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rival {
    /// The best pattern of another class.
    Class,
    /// Random values of the same size, anywhere.
    Random,
    /// Of stripes, those of another width, direction or beginning.
    Stripes,
    /// What clean images of the class have in the same pixels.
    Natural,
}

impl Rival {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Class => "the best pattern of any other class",
            Self::Random => "a random pattern of that size",
            Self::Stripes => "stripes of another width, direction or beginning",
            Self::Natural => "what clean images of that class have there",
        }
    }
}

/// A rival, and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Which.
    pub rival: Rival,
    /// The share of images of other classes that it moves.
    pub share: f64,
    /// By how much the class leads in half of them, in units of what the right class of clean images leads by.
    pub lead: f64,
}

/// What was found out, the worse the greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// No class stands out.
    #[default]
    Clear,
    /// One class stands out by less than planted triggers do, or was not held against all of its rivals.
    Undecided,
    /// One class stands out as hardly any of an honest model does.
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
    /// By how much the class leads in three of four of them, in units of what the right class of clean images leads by: 1
    /// where the model is as sure as it is of these.
    pub lead: f64,
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
    let mut asked = Asked::new(victim, question, layout);
    asked.allow(FOR_PARTS);
    let parts = Parts::of(&mut asked, question.labels, question.seed)?;
    asked.allow(FOR_PLACES);
    let plan = Plan::of(layout, asked.left());
    let mut lacks = Lacks::default();
    let are_few = parts.fewest_others(usize::MAX, |image| question.labels[image]) < judge::ENOUGH;
    lacks.note(plan.is_thin || (are_few && parts.is_short), BUDGET);
    lacks.note(are_few && !parts.is_short, IMAGES);

    asked.hurry(FOR_SEARCH);
    // A small budget is better spent on more patterns than on more images.
    let shown =
        &parts.shown[..parts.shown.len().min(if question.queries < MUCH { 30 } else { 60 })];
    let mut search = Search::new(shown, question.seed);
    lacks.ended(search.lay(&mut asked, &plan))?;
    asked.allow(FOR_GRADIENTS);
    let inverted = lacks.ended(inverted::propose(&mut asked, &parts.shown))?.flatten();
    let steps = inverted.as_ref().map(|inverted| inverted.steps);
    lacks.note(steps == Some(0), BUDGET);
    let steps = steps.filter(|steps| *steps > 0);
    let proposed = inverted.map(|inverted| inverted.patterns).unwrap_or_default();
    asked.allow(FOR_IMPROVEMENT);
    lacks.ended(search.take(&mut asked, &plan, &proposed))?;
    let reached = lacks.ended(search.improve(&mut asked, &plan))?;
    lacks.note(reached == Some(false), BUDGET);

    asked.allow(1.0);
    asked.hurry(1.0);
    let mut judge = Judge { asked: &mut asked, parts: &parts, seed: question.seed };
    let all = judge.judge(search.best(), &mut lacks)?;
    let scattered = all.iter().find(|judged| judged.is_scattered()).cloned();
    let opinion = steps.zip(scattered).map(|(steps, judged)| Opinion { steps, judged });
    let judged = all.into_iter().next().unwrap_or_default();
    let (queries, images) = (asked.queries(), parts.kept.len());
    Ok(Found { judged, queries, images, opinion, lacks: lacks.0 })
}

impl Judged {
    fn is_scattered(&self) -> bool {
        self.classes.first().is_some_and(|best| best.pattern.form == Form::Scattered)
    }
}

/// What a search lacked.
#[derive(Default)]
struct Lacks(Vec<&'static str>);

impl Lacks {
    fn note(&mut self, lacks: bool, what: &'static str) {
        if lacks && !self.0.contains(&what) {
            self.0.push(what);
        }
    }

    /// What a part of the search came to; `None` where it ended before.
    fn ended<T>(&mut self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(done) => Ok(Some(done)),
            Err(trouble) => {
                let what = match &*trouble.why {
                    asked::LATE => TIME,
                    asked::OVER => BUDGET,
                    _ => return Err(trouble),
                };
                self.note(true, what);
                Ok(None)
            }
        }
    }
}

/// What may be lacking.
const BUDGET: &str = "more queries: `--max-queries`";
const IMAGES: &str = "more clean images that the model gets right";
const TIME: &str = "more time: `--max-time`";

/// A budget that is not small.
const MUCH: u64 = 200_000;
/// Shares of what the budget has left, one after the other.
const FOR_PARTS: f64 = 0.25;
const FOR_PLACES: f64 = 0.43;
const FOR_GRADIENTS: f64 = 0.25;
const FOR_IMPROVEMENT: f64 = 0.45;
/// The share of the time that is left before anything is judged.
const FOR_SEARCH: f64 = 0.8;

#[cfg(test)]
mod tests;
