//! JSON (RFC 8259), token by token, strictly: what a loader might read in two ways is refused.

use crate::{Bytes, Cursor, Refusal};

/// Reads tokens from a range of the file, in windows.
#[derive(Debug)]
pub(super) struct Json<'a> {
    cursor: Cursor<'a>,
    end: u64,
}

/// Why reading stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The grammar is broken at this offset.
    Syntax(u64, String),
    /// The bytes cannot be had, or would take too much.
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<'a> Json<'a> {
    /// Read from `start` up to `end`, which the bytes have.
    pub(super) fn new(bytes: &'a Bytes, start: u64, end: u64) -> Self {
        let mut cursor = bytes.cursor();
        cursor.seek(start);
        Self { cursor, end }
    }

    /// Offset of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.cursor.position()
    }

    /// The first byte of the next token, which is not taken.
    pub(super) fn next(&mut self) -> Result<u8, Stop> {
        loop {
            match self.byte()? {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.advance(1)?,
                Some(byte) => return Ok(byte),
                None => return Err(self.broken("the header ends in the middle")),
            }
        }
    }

    /// Take this byte as the next token.
    pub(super) fn expect(&mut self, wanted: u8) -> Result<(), Stop> {
        match self.next()? {
            byte if byte == wanted => self.advance(1),
            byte => Err(self.unexpected(&format!("`{}`", char::from(wanted)), byte)),
        }
    }

    /// Whether another element of an object or array follows; takes the comma, or the `close`.
    pub(super) fn more(&mut self, first: bool, close: u8) -> Result<bool, Stop> {
        match self.next()? {
            byte if byte == close => self.advance(1).map(|()| false),
            _ if first => Ok(true),
            b',' => self.advance(1).map(|()| true),
            byte => Err(self.unexpected(&format!("`,` or `{}`", char::from(close)), byte)),
        }
    }

    /// A string of at most `most` bytes, its escapes undone.
    pub(super) fn string(&mut self, most: usize) -> Result<String, Stop> {
        self.expect(b'"')?;
        let start = self.position();
        let mut text = Vec::new();
        loop {
            if text.len() > most {
                return Err(super::too_large(start).into());
            }
            let at = self.position();
            let plain = {
                let window = self.window()?;
                let plain = window.iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..0x20));
                let plain = plain.count();
                text.extend_from_slice(window.get(..plain).unwrap_or_default());
                plain
            };
            self.advance(plain)?;
            match self.byte()? {
                Some(b'"') => break,
                Some(b'\\') => self.escape(&mut text)?,
                Some(0..0x20) => {
                    return Err(self.broken("a control character inside a string"));
                }
                None if self.position() == at => {
                    return Err(self.broken("the header ends inside a string"));
                }
                _ => {}
            }
        }
        self.advance(1)?;
        String::from_utf8(text).map_err(|_| Stop::Syntax(start, "a string is not UTF-8".into()))
    }

    /// A number; `None` where it is no whole number of 64 bits.
    pub(super) fn number(&mut self) -> Result<Option<u64>, Stop> {
        let mut text = Vec::new();
        let at = self.position();
        while let Some(byte @ (b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) = self.byte()? {
            text.push(byte);
            self.advance(1)?;
            if text.len() > LONGEST_NUMBER {
                return Err(Stop::Syntax(at, "a number of too many digits".into()));
            }
        }
        if !is_number(&text) {
            let shown = text.escape_ascii();
            return Err(Stop::Syntax(at, format!("expected a number, got `{shown}`")));
        }
        Ok(str::from_utf8(&text).ok().and_then(|text| text.parse().ok()))
    }

    /// Go past a value of any kind.
    pub(super) fn skip(&mut self, depth: usize) -> Result<(), Stop> {
        if depth > DEEPEST {
            return Err(self.broken(&format!("values nested more than {DEEPEST} deep")));
        }
        match self.next()? {
            b'"' => self.string(LONGEST_SKIPPED).map(drop),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            open @ (b'{' | b'[') => {
                self.advance(1)?;
                let close = if open == b'{' { b'}' } else { b']' };
                let mut first = true;
                while self.more(first, close)? {
                    first = false;
                    if open == b'{' {
                        self.string(LONGEST_SKIPPED)?;
                        self.expect(b':')?;
                    }
                    self.skip(depth.saturating_add(1))?;
                }
                Ok(())
            }
            byte @ (b't' | b'f' | b'n') => {
                let words: [&[u8]; 3] = [b"true", b"false", b"null"];
                for word in words {
                    if self.window()?.starts_with(word) {
                        return self.advance(word.len());
                    }
                }
                Err(self.unexpected("a value", byte))
            }
            byte => Err(self.unexpected("a value", byte)),
        }
    }

    /// One escape, from its backslash on.
    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), Stop> {
        self.advance(1)?;
        let byte = self.byte()?;
        let plain = match byte {
            Some(b'"' | b'\\' | b'/') => byte,
            Some(b'b') => Some(8),
            Some(b'f') => Some(12),
            Some(b'n') => Some(b'\n'),
            Some(b'r') => Some(b'\r'),
            Some(b't') => Some(b'\t'),
            Some(b'u') => None,
            _ => return Err(self.broken("an unknown escape inside a string")),
        };
        self.advance(1)?;
        if let Some(plain) = plain {
            text.push(plain);
            return Ok(());
        }
        let mut units = vec![self.hex()?];
        if let Some(0xd800..0xdc00) = units.first() {
            if !self.window()?.starts_with(b"\\u") {
                return Err(self.broken("half a surrogate pair inside a string"));
            }
            self.advance(2)?;
            units.push(self.hex()?);
        }
        let decoded = String::from_utf16(&units);
        let decoded = decoded.map_err(|_| self.broken("half a surrogate pair inside a string"))?;
        text.extend_from_slice(decoded.as_bytes());
        Ok(())
    }

    /// Four hexadecimal digits.
    fn hex(&mut self) -> Result<u16, Stop> {
        let digits = self.window()?.get(..4).and_then(|digits| str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.broken("an unknown escape inside a string"))?;
        self.advance(4)?;
        Ok(unit)
    }

    /// What is left in the window: at least eight bytes, fewer only at the end.
    fn window(&mut self) -> Result<&[u8], Stop> {
        let left = self.end.saturating_sub(self.cursor.position());
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let window = self.cursor.peek(left.min(8))?;
        Ok(window.get(..left.min(window.len())).unwrap_or_default())
    }

    fn byte(&mut self) -> Result<Option<u8>, Stop> {
        Ok(self.window()?.first().copied())
    }

    fn advance(&mut self, count: usize) -> Result<(), Stop> {
        self.cursor.take(count).map(drop).map_err(Stop::Refused)
    }

    fn broken(&self, why: &str) -> Stop {
        Stop::Syntax(self.position(), why.to_owned())
    }

    fn unexpected(&self, wanted: &str, byte: u8) -> Stop {
        self.broken(&format!("expected {wanted}, got `{}`", byte.escape_ascii()))
    }
}

/// The grammar of a number, RFC 8259 section 6.
fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let leading_zero = matches!(text, [b'0', b'0'..=b'9', ..]);
    let (whole, text) = digits(text);
    let text = match text {
        [b'.', rest @ ..] => match digits(rest) {
            (0, _) => return false,
            (_, rest) => rest,
        },
        _ => text,
    };
    let end = match text {
        [b'e' | b'E', b'+' | b'-', rest @ ..] | [b'e' | b'E', rest @ ..] => match digits(rest) {
            (0, _) => return false,
            (_, rest) => rest,
        },
        _ => text,
    };
    whole > 0 && !leading_zero && end.is_empty()
}

/// How many digits lead, and what follows them.
fn digits(text: &[u8]) -> (usize, &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count, text.get(count..).unwrap_or_default())
}

/// Values of the header lie three deep; the rest is for what a loader may ignore.
const DEEPEST: usize = 32;

/// Longer than any number that a loader reads exactly.
const LONGEST_NUMBER: usize = 64;

/// The longest string that is passed over, in bytes.
const LONGEST_SKIPPED: usize = 16 << 20;
