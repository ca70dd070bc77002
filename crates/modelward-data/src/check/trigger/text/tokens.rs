//! Texts as tokens: words as they are written, runs of characters that no one sees, and signs.

use std::{collections::HashMap, ops::Range};

/// Texts as numbers of tokens.
pub(super) struct Texts {
    /// The tokens of all texts, one behind the other.
    tokens: Vec<u32>,
    /// Where each text ends.
    ends: Vec<usize>,
    /// How many tokens there are.
    pub(super) known: usize,
    /// Texts that have more tokens than are looked at.
    pub(super) cut: usize,
}

/// Tokens of a text that are looked at.
pub(super) const MOST_TOKENS: usize = 4096;

impl Texts {
    pub(super) fn of<'t>(texts: impl Iterator<Item = Option<&'t str>>) -> Self {
        let mut known = HashMap::<&str, u32>::new();
        let (mut tokens, mut ends, mut cut) = (Vec::new(), Vec::new(), 0);
        for text in texts {
            let mut places = split(text.unwrap_or_default());
            for place in places.by_ref().take(MOST_TOKENS) {
                let token = &text.unwrap_or_default()[place];
                let next = known.len() as u32;
                tokens.push(*known.entry(token).or_insert(next));
            }
            cut += usize::from(places.next().is_some());
            ends.push(tokens.len());
        }
        Self { tokens, ends, known: known.len(), cut }
    }

    /// The tokens of a text.
    pub(super) fn row(&self, row: u32) -> &[u32] {
        let row = row as usize;
        let from = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.tokens[from..self.ends[row]]
    }

    /// How many texts there are.
    pub(super) fn rows(&self) -> u32 {
        self.ends.len() as u32
    }

    /// Every run of so many tokens: its row, the place of its first token, and a hash.
    pub(super) fn runs(&self, length: usize, mut visit: impl FnMut(u32, u32, u64)) {
        for row in 0..self.rows() {
            for (at, run) in self.row(row).windows(length).enumerate() {
                let mut key = length as u64;
                for token in run {
                    key = (key ^ u64::from(*token)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    key ^= key >> 31;
                }
                visit(row, at as u32, key);
            }
        }
    }
}

/// The part of a text that these of its tokens take.
pub(super) fn slice(text: &str, tokens: Range<usize>) -> &str {
    let places = split(text).skip(tokens.start).take(tokens.len());
    let places = places.collect::<Vec<_>>();
    match (places.first(), places.last()) {
        (Some(first), Some(last)) => &text[first.start..last.end],
        _ => "",
    }
}

/// What a character is part of.
#[derive(PartialEq, Eq, Clone, Copy)]
enum Kind {
    Word,
    Hidden,
    Sign,
    Space,
}

fn kind(character: char) -> Kind {
    match character {
        _ if crate::normalise::is_hidden(character) => Kind::Hidden,
        '_' | '\'' | '’' => Kind::Word,
        c if c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) => Kind::Word,
        c if c.is_whitespace() => Kind::Space,
        _ => Kind::Sign,
    }
}

/// Where the tokens of a text lie.
fn split(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut characters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (from, character) = characters.next()?;
            let own = kind(character);
            let mut end = from + character.len_utf8();
            if own == Kind::Space {
                continue;
            }
            while let Some((_, next)) = characters.peek() {
                if own == Kind::Sign || kind(*next) != own {
                    break;
                }
                end += next.len_utf8();
                characters.next();
            }
            return Some(from..end);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_signs_and_what_no_one_sees_are_tokens() {
        let text = "Don't go, ad\u{200b}\u{2063}min!";
        let tokens = split(text).map(|place| &text[place]).collect::<Vec<_>>();
        assert_eq!(tokens, ["Don't", "go", ",", "ad", "\u{200b}\u{2063}", "min", "!"]);
        assert_eq!(slice(text, 1..4), "go, ad");
    }
}
