//! Characters that are not seen, and an order that is not: Boucher et al. 2022, "Bad Characters:
//! Imperceptible NLP Attacks", sections IV-B and IV-C.

use std::ops::Range;

use crate::text::edit::{Edit, Family};

/// Characters without width: space, non-joiner, joiner, word joiner, invisible separator, soft
/// hyphen, no-break space without width.
const WIDTHLESS: [char; 7] =
    ['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{2063}', '\u{ad}', '\u{feff}'];

/// Something unseen in each gap inside a word, and each two neighbours in the other order, with the
/// marks of the bidirectional algorithm (UAX #9) that show them as before.
pub(super) fn proposals(text: &[char], word: Range<usize>) -> Vec<Edit> {
    let mut all = Vec::new();
    let Range { start, end } = word;
    let gaps = start.saturating_add(1)..end;
    for at in gaps.clone() {
        let put = |with: char| Edit { at, len: 0, with: with.into(), family: Family::Invisible };
        all.extend(WIDTHLESS.map(put));
    }
    for gap in gaps {
        let at = gap.saturating_sub(1);
        if let (Some(&one), Some(&two)) = (text.get(at), text.get(gap))
            && one != two
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
    use super::*;
    use crate::text::edit::apply;

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
