//! The text of properties and counterexamples: words and lists, as in Lisp, with comments.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use modelward_engine::{Kind, Result, Trouble};

/// The most bytes of a text.
pub(super) const MOST_BYTES: u64 = 256 << 20;

/// The deepest list in a list.
const DEEPEST: usize = 64;

/// A word, or a list of terms; each with the line it begins on.
#[derive(Debug)]
pub(super) enum Term<'a> {
    Word(&'a str, usize),
    List(Vec<Self>, usize),
}

impl<'a> Term<'a> {
    pub(super) fn line(&self) -> usize {
        match self {
            Self::Word(_, line) | Self::List(_, line) => *line,
        }
    }

    /// A word as it stands there.
    pub(super) fn word(&self) -> Option<&'a str> {
        match self {
            Self::Word(word, _) => Some(word),
            Self::List(..) => None,
        }
    }

    /// How messages show it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(word, _) => format!("`{}`", short(word)),
            Self::List(terms, _) => match terms.first() {
                None => "`()`".to_owned(),
                Some(Self::Word(word, _)) => format!("`({} ...)`", short(word)),
                Some(Self::List(..)) => "`((...) ...)`".to_owned(),
            },
        }
    }
}

/// Trouble with what stands on a line.
pub(super) fn wrong(line: usize, why: &str) -> Trouble {
    Trouble::new(Kind::Input, format!("line {line}: {why}"))
}

/// The terms of a text, one after the other.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Terms<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    /// The next term; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Term<'a>>> {
        // Lists that are open, from the outside.
        let mut open: Vec<(Vec<Term<'a>>, usize)> = Vec::new();
        loop {
            let Some(token) = self.token() else {
                return match open.pop() {
                    None => Ok(None),
                    Some((_, line)) => {
                        Err(wrong(line, "expected a `)` for the `(` here, got the end of the file"))
                    }
                };
            };
            let done = match token {
                "(" if open.len() >= DEEPEST => {
                    let why = format!("expected lists of at most {DEEPEST} levels, got more");
                    return Err(wrong(self.line, &why));
                }
                "(" => {
                    open.push((Vec::new(), self.line));
                    continue;
                }
                ")" => match open.pop() {
                    Some((terms, line)) => Term::List(terms, line),
                    None => return Err(wrong(self.line, "expected a term, got `)`")),
                },
                word => Term::Word(word, self.line),
            };
            match open.last_mut() {
                Some((terms, _)) => terms.push(done),
                None => return Ok(Some(done)),
            }
        }
    }

    /// The next bracket or word.
    fn token(&mut self) -> Option<&'a str> {
        loop {
            let blank = self.rest.find(|c: char| !c.is_whitespace()).unwrap_or(self.rest.len());
            self.skip(blank);
            if !self.rest.starts_with(';') {
                break;
            }
            self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ';');
        let len = match self.rest.chars().next()? {
            '(' | ')' => 1,
            _ => self.rest.find(ends).unwrap_or(self.rest.len()),
        };
        let (token, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(token)
    }

    fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        let lines = skipped.bytes().filter(|&byte| byte == b'\n').count();
        self.line = self.line.saturating_add(lines);
        self.rest = rest;
    }
}

/// A variable `X_3`: its number.
pub(super) fn number_of(word: &str, letter: &str) -> Option<usize> {
    let digits = word.strip_prefix(letter)?.strip_prefix('_')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn short(word: &str) -> String {
    word.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_past_comments() {
        let mut terms = Terms::new("; a\n\n(b ; (\n  (c))\nd");
        let list = terms.next().unwrap().unwrap();
        assert_eq!((list.line(), list.shown()), (3, "`(b ...)`".to_owned()));
        let word = terms.next().unwrap().unwrap();
        assert_eq!((word.line(), word.word()), (5, Some("d")));
        assert!(terms.next().unwrap().is_none());
    }

    #[test]
    fn what_is_not_closed_or_too_deep_is_refused() {
        let refused = |text: &str| Terms::new(text).next().unwrap_err().to_string();
        assert!(refused("\n(a (b)").starts_with("line 2: expected a `)`"));
        assert!(refused(")").contains("got `)`"));
        assert!(refused(&"(".repeat(1 << 20)).contains("at most 64 levels"));
    }

    #[test]
    fn variables_have_numbers() {
        assert_eq!(number_of("X_12", "X"), Some(12));
        for wrong in ["X_", "X_-1", "X_+1", "Y_1", "X1", "X_1a", "X_99999999999999999999999"] {
            assert_eq!(number_of(wrong, "X"), None, "{wrong}");
        }
    }
}
