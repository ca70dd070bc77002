//! Families of edits: what each may do, and what it proposes for a word.

use std::ops::Range;

use crate::text::{
    edit::{Edit, Family},
    homoglyphs, invisible, typos,
    words::Substitutions,
};

impl Family {
    /// What it proposes for a word that stands at `word` in a text, the most usual first.
    pub fn proposals(self, text: &[char], word: Range<usize>, list: &Substitutions) -> Vec<Edit> {
        match self {
            Self::Homoglyph => homoglyphs::proposals(text, word),
            Self::Invisible => invisible::proposals(text, word),
            Self::Typo => typos::proposals(text, word),
            Self::Words => list.proposals(text, word),
        }
    }

    /// Whether an edit is one of this family's, of a text with these words.
    pub fn admits(
        self,
        text: &[char],
        words: &[Range<usize>],
        edit: &Edit,
        list: &Substitutions,
    ) -> bool {
        if edit.family != self {
            return false;
        }
        // Every edit is inside one word, so what the family proposes there is all that it admits.
        let word = around(words, edit);
        word.is_some_and(|word| self.proposals(text, word, list).contains(edit))
    }
}

/// The word that an edit is inside of.
pub(super) fn around(words: &[Range<usize>], edit: &Edit) -> Option<Range<usize>> {
    let behind = words.partition_point(|word| word.start <= edit.at);
    let word = words.get(behind.checked_sub(1)?)?;
    (edit.end() <= word.end).then(|| word.clone())
}

/// The most characters of a word: what is longer is none that people read.
const LONGEST: usize = 128;

/// Where words stand in a text: letters and digits, with apostrophes and marks inside.
pub fn words(text: &[char]) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let mut start = None;
    for (at, &char) in text.iter().enumerate() {
        let next = text.get(at.saturating_add(1)).is_some_and(|next| next.is_alphanumeric());
        let joins = start.is_some() && next && matches!(char, '\'' | '\u{2019}');
        let is_mark = start.is_some() && ('\u{300}'..='\u{36f}').contains(&char);
        if char.is_alphanumeric() || joins || is_mark {
            start.get_or_insert(at);
        } else if let Some(start) = start.take() {
            all.push(start..at);
        }
    }
    all.extend(start.map(|start| start..text.len()));
    all.retain(|word| word.len() <= LONGEST);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found() {
        let text = "Don't pay 20\u{20ac} -- na\u{ef}ve 'quoted'".chars().collect::<Vec<_>>();
        let found = words(&text).into_iter().map(|word| text[word].iter().collect::<String>());
        let found = found.collect::<Vec<_>>();
        assert_eq!(found, ["Don't", "pay", "20", "na\u{ef}ve", "quoted"]);
        let long = ["x".repeat(LONGEST), "y".repeat(LONGEST + 1), "z".into()].join(" ");
        let found = words(&long.chars().collect::<Vec<_>>());
        assert_eq!(found, [0..LONGEST, 2 * LONGEST + 3..2 * LONGEST + 4]);
    }

    #[test]
    fn what_is_proposed_is_admitted_and_nothing_else() {
        let list = Substitutions::read("pay\ttransfer\tsend\n").unwrap();
        let text = "Please pay the letter".chars().collect::<Vec<_>>();
        let all = words(&text);
        for family in Family::ALL {
            let mut count = 0;
            for word in all.iter().cloned() {
                for edit in family.proposals(&text, word, &list) {
                    count += 1;
                    assert!(family.admits(&text, &all, &edit, &list), "{edit:?}");
                    for other in Family::ALL.into_iter().filter(|other| *other != family) {
                        assert!(!other.admits(&text, &all, &edit, &list));
                    }
                    let forged = Edit { with: "zz".into(), ..edit };
                    assert!(!family.admits(&text, &all, &forged, &list));
                }
            }
            assert!(count > 1, "{family}");
        }
    }
}
