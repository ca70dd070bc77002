//! Labels that are wrong: what learners that never saw a row say of it.
//!
//! Labels that are classes, amounts, several of a row, or that come with probabilities are judged each in a way of
//! their own, and told of here.

use modelward_core::Value;

use super::{Context, Done, Found, Labels, binomial, counted, near};
use crate::columns::{named, written};
use crate::{
    Unread,
    learn::{
        ensemble::{FOLDS, NEIGHBOURS, Problem},
        features,
        neighbours::Neighbours,
    },
    rules::LABEL_ERROR,
};

mod classes;
mod given;
mod regression;
mod several;

pub(crate) use self::classes::ENOUGH;
use self::classes::{Judged, judge_classes, likeliest};
pub(in crate::check) use self::regression::are_amounts;
pub(crate) use self::regression::is_continuous;

/// The check.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    Ok(match judge(context) {
        Ok(done) => done,
        Err(why) => Done::skipped(why),
    })
}

fn judge(context: &Context<'_>) -> Result<Done, String> {
    let roles = &context.roles;
    let sample = &context.sample;
    if sample.numbers.len() < FOLDS {
        return Err(format!("expected at least {FOLDS} rows, got {}", sample.numbers.len()));
    }
    let given = context.request.probabilities.as_ref();
    if !roles.labels.is_empty() {
        return match given {
            Some(_) => {
                Err("`--probabilities` are those of one label; name it with `--label`".to_owned())
            }
            None => several::of_columns(context),
        };
    }
    let label = roles.label.ok_or("no column is a label; name one with `--label`")?;
    if let Some(given) = given {
        return given::judge(context, given);
    }
    if let Some(classes) = several::classes(context, label)? {
        return several::judge(context, classes, Vec::new());
    }
    let field = sample.rows.schema().field(label).clone();
    let labels = context.labels.as_ref().ok_or("there are no labels")?;
    if regression::is_continuous(&field, labels) {
        return regression::judge(context, label);
    }
    let learned = Learned::of(context)?;
    let problem = learned.problem(context);
    let judged = judge_classes(&problem, labels)?;
    let mut done = told(context, &judged, Some(&problem.neighbours));
    learned.tell(&mut done);
    done.fields.push(("dropped columns", learned.dropped()));
    Ok(done)
}

/// What learning is done on.
struct Learned {
    features: features::Features,
    groups: Option<Vec<Option<u32>>>,
    /// Texts and images that are nearly equal.
    alike: Vec<(u32, u32)>,
}

impl Learned {
    fn of(context: &Context<'_>) -> Result<Self, String> {
        let rows = &context.sample.rows;
        let features = {
            let request = context.request;
            features::of(rows, &context.roles, &request.limits, request.threads)
        };
        if features.matrix.columns == 0 {
            return Err("no column tells anything beside the label".to_owned());
        }
        let groups = context.roles.group.and_then(|group| rows.columns().get(group));
        let groups = groups.map(|group| features::values(&named(group)));
        let alike =
            near::copies(rows, &context.roles, &context.request.limits, context.request.threads);
        Ok(Self { features, groups, alike })
    }

    fn problem<'a>(&'a self, context: &Context<'_>) -> Problem<'a> {
        let request = context.request;
        let groups = self.groups.as_deref();
        Problem::new(&self.features.matrix, groups, &self.alike, request.seed, request.threads)
    }

    /// Say what could not be read, which the learners know nothing of.
    fn tell(&self, done: &mut Done) {
        if self.features.broken > 0 {
            let why = format!(
                "{} images cannot be decoded, and were taken as the mean of the others",
                self.features.broken
            );
            done.lines.push(format!("label-error: {why}"));
            done.beyond = Some(why);
        }
    }

    fn dropped(&self) -> Value {
        let columns = self.features.dropped.iter().map(|(name, why)| {
            Value::Record(vec![("column", name.as_str().into()), ("why", (*why).into())])
        });
        Value::List(columns.collect())
    }
}

/// What was found, for programs and people; by the neighbours of the rows, if these were asked.
fn told(context: &Context<'_>, judged: &Judged, neighbours: Option<&Neighbours>) -> Done {
    let labels = &judged.labels;
    let classes = labels.classes.len();
    let numbers = &context.sample.numbers;
    let mut scores = context.unscored();
    let mut flagged = Vec::new();
    for (row, number) in numbers.iter().enumerate() {
        let Some(label) = labels.of[row] else { continue };
        let score = judged.scores[row];
        if let Some(own) = scores.get_mut(*number as usize) {
            *own = score;
        }
        if judged.flagged[row] {
            let suggested = likeliest(&judged.shares[row * classes..][..classes]);
            flagged.push((f64::from(score), row, *number, label as usize, suggested));
        }
    }
    flagged.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.2.cmp(&other.2)));
    let why = |row: usize, class: usize| match neighbours {
        Some(neighbours) => vote(neighbours, labels, row, class),
        None => {
            let share = judged.shares[row * classes + class];
            format!("the probabilities say {} with {share:.2}", labels.classes[class])
        }
    };
    let list = flagged.iter().map(|(score, row, number, label, class)| {
        Value::Record(vec![
            ("row", (*number).into()),
            ("score", (*score).into()),
            ("given", labels.classes[*label].as_str().into()),
            ("suggested", labels.classes[*class].as_str().into()),
            ("why", why(*row, *class).into()),
        ])
    });
    let list = Value::List(list.collect());
    let rows = labels.of.iter().flatten().count();
    let learners = judged.learners.iter().map(|(name, weight, loss)| {
        Value::Record(vec![
            ("name", (*name).into()),
            ("weight", (*weight).into()),
            ("log loss", (*loss).into()),
        ])
    });
    let model = Value::Record(vec![
        ("accuracy", judged.accuracy.into()),
        ("majority", judged.majority.into()),
        ("folds", (judged.folds as u64).into()),
        ("noise", judged.calibrated.noise.into()),
        ("evidence", judged.calibrated.evidence.into()),
        ("learners", Value::List(learners.collect())),
    ]);
    let (low, high) = binomial::spread(judged.expected, rows);
    let mut fields = vec![
        ("unit", "probability that the given label is wrong".into()),
        ("flagged", list),
        ("expected_false_alarms", binomial::alarms(judged.expected, rows)),
        ("model", model),
    ];
    if context.sample.is_part() {
        fields.push(("sampled", (numbers.len() as u64).into()));
    }
    let left_out = &judged.left_out;
    let lines = left_out.lines().map(|line| format!("label-error: {line}")).collect();
    if left_out.of_small > 0 {
        fields.push(("rows of small classes", (left_out.of_small as u64).into()));
    }
    if !left_out.alone.is_empty() {
        let named = left_out.alone.iter().map(|class| Value::from(class.as_str()));
        fields.push(("not judged", Value::List(named.collect())));
    }
    let mut done = Done {
        lines,
        looked_at: Some(numbers.len() as u64),
        fields,
        scores: (!scores.is_empty()).then_some(scores),
        ..Done::default()
    };
    if let Some((_, row, number, label, class)) = flagged.first() {
        let message = format!(
            "{} (expected false alarms: {:.1}, {low} to {high} at 95 %); row {number}: \
             labelled {}, {}; accuracy of the learners {:.2}",
            counted(flagged.len(), "label looks wrong", "labels look wrong"),
            judged.expected,
            labels.classes[*label],
            why(*row, *class),
            judged.accuracy
        );
        done.found.push(Found {
            rule: &LABEL_ERROR,
            severity: LABEL_ERROR.severity,
            message,
            rows: flagged.iter().map(|flag| flag.2).collect(),
            measured: ("labels that look wrong", flagged.len() as f64, high as f64),
        });
    } else {
        done.lines.push(format!(
            "ok  label-error: none of {rows} labels looks wrong; accuracy of the learners {:.2}",
            judged.accuracy
        ));
    }
    done
}

/// How the neighbours of a row vote for a class.
fn vote(neighbours: &Neighbours, labels: &Labels, row: usize, class: usize) -> String {
    let near = neighbours.of(row).take(NEIGHBOURS).map(|(other, _)| labels.of[other]);
    let near = near.collect::<Vec<_>>();
    let of = near.iter().filter(|label| **label == Some(class as u32)).count();
    format!("{of} of {} neighbours are {}", near.len(), labels.classes[class])
}
