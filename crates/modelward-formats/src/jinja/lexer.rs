//! Jinja source into tokens, as the lexer of Jinja2 3.1 splits it with its default delimiters.

use super::escape::{self, Literal};
use crate::{Gap, Refusal};

/// A token, and the byte offset at which it starts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Text between tags, as it is printed.
    Text(String),
    /// `{{`
    PrintBegin,
    /// `}}`
    PrintEnd,
    /// `{%`
    TagBegin,
    /// `%}`
    TagEnd,
    Name(String),
    Quoted(Literal),
    /// An integer; beyond 64 bits the nearest one.
    Integer(i64),
    Float,
    Operator(&'static str),
}

/// Split a whole template.
pub(super) fn tokens(source: &str) -> Result<Vec<Token>, Refusal> {
    let mut lexer = Lexer { source, at: 0, tokens: Vec::new() };
    while lexer.text()? {
        lexer.bound()?;
    }
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, at: usize, kind: Kind) {
        self.tokens.push(Token { at, kind });
    }

    /// A tree of millions of statements would cost a hundred times the source's length.
    fn bound(&self) -> Result<(), Refusal> {
        if self.tokens.len() > MOST {
            let why = format!("a template of more than {MOST} words and operators");
            return Err(Refusal::new(self.at as u64, Gap::LargeMemory, why));
        }
        Ok(())
    }

    fn forward(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn refuse<T>(&self, at: usize, why: &'static str) -> Result<T, Refusal> {
        Err(Refusal::truncated(at as u64, why))
    }

    /// Text up to the next tag, and that tag. False at the end.
    fn text(&mut self) -> Result<bool, Refusal> {
        let (start, rest) = (self.at, self.rest());
        let tag = rest.char_indices().map(|(at, _)| at).find(|&at| {
            let here = rest.get(at..).unwrap_or_default();
            here.starts_with("{{") || here.starts_with("{%") || here.starts_with("{#")
        });
        let text = rest.get(..tag.unwrap_or(rest.len())).unwrap_or_default();
        if !text.is_empty() {
            self.push(start, Kind::Text(text.to_owned()));
        }
        self.forward(text.len());
        let here = self.rest();
        if here.is_empty() {
            return Ok(false);
        }
        if here.starts_with("{#") {
            let end = here.get(2..).unwrap_or_default().find("#}");
            let Some(end) = end else { return self.refuse(self.at, "a comment without its end") };
            self.forward(end.saturating_add(4));
            return Ok(true);
        }
        if let Some((text, length)) = raw(here) {
            let Some(length) = length else {
                return self.refuse(self.at, "a raw block without its end");
            };
            self.push(self.at, Kind::Text(text.to_owned()));
            self.forward(length);
            return Ok(true);
        }
        let tag = here.starts_with("{%");
        self.push(self.at, if tag { Kind::TagBegin } else { Kind::PrintBegin });
        self.forward(2);
        if self.rest().starts_with(['-', '+']) {
            self.forward(1);
        }
        self.inside(if tag { "%}" } else { "}}" }, tag)?;
        Ok(true)
    }

    /// The tokens of one tag, its end included.
    fn inside(&mut self, end: &str, tag: bool) -> Result<(), Refusal> {
        let mut open = Vec::new();
        loop {
            self.bound()?;
            let rest = self.rest();
            let space = rest.len().saturating_sub(rest.trim_start().len());
            self.forward(space);
            let (start, rest) = (self.at, self.rest());
            let Some(first) = rest.chars().next() else {
                return self.refuse(start, "a tag without its end");
            };
            if open.is_empty() {
                let marked = rest.strip_prefix('-');
                let marked = marked.or(rest.strip_prefix('+').filter(|_| tag));
                let end_here = marked.is_some_and(|rest| rest.starts_with(end));
                if rest.starts_with(end) || end_here {
                    self.push(start, if tag { Kind::TagEnd } else { Kind::PrintEnd });
                    self.forward(if rest.starts_with(end) { 2 } else { 3 });
                    return Ok(());
                }
            }
            if first.is_ascii_digit() {
                // `rows.0.1` are two subscripts, not a fraction.
                let after_dot =
                    matches!(self.tokens.last(), Some(t) if t.kind == Kind::Operator("."));
                let (kind, length) = number(rest, !after_dot);
                self.push(start, kind);
                self.forward(length);
            } else if first == '_' || first.is_alphabetic() {
                let name = |c: char| !(c == '_' || c.is_alphanumeric());
                let length = rest.find(name).unwrap_or(rest.len());
                self.push(start, Kind::Name(rest.get(..length).unwrap_or_default().to_owned()));
                self.forward(length);
            } else if first == '\'' || first == '"' {
                let Some(length) = quoted(rest, first) else {
                    return self.refuse(start, "a string without its end");
                };
                let inner = rest.get(1..length.saturating_sub(1)).unwrap_or_default();
                let Some(literal) = escape::unescape(inner) else {
                    return self.refuse(start, "a broken escape in a string");
                };
                self.push(start, Kind::Quoted(literal));
                self.forward(length);
            } else {
                let Some(&operator) = OPERATORS.iter().find(|each| rest.starts_with(**each)) else {
                    return self.refuse(start, "a character that no Jinja expression has");
                };
                match operator {
                    "(" | "[" | "{" => open.push(operator),
                    ")" | "]" | "}" if open.pop() != Some(opening(operator)) => {
                        return self.refuse(start, "a bracket that was not opened");
                    }
                    _ => {}
                }
                self.push(start, Kind::Operator(operator));
                self.forward(operator.len());
            }
        }
    }
}

/// The text of a raw block and the length of the whole, where one starts here.
fn raw(source: &str) -> Option<(&str, Option<usize>)> {
    let begin = tag(source, "raw")?;
    let body = source.get(begin..).unwrap_or_default();
    for (at, _) in body.match_indices("{%") {
        if let Some(end) = body.get(at..).and_then(|here| tag(here, "endraw")) {
            let text = body.get(..at).unwrap_or_default();
            return Some((text, Some(begin.saturating_add(at).saturating_add(end))));
        }
    }
    Some((body, None))
}

/// The length of the tag of this one word, where it starts here.
fn tag(source: &str, word: &str) -> Option<usize> {
    let rest = source.strip_prefix("{%")?;
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest).trim_start();
    let rest = rest.strip_prefix(word)?.trim_start();
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest).strip_prefix("%}")?;
    Some(source.len().saturating_sub(rest.len()))
}

/// The length of a string in these quotes, both included.
fn quoted(source: &str, quote: char) -> Option<usize> {
    let mut characters = source.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        if c == '\\' {
            characters.next()?;
        } else if c == quote {
            return Some(at.saturating_add(1));
        }
    }
    None
}

/// A number and its length.
fn number(source: &str, fraction_allowed: bool) -> (Kind, usize) {
    let digits = |text: &str, radix: u32| {
        let end = text.find(|c: char| c != '_' && !c.is_digit(radix)).unwrap_or(text.len());
        text.get(..end).unwrap_or_default().to_owned()
    };
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        let starts = source.get(..2).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        if starts {
            let text = digits(source.get(2..).unwrap_or_default(), radix);
            let clean = text.replace('_', "");
            let value = i64::from_str_radix(&clean, radix).unwrap_or(i64::MAX);
            return (Kind::Integer(value), text.len().saturating_add(2));
        }
    }
    let whole = digits(source, 10);
    let mut length = whole.len();
    let mut float = false;
    let fraction = source.get(length..).and_then(|rest| rest.strip_prefix('.'));
    if let Some(fraction) = fraction.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        length = length.saturating_add(digits(fraction, 10).len()).saturating_add(1);
        float = true;
    }
    if !fraction_allowed {
        return (Kind::Integer(whole.replace('_', "").parse().unwrap_or(i64::MAX)), whole.len());
    }
    let exponent = source.get(length..).and_then(|rest| rest.strip_prefix(['e', 'E']));
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if unsigned.starts_with(|c: char| c.is_ascii_digit()) {
            let sign = exponent.len().saturating_sub(unsigned.len());
            let more = digits(unsigned, 10).len().saturating_add(sign).saturating_add(1);
            length = length.saturating_add(more);
            float = true;
        }
    }
    if float {
        return (Kind::Float, length);
    }
    (Kind::Integer(whole.replace('_', "").parse().unwrap_or(i64::MAX)), length)
}

fn opening(closing: &str) -> &'static str {
    match closing {
        ")" => "(",
        "]" => "[",
        _ => "{",
    }
}

/// The most tokens. The longest chat template in use has 60 KiB.
const MOST: usize = 200_000;
/// Longer operators first, so that `**` is not two times `*`.
const OPERATORS: &[&str] = &[
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";",
];
