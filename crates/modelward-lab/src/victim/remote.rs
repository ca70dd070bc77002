//! A model behind HTTP: its answers, counted, and nothing else.

use modelward_engine::{Kind, Result, Trouble};

use crate::{
    endpoint::{Answer, Endpoint, Failure},
    victim::{Answers, Gives, NO_ANSWER, NO_CLASS, OUT_OF_QUERIES, Slope, Slopes, Victim},
};

/// Samples that are asked about to see what is answered.
const FIRST: usize = 8;

/// A model behind HTTP.
#[derive(Debug)]
pub struct Remote {
    endpoint: Endpoint,
    shape: Vec<usize>,
    form: Form,
}

/// What its answers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Labels of so many classes.
    Labels(usize),
    /// A score for each of so many classes.
    Scores(usize),
    /// One number, the probability of class 1.
    Probability,
    /// One number, above 0 for class 1.
    Logit,
}

impl Remote {
    /// Take an endpoint for samples of a shape. It is asked about the first of them: whether it gives
    /// scores or labels, and how many classes there are. Where it gives labels, these are as many as
    /// the labels of the data and of its answers say; where it gives one number, that is a
    /// probability where all of them lie between 0 and 1.
    ///
    /// # Errors
    /// Where it cannot be asked, or its answers are no answers.
    pub fn new(
        mut endpoint: Endpoint,
        shape: &[usize],
        samples: &[f32],
        labels: &[usize],
    ) -> Result<Self> {
        let features = shape.iter().product::<usize>();
        let first = samples.get(..FIRST.saturating_mul(features)).unwrap_or(samples);
        let form = match ask(&mut endpoint, first)? {
            Answer::Labels(said) => {
                let said = said.iter().filter_map(|&label| usize::try_from(label).ok());
                let most = said.chain(labels.iter().copied()).max().unwrap_or(0);
                if most > MOST_CLASSES {
                    let why = format!("expected at most {MOST_CLASSES} classes, got {most}");
                    return Err(Trouble::limit(why));
                }
                Form::Labels((most + 1).max(2))
            }
            Answer::Scores { rows, classes: 1 } => {
                // An answer that is no number says nothing of what the others are.
                match rows.iter().filter(|share| !share.is_nan()).all(is_share) {
                    true => Form::Probability,
                    false => Form::Logit,
                }
            }
            Answer::Scores { classes, .. } => Form::Scores(classes),
        };
        Ok(Self { endpoint, shape: shape.to_vec(), form })
    }
}

/// The most classes that labels may name.
const MOST_CLASSES: usize = 100_000;

fn ask(endpoint: &mut Endpoint, inputs: &[f32]) -> Result<Answer> {
    endpoint.scores(inputs).map_err(|failure| match failure {
        Failure::Spent { .. } => Trouble::new(Kind::Limit, OUT_OF_QUERIES),
        Failure::Trouble(trouble) => trouble,
    })
}

impl Victim for Remote {
    fn features(&self) -> usize {
        self.shape.iter().product()
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn classes(&self) -> usize {
        match self.form {
            Form::Labels(classes) | Form::Scores(classes) => classes,
            Form::Probability | Form::Logit => 2,
        }
    }

    fn gives(&self) -> Gives {
        match self.form {
            Form::Labels(_) => Gives::Labels,
            _ => Gives::Scores,
        }
    }

    fn left(&self) -> Option<u64> {
        self.endpoint.left()
    }

    fn sent(&self) -> Option<u64> {
        Some(self.endpoint.sent())
    }

    fn keep(&mut self, inputs: u64) {
        self.endpoint.keep(inputs);
    }

    fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
        if inputs.is_empty() {
            return Ok(Answers::default());
        }
        // It has answered before, so what was found until now is worth a report.
        let answer = ask(&mut self.endpoint, inputs).map_err(|trouble| match trouble.kind {
            Kind::System => Trouble::new(Kind::Limit, NO_ANSWER),
            _ => trouble,
        });
        match (answer?, self.form) {
            (Answer::Labels(labels), Form::Labels(_)) => {
                // What is below 0 is a class that is not known; it is none of ours.
                let labels = labels.into_iter().map(|label| label.max(NO_CLASS)).collect();
                Ok(Answers { labels, scores: Vec::new() })
            }
            (Answer::Scores { rows, classes }, Form::Scores(known)) if classes == known => {
                let labels = rows.chunks_exact(classes).map(largest).collect();
                Ok(Answers { labels, scores: rows })
            }
            (Answer::Scores { rows, classes: 1 }, Form::Probability) => {
                if let Some(other) = rows.iter().find(|row| !row.is_nan() && !is_share(row)) {
                    let why = format!(
                        "the server answers {other} where its first answers were probabilities of class 1"
                    );
                    return Err(Trouble::new(Kind::Malformed, why)
                        .help("let it answer a score for each class"));
                }
                let scores = rows.into_iter().flat_map(|share| [1.0 - share, share]);
                Ok(two(scores.collect()))
            }
            (Answer::Scores { rows, classes: 1 }, Form::Logit) => {
                Ok(two(rows.into_iter().flat_map(|logit| [0.0, logit]).collect()))
            }
            _ => {
                Err(Trouble::new(Kind::Malformed, "the server answers alike batches in two forms"))
            }
        }
    }

    fn slope(&mut self, _of: Slope<'_>, _inputs: &[f32]) -> Result<Option<Slopes>> {
        Ok(None)
    }
}

/// Whether a number may be a probability.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "passed to iterators")]
fn is_share(number: &f32) -> bool {
    (0.0..=1.0).contains(number)
}

/// Answers of two classes.
fn two(scores: Vec<f32>) -> Answers {
    Answers { labels: scores.chunks_exact(2).map(largest).collect(), scores }
}

/// The class of the largest score, the first of equals.
fn largest(row: &[f32]) -> i64 {
    if !row.iter().all(|score| score.is_finite()) {
        return NO_CLASS;
    }
    let mut best = 0;
    for (at, score) in row.iter().enumerate() {
        if *score > row[best] {
            best = at;
        }
    }
    best as i64
}
