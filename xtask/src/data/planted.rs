//! What was planted in sets, and whether all of it and nothing else is found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Answers, Held, list, same, text};

/// Formulas, hidden characters and instructions in cells, with harmless ones that look like them.
pub(super) fn cells(held: &Held) -> Answers {
    let truth = held.table("content/truth.csv")?;
    let checks = held
        .checks("content/cells.jsonl", &["--only", "formula,hidden-character,prompt-injection"])?;
    let of_kind = |kind: &str| {
        let rows = truth.iter().filter(|row| row.get("kind").is_some_and(|own| own == kind));
        rows.filter_map(|row| row.get("row")?.parse().ok()).collect::<BTreeSet<u64>>()
    };
    let harmless = of_kind("clean");
    let mut answers = Vec::new();
    for kind in ["formula", "hidden-character", "prompt-injection"] {
        // A row may hold more than the one thing that it is named for.
        let check = checks.get(kind).cloned().unwrap_or_default();
        let planted = of_kind(kind);
        let mut found = numbers(&check, "flagged", "row");
        found.retain(|row| planted.contains(row) || harmless.contains(row));
        answers.push((kind.to_owned(), same(&found, &planted)));
    }
    Ok(answers)
}

/// Copies of texts in nine kinds, and texts that only share a heading.
pub(super) fn texts(held: &Held) -> Answers {
    let only = ["--text", "text", "--only", "duplicate,near-duplicate"];
    let checks = held.checks("duplicates/text.jsonl.gz", &only)?;
    let found = pairs_of(&checks);
    let (mut missed, mut planted) = (BTreeMap::<String, u64>::new(), 0_u64);
    for row in held.table("duplicates/text_pairs.csv")? {
        planted = planted.saturating_add(1);
        if !found.contains(&pair(&row)?) {
            let kind = row.get("kind").cloned().unwrap_or_default();
            let count = missed.entry(kind).or_default();
            *count = count.saturating_add(1);
        }
    }
    let few = missed.values().sum::<u64>().saturating_mul(100) <= planted;
    let unlike = held.table("duplicates/text_apart.csv")?;
    let unlike = unlike.iter().map(pair).collect::<Result<BTreeSet<_>, _>>()?;
    let joined = found.intersection(&unlike).count();
    let chain = held.json("duplicates/text_chain.json")?;
    let ends = chain
        .as_array()
        .and_then(|chain| Some([chain.first()?.as_u64()?, chain.last()?.as_u64()?]));
    let ends = ends.ok_or("expected a chain of rows")?;
    let groups = checks.get("near-duplicate").cloned().unwrap_or_default();
    let together = list(&groups, "groups").any(|group| {
        let rows = group.as_array().into_iter().flatten().filter_map(Value::as_u64);
        let rows = rows.collect::<BTreeSet<_>>();
        ends.iter().all(|end| rows.contains(end))
    });
    Ok(vec![
        (format!("{planted} copies"), (!few).then(|| format!("missed {missed:?}"))),
        ("unlike texts".to_owned(), (joined > 0).then(|| format!("{joined} joined"))),
        ("ends of a chain".to_owned(), together.then(|| "stand in one group".to_owned())),
    ])
}

/// Copies of rows with NaN and -0.0, and pictures that were saved again.
pub(super) fn rows(held: &Held) -> Answers {
    let planted = held.table("duplicates/rows_pairs.csv")?;
    let planted = planted.iter().map(pair).collect::<Result<BTreeSet<_>, _>>()?;
    let checks = held.checks("duplicates/rows.parquet", &["--only", "duplicate"])?;
    Ok(vec![("copies".to_owned(), same(&pairs_of(&checks), &planted))])
}

/// Rows of the test set that stand in the training set, or are of the same patient.
pub(super) fn leaks(held: &Held) -> Answers {
    let only = ["--test", "leak/test.csv", "--label", "y", "--group", "patient", "--only", "leak"];
    let checks = held.checks("leak/train.csv", &only)?;
    let check = checks.get("leak").cloned().unwrap_or_default();
    let found = list(&check, "pairs").filter_map(|pair| {
        let row = |key| pair.get(key).and_then(Value::as_u64);
        Some((text(pair, "kind").to_owned(), row("test")?, row("train")?))
    });
    let found = found.collect::<BTreeSet<_>>();
    let planted = held.table("leak/pairs.csv")?;
    let planted = planted.iter().filter_map(|row| {
        let number = |key: &str| row.get(key)?.parse().ok();
        Some((row.get("kind")?.clone(), number("test")?, number("train")?))
    });
    Ok(vec![("pairs".to_owned(), same(&found, &planted.collect()))])
}

/// Files that moved against a base, and one that did not.
pub(super) fn drift(held: &Held) -> Answers {
    let expected = held.json("drift/expected.json")?;
    let mut answers = Vec::new();
    for (name, expected) in expected.as_object().into_iter().flatten() {
        let (file, pairs) = match name.split_once(", ") {
            Some((file, _)) => (file, true),
            None => (name.as_str(), false),
        };
        let test = format!("drift/{file}");
        let checks = held.checks("drift/base.csv", &["--test", &test, "--only", "drift"])?;
        let check = checks.get("drift").cloned().unwrap_or_default();
        let wrong = if expected.is_object() {
            let schema = check.get("schema").cloned().unwrap_or_default();
            let parts = expected.as_object().into_iter().flatten();
            let parts = parts.filter(|(key, value)| schema.get(key.as_str()) != Some(value));
            parts.map(|(key, _)| format!("{key}: {:?}", schema.get(key.as_str()))).next()
        } else if pairs {
            let found = list(&check, "pairs").filter_map(|pair| pair.get("columns"));
            let found = found.map(Value::to_string).collect::<BTreeSet<_>>();
            let planted = expected.as_array().into_iter().flatten().map(Value::to_string);
            same(&found, &planted.collect())
        } else {
            let moved = list(&check, "columns")
                .filter(|column| column.get("flagged") == Some(&true.into()));
            let moved = moved.map(|column| text(column, "column").to_owned()).collect();
            let planted = expected.as_array().into_iter().flatten().filter_map(Value::as_str);
            same(&moved, &planted.map(str::to_owned).collect())
        };
        answers.push((name.clone(), wrong));
    }
    Ok(answers)
}

/// Rows and label rates by group.
pub(super) fn groups(held: &Held) -> Answers {
    let expected = held.json("groups/expected.json")?;
    let only = ["--group", "group", "--label", "y", "--only", "group-summary"];
    let checks = held.checks("groups/loans.csv", &only)?;
    let found = checks.pointer("/group-summary/groups").cloned().unwrap_or_default();
    let mut answers = Vec::new();
    for (name, expected) in expected.get("groups").and_then(Value::as_object).into_iter().flatten()
    {
        let found = found.get(name).cloned().unwrap_or_default();
        let rate = found.pointer("/rates/1").and_then(Value::as_f64).unwrap_or(f64::NAN);
        let planted = expected.get("rate").and_then(Value::as_f64).unwrap_or(f64::NAN);
        let right = found.get("rows") == expected.get("rows") && (rate - planted).abs() < 1e-5;
        answers.push((name.clone(), (!right).then(|| found.to_string())));
    }
    Ok(answers)
}

/// The numbers of a key in a list of objects.
fn numbers(check: &Value, all: &str, key: &str) -> BTreeSet<u64> {
    list(check, all).filter_map(|each| each.get(key)?.as_u64()).collect()
}

/// The rows of a pair of a table.
fn pair(row: &BTreeMap<String, String>) -> Result<(u64, u64), String> {
    let number = |key: &str| row.get(key).and_then(|text| text.parse::<u64>().ok());
    match (number("a"), number("b")) {
        (Some(a), Some(b)) => Ok((a.min(b), a.max(b))),
        _ => Err(format!("expected a pair of rows, found {row:?}")),
    }
}

/// Every pair of rows that a check calls copies.
fn pairs_of(checks: &Value) -> BTreeSet<(u64, u64)> {
    let mut pairs = BTreeSet::new();
    if let Some(near) = checks.get("near-duplicate") {
        for each in list(near, "pairs") {
            let row = |key| each.get(key).and_then(Value::as_u64);
            if let (Some(a), Some(b)) = (row("a"), row("b")) {
                pairs.insert((a.min(b), a.max(b)));
            }
        }
    }
    for group in checks.get("duplicate").into_iter().flat_map(|exact| list(exact, "groups")) {
        let rows = group.as_array().into_iter().flatten().filter_map(Value::as_u64);
        let rows = rows.collect::<Vec<_>>();
        for (at, a) in rows.iter().enumerate() {
            pairs.extend(rows.iter().skip(at.saturating_add(1)).map(|b| (*a.min(b), *a.max(b))));
        }
    }
    pairs
}
