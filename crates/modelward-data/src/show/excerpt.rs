//! As much of a text as a person reads, around what is marked in it, without credentials.

use std::ops::Range;

use modelward_core::Cell;
use modelward_formats::credentials::redacted;

/// A cell of a text in which some words are marked; where none of them stands in it, all of it if it is to be
/// marked.
pub(super) fn of(text: &str, tokens: &[String], marked: bool) -> Cell {
    let text = redacted(head(text));
    let mut marks = Vec::new();
    for token in tokens.iter().filter(|token| !token.is_empty()) {
        marks.extend(text.match_indices(token.as_str()).map(|(at, found)| at..at + found.len()));
    }
    marks.sort_by_key(|mark: &Range<usize>| (mark.start, mark.end));
    let Some(first) = marks.first() else {
        return Cell(vec![(cut(&text, MOST_SHOWN), marked)]);
    };
    let begin = text.floor_char_boundary(first.start.saturating_sub(BEFORE));
    let end = text.floor_char_boundary((begin + MOST_SHOWN).min(text.len()));
    let mut parts = Vec::new();
    if begin > 0 {
        parts.push(("… ".to_owned(), false));
    }
    let mut at = begin;
    for mark in &marks {
        if mark.start < at || mark.end > end {
            continue;
        }
        parts.push((text[at..mark.start].to_owned(), false));
        parts.push((text[mark.clone()].to_owned(), true));
        at = mark.end;
    }
    parts.push((text[at..end].to_owned(), false));
    if end < text.len() {
        parts.push((" …".to_owned(), false));
    }
    parts.retain(|(part, _)| !part.is_empty());
    Cell(parts)
}

/// As much of a text as is searched, up to the end of a word: half of a credential is not known for one.
fn head(text: &str) -> &str {
    let head = text.get(..text.floor_char_boundary(MOST_SEARCHED)).unwrap_or_default();
    match head.rfind(char::is_whitespace) {
        Some(end) if head.len() < text.len() => head.get(..end).unwrap_or_default(),
        // What has no words is a word: as long as any credential is left out of its end.
        None if head.len() < text.len() => {
            head.get(..head.floor_char_boundary(MOST_SEARCHED - LONGEST)).unwrap_or_default()
        }
        _ => head,
    }
}

/// A name or a value.
pub(super) fn short(text: &str) -> String {
    cut(&redacted(text), MOST_NAME)
}

/// A reason.
pub(super) fn long(text: &str) -> String {
    cut(&redacted(text), MOST_SHOWN)
}

fn cut(text: &str, most: usize) -> String {
    match text.get(..text.floor_char_boundary(most)) {
        Some(head) if head.len() < text.len() => format!("{head} …"),
        _ => text.to_owned(),
    }
}

/// Bytes of a text that are searched.
const MOST_SEARCHED: usize = 64 << 10;
/// Bytes of a credential without spaces, at most.
const LONGEST: usize = 512;
/// Bytes of a text that are shown, and of them before the first mark.
const MOST_SHOWN: usize = 320;
const BEFORE: usize = 80;
/// Bytes of a name.
const MOST_NAME: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_marked_where_they_stand() {
        let text = format!("{}éé cf trigger cf end", "x ".repeat(200));
        let Cell(parts) = of(&text, &["cf".to_owned()], true);
        let marked = parts.iter().filter(|(_, marked)| *marked).map(|(text, _)| text.as_str());
        assert_eq!(marked.collect::<Vec<_>>(), ["cf", "cf"]);
        assert_eq!(parts.first().unwrap().0, "… ");
        assert_eq!(parts.last().unwrap().0, " end");
        let whole = of("plain", &["cf".to_owned()], true);
        assert_eq!(whole, Cell::marked("plain"));
    }

    #[test]
    fn a_credential_at_the_end_of_what_is_searched_is_not_shown() {
        // Put together here, so that no scanner takes this file for a leak.
        let token = ["ghp", "_a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ"].concat();
        for filler in ["x ", "x"] {
            for shift in 0..50 {
                let before = filler.repeat(MOST_SEARCHED / filler.len());
                let before = &before[..MOST_SEARCHED - 60 + shift];
                let text = format!("{before} mark {token} and more {before}");
                let Cell(parts) = of(&text, &["mark".to_owned()], true);
                let shown = parts.iter().map(|(part, _)| part.as_str()).collect::<String>();
                assert!(!shown.contains("_a1B2"), "{shift}: {shown}");
            }
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let Cell(parts) = of(&"é".repeat(1000), &[], false);
        assert_eq!(parts[0].0, format!("{} …", "é".repeat(160)));
    }
}
