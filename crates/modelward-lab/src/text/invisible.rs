//! Characters that are not seen, and an order that is not: Boucher et al. 2022, "Bad Characters:
//! Imperceptible NLP Attacks", sections IV-B and IV-C.

use std::ops::Range;

use crate::text::{
    clusters::{Clusters, joins, left_to_right},
    edit::{Edit, Family},
};

/// Characters without width: space, non-joiner, joiner, word joiner, invisible separator, soft
/// hyphen, no-break space without width.
const WIDTHLESS: [char; 7] =
    ['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{2063}', '\u{ad}', '\u{feff}'];

/// Something unseen in each gap inside a word, and each two neighbours in the other order, with the
/// marks of the bidirectional algorithm (UAX #9) that show them as before.
///
/// No letter is parted from its marks, and nothing stands between letters that join. The marks show
/// from left to right, so only what is written so changes its order.
pub(super) fn proposals(text: &[char], word: Range<usize>) -> Vec<Edit> {
    let mut all = Vec::new();
    let Range { start, end } = word.clone();
    let gaps = start.saturating_add(1)..end;
    let clusters = Clusters::of(text, &word);
    let letter = |at: usize| text.get(at).copied();
    for at in gaps.clone() {
        let sides = [letter(at.saturating_sub(1)), letter(at)];
        if !clusters.begin(at) || sides.into_iter().flatten().any(joins) {
            continue;
        }
        let put = |with: char| Edit { at, len: 0, with: with.into(), family: Family::Invisible };
        all.extend(WIDTHLESS.map(put));
    }
    for gap in gaps {
        let at = gap.saturating_sub(1);
        if let (Some(one), Some(two)) = (letter(at), letter(gap))
            && one != two
            && [at, gap].into_iter().all(|at| clusters.single(at))
            && [one, two].into_iter().all(left_to_right)
        {
            all.push(Edit { at, len: 2, with: reordered(one, two), family: Family::Invisible });
        }
    }
    all
}

/// Two characters in the other order that are shown in this one (algorithm 1 of the paper): each is
/// isolated (LRI, PDI) inside an override from right to left (RLO, PDF), inside one from left to
/// right (LRO).
fn reordered(one: char, two: char) -> String {
    let marks = ['\u{202d}', '\u{2066}', '\u{202e}', '\u{2066}', two, '\u{2069}', '\u{2066}', one];
    let ends = ['\u{2069}', '\u{202c}', '\u{2069}', '\u{202c}'];
    marks.into_iter().chain(ends).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_segmentation::UnicodeSegmentation;

    use super::*;
    use crate::text::{edit::apply, family::words};

    /// The edits of a text that is one word.
    fn of(text: &str) -> Vec<Edit> {
        let text = text.chars().collect::<Vec<_>>();
        proposals(&text, 0..text.len())
    }

    #[test]
    fn no_mark_leaves_its_letter() {
        // A gap before `c` and one behind the accent, and `ca` alone in the other order.
        let found = of("cafe\u{301}");
        assert!(found.iter().all(|edit| edit.end() <= 3), "{found:?}");
        assert_eq!(found.iter().filter(|edit| edit.len == 2).count(), 2);
    }

    #[test]
    fn scripts_that_join_or_run_the_other_way_stay_as_they_are() {
        // Arabic joins: nothing stands between. Hebrew does not, and is not shown left to right.
        assert!(of("\u{628}\u{64a}\u{62a}").is_empty());
        let hebrew = of("\u{5e9}\u{5dc}\u{5d5}\u{5dd}");
        assert!(hebrew.len() == 3 * 7 && hebrew.iter().all(|edit| edit.len == 0), "{hebrew:?}");
        assert!(of("\u{5d0}1").iter().all(|edit| edit.len == 0));
        assert_eq!(of("\u{431}\u{43e}").len(), 7 + 1);
    }

    proptest! {
        #[test]
        fn every_cluster_is_kept(
            text in "[ae\u{301}\u{327}\u{5d0}\u{628}\u{915}\u{94d}\u{200d}\u{1100}\u{1161} ']{0,12}")
        {
            let chars = text.chars().collect::<Vec<_>>();
            let own = text.graphemes(true).collect::<Vec<_>>();
            for edit in words(&chars).into_iter().flat_map(|word| proposals(&chars, word)) {
                let changed = apply(&chars, std::slice::from_ref(&edit)).unwrap();
                if edit.len == 0 {
                    // What stands in the gap hangs on the letter before it, or is by itself.
                    let put = edit.with.chars().next().unwrap();
                    let (before, behind) = changed.split_once(put).unwrap_or_default();
                    prop_assume!(!text.contains(put));
                    let kept = before.graphemes(true).chain(behind.graphemes(true));
                    prop_assert_eq!(kept.collect::<Vec<_>>(), own.clone());
                } else {
                    let taken = chars[edit.at..edit.end()].iter().map(char::to_string);
                    for letter in taken {
                        prop_assert!(own.contains(&&*letter), "{letter:?} of {text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_seen_stays_as_it_was() {
        let text = "pay".chars().collect::<Vec<_>>();
        let proposed = proposals(&text, 0..3);
        assert_eq!(proposed.len(), 2 * 7 + 2);
        for edit in &proposed {
            let changed = apply(&text, std::slice::from_ref(edit)).unwrap();
            let seen = changed.chars().filter(char::is_ascii).collect::<String>();
            assert_eq!(seen == "pay", edit.len == 0, "{changed:?}");
            assert!(seen.chars().all(|seen| "pay".contains(seen)) && seen.len() == 3);
        }
        assert!(proposals(&['a'], 0..1).is_empty());
    }
}
