//! What is seen as one character: a letter with its marks, a syllable of several letters (extended
//! grapheme clusters, UAX #29). Edits that are not to be seen, or are slips of one key, tear none.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// Characters around a word by which its own clusters may hang on others.
const AROUND: usize = 8;

/// Where clusters begin in a word.
pub(super) struct Clusters {
    from: usize,
    begins: Vec<bool>,
}

impl Clusters {
    /// Of a word of a text.
    pub(super) fn of(text: &[char], word: &Range<usize>) -> Self {
        let from = word.start.saturating_sub(AROUND);
        let to = word.end.saturating_add(AROUND).min(text.len());
        let around = text.get(from..to).unwrap_or_default().iter().collect::<String>();
        let mut begins = Vec::with_capacity(to.saturating_sub(from).saturating_add(1));
        for cluster in around.graphemes(true) {
            begins.extend(cluster.chars().enumerate().map(|(at, _)| at == 0));
        }
        begins.push(true);
        Self { from, begins }
    }

    /// Whether one begins at a place of the text, in or right behind the word.
    pub(super) fn begin(&self, at: usize) -> bool {
        at.checked_sub(self.from).and_then(|at| self.begins.get(at)).is_some_and(|begins| *begins)
    }

    /// Whether the character at a place is one by itself.
    pub(super) fn single(&self, at: usize) -> bool {
        self.begin(at) && self.begin(at.saturating_add(1))
    }
}

/// Whether a letter is of a script whose letters join their neighbours, and take another form where
/// something stands between (blocks with the property `Joining_Type`).
pub(super) fn joins(letter: char) -> bool {
    matches!(letter,
        '\u{600}'..='\u{6ff}' | '\u{700}'..='\u{77f}' | '\u{7c0}'..='\u{7ff}'
        | '\u{840}'..='\u{8ff}' | '\u{1800}'..='\u{18af}' | '\u{a840}'..='\u{a87f}'
        | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10ac0}'..='\u{10aff}'
        | '\u{10b80}'..='\u{10baf}' | '\u{10d00}'..='\u{10d3f}' | '\u{10ec0}'..='\u{10fdf}'
        | '\u{1e900}'..='\u{1e95f}')
}

/// Whether a character is a letter or digit that is written from left to right whatever stands around
/// it (not of the blocks that UAX #9 has for letters from right to left).
pub(super) fn left_to_right(letter: char) -> bool {
    let against = matches!(letter,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}');
    letter.is_alphanumeric() && !against && !joins(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_keep_their_marks() {
        let text = "x cafe\u{301}s".chars().collect::<Vec<_>>();
        let clusters = Clusters::of(&text, &(2..8));
        let begins = (2..=8).map(|at| clusters.begin(at)).collect::<Vec<_>>();
        assert_eq!(begins, [true, true, true, true, false, true, true]);
        assert!(clusters.single(4) && !clusters.single(5) && !clusters.single(6));
        assert!(!clusters.begin(99));
    }

    #[test]
    fn scripts_are_told_apart() {
        assert!(['a', 'z', '7', '\u{3b1}', '\u{431}', '\u{4e2d}'].into_iter().all(left_to_right));
        assert!(
            !['\u{5d0}', '\u{627}', '\u{661}', '\'', '\u{1820}'].into_iter().any(left_to_right)
        );
        assert!(joins('\u{628}') && joins('\u{1e900}') && !joins('\u{5d0}') && !joins('a'));
    }
}
