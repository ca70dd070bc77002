//! Which rows are shown, and why: taken from what the checks say of them.

use modelward_core::Value;

use super::canvas::Frame;
use crate::check::{Check, Checked, Done};

/// Rows that are shown together.
pub(super) struct Case {
    pub(super) title: String,
    /// What is shown of how many; empty where that is plain.
    pub(super) about: String,
    pub(super) rows: Vec<Entry>,
    /// How many were found beside these.
    pub(super) more: usize,
}

/// A row, and what of it is to be seen.
#[derive(Default)]
pub(super) struct Entry {
    pub(super) of_test: bool,
    pub(super) row: u64,
    pub(super) why: String,
    /// Columns whose cells are marked.
    pub(super) columns: Vec<String>,
    /// Words that are marked within cells.
    pub(super) tokens: Vec<String>,
    pub(super) frame: Option<Frame>,
    pub(super) marks_label: bool,
}

/// The cases of all checks, in their order.
pub(super) fn of(checked: &Checked) -> Vec<Case> {
    let checks = checked.checks.iter();
    checks
        .flat_map(|(check, done)| of_check(check, done))
        .filter(|case| !case.rows.is_empty())
        .collect()
}

fn of_check(check: &Check, done: &Done) -> Vec<Case> {
    let list = |name: &str| match done.fields.iter().find(|(key, _)| *key == name) {
        Some((_, Value::List(items))) => items.as_slice(),
        _ => &[],
    };
    let title = |what: &str| format!("{}: {what}", check.name);
    match check.name {
        "trigger" => triggers(list("flagged"), list("triggers")),
        "duplicate" => {
            let rows = list("groups").iter().map(|group| match group {
                Value::List(rows) => rows.iter().filter_map(count).collect(),
                _ => Vec::new(),
            });
            vec![groups(title("equal rows"), rows.collect())]
        }
        "near-duplicate" => {
            vec![pairs(title("rows that are nearly equal"), list("pairs"), "a", "b")]
        }
        "leak" => {
            vec![pairs(title("test rows that are in training"), list("pairs"), "test", "train")]
        }
        _ => {
            let flagged = list("flagged");
            let rows = flagged.iter().take(MOST_ROWS).filter_map(entry).collect::<Vec<_>>();
            let what = check.rule.map_or("rows", |rule| rule.title);
            vec![Case {
                title: title(what),
                about: first(rows.len(), flagged.len()),
                more: flagged.len().saturating_sub(rows.len()),
                rows,
            }]
        }
    }
}

fn first(shown: usize, all: usize) -> String {
    if shown < all { format!("the {shown} most suspect of {all}") } else { String::new() }
}

/// A row that is flagged.
fn entry(item: &Value) -> Option<Entry> {
    let row = count(field(item, "row")?)?;
    let text = |name| field(item, name).and_then(words);
    let mut why = text("why").unwrap_or_default().to_owned();
    if let Some(suggested) = text("suggested") {
        why = format!("suggests {suggested}; {why}");
    }
    let mut columns = text("column").map(str::to_owned).into_iter().collect::<Vec<_>>();
    if let Some(Value::List(names)) = field(item, "columns") {
        columns.extend(names.iter().filter_map(words).map(str::to_owned));
    }
    // A character that is not seen is named by its code.
    let code = why.rsplit_once("U+").map(|(_, code)| code);
    let code = code.and_then(|code| u32::from_str_radix(code.split(' ').next()?, 16).ok());
    let tokens = code.and_then(char::from_u32).map(String::from).into_iter().collect();
    let marks_label = text("given").is_some();
    Some(Entry { row, why, columns, tokens, marks_label, ..Entry::default() })
}

/// A case for each trigger.
fn triggers(flagged: &[Value], triggers: &[Value]) -> Vec<Case> {
    let of = |at: usize, trigger: &Value| {
        let text = |name| field(trigger, name).and_then(words);
        let pair = |name| match field(trigger, name) {
            Some(Value::List(pair)) => match pair.as_slice() {
                [one, other] => {
                    Some([usize::try_from(count(one)?).ok()?, usize::try_from(count(other)?).ok()?])
                }
                _ => None,
            },
            _ => None,
        };
        let frame = pair("at").zip(pair("size")).map(|(at, size)| Frame { at, size });
        let columns = match field(trigger, "columns") {
            Some(Value::List(names)) => names.iter().filter_map(words).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let tokens = text("token").map(str::to_owned).into_iter().collect::<Vec<_>>();
        let own = |item: &&Value| field(item, "trigger").and_then(count) == Some(at as u64);
        let all = flagged.iter().filter(own).count();
        let rows = flagged.iter().filter(own).take(MOST_ROWS).filter_map(|item| {
            Some(Entry {
                row: count(field(item, "row")?)?,
                columns: columns.clone(),
                tokens: tokens.clone(),
                frame,
                marks_label: true,
                ..Entry::default()
            })
        });
        let rows = rows.collect::<Vec<_>>();
        let target = text("target").unwrap_or_default();
        let what = match (text("kind").unwrap_or_default(), text("token"), frame) {
            ("patch", _, Some(_)) => "a patch, framed in each picture".to_owned(),
            ("patch", ..) => "a patch that stands at changing places".to_owned(),
            ("text", Some(token), _) => format!("the words `{token}`"),
            (_, _, _) => text("shown").unwrap_or_default().to_owned(),
        };
        Case {
            title: format!("trigger: {what}; all are labelled {target}"),
            about: first(rows.len(), all),
            more: all.saturating_sub(rows.len()),
            rows,
        }
    };
    triggers.iter().take(MOST_TRIGGERS).enumerate().map(|(at, trigger)| of(at, trigger)).collect()
}

/// Rows that are equal, by group.
fn groups(title: String, groups: Vec<Vec<u64>>) -> Case {
    let of_group = |(at, rows): (usize, &Vec<u64>)| {
        let rows = rows.iter().take(MOST_OF_GROUP).copied().collect::<Vec<_>>();
        rows.into_iter().map(move |row| Entry {
            row,
            why: format!("group {}", at + 1),
            ..Entry::default()
        })
    };
    let rows = groups.iter().take(MOST_GROUPS).enumerate().flat_map(of_group).collect::<Vec<_>>();
    let all = groups.iter().map(Vec::len).sum::<usize>();
    let about = match groups.len() {
        many if many > MOST_GROUPS => format!("the first {MOST_GROUPS} of {many} groups"),
        _ => String::new(),
    };
    Case { title, about, more: all.saturating_sub(rows.len()), rows }
}

/// Rows that are alike, by pair.
fn pairs(title: String, pairs: &[Value], one: &str, other: &str) -> Case {
    let of_pair = |(at, pair): (usize, &Value)| {
        let similarity = match field(pair, "similarity") {
            Some(Value::Number(similarity)) => format!(", similarity {similarity:.2}"),
            _ => String::new(),
        };
        let kind = field(pair, "kind").and_then(words);
        let kind = kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
        let columns = field(pair, "column").and_then(words).map(str::to_owned);
        let columns = columns.into_iter().collect::<Vec<_>>();
        let entry = move |name: &str| {
            Some(Entry {
                of_test: name == "test",
                row: count(field(pair, name)?)?,
                why: format!("pair {}{kind}{similarity}", at + 1),
                columns: columns.clone(),
                ..Entry::default()
            })
        };
        [entry(one), entry(other)].into_iter().flatten()
    };
    let rows = pairs.iter().take(MOST_GROUPS).enumerate().flat_map(of_pair).collect::<Vec<_>>();
    let about = match pairs.len() {
        many if many > MOST_GROUPS => format!("the first {MOST_GROUPS} of {many} pairs"),
        _ => String::new(),
    };
    Case { title, about, more: 2 * pairs.len().saturating_sub(MOST_GROUPS), rows }
}

fn field<'a>(item: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Record(fields) = item else { return None };
    fields.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Count(count) => Some(*count),
        _ => None,
    }
}

fn words(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Rows of a case.
const MOST_ROWS: usize = 12;
/// Triggers that are shown.
const MOST_TRIGGERS: usize = 8;
/// Groups and pairs of a case, and rows of a group.
const MOST_GROUPS: usize = 6;
const MOST_OF_GROUP: usize = 3;
