//! Labels that are one, written in several ways.

use std::collections::BTreeMap;

use modelward_core::Value;
use unicode_normalization::UnicodeNormalization;

use super::{Context, Done, Found};
use crate::{Unread, normalise::is_hidden, rules::LABEL_SPELLING};

/// What a label is, however it is written: without space around it and hidden characters, in small
/// letters, compatibility forms replaced (UAX #15, NFKC), a number by its value.
fn plain(label: &str) -> String {
    let text = label.nfkc().filter(|character| !is_hidden(*character)).collect::<String>();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    match words.parse::<f64>() {
        Ok(number) if number.is_finite() && words.len() <= 15 => format!("{number}"),
        _ => words,
    }
}

/// Labels of one meaning, each with how many rows have it.
fn groups(classes: &BTreeMap<String, u64>) -> Vec<Vec<(&str, u64)>> {
    let mut all: BTreeMap<String, Vec<(&str, u64)>> = BTreeMap::new();
    for (label, rows) in classes {
        all.entry(plain(label)).or_default().push((label, *rows));
    }
    // Letters of both cases are classes of their own where each label is one letter.
    let letters = classes.keys().all(|label| label.chars().count() == 1);
    let several = all.into_values().filter(|group| group.len() > 1 && !letters);
    several.collect()
}

/// Labels that are one, written in several ways.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    if context.roles.label.is_none() {
        return Ok(Done::skipped("expected a label, found none; name it with `--label`"));
    }
    if context.classes.is_empty() {
        return Ok(Done::skipped("there are no labels, or more than classes could be"));
    }
    let groups = groups(&context.classes);
    let listed = groups.iter().map(|group| {
        let spelt = group.iter().map(|(label, rows)| ((*label).to_owned(), Value::from(*rows)));
        Value::Map(spelt.collect())
    });
    let fields = vec![("groups", Value::List(listed.collect()))];
    if groups.is_empty() {
        return Ok(Done { fields, ..Done::default() });
    }
    let lines = groups.iter().take(MOST_SHOWN).map(|group| {
        let spelt = group.iter().map(|(label, rows)| format!("`{label}` ({rows} rows)"));
        format!(
            "label-spelling  one label in several ways: {}",
            spelt.collect::<Vec<_>>().join(", ")
        )
    });
    let count = groups.len();
    let found = Found {
        rule: &LABEL_SPELLING,
        severity: LABEL_SPELLING.severity,
        message: format!(
            "{count} {} written in several ways",
            if count == 1 { "label is" } else { "labels are" }
        ),
        rows: Vec::new(),
        measured: ("labels", count as f64, 0.0),
    };
    Ok(Done { fields, lines: lines.collect(), found: vec![found], ..Done::default() })
}

/// Labels that are shown to people.
const MOST_SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn count(labels: &[&str]) -> usize {
        groups(&labels.iter().map(|label| ((*label).to_owned(), 1)).collect()).len()
    }

    #[test]
    fn one_label_is_one() {
        assert_eq!(count(&["01", "1", "1 ", "one", "ONE"]), 2);
        assert_eq!(count(&["cat", "ｃat"]), 1);
        assert_eq!(count(&["cat", "cats", "10", "1"]), 0);
        assert_eq!(count(&["a", "A", "b", "B"]), 0);
    }
}
