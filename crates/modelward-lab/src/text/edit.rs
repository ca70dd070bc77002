//! Edits of a text: what stands where is replaced by what.

use std::{fmt, str::FromStr};

/// A kind of edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// A letter becomes another that looks like it.
    Homoglyph,
    /// Characters that are not seen, or an order that is not.
    Invisible,
    /// Slips of the keyboard inside a word.
    Typo,
    /// A word becomes another of the user's list.
    Words,
}

/// One edit: `len` characters from `at` on, in the original, become `with`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edit {
    /// Where it begins, in characters of the original.
    pub at: usize,
    /// How many characters of the original it takes away.
    pub len: usize,
    /// What stands there instead.
    pub with: String,
    /// What kind of edit it is.
    pub family: Family,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 4] = [Self::Homoglyph, Self::Invisible, Self::Typo, Self::Words];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Homoglyph => "homoglyph",
            Self::Invisible => "invisible",
            Self::Typo => "typo",
            Self::Words => "words",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Family {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|family| family.name() == text.trim());
        let names = Self::ALL.map(Self::name).join(", ");
        found.ok_or_else(|| format!("expected one of {names}, got `{text}`"))
    }
}

impl Edit {
    /// The end, in characters of the original.
    pub fn end(&self) -> usize {
        self.at.saturating_add(self.len)
    }

    /// Whether both may be made: no character is touched twice, and nothing is put twice into one gap.
    pub fn fits(&self, other: &Self) -> bool {
        if self.len == 0 && other.len == 0 {
            return self.at != other.at;
        }
        self.end() <= other.at || other.end() <= self.at
    }
}

/// A text with edits made; `None` where they do not fit together or into it.
pub fn apply(original: &[char], edits: &[Edit]) -> Option<String> {
    let mut changed = String::with_capacity(original.len().saturating_mul(2));
    let mut from = 0;
    for edit in in_order(edits)? {
        changed.extend(original.get(from..edit.at)?);
        changed.push_str(&edit.with);
        from = edit.end();
    }
    changed.extend(original.get(from..)?);
    Some(changed)
}

/// The original of an edited text, from what the edits took away; `None` where the text is not what
/// these edits make.
pub fn undo(changed: &str, edits: &[Edit], taken: &[String]) -> Option<String> {
    if edits.len() != taken.len() {
        return None;
    }
    let mut pairs = edits.iter().zip(taken).collect::<Vec<_>>();
    pairs.sort_by_key(|(edit, _)| (edit.at, edit.len));
    let changed = changed.chars().collect::<Vec<_>>();
    let mut original = Vec::new();
    let mut at = 0_usize;
    for (edit, taken) in pairs {
        let same = edit.at.checked_sub(original.len())?;
        original.extend(changed.get(at..at.checked_add(same)?)?);
        at = at.checked_add(same)?;
        for char in edit.with.chars() {
            (changed.get(at) == Some(&char)).then_some(())?;
            at = at.checked_add(1)?;
        }
        (taken.chars().count() == edit.len).then_some(())?;
        original.extend(taken.chars());
    }
    original.extend(changed.get(at..)?);
    Some(original.into_iter().collect())
}

/// The edits by their place; `None` where two do not fit.
pub fn in_order(edits: &[Edit]) -> Option<Vec<&Edit>> {
    let mut sorted = edits.iter().collect::<Vec<_>>();
    sorted.sort_by_key(|edit| (edit.at, edit.len));
    let fit = sorted.iter().zip(sorted.iter().skip(1)).all(|(one, next)| one.fits(next));
    fit.then_some(sorted)
}

/// The distance of two texts in insertions, deletions, replacements and swaps of neighbours, none of
/// which touches a character twice (optimal string alignment; Damerau 1964). `None` where it is more
/// than `most`.
pub fn distance(one: &[char], other: &[char], most: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > most {
        return None;
    }
    // Only a band around the diagonal can be reached within `most`, and only it is written: three rows
    // take turns, and each has `far` on both sides of its band, as no row reads farther.
    let far = most.saturating_add(1);
    let width = other.len() + 1;
    let (mut before, mut above, mut row) =
        (vec![far; width], (0..width).collect::<Vec<_>>(), vec![far; width]);
    for (i, a) in one.iter().enumerate() {
        let low = (i + 1).saturating_sub(most);
        let high = (i + 1).saturating_add(most).min(other.len());
        let first = low.max(1);
        row[first - 1] = if low == 0 { i + 1 } else { far };
        if let Some(behind) = row.get_mut(high + 1) {
            *behind = far;
        }
        for j in first..=high {
            let b = other[j - 1];
            let mut best = above[j - 1] + usize::from(*a != b);
            best = best.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 0 && j > 1 && *a == other[j - 2] && one[i - 1] == b {
                best = best.min(before[j - 2] + 1);
            }
            row[j] = best.min(far);
        }
        (before, above, row) = (above, row, before);
    }
    above.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn distances_are_those_of_optimal_alignment() {
        for (one, other, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("pay", "pya", 1),
            ("pay", "pay", 0),
            ("kitten", "sitting", 3),
            // Not 2, as no character is touched twice.
            ("ca", "abc", 3),
            ("abcdef", "badcfe", 3),
        ] {
            assert_eq!(distance(&chars(one), &chars(other), 9), Some(expected), "{one} {other}");
            assert_eq!(distance(&chars(other), &chars(one), expected), Some(expected));
            if expected > 0 {
                assert_eq!(distance(&chars(one), &chars(other), expected - 1), None);
            }
        }
    }

    #[test]
    fn edits_that_touch_each_other_are_refused() {
        let edit = |at, len, with: &str| Edit { at, len, with: with.into(), family: Family::Typo };
        let text = chars("abc");
        assert_eq!(apply(&text, &[edit(1, 1, ""), edit(2, 1, "x")]).unwrap(), "ax");
        assert_eq!(apply(&text, &[edit(1, 0, "-"), edit(1, 1, "x")]).unwrap(), "a-xc");
        assert_eq!(apply(&text, &[edit(3, 0, "!")]).unwrap(), "abc!");
        for edits in [
            vec![edit(0, 2, ""), edit(1, 1, "x")],
            vec![edit(1, 0, "-"), edit(1, 0, "+")],
            vec![edit(0, 2, "ba"), edit(1, 0, "-")],
            vec![edit(3, 1, "")],
        ] {
            assert_eq!(apply(&text, &edits), None, "{edits:?}");
        }
    }

    /// The same with every cell of the table.
    fn whole(one: &[char], other: &[char]) -> usize {
        let mut table = vec![vec![0; other.len() + 1]; one.len() + 1];
        for i in 0..=one.len() {
            for j in 0..=other.len() {
                let mut best = if i.min(j) == 0 { i + j } else { usize::MAX };
                if i > 0 && j > 0 {
                    best = table[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
                    best = best.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                }
                if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                    best = best.min(table[i - 2][j - 2] + 1);
                }
                table[i][j] = best;
            }
        }
        table[one.len()][other.len()]
    }

    #[test]
    fn long_texts_are_compared_in_a_band() {
        // A full row for each character would be 10^11 numbers.
        let text = "abcd ".repeat(60_000).chars().collect::<Vec<_>>();
        let mut other = text.clone();
        other.swap(1000, 1001);
        other.remove(150_000);
        assert_eq!(distance(&text, &other, 4), Some(2));
        assert_eq!(distance(&text, &other, 1), None);
    }

    proptest! {
        #[test]
        fn a_band_says_what_the_whole_table_says(
            one in "[ab]{0,9}", other in "[ab]{0,9}", most in 0_usize..6)
        {
            let (one, other) = (chars(&one), chars(&other));
            let expected = Some(whole(&one, &other)).filter(|distance| *distance <= most);
            prop_assert_eq!(distance(&one, &other, most), expected);
        }

        #[test]
        fn what_was_done_can_be_undone(
            text in "\\PC{0,20}",
            drawn in prop::collection::vec((0..20_usize, 0..3_usize, "[a-z\u{200b}]{0,3}"), 0..6))
        {
            let original = chars(&text);
            let mut edits = Vec::<Edit>::new();
            for (at, len, with) in drawn {
                let edit = Edit { at, len, with, family: Family::Typo };
                if edit.end() <= original.len() && edits.iter().all(|other| other.fits(&edit)) {
                    edits.push(edit);
                }
            }
            let changed = apply(&original, &edits).unwrap();
            let taken = edits.iter().map(|edit| original[edit.at..edit.end()].iter().collect());
            let taken = taken.collect::<Vec<String>>();
            prop_assert_eq!(undo(&changed, &edits, &taken), Some(text));
        }
    }
}
