//! Letters that look like others.
//!
//! Single characters of Unicode's `confusables.txt` (UTS #39) whose skeleton is that of the letter:
//! Cyrillic, Greek, Armenian, Cherokee and the like, which no normalisation turns into the letter again
//! (NFKC makes another letter of few, such as `s` of the long s that looks like `f`), and then the
//! fullwidth and sans-serif forms, which NFKC turns back.

use std::ops::Range;

use crate::text::edit::{Edit, Family};

/// Each letter and those that look like it.
const LOOKALIKES: &[(char, &str)] = &[
    ('a', "\u{430}\u{251}"),
    ('b', "\u{42c}"),
    ('c', "\u{441}\u{3f2}"),
    ('d', "\u{501}"),
    ('e', "\u{435}\u{4bd}"),
    ('f', "\u{17f}\u{584}"),
    ('g', "\u{261}\u{581}"),
    ('h', "\u{4bb}\u{570}"),
    ('i', "\u{456}\u{131}"),
    ('j', "\u{458}\u{3f3}"),
    ('l', "\u{4cf}\u{406}"),
    ('n', "\u{578}\u{57c}"),
    ('o', "\u{43e}\u{3bf}"),
    ('p', "\u{440}\u{3c1}"),
    ('q', "\u{51b}\u{566}"),
    ('r', "\u{433}"),
    ('s', "\u{455}"),
    ('u', "\u{57d}\u{3c5}"),
    ('v', "\u{3bd}\u{475}"),
    ('w', "\u{51d}\u{561}"),
    ('x', "\u{445}"),
    ('y', "\u{443}\u{4af}"),
    ('z', "\u{1d22}"),
    ('A', "\u{410}\u{391}"),
    ('B', "\u{412}\u{392}"),
    ('C', "\u{421}\u{3f9}"),
    ('D', "\u{13a0}"),
    ('E', "\u{415}\u{395}"),
    ('F', "\u{3dc}"),
    ('G', "\u{50c}"),
    ('H', "\u{41d}\u{397}"),
    ('I', "\u{406}\u{399}"),
    ('J', "\u{408}"),
    ('K', "\u{41a}\u{39a}"),
    ('L', "\u{13de}"),
    ('M', "\u{41c}\u{39c}"),
    ('N', "\u{39d}"),
    ('O', "\u{41e}\u{39f}"),
    ('P', "\u{420}\u{3a1}"),
    ('Q', "\u{2d55}"),
    ('R', "\u{13a1}"),
    ('S', "\u{405}"),
    ('T', "\u{422}\u{3a4}"),
    ('U', "\u{54d}"),
    ('V', "\u{474}"),
    ('W', "\u{51c}"),
    ('X', "\u{425}\u{3a7}"),
    ('Y', "\u{4ae}\u{3a5}"),
    ('Z', "\u{396}"),
    ('3', "\u{417}"),
    ('6', "\u{431}"),
];

/// Every letter of a word becomes one that looks like it.
pub(super) fn proposals(text: &[char], word: Range<usize>) -> Vec<Edit> {
    let letters = word.filter_map(|at| text.get(at).map(|letter| (at, *letter)));
    let edit =
        |at, with: char| Edit { at, len: 1, with: with.to_string(), family: Family::Homoglyph };
    letters.flat_map(|(at, letter)| alike(letter).map(move |with| edit(at, with))).collect()
}

/// Characters that look like a letter.
fn alike(letter: char) -> impl Iterator<Item = char> {
    let found = LOOKALIKES.iter().find(|(known, _)| *known == letter).map(|(_, all)| *all);
    let shifted = |first: char, fullwidth: u32, sans: u32| {
        let place = u32::from(letter).wrapping_sub(u32::from(first));
        [fullwidth, sans].map(|start| char::from_u32(start.wrapping_add(place)))
    };
    let forms = match letter {
        'a'..='z' => shifted('a', 0xff41, 0x1d5ba),
        'A'..='Z' => shifted('A', 0xff21, 0x1d5a0),
        _ => [None, None],
    };
    found.unwrap_or_default().chars().chain(forms.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_become_others_that_look_like_them() {
        let text = "pay".chars().collect::<Vec<_>>();
        let proposed = proposals(&text, 0..3);
        assert!(proposed.iter().all(|edit| edit.len == 1 && edit.with.chars().count() == 1));
        let of = |at| proposed.iter().filter(move |edit| edit.at == at).map(|edit| &*edit.with);
        assert_eq!(of(1).collect::<Vec<_>>(), ["\u{430}", "\u{251}", "\u{ff41}", "\u{1d5ba}"]);
        for letter in ('a'..='z').chain('A'..='Z') {
            assert!(alike(letter).count() >= 2, "{letter}");
            assert!(alike(letter).all(|other| !other.is_ascii()));
        }
        assert_eq!(alike('-').count(), 0);
    }
}
