//! The built command against a corpus of data sets: every form of one table gives the same profile,
//! hostile files are refused or named, planted rows are found, and clean sets stay silent.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::command;

mod planted;
mod table;

/// CPU seconds and bytes of memory that a hostile file may cost.
const MOST: (f64, u64) = (1.0, 256 << 20);

/// The same for a set that is judged.
const MOST_OF_SETS: (f64, u64) = (600.0, 4 << 30);

/// Hold the command to the corpus; false where an answer is wrong.
pub(crate) fn run(corpus: &Path, misses: bool) -> Result<bool, String> {
    let corpus =
        fs::canonicalize(corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    let work = tempfile::tempdir().map_err(|error| error.to_string())?;
    let held = Held { command: command::built()?, corpus, work: work.path().to_owned() };
    let parts: [(&str, Part); 9] = [
        ("readers", readers),
        ("hostile", hostile),
        ("cells", planted::cells),
        ("texts", planted::texts),
        ("rows", planted::rows),
        ("leaks", planted::leaks),
        ("drift", planted::drift),
        ("groups", planted::groups),
        ("clean", clean),
    ];
    let mut whole = true;
    for (name, part) in parts {
        let answers = part(&held)?;
        let wrong = answers.iter().filter(|(_, wrong)| wrong.is_some()).count();
        println!("{name:<8} {:>4} of {}", answers.len().saturating_sub(wrong), answers.len());
        whole &= wrong == 0 && !answers.is_empty();
        for (what, wrong) in answers {
            match wrong {
                Some(wrong) => println!("  {what}: {wrong}"),
                None if misses => println!("  {what}: right"),
                None => {}
            }
        }
    }
    Ok(whole)
}

/// What was asked, and what was wrong with the answer.
type Answers = Result<Vec<(String, Option<String>)>, String>;

/// A part of the corpus.
type Part = fn(&Held) -> Answers;

/// The command and the corpus that it is held to.
struct Held {
    command: PathBuf,
    corpus: PathBuf,
    work: PathBuf,
}

impl Held {
    /// Judge a set; gives the checks of the measurement.
    fn checks(&self, path: &str, arguments: &[&str]) -> Result<Value, String> {
        let measured = self.measured(path, arguments)?;
        Ok(measured.get("checks").cloned().unwrap_or_default())
    }

    /// Judge a set; gives the measurement.
    fn measured(&self, path: &str, arguments: &[&str]) -> Result<Value, String> {
        let mut all = vec!["data", "check", path];
        all.extend(arguments);
        all.extend(["--format", "json", "--no-progress"]);
        let ended = self.run(&all, MOST_OF_SETS)?;
        let report = serde_json::from_slice::<Value>(&ended.output);
        let report = report.map_err(|error| format!("{path}: no report: {error}"))?;
        let measured = report.get("measurements").and_then(Value::as_array);
        let measured = measured.into_iter().flatten().find(|each| text(each, "kind") == "data");
        measured.cloned().ok_or_else(|| {
            format!("{path}: no measurement: {}", String::from_utf8_lossy(&ended.error).trim())
        })
    }

    /// Run the command in the corpus.
    fn run(&self, arguments: &[&str], most: (f64, u64)) -> Result<command::Ended, String> {
        let placed = arguments.iter().map(|argument| {
            let path = self.corpus.join(argument);
            match !argument.starts_with('-') && argument.contains('/') && path.exists() {
                true => path.display().to_string(),
                false => (*argument).to_owned(),
            }
        });
        let placed = placed.collect::<Vec<_>>();
        let placed = placed.iter().map(String::as_str).collect::<Vec<_>>();
        command::run(&self.command, &placed, &self.work, most)
    }

    fn table(&self, path: &str) -> Result<Vec<BTreeMap<String, String>>, String> {
        table::read(&self.corpus.join(path))
    }

    fn json(&self, path: &str) -> Result<Value, String> {
        let path = self.corpus.join(path);
        let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// A text of an object, empty where there is none.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The objects of a list in an object.
fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// Rows of two kinds that are the same, or not.
fn same<T: Ord + std::fmt::Debug>(found: &BTreeSet<T>, planted: &BTreeSet<T>) -> Option<String> {
    let few = |rows: Vec<&T>| format!("{:?}", rows.into_iter().take(8).collect::<Vec<_>>());
    let (missed, others) = (planted.difference(found), found.difference(planted));
    let (missed, others) = (missed.collect::<Vec<_>>(), others.collect::<Vec<_>>());
    match missed.is_empty() && others.is_empty() {
        true => None,
        false => Some(format!("missed {}, also found {}", few(missed), few(others))),
    }
}

/// One table in every form.
fn readers(held: &Held) -> Answers {
    let expected = held.json("readers/expected.json")?;
    let files = expected.as_object().ok_or("expected an object of files")?;
    let mut answers = Vec::new();
    for (file, expected) in files {
        let wrong = match held.measured(&format!("readers/{file}"), &["--only", "profile"]) {
            Ok(measured) => profiled(&measured, expected),
            Err(why) => Some(why),
        };
        answers.push((file.clone(), wrong));
    }
    Ok(answers)
}

/// What of a profile is not as expected.
fn profiled(measured: &Value, expected: &Value) -> Option<String> {
    if measured.get("rows") != expected.get("rows") {
        return Some(format!("{:?} rows", measured.get("rows")));
    }
    if let Some(classes) = expected.get("classes")
        && measured.get("classes") != Some(classes)
    {
        return Some(format!("classes {:?}", measured.get("classes")));
    }
    let profile = measured.pointer("/checks/profile")?;
    let column = |name: &str| {
        list(profile, "columns").find(|column| text(column, "column") == name).cloned()
    };
    for (name, nulls) in expected.get("nulls").and_then(Value::as_object).into_iter().flatten() {
        if column(name).unwrap_or_default().get("nulls") != Some(nulls) {
            return Some(format!("nulls of `{name}`"));
        }
    }
    for name in ["a", "b"] {
        for (key, value) in expected.get(name).and_then(Value::as_object).into_iter().flatten() {
            let found = column(name).unwrap_or_default().get(key).and_then(Value::as_f64);
            let value = value.as_f64().unwrap_or(f64::NAN);
            if found.is_none_or(|found| {
                (found - value).abs().partial_cmp(&1e-6) != Some(std::cmp::Ordering::Less)
            }) {
                return Some(format!("{key} of `{name}` is {found:?}, expected {value}"));
            }
        }
    }
    None
}

/// Files that are malformed or made to harm.
fn hostile(held: &Held) -> Answers {
    let mut answers = Vec::new();
    for row in held.table("hostile/expected.csv")? {
        let (Some(file), Some(expected)) = (row.get("file"), row.get("expect")) else { continue };
        let path = format!("hostile/{file}");
        let ended = held.run(&["data", "check", &path, "--format", "json"], MOST)?;
        let report = serde_json::from_slice::<Value>(&ended.output).unwrap_or_default();
        let unread = list(&report, "unread").count();
        // What is said of the bytes, the labels' spelling or a cell; not what is said of rows.
        let named = list(&report, "findings").any(|each| {
            let rule = text(each, "rule");
            rule == "MW3102" || ["MW30", "MW35"].iter().any(|family| rule.starts_with(family))
        });
        let came = match ended.code {
            Some(3) if unread > 0 => "unread",
            Some(0 | 1) if named => "finding",
            Some(0 | 1) => "read",
            _ => "failed",
        };
        let wrong = if ended.stopped || ended.cpu > MOST.0 {
            Some(format!("{:.1} CPU s", ended.cpu))
        } else if ended.memory > MOST.1 {
            Some(format!("{} MiB", ended.memory >> 20))
        } else if came != expected {
            Some(format!("expected {expected}, came {came}"))
        } else {
            None
        };
        answers.push((file.clone(), wrong));
    }
    Ok(answers)
}

/// Sets without anything planted: no label, trigger or drift may be called wrong.
fn clean(held: &Held) -> Answers {
    let sets = held.json("triggers/sets.json")?;
    let names = sets.as_array().into_iter().flatten().filter(|set| text(set, "form") == "clean");
    let mut paths = Vec::new();
    for set in names {
        let name = text(set, "set");
        let ends = ["npz", "jsonl", "csv"].map(|end| format!("triggers/{name}.{end}"));
        paths.extend(ends.into_iter().find(|path| held.corpus.join(path).exists()));
    }
    paths.extend(
        ["wine", "digits", "breast_cancer"].map(|name| format!("labels/{name}_flip00.npz")),
    );
    let mut answers = Vec::new();
    for path in paths {
        let checks = held.checks(&path, &["--label", "y", "--only", "trigger,label-error"])?;
        let triggers = checks.get("trigger").map_or(0, |check| list(check, "flagged").count());
        let labels = checks.get("label-error").map_or(0, |check| list(check, "flagged").count());
        let rows = checks.pointer("/label-error/n").and_then(Value::as_u64).unwrap_or(0);
        let planted = path.contains("noisy");
        let wrong = match triggers {
            0 if planted || (labels as u64).saturating_mul(200) <= rows => None,
            0 => Some(format!("{labels} of {rows} labels called wrong")),
            _ => Some(format!("{triggers} rows called triggered")),
        };
        answers.push((path, wrong));
    }
    Ok(answers)
}
