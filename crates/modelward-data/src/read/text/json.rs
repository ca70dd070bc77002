//! A line of JSON (RFC 8259): an object, its keys and where their values lie.

use std::{borrow::Cow, ops::Range};

use super::value::{FLOAT, INT, NESTED, Seen, TEXT, TRUTH};

/// What is wrong with a line, and where.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) why: String,
}

/// A key of an object with its value.
pub(super) struct Entry<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) value: Range<usize>,
    /// 0 for null.
    pub(super) seen: Seen,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    left: usize,
}

/// Read an object that nests at most so deep.
pub(super) fn object(text: &str, depth: usize) -> Result<Vec<Entry<'_>>, Fault> {
    let mut parser = Parser { text, at: 0, left: depth };
    let mut entries = Vec::new();
    parser.space();
    if parser.peek() != Some(b'{') {
        return Err(parser.fault("an object"));
    }
    parser.members(&mut |entry| entries.push(entry))?;
    parser.space();
    match parser.peek() {
        None => Ok(entries),
        Some(_) => Err(parser.fault("the end of the line")),
    }
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.step();
        }
    }

    fn fault(&self, expected: &str) -> Fault {
        let got = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(character) => format!("`{}`", character.escape_debug()),
            None => "the end of the line".to_owned(),
        };
        Fault { at: self.at, why: format!("expected {expected}, got {got}") }
    }

    fn eat(&mut self, byte: u8, expected: &str) -> Result<(), Fault> {
        if self.peek() != Some(byte) {
            return Err(self.fault(expected));
        }
        self.step();
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Fault> {
        self.left = self.left.checked_sub(1).ok_or_else(|| Fault {
            at: self.at,
            why: "expected values that nest less deep, got one beyond the limit".into(),
        })?;
        self.step();
        self.space();
        Ok(())
    }

    fn leave(&mut self) {
        self.step();
        self.left = self.left.saturating_add(1);
    }

    fn members(&mut self, visit: &mut dyn FnMut(Entry<'a>)) -> Result<(), Fault> {
        self.enter()?;
        if self.peek() == Some(b'}') {
            self.leave();
            return Ok(());
        }
        loop {
            self.space();
            let from = self.at;
            self.string()?;
            let text = self.text;
            let key = unescape(text.get(from..self.at).unwrap_or_default());
            self.space();
            self.eat(b':', "a colon")?;
            self.space();
            let from = self.at;
            let seen = self.value()?;
            visit(Entry { key, value: from..self.at, seen });
            self.space();
            match self.peek() {
                Some(b',') => self.step(),
                Some(b'}') => break,
                _ => return Err(self.fault("a comma or a closing brace")),
            }
        }
        self.leave();
        Ok(())
    }

    fn value(&mut self) -> Result<Seen, Fault> {
        let word = |parser: &mut Self, word: &str, seen: Seen| {
            let rest = parser.text.get(parser.at..).unwrap_or_default();
            if !rest.starts_with(word) {
                return Err(parser.fault("a value of JSON"));
            }
            parser.at = parser.at.saturating_add(word.len());
            Ok(seen)
        };
        match self.peek() {
            Some(b'"') => self.string().map(|()| TEXT),
            Some(b'{') => self.members(&mut |_| {}).map(|()| NESTED),
            Some(b'[') => self.items().map(|()| NESTED),
            Some(b't') => word(self, "true", TRUTH),
            Some(b'f') => word(self, "false", TRUTH),
            Some(b'n') => word(self, "null", 0),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.fault("a value of JSON")),
        }
    }

    fn items(&mut self) -> Result<(), Fault> {
        self.enter()?;
        if self.peek() == Some(b']') {
            self.leave();
            return Ok(());
        }
        loop {
            self.space();
            self.value()?;
            self.space();
            match self.peek() {
                Some(b',') => self.step(),
                Some(b']') => break,
                _ => return Err(self.fault("a comma or a closing bracket")),
            }
        }
        self.leave();
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, Fault> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.step();
        }
        match self.at.saturating_sub(from) {
            0 => Err(self.fault("a digit")),
            count => Ok(count),
        }
    }

    fn number(&mut self) -> Result<Seen, Fault> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.step();
        }
        let zero = self.peek() == Some(b'0');
        let count = self.digits()?;
        if zero && count > 1 {
            return Err(Fault {
                at: from,
                why: "expected a number, got one that begins with 0".into(),
            });
        }
        let mut seen = INT;
        if self.peek() == Some(b'.') {
            self.step();
            self.digits()?;
            seen = FLOAT;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.step();
            if matches!(self.peek(), Some(b'-' | b'+')) {
                self.step();
            }
            self.digits()?;
            seen = FLOAT;
        }
        let length = self.at.saturating_sub(from);
        if length > LONGEST_NUMBER {
            let why =
                format!("expected a number of at most {LONGEST_NUMBER} characters, got {length}");
            return Err(Fault { at: from, why });
        }
        let whole = self.text.get(from..self.at).unwrap_or_default();
        // What no integer of 64 bits holds is kept as it is written.
        Ok(if seen == INT && whole.parse::<i64>().is_err() { TEXT } else { seen })
    }

    fn string(&mut self) -> Result<(), Fault> {
        self.eat(b'"', "a key or text in quotes")?;
        loop {
            match self.peek() {
                Some(b'"') => break self.step(),
                Some(b'\\') => {
                    self.step();
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.step(),
                        Some(b'u') => self.unicode()?,
                        _ => return Err(self.fault("an escape of JSON")),
                    }
                }
                Some(0..=0x1f) | None => return Err(self.fault("a closing quote")),
                Some(_) => self.step(),
            }
        }
        Ok(())
    }

    fn unicode(&mut self) -> Result<(), Fault> {
        let from = self.at;
        let unit = unit(self.text, from).ok_or_else(|| self.fault("four hexadecimal digits"))?;
        self.at = self.at.saturating_add(5);
        let lone = || Fault { at: from, why: "expected a character, got half of a pair".into() };
        if (0xdc00..0xe000).contains(&unit) {
            return Err(lone());
        }
        if (0xd800..0xdc00).contains(&unit) {
            let second = unit_behind(self.text, self.at).ok_or_else(lone)?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(lone());
            }
            self.at = self.at.saturating_add(6);
        }
        Ok(())
    }
}

/// The unit of UTF-16 whose `u` stands at an offset.
fn unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at.saturating_add(1)..at.saturating_add(5))?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
    u16::from_str_radix(digits, 16).ok()
}

fn unit_behind(text: &str, at: usize) -> Option<u16> {
    let u = at.saturating_add(1);
    text.get(at..)?.starts_with("\\u").then(|| unit(text, u)).flatten()
}

/// The text of a string in quotes that was read before.
pub(super) fn unescape(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(quoted);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let (mut plain, mut at) = (String::with_capacity(inner.len()), 0_usize);
    while let Some(rest) = inner.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(slash) = rest.find('\\') else {
            plain.push_str(rest);
            break;
        };
        plain.push_str(rest.get(..slash).unwrap_or_default());
        at = at.saturating_add(slash).saturating_add(1);
        let escape = inner.as_bytes().get(at).copied().unwrap_or(b'\\');
        if escape != b'u' {
            plain.push(match escape {
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                other => char::from(other),
            });
            at = at.saturating_add(1);
            continue;
        }
        let first = unit(inner, at).unwrap_or(0);
        at = at.saturating_add(5);
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) {
            units.extend(unit_behind(inner, at));
            at = at.saturating_add(6);
        }
        plain.extend(char::decode_utf16(units).filter_map(Result::ok));
    }
    Cow::Owned(plain)
}

/// Longer numbers are no numbers of anyone's.
const LONGEST_NUMBER: usize = 1000;
