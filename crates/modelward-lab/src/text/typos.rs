//! Slips of the keyboard, after Pruthi et al. 2019 ("Combating Adversarial Misspellings with Robust
//! Word Recognition", section 3): inside words of four letters or more, whose first and last stay.

use std::ops::Range;

use crate::text::{
    clusters::Clusters,
    edit::{Edit, Family},
};

/// The fewest letters of a word that is misspelt.
const LETTERS: usize = 4;

/// Keys side by side on a QWERTY keyboard, by row, and those above and below.
const NEIGHBOURS: [(char, &str); 26] = [
    ('a', "qwsz"),
    ('b', "vghn"),
    ('c', "xdfv"),
    ('d', "serfcx"),
    ('e', "wsdr"),
    ('f', "drtgvc"),
    ('g', "ftyhbv"),
    ('h', "gyujnb"),
    ('i', "ujko"),
    ('j', "huikmn"),
    ('k', "jiolm"),
    ('l', "kop"),
    ('m', "njk"),
    ('n', "bhjm"),
    ('o', "iklp"),
    ('p', "ol"),
    ('q', "wa"),
    ('r', "edft"),
    ('s', "awedxz"),
    ('t', "rfgy"),
    ('u', "yhji"),
    ('v', "cfgb"),
    ('w', "qase"),
    ('x', "zsdc"),
    ('y', "tghu"),
    ('z', "asx"),
];

/// Two inner letters change places, one is left out, is struck twice, or is the key beside. Letters
/// with marks stay: a slip of one key takes no accent to another letter.
pub(super) fn proposals(text: &[char], word: Range<usize>) -> Vec<Edit> {
    let clusters = Clusters::of(text, &word);
    if word.clone().filter(|&at| clusters.begin(at)).count() < LETTERS {
        return Vec::new();
    }
    let inner = word.start.saturating_add(1)..word.end.saturating_sub(1);
    let mut all = Vec::new();
    for at in inner.clone() {
        let Some(&letter) = text.get(at).filter(|_| clusters.single(at)) else { continue };
        let mut push = |len: usize, with: String| {
            all.push(Edit { at, len, with, family: Family::Typo });
        };
        let next = at.saturating_add(1);
        let moves = inner.contains(&next) && clusters.single(next);
        if let Some(&next) = text.get(next).filter(|_| moves)
            && next != letter
        {
            push(2, [next, letter].iter().collect());
        }
        push(1, String::new());
        push(1, [letter, letter].iter().collect());
        for key in beside(letter) {
            push(1, key.to_string());
        }
    }
    all
}

fn beside(letter: char) -> impl Iterator<Item = char> {
    let small = letter.to_ascii_lowercase();
    let found = NEIGHBOURS.iter().find(|(key, _)| *key == small).map(|(_, keys)| *keys);
    let is_large = letter.is_ascii_uppercase();
    let cased = move |key: char| if is_large { key.to_ascii_uppercase() } else { key };
    found.unwrap_or_default().chars().map(cased)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::edit::{apply, distance};

    #[test]
    fn each_slip_is_one_edit_and_keeps_first_and_last_letters() {
        let text = "Hello pay".chars().collect::<Vec<_>>();
        let proposed = proposals(&text, 0..5);
        for edit in &proposed {
            let changed = apply(&text, std::slice::from_ref(edit)).unwrap();
            let changed = changed.chars().collect::<Vec<_>>();
            assert_eq!(distance(&text, &changed, 1), Some(1), "{edit:?}");
            let word = changed.split(|char| *char == ' ').next().unwrap();
            assert_eq!((word.first(), word.last()), (Some(&'H'), Some(&'o')));
        }
        assert!(proposals(&text, 6..9).is_empty());
        // Of `r`, `e` with its accent, `v` and `e` with another the inner `v` alone is one key.
        let text = "re\u{301}ve\u{300}s".chars().collect::<Vec<_>>();
        let proposed = proposals(&text, 0..7);
        assert!(!proposed.is_empty() && proposed.iter().all(|edit| (edit.at, edit.len) == (3, 1)));
        assert!(proposals(&text, 0..4).is_empty());
        for (key, keys) in NEIGHBOURS {
            assert!(keys.chars().all(|other| beside(other).any(|back| back == key)), "{key}");
        }
    }
}
