//! Words that may stand for others, from a list of the user: a line for each word, with what may
//! stand for it, parted by tabs.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::{collections::BTreeMap, ops::Range};

use modelward_engine::{Kind, Result, Trouble};

use crate::text::edit::{Edit, Family};

/// The most replacements of one word.
const MOST: usize = 256;

/// The user's list, by the word in small letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Substitutions {
    of: BTreeMap<String, Vec<String>>,
}

impl Substitutions {
    /// Read a list.
    ///
    /// # Errors
    /// Where a line holds no replacement, or too many, or nothing is listed.
    pub fn read(text: &str) -> Result<Self> {
        let mut of = BTreeMap::<String, Vec<String>>::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in text.lines().enumerate() {
            let number = number.saturating_add(1);
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let mut cells = line.split('\t').map(str::trim);
            let word = cells.next().unwrap_or_default().to_lowercase();
            let found = cells.filter(|cell| !cell.is_empty()).map(str::to_owned);
            let found = found.collect::<Vec<_>>();
            if word.is_empty() || found.is_empty() {
                let why = format!("expected a word and what may stand for it in line {number}");
                return Err(Trouble::new(Kind::Input, why)
                    .help("part them by tabs: `pay<TAB>transfer<TAB>send`"));
            }
            let all = of.entry(word).or_default();
            for other in found {
                if !all.contains(&other) {
                    all.push(other);
                }
            }
            if all.len() > MOST {
                let why =
                    format!("expected at most {MOST} replacements of a word in line {number}");
                return Err(Trouble::new(Kind::Limit, why));
            }
        }
        if of.is_empty() {
            return Err(Trouble::new(Kind::Input, "expected a list of words, got an empty one"));
        }
        Ok(Self { of })
    }

    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// How many words are listed.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// What may stand for the word there, in its case.
    pub(super) fn proposals(&self, text: &[char], word: Range<usize>) -> Vec<Edit> {
        let Some(letters) = text.get(word.clone()) else { return Vec::new() };
        let small = letters.iter().collect::<String>().to_lowercase();
        let others = self.of.get(&small).map(Vec::as_slice).unwrap_or_default();
        let edit = |other: &String| {
            let with = cased(letters, other);
            Edit { at: word.start, len: letters.len(), with, family: Family::Words }
        };
        let same = |edit: &Edit| edit.with.chars().eq(letters.iter().copied());
        others.iter().map(edit).filter(|edit| !same(edit)).collect()
    }
}

/// A word in the case of another: all large, the first large, or as it is listed.
fn cased(like: &[char], word: &str) -> String {
    let large = like.iter().filter(|letter| letter.is_uppercase()).count();
    let small = like.iter().any(|letter| letter.is_lowercase());
    if large > 1 && !small {
        return word.to_uppercase();
    }
    let mut letters = word.chars();
    match letters.next() {
        Some(first) if like.first().is_some_and(|first| first.is_uppercase()) => {
            first.to_uppercase().chain(letters).collect()
        }
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_keep_their_case() {
        let list = Substitutions::read("# what\npay\ttransfer\tsend money\n\nPAY\tsend\n").unwrap();
        for (text, expected) in [
            ("pay", ["transfer", "send money", "send"]),
            ("Pay", ["Transfer", "Send money", "Send"]),
            ("PAY", ["TRANSFER", "SEND MONEY", "SEND"]),
        ] {
            let text = text.chars().collect::<Vec<_>>();
            let found = list.proposals(&text, 0..3).into_iter().map(|edit| edit.with);
            assert_eq!(found.collect::<Vec<_>>(), expected);
        }
        assert!(list.proposals(&['p', 'a', 'y', 's'], 0..4).is_empty());
    }

    #[test]
    fn what_is_no_list_is_named_by_line() {
        for (text, words) in [("pay\ttransfer\nsend\n", "line 2"), ("", "empty"), ("\tx", "line 1")]
        {
            let trouble = Substitutions::read(text).unwrap_err();
            assert!(trouble.to_string().contains(words), "{trouble}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-c\\t\\n\\r#\u{e9}]{0,40}") {
            let _ = Substitutions::read(&text);
        }
    }
}
