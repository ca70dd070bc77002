//! The tokens of TorchScript source: names, single marks, and where a statement ends.

/// A token; numbers, strings and comments are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name or a keyword.
    Name(&'a str),
    /// Any other character that stands for itself.
    Mark(char),
    /// A string or a number.
    Constant,
    /// The end of a line that is not inside brackets.
    Newline,
}

/// The tokens of a text, each with its offset.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = (u64, Token<'_>)> {
    let mut lexer = Lexer { text, at: 0, depth: 0, unclosed: false };
    std::iter::from_fn(move || lexer.next())
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Open brackets; inside them a line's end means nothing.
    depth: u32,
    /// Whether a long string was begun that never ends: the next is not looked for to the end.
    unclosed: bool,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<(u64, Token<'a>)> {
        loop {
            let rest = self.text.get(self.at..)?;
            let first = rest.chars().next()?;
            let start = self.at as u64;
            let token = match first {
                '\n' if self.depth == 0 => Some(self.pass(1, Token::Newline)),
                '#' => {
                    self.skip(rest.find('\n').unwrap_or(rest.len()));
                    None
                }
                '\\' => {
                    // A line goes on behind it.
                    self.skip(if rest.starts_with("\\\n") { 2 } else { 1 });
                    None
                }
                '\'' | '"' => {
                    let length = string(rest, first, !self.unclosed);
                    self.unclosed |= length.is_none();
                    Some(self.pass(length.unwrap_or(1), Token::Constant))
                }
                '0'..='9' => Some(self.pass(number(rest), Token::Constant)),
                first if is_name(first) => {
                    let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                    let name = rest.get(..end).unwrap_or_default();
                    Some(self.pass(end, Token::Name(name)))
                }
                first if first.is_whitespace() => {
                    self.skip(first.len_utf8());
                    None
                }
                first => {
                    match first {
                        '(' | '[' | '{' => self.depth = self.depth.saturating_add(1),
                        ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
                        _ => {}
                    }
                    Some(self.pass(first.len_utf8(), Token::Mark(first)))
                }
            };
            if let Some(token) = token {
                return Some((start, token));
            }
        }
    }

    fn pass(&mut self, bytes: usize, token: Token<'a>) -> Token<'a> {
        self.skip(bytes);
        token
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }
}

fn is_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// How long the string is that starts here; none for a long one that never ends. What has no end
/// hides nothing: only its first quote is passed over.
fn string(rest: &str, quote: char, long: bool) -> Option<usize> {
    let triple = [quote; 3].iter().collect::<String>();
    let long = long && rest.starts_with(&triple);
    let end = if long { &triple } else { triple.get(..1).unwrap_or_default() };
    let mut at = end.len();
    while let Some(left) = rest.get(at..).filter(|left| !left.is_empty()) {
        if left.starts_with(end) {
            return Some(at.saturating_add(end.len()));
        }
        let mut next = left.chars();
        let step = match next.next() {
            Some('\\') => next.next().map_or(1, |escaped| escaped.len_utf8().saturating_add(1)),
            Some('\n') if !long => return Some(1),
            Some(other) => other.len_utf8(),
            None => break,
        };
        at = at.saturating_add(step);
    }
    (!long).then_some(1)
}

/// How long the number is that starts here: digits, a fraction, an exponent. Letters behind it
/// are a name of their own.
fn number(rest: &str) -> usize {
    let digits = |rest: &str| rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let mut end = digits(rest);
    let behind = |end: usize| rest.get(end..).unwrap_or_default();
    if behind(end).starts_with('.') {
        end = end.saturating_add(1);
        end = end.saturating_add(digits(behind(end)));
    }
    if behind(end).starts_with(['e', 'E']) {
        let signed = behind(end.saturating_add(1)).starts_with(['+', '-']);
        let from = end.saturating_add(if signed { 2 } else { 1 });
        let exponent = digits(behind(from));
        if exponent > 0 {
            end = from.saturating_add(exponent);
        }
    }
    end
}
