//! What checks say, without the credentials that stand in cells: labels, frequent values, words of triggers and
//! reasons are cells too.
//!
//! It is done here, once, for whatever shows them: reports, pages, reasons in a quarantine.

use std::borrow::Cow;

use modelward_core::Value;
use modelward_formats::credentials::redacted;

use super::Done;

impl Done {
    /// The same, without credentials.
    pub(super) fn masked(self) -> Self {
        let text = |text: String| told(&text);
        let fields = self.fields.into_iter().map(|(name, value)| (name, of_value(value)));
        let mut found = self.found;
        found.iter_mut().for_each(|found| found.message = told(&found.message));
        Self {
            fields: fields.collect(),
            lines: self.lines.into_iter().map(text).collect(),
            found,
            beyond: self.beyond.map(text),
            skipped: self.skipped.map(text),
            ..self
        }
    }
}

/// A value whose texts hold no credential.
fn of_value(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(masked(text)),
        Value::List(list) => Value::List(list.into_iter().map(of_value).collect()),
        Value::Record(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, of_value(value)));
            Value::Record(fields.collect())
        }
        Value::Map(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (masked(name), of_value(value)));
            Value::Map(fields.collect())
        }
        other => other,
    }
}

/// What is said to people: without credentials, and no longer than they read. Names of columns, groups and labels
/// are as long as whoever made the file wanted them.
fn told(text: &str) -> String {
    let text = redacted(text);
    if text.len() <= MOST_NAME {
        return text.into_owned();
    }
    let parts = text.split('`').enumerate();
    // What stands between backticks is a name; the words around it are ours.
    let parts = parts.map(|(at, part)| cut(part, if at % 2 == 1 { MOST_NAME } else { MOST_TOLD }));
    cut(&parts.collect::<Vec<_>>().join("`"), MOST_TOLD)
}

/// A text without credentials.
fn masked(text: String) -> String {
    match redacted(&text) {
        Cow::Owned(safe) => safe,
        Cow::Borrowed(_) => text,
    }
}

/// As many characters of a text as are shown, without credentials: one that was cut is known no more, and so
/// it is masked before.
pub(super) fn cut(text: &str, most: usize) -> String {
    let text = redacted(text);
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}

/// Characters of a name, and of a line.
const MOST_NAME: usize = 120;
const MOST_TOLD: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_what_a_check_says_holds_a_credential() {
        // Put together here, so that no scanner takes this file for a leak.
        let token = ["github", "_pat_", &"a1B2c3D4e5".repeat(8), "Zz"].concat();
        let said = || format!("`{token}` is frequent");
        let list = Value::List(vec![Value::Record(vec![("why", said().into())])]);
        let done = Done {
            fields: vec![("flagged", list)],
            lines: vec![said()],
            beyond: Some(said()),
            skipped: Some(said()),
            ..Done::default()
        };
        let shown = format!("{:?}", done.masked());
        assert!(!shown.contains("a1B2") && shown.matches("github_pat_...").count() == 4, "{shown}");
        // One that is cut is known no more.
        assert_eq!(cut(&format!("{token} and on"), 14), "github_pat_...…");
    }

    #[test]
    fn names_of_any_length_are_cut_and_words_are_not() {
        let name = "n".repeat(50_000);
        let line = told(&format!("3 groups by `{name}`; the smallest is `{name}` with 7 rows"));
        assert!(line.len() < 400 && line.ends_with("…` with 7 rows"), "{line}");
        assert!(told(&name).chars().count() <= MOST_TOLD + 1);
        assert_eq!(told("`a` and ` b"), "`a` and ` b");
    }
}
