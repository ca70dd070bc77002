//! Which rows a check found, and why they may be taken out.

use std::collections::BTreeMap;

use modelward_core::Value;
use serde_json::json;

use crate::{
    check::{Check, Checked, Done},
    rules,
};

/// Why a row may be taken out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reason {
    /// The check that found it.
    pub check: &'static str,
    /// The rule that the row breaks.
    pub rule: Option<&'static str>,
    /// How suspect it is, in the unit of the check.
    pub score: Option<f64>,
    /// The same in words.
    pub why: Option<String>,
}

/// The rows that may be taken out, each with why.
pub type Reasons = BTreeMap<u64, Vec<Reason>>;

impl Reason {
    pub(super) fn json(&self) -> serde_json::Value {
        let mut line = json!({ "check": self.check });
        if let serde_json::Value::Object(line) = &mut line {
            let score = self.score.filter(|score| score.is_finite());
            let more = [
                ("rule", self.rule.map(Into::into)),
                ("score", score.map(Into::into)),
                ("why", self.why.clone().map(Into::into)),
            ];
            line.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        }
        line
    }
}

/// The rows that the checks flagged, each with why; of rows that are copies of one another all but the first.
pub fn reasons(checked: &Checked) -> Reasons {
    let mut reasons = Reasons::new();
    for (check, done) in &checked.checks {
        let rule = check.rule.map(|rule| rule.id);
        let mut add = |row: Option<&Value>, mut reason: Reason| {
            let Some(Value::Count(row)) = row else { return };
            let known = reasons.entry(*row).or_default();
            if known.last().is_none_or(|last| last.check != check.name) {
                reason.check = check.name;
                reason.rule = reason.rule.or(rule);
                known.push(reason);
            }
        };
        let similar = similarities(done);
        for (key, value) in &done.fields {
            let Value::List(items) = value else { continue };
            match (check.name, *key) {
                (_, "flagged") => {
                    for item in items {
                        add(field(item, "row"), flagged(check, done, item));
                    }
                }
                // Of a group its first row stays: what is like another that goes is left alone.
                ("near-duplicate" | "duplicate", "groups") => {
                    let how = if check.name == "duplicate" { "equal" } else { "nearly equal" };
                    for group in items {
                        let Value::List(rows) = group else { continue };
                        let first = rows.first().and_then(count);
                        for row in rows.iter().skip(1) {
                            let why = first.map(|row| format!("{how} to row {row}"));
                            let pair = first.zip(count(row));
                            let score = pair.and_then(|pair| similar.get(&pair)).copied();
                            add(Some(row), Reason { score, why, ..Reason::default() });
                        }
                    }
                }
                _ => {}
            }
        }
    }
    reasons
}

/// How alike the rows of pairs are, of the check for near copies.
fn similarities(done: &Done) -> BTreeMap<(u64, u64), f64> {
    let pairs = done.fields.iter().find(|(key, _)| *key == "pairs");
    let Some((_, Value::List(pairs))) = pairs else { return BTreeMap::new() };
    let pairs = pairs.iter().filter_map(|pair| {
        let rows = field(pair, "a").and_then(count).zip(field(pair, "b").and_then(count))?;
        Some((rows, field(pair, "similarity").and_then(number)?))
    });
    pairs.collect()
}

/// What a check says of a row that it flagged.
fn flagged(check: &Check, done: &Done, item: &Value) -> Reason {
    let mut reason = Reason { score: field(item, "score").and_then(number), ..Reason::default() };
    reason.why = field(item, "why").and_then(text).map(str::to_owned);
    if check.name == "trigger" {
        let triggers = done.fields.iter().find(|(key, _)| *key == "triggers");
        let at = field(item, "trigger").and_then(count).and_then(|at| usize::try_from(at).ok());
        let trigger = match (triggers, at) {
            (Some((_, Value::List(triggers))), Some(at)) => triggers.get(at),
            _ => None,
        };
        let told = |name| trigger.and_then(|trigger| field(trigger, name)).and_then(text);
        reason.rule = told("kind").map(|kind| match kind {
            "patch" => rules::TRIGGER_PATCH.id,
            "text" => rules::TRIGGER_TEXT.id,
            "value" => rules::TRIGGER_VALUE.id,
            _ => rules::ACTIVATION_CLUSTER.id,
        });
        reason.why = told("kind").map(|kind| {
            let shown = told("token").or_else(|| told("shown")).unwrap_or_default();
            let target = told("target").unwrap_or_default();
            format!("carries a {kind} that comes with the label `{target}`: {shown}")
        });
    } else if let Some(given) = field(item, "given").and_then(text) {
        let suggested = field(item, "suggested").and_then(text).unwrap_or_default();
        let why = reason.why.take().map(|why| format!(", {why}")).unwrap_or_default();
        reason.why = Some(format!("labelled {given}, suggested {suggested}{why}"));
    } else if let Some(column) = field(item, "column").and_then(text) {
        reason.why.get_or_insert_with(|| format!("in column `{column}`"));
    }
    reason
}

pub(crate) fn field<'a>(item: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Record(fields) = item else { return None };
    fields.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

pub(crate) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

pub(crate) fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Count(count) => Some(*count),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Count(count) => Some(*count as f64),
        _ => None,
    }
}
