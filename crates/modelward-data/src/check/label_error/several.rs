//! Rows with several labels each: every class is judged for itself, over the same neighbours.

use std::collections::{BTreeSet, HashSet};

use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_schema::DataType;
use modelward_core::Value;
use serde_json::Value as Json;

use super::{
    Context, Done, FOLDS, Found, LABEL_ERROR, Labels, Learned, binomial, judge_classes, likeliest,
    regression::is_continuous, vote,
};
use crate::{Kind, Matrix, kind};

/// Judge several columns, each of classes.
pub(super) fn of_columns(context: &Context<'_>) -> Result<Done, String> {
    let rows = &context.sample.rows;
    let (mut judged, mut skipped) = (Vec::new(), Vec::new());
    let labels = &context.roles.labels;
    if labels.len() > MOST {
        return Err(format!("expected at most {MOST} columns of labels, got {}", labels.len()));
    }
    for label in labels {
        let schema = rows.schema();
        let field = schema.field(*label);
        let name = field.name().clone();
        let mut labels = Labels::of(rows, *label);
        if is_continuous(field, &labels) {
            skipped.push((name, "it holds amounts: name it alone".to_owned()));
            continue;
        }
        labels.classes.iter_mut().for_each(|class| *class = format!("{name} {class}"));
        judged.push((name, labels));
    }
    judge(context, judged, skipped)
}

/// Judge each class for itself, those `skipped` aside.
pub(super) fn judge(
    context: &Context<'_>,
    classes: Vec<(String, Labels)>,
    mut skipped: Vec<(String, String)>,
) -> Result<Done, String> {
    let learned = Learned::of(context)?;
    let problem = learned.problem(context);
    let numbers = &context.sample.numbers;
    let mut scores = context.unscored();
    let mut flagged = Vec::new();
    let (mut expected, mut accuracies, mut partly) = (0.0, Vec::new(), Vec::new());
    for (name, labels) in &classes {
        let counts = labels.counts();
        if counts.iter().filter(|count| **count >= FOLDS).count() < 2 {
            skipped.push((name.clone(), format!("no two of its classes have {FOLDS} rows")));
            continue;
        }
        let judged = match judge_classes(&problem, labels) {
            Ok(judged) => judged,
            Err(why) => {
                skipped.push((name.clone(), why));
                continue;
            }
        };
        let left_out = judged.left_out.lines();
        partly.extend(left_out.map(|line| (name.clone(), line)));
        expected += judged.expected;
        accuracies.push(judged.accuracy);
        let labels = &judged.labels;
        let width = labels.classes.len();
        for (row, number) in numbers.iter().enumerate() {
            let Some(of) = labels.of[row] else { continue };
            let score = judged.scores[row];
            if let Some(best) = scores.get_mut(*number as usize) {
                *best = if best.is_nan() { score } else { best.max(score) };
            }
            if judged.flagged[row] {
                let class = likeliest(&judged.shares[row * width..][..width]);
                let why = vote(&problem.neighbours, labels, row, class);
                let given = labels.classes[of as usize].clone();
                flagged.push((score, *number, given, labels.classes[class].clone(), why));
            }
        }
    }
    if accuracies.is_empty() {
        let why =
            skipped.first().map_or_else(String::new, |(name, why)| format!("`{name}`: {why}"));
        return Err(format!("none of the {} labels could be judged; {why}", classes.len()));
    }
    flagged.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let list = flagged.iter().map(|(score, row, given, suggested, why)| {
        Value::Record(vec![
            ("row", (*row).into()),
            ("score", f64::from(*score).into()),
            ("given", given.as_str().into()),
            ("suggested", suggested.as_str().into()),
            ("why", why.as_str().into()),
        ])
    });
    let accuracy = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
    let cells = numbers.len() * accuracies.len();
    let unjudged = skipped.iter().chain(&partly).map(|(name, why)| {
        Value::Record(vec![("class", name.as_str().into()), ("why", why.as_str().into())])
    });
    let fields = vec![
        ("unit", "probability that one of the given labels is wrong".into()),
        ("flagged", Value::List(list.collect())),
        ("expected_false_alarms", binomial::alarms(expected, cells)),
        (
            "model",
            Value::Record(vec![("accuracy", accuracy.into()), ("folds", (FOLDS as u64).into())]),
        ),
        ("not judged", Value::List(unjudged.collect())),
        ("dropped columns", learned.dropped()),
    ];
    let lines =
        skipped.iter().map(|(name, why)| format!("label-error: `{name}` was not judged: {why}"));
    let lines =
        lines.chain(partly.iter().map(|(name, why)| format!("label-error: `{name}`: {why}")));
    let (lines, left) = (
        lines.take(MOST_SHOWN).collect::<Vec<_>>(),
        (skipped.len() + partly.len()).saturating_sub(MOST_SHOWN),
    );
    let more = (left > 0).then(|| format!("label-error: {left} more labels were not judged"));
    let looked_at = Some(numbers.len() as u64);
    let mut done = Done {
        looked_at,
        fields,
        lines: lines.into_iter().chain(more).collect(),
        scores: (!scores.is_empty()).then_some(scores),
        ..Done::default()
    };
    match flagged.first() {
        Some((_, row, given, _, why)) => done.found.push(Found {
            rule: &LABEL_ERROR,
            severity: LABEL_ERROR.severity,
            message: format!(
                "{} (expected false alarms: {expected:.1}); row {row}: labelled {given}, \
                 {why}; accuracy of the learners {accuracy:.2}",
                super::counted(flagged.len(), "label looks wrong", "labels look wrong")
            ),
            rows: {
                // A row is named once, however many of its labels look wrong.
                let mut named = HashSet::new();
                flagged.iter().map(|flag| flag.1).filter(|row| named.insert(*row)).collect()
            },
            measured: ("labels that look wrong", flagged.len() as f64, expected),
        }),
        None => done.lines.push(format!(
            "ok  label-error: none of {} x {} labels looks wrong; accuracy of the learners {accuracy:.2}",
            numbers.len(),
            accuracies.len()
        )),
    }
    learned.tell(&mut done);
    Ok(done)
}

/// The classes of a column of arrays of noughts and ones, or of lists of names, each with whether a row has it; `None`
/// where it is another column.
pub(super) fn classes(
    context: &Context<'_>,
    label: usize,
) -> Result<Option<Vec<(String, Labels)>>, String> {
    let rows = &context.sample.rows;
    let schema = rows.schema();
    let field = schema.field(label);
    let class = |name: String, of: Vec<Option<u32>>| {
        let classes = vec![format!("not {name}"), name.clone()];
        (name, Labels { classes, of })
    };
    if let Kind::Numbers(width) = kind(field) {
        let matrix = Matrix::of(rows, [label]);
        if width > MOST
            || matrix.data.iter().any(|value| !(value.is_nan() || [0.0, 1.0].contains(value)))
        {
            return Err(format!(
                "expected noughts and ones in `{}`, at most {MOST} of them",
                field.name()
            ));
        }
        let of = |at: usize| {
            let values = (0..matrix.rows()).map(|row| matrix.row(row)[at]);
            values.map(|value| (!value.is_nan()).then_some(u32::from(value == 1.0))).collect()
        };
        return Ok(Some((0..matrix.columns).map(|at| class(at.to_string(), of(at))).collect()));
    }
    let Some(each) = lists(rows.column(label)) else {
        return match kind(field) {
            Kind::Other => Err(format!("`{}` holds neither classes nor numbers", field.name())),
            _ => Ok(None),
        };
    };
    let names = each.iter().flatten().flatten().cloned().collect::<BTreeSet<_>>();
    if names.len() > MOST {
        return Err(format!(
            "expected at most {MOST} classes in `{}`, got {}",
            field.name(),
            names.len()
        ));
    }
    let of = |name: &String| {
        each.iter().map(|own| own.as_ref().map(|own| u32::from(own.contains(name)))).collect()
    };
    Ok(Some(names.iter().map(|name| class(name.clone(), of(name))).collect()))
}

/// The names that each row lists: of a column of lists, or of texts that are lists as JSON has them.
fn lists(column: &ArrayRef) -> Option<Vec<Option<BTreeSet<String>>>> {
    if let DataType::List(_) = column.data_type() {
        let lists = column.as_list::<i32>().iter();
        let each = lists.map(|list| Some(super::written(&list?).into_iter().flatten().collect()));
        return Some(each.collect());
    }
    // Most columns are none, which the first text tells.
    let first = (0..column.len()).find(|row| column.is_valid(*row))?;
    let first = super::written(&column.slice(first, 1)).pop()??;
    if !first.starts_with('[') {
        return None;
    }
    let name = |item: Json| match item {
        Json::String(name) => Some(name),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    let list = |text: String| {
        let items = serde_json::from_str::<Vec<Json>>(&text).ok()?.into_iter();
        items.map(name).collect::<Option<BTreeSet<_>>>()
    };
    let texts = super::written(column).into_iter();
    texts.map(|text| text.map_or(Some(None), |text| list(text).map(Some))).collect()
}

/// Labels that were not judged and are told of one by one.
const MOST_SHOWN: usize = 5;
/// The most classes.
const MOST: usize = 200;
