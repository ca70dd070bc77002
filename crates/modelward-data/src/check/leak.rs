//! Leaks: test rows that the model has seen in training, and columns that are the label under another
//! name.

use std::collections::{BTreeMap, HashMap};

use arrow_array::{Array, RecordBatch};
use modelward_core::Value;

use super::{
    Context, Done, Found, Request, beside,
    near::{self, image::Images, pairs::Pairs, shingles::Shingles},
};
use crate::{
    Kind, Set, Unread,
    columns::{named, reads_as_text, texts, written},
    kind, rules, sample,
};

mod column;
mod numbers;
mod time;

/// A test row, the training row that it repeats, and how.
#[derive(Clone, Debug, PartialEq)]
struct Leak {
    test: u64,
    train: u64,
    kind: &'static str,
    similarity: f64,
}

/// The check.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    let columns = column::telling(context);
    if context.test.is_none() && context.labels.is_none() {
        return Ok(Done::skipped("expected a test set (`--test`) or a label (`--label`)"));
    }
    let (leaks, times, part) = match context.test {
        Some(test) => {
            let rows = beside::rows(context, test)?;
            let times = time::columns(context, test, &rows);
            (Some(leaks(context, test, &rows)), times, beside::part(&rows))
        }
        None => (None, Vec::new(), None),
    };
    let mut done = told(context, leaks, &columns);
    done.beyond = part;
    for times in &times {
        let (line, found) = times.told();
        if found.is_some() {
            done.lines.retain(|line| line != NONE);
        }
        done.lines.push(line);
        done.found.extend(found);
    }
    let times = times.iter().map(time::Times::record).collect();
    done.fields.push(("time", Value::List(times)));
    Ok(done)
}

/// What is known from training, and the training rows that are, or nearly are, rows of the test set, each with the
/// likest.
fn leaks(
    context: &Context<'_>,
    test: &Set,
    rows: &sample::Rows,
) -> (Vec<Leak>, BTreeMap<u64, Leak>) {
    let shared = beside::shared(context, test);
    let features = shared.iter().filter(|(at, _)| context.roles.is_feature(*at)).copied();
    let features = features.collect::<Vec<_>>();
    let (train, of_test) = (&context.sample.rows, &rows.rows);
    let mut found = Vec::new();
    let number = |test: usize, train: usize| (rows.numbers[test], context.sample.numbers[train]);
    let mut known = vec![false; of_test.num_rows()];
    let mut flagged = BTreeMap::new();
    let [firsts, all] = exact(train, of_test, &features);
    for (test, train) in all {
        let (test, train) = number(test, train);
        flagged.insert(train, Leak { test, train, kind: "exact", similarity: 1.0 });
    }
    for (test, train) in firsts {
        known[test] = true;
        let (test, train) = number(test, train);
        found.push(Leak { test, train, kind: "exact", similarity: 1.0 });
    }
    let mut near = Vec::new();
    near.extend(numbers::near(train, of_test, &features));
    for pairs in alike(train, of_test, &features, context.request) {
        let height = train.num_rows() as u32;
        let across = pairs.verified.into_iter().filter(|pair| pair.a < height && pair.b >= height);
        near.extend(
            across.map(|pair| ((pair.b - height) as usize, pair.a as usize, pair.similarity)),
        );
    }
    // Of each test row the nearest.
    near.sort_by(|one, other| one.0.cmp(&other.0).then(other.2.total_cmp(&one.2)));
    for (test, train, similarity) in &near {
        let (test, train) = number(*test, *train);
        let leak = Leak { test, train, kind: "near", similarity: *similarity };
        let known = flagged.entry(train).or_insert(leak);
        if known.similarity < *similarity {
            *known = Leak { test, train, kind: "near", similarity: *similarity };
        }
    }
    near.dedup_by_key(|(test, ..)| *test);
    for (test, train, similarity) in near.into_iter().filter(|(test, ..)| !known[*test]) {
        let (test, train) = number(test, train);
        found.push(Leak { test, train, kind: "near", similarity });
    }
    let group = context.roles.group;
    if let Some((group, other)) = shared.iter().find(|(at, _)| Some(*at) == group) {
        let mut first = HashMap::new();
        let groups = named(train.column(*group)).into_iter().enumerate();
        groups.for_each(|(row, group)| {
            group.into_iter().for_each(|group| {
                first.entry(group).or_insert(row);
            });
        });
        for (row, group) in named(of_test.column(*other)).into_iter().enumerate() {
            if let Some(train) = group.and_then(|group| first.get(&group)) {
                let (test, train) = number(row, *train);
                found.push(Leak { test, train, kind: "group", similarity: 1.0 });
            }
        }
    }
    found.sort_by(|one, other| (one.test, one.kind).cmp(&(other.test, other.kind)));
    (found, flagged)
}

/// Test rows that are equal to a training row in all these columns, each with the first such; and the same of the
/// training rows; the test row first in both.
fn exact(
    train: &RecordBatch,
    test: &RecordBatch,
    features: &[(usize, usize)],
) -> [Vec<(usize, usize)>; 2] {
    if features.is_empty() {
        return [Vec::new(), Vec::new()];
    }
    let keys = |batch: &RecordBatch, side: fn(&(usize, usize)) -> usize| {
        let mut keys = vec![[0_u64; 2]; batch.num_rows()];
        for feature in features {
            canonical(batch.column(side(feature)), &mut keys);
        }
        keys
    };
    let (of_train, of_test) = (keys(train, |(train, _)| *train), keys(test, |(_, test)| *test));
    let first = |keys: &[[u64; 2]]| {
        let mut first = HashMap::new();
        keys.iter().enumerate().for_each(|(row, key)| {
            first.entry(*key).or_insert(row);
        });
        first
    };
    let (trained, tested) = (first(&of_train), first(&of_test));
    let firsts = of_test.iter().enumerate();
    let firsts = firsts.filter_map(|(row, key)| Some((row, *trained.get(key)?)));
    let all = of_train.iter().enumerate();
    let all = all.filter_map(|(row, key)| Some((*tested.get(key)?, row)));
    [firsts.collect(), all.collect()]
}

/// Mix the values of a column into a 128-bit key for each row: numbers by value whatever their type, NaN
/// and missing ones alike, -0 as 0.
fn canonical(array: &arrow_array::ArrayRef, keys: &mut [[u64; 2]]) {
    let mut add = |row: usize, value: u64| {
        let [one, other] = keys[row];
        keys[row] = [
            near::shingles::mix(one ^ value),
            near::shingles::mix(other.rotate_left(17) ^ value ^ 0x5851_f42d_4c95_7f2d),
        ];
    };
    let bits = |number: f64| match number {
        number if number.is_nan() => f64::NAN.to_bits(),
        0.0 => 0,
        number => number.to_bits(),
    };
    if let Some(numbers) = crate::columns::numbers(array) {
        numbers.iter().enumerate().for_each(|(row, number)| add(row, bits(*number)));
    } else if let Some(list) = array.as_any().downcast_ref::<arrow_array::FixedSizeListArray>() {
        let width = list.value_length().max(0) as usize;
        let Some(numbers) = crate::columns::numbers(list.values()) else { return };
        for (row, numbers) in numbers.chunks_exact(width.max(1)).take(list.len()).enumerate() {
            numbers.iter().for_each(|number| add(row, bits(*number)));
        }
    } else {
        for (row, text) in written(array).iter().enumerate() {
            match text {
                None => add(row, u64::MAX),
                Some(text) => {
                    add(row, text.len() as u64);
                    for chunk in text.as_bytes().chunks(8) {
                        let mut bytes = [0; 8];
                        bytes[..chunk.len()].copy_from_slice(chunk);
                        add(row, u64::from_le_bytes(bytes));
                    }
                }
            }
        }
    }
}

/// What is said where no leak was found.
const NONE: &str = "leak: none";

/// Pairs of texts and of images that are alike, training rows before test rows.
fn alike(
    train: &RecordBatch,
    test: &RecordBatch,
    features: &[(usize, usize)],
    request: &Request,
) -> Vec<Pairs> {
    let (limits, threads) = (&request.limits, request.threads);
    let mut found = Vec::new();
    for (at, other) in features {
        if kind(train.schema().field(*at)) == Kind::Text {
            if let (Some(one), Some(two)) = (texts(train.column(*at)), texts(test.column(*other)))
                && reads_as_text(&one)
            {
                found.push(near::of_texts(&Shingles::of(one.into_iter().chain(two)), threads));
            }
        } else if let (Some(mut one), Some(two)) =
            (Images::of(train, *at, limits, threads), Images::of(test, *other, limits, threads))
        {
            one.extend(two);
            found.push(one.pairs(threads));
        }
    }
    found
}

fn told(
    context: &Context<'_>,
    leaks: Option<(Vec<Leak>, BTreeMap<u64, Leak>)>,
    columns: &[(String, f64)],
) -> Done {
    let (mut lines, mut found, mut fields) = (Vec::new(), Vec::new(), Vec::new());
    if let Some((leaks, flagged)) = leaks {
        let count = |kind: &str| leaks.iter().filter(|leak| leak.kind == kind).count();
        if !leaks.is_empty() {
            let mut rows = leaks.iter().map(|leak| leak.train).collect::<Vec<_>>();
            rows.sort_unstable();
            rows.dedup();
            // A row may be known in several ways; they stand in the order of the rows.
            let known = leaks.chunk_by(|one, other| one.test == other.test).count();
            let (rows_are, rows_word) = if known == 1 { ("is", "row") } else { ("are", "rows") };
            let message = format!(
                "{known} test {rows_word} {rows_are} known from training: {} equal, {} nearly equal, {} of a group \
                 that is trained on",
                count("exact"),
                count("near"),
                count("group"),
            );
            lines.push(message.clone());
            let rule = &rules::LEAK_TRAIN_TEST;
            let measured = ("test rows known from training", known as f64, 0.0);
            found.push(Found { rule, severity: rule.severity, message, rows, measured });
        }
        let pairs = leaks.iter().map(|leak| {
            Value::Record(vec![
                ("test", leak.test.into()),
                ("train", leak.train.into()),
                ("kind", leak.kind.into()),
                ("similarity", leak.similarity.into()),
            ])
        });
        fields.push(("pairs", Value::List(pairs.collect())));
        let flagged = flagged.values().map(|leak| {
            let how = if leak.kind == "exact" { "equal" } else { "nearly equal" };
            Value::Record(vec![
                ("row", leak.train.into()),
                ("score", leak.similarity.into()),
                ("why", format!("{how} to row {} of the test set", leak.test).into()),
            ])
        });
        fields.push(("flagged", Value::List(flagged.collect())));
    }
    let records = columns.iter().map(|(name, area)| {
        Value::Record(vec![("column", name.as_str().into()), ("auc", (*area).into())])
    });
    fields.push(("columns", Value::List(records.collect())));
    for (name, area) in columns {
        let message =
            format!("`{name}` alone gives the label away: area under the curve {area:.4}");
        lines.push(message.clone());
        let rule = &rules::LEAK_COLUMN;
        let measured = ("area under the curve", *area, column::TELLS);
        found.push(Found { rule, severity: rule.severity, message, rows: Vec::new(), measured });
    }
    if lines.is_empty() {
        lines.push(NONE.to_owned());
    }
    let looked_at = context.sample.is_part().then_some(context.sample.numbers.len() as u64);
    fields.extend(looked_at.map(|rows| ("sampled", rows.into())));
    Done { looked_at, fields, lines, found, ..Done::default() }
}
