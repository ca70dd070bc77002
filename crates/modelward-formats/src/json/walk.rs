//! JSON as a stream of its strings, each with the way down to it.
//!
//! A tokenizer's vocabulary is a JSON of many megabytes, so nothing but the way down and the
//! string at hand is ever held. Duplicate keys need no care: every value is seen, whichever of
//! them a loader takes.

use crate::{Budget, Bytes, Cursor, Gap, Refusal};

/// One step down: the key of an object, or the index in an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(u64),
}

/// A string of a document.
pub(super) struct Found<'a> {
    /// Offset of its opening quote.
    pub(super) at: u64,
    /// The way down to it; for a key, the way down to its value.
    pub(super) steps: &'a [Step],
    /// Its text, cut where [`LONGEST`] is passed.
    pub(super) text: &'a str,
    /// Whether it is longer than [`LONGEST`].
    pub(super) cut: bool,
    /// Whether it is a key and not a value.
    pub(super) key: bool,
    /// Whether a backslash was escaped in it, so that it reads differently as plain text.
    pub(super) backslash: bool,
}

/// The longest string that is handed over in full.
pub(super) const LONGEST: usize = 4 << 20;
/// The longest key that is kept on the way down.
const LONGEST_KEY: usize = 256;
/// Containers within one another. Python's own reader gives up at about 1000.
const DEPTH: usize = 256;

/// Hand over every string of a document, or of several with white space between them. Gives how
/// many documents there were.
pub(super) fn walk(
    bytes: &Bytes,
    budget: &Budget,
    visit: &mut dyn FnMut(&Found<'_>),
) -> Result<u64, Refusal> {
    let text = Text { buffer: Vec::new(), cut: false, backslash: false };
    let mut walk = Walk { cursor: bytes.cursor(), budget, steps: Vec::new(), text, visit };
    if walk.cursor.peek(3)?.starts_with(b"\xef\xbb\xbf") {
        walk.cursor.skip(3)?;
    }
    let mut documents: u64 = 0;
    while walk.space()?.is_some() {
        walk.document()?;
        documents = documents.saturating_add(1);
    }
    Ok(documents)
}

struct Walk<'a, 'v> {
    cursor: Cursor<'a>,
    budget: &'a Budget,
    steps: Vec<Step>,
    text: Text,
    visit: &'v mut dyn FnMut(&Found<'_>),
}

/// The string at hand.
struct Text {
    buffer: Vec<u8>,
    cut: bool,
    backslash: bool,
}

impl Walk<'_, '_> {
    /// Go past white space; the byte that comes next, none at the end.
    fn space(&mut self) -> Result<Option<u8>, Refusal> {
        loop {
            let window = self.cursor.peek(1)?;
            let Some(space) = window.iter().position(|b| !b" \t\r\n".contains(b)) else {
                let length = window.len() as u64;
                if length == 0 {
                    return Ok(None);
                }
                self.cursor.skip(length)?;
                continue;
            };
            let next = window.get(space).copied();
            self.cursor.skip(space as u64)?;
            return Ok(next);
        }
    }

    fn refuse<T>(&self, why: &'static str) -> Result<T, Refusal> {
        Err(Refusal::truncated(self.cursor.position(), why))
    }

    /// The byte that comes next after white space, which must be there.
    fn next(&mut self) -> Result<u8, Refusal> {
        match self.space()? {
            Some(next) => Ok(next),
            None => self.refuse("a document that is cut short"),
        }
    }

    /// One value with everything in it. A loop, not a recursion: the steps are the stack.
    fn document(&mut self) -> Result<(), Refusal> {
        loop {
            let mut open = false;
            match self.next()? {
                b'{' => {
                    self.enter(Step::Key(String::new()))?;
                    match self.next()? {
                        b'}' => self.steps.truncate(self.steps.len().saturating_sub(1)),
                        _ => {
                            self.key()?;
                            open = true;
                        }
                    }
                    if !open {
                        self.cursor.skip(1)?;
                    }
                }
                b'[' => {
                    self.enter(Step::Index(0))?;
                    open = self.next()? != b']';
                    if !open {
                        self.steps.pop();
                        self.cursor.skip(1)?;
                    }
                }
                b'"' => self.string(false)?,
                _ => self.word()?,
            }
            if !open && !self.leave()? {
                return Ok(());
            }
        }
    }

    /// Go past the opening bracket.
    fn enter(&mut self, step: Step) -> Result<(), Refusal> {
        let at = self.cursor.position();
        self.budget.tick(at)?;
        if self.steps.len() >= DEPTH {
            let why = format!("a document nested more than {DEPTH} deep");
            return Err(Refusal::new(at, Gap::DeepNesting, why));
        }
        self.steps.push(step);
        self.cursor.skip(1)
    }

    /// What follows a value: the next one of the same container, or the container's end. False
    /// where the document is over.
    fn leave(&mut self) -> Result<bool, Refusal> {
        loop {
            let Some(step) = self.steps.last_mut() else { return Ok(false) };
            let (is_key, close) = match step {
                Step::Key(_) => (true, b'}'),
                Step::Index(index) => {
                    *index = index.saturating_add(1);
                    (false, b']')
                }
            };
            let next = self.next()?;
            if next == close {
                self.cursor.skip(1)?;
                self.steps.pop();
                continue;
            }
            if next != b',' {
                return self.refuse("expected a comma or a closing bracket");
            }
            self.cursor.skip(1)?;
            if is_key {
                self.key()?;
            }
            return Ok(true);
        }
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<(), Refusal> {
        if self.next()? != b'"' {
            return self.refuse("expected a key");
        }
        self.string(true)?;
        let key = self.text.buffer.get(..self.text.buffer.len().min(LONGEST_KEY));
        let key = String::from_utf8_lossy(key.unwrap_or_default());
        if let Some(Step::Key(last)) = self.steps.last_mut() {
            last.clear();
            last.push_str(&key);
        }
        if self.next()? != b':' {
            return self.refuse("expected a colon");
        }
        self.cursor.skip(1)
    }

    /// `true`, `false`, `null` or a number, also those that only Python writes.
    fn word(&mut self) -> Result<(), Refusal> {
        let window = self.cursor.peek(64)?;
        let word = |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
        let length = window.iter().position(|b| !word(b)).unwrap_or(window.len());
        let text = window.get(..length).unwrap_or_default();
        let text = std::str::from_utf8(text).unwrap_or_default();
        let known = ["true", "false", "null", "NaN", "Infinity", "-Infinity"].contains(&text);
        // Integers may have any number of digits.
        let digits = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
        if !known && !(digits && (length >= 64 || text.parse::<f64>().is_ok())) {
            return self.refuse("expected a value");
        }
        self.cursor.skip(length as u64)?;
        if length >= 64 {
            while self.cursor.peek(1)?.first().is_some_and(word) {
                self.cursor.skip(1)?;
            }
        }
        Ok(())
    }

    /// A string with its quotes, handed over.
    fn string(&mut self, key: bool) -> Result<(), Refusal> {
        let at = self.cursor.position();
        self.cursor.skip(1)?;
        (self.text.cut, self.text.backslash) = (false, false);
        self.text.buffer.clear();
        loop {
            let window = self.cursor.peek(1)?;
            let special = window.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20);
            let plain = window.get(..special.unwrap_or(window.len())).unwrap_or_default();
            let (length, stop) = (plain.len() as u64, special.and_then(|at| window.get(at)));
            let stop = stop.copied();
            self.text.push(plain);
            self.cursor.skip(length)?;
            match stop {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(_) => return self.refuse("a control character in a string"),
                None if length == 0 => return self.refuse("a string that is cut short"),
                None => self.budget.tick(at)?,
            }
        }
        self.cursor.skip(1)?;
        let Text { buffer, cut, backslash } = &self.text;
        let text = String::from_utf8_lossy(buffer);
        let (cut, backslash) = (*cut, *backslash);
        (self.visit)(&Found { at, steps: &self.steps, text: &text, cut, key, backslash });
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Refusal> {
        let [_, kind] = self.cursor.array::<2>()?;
        let c = match kind {
            b'"' | b'/' => char::from(kind),
            b'\\' => {
                self.text.backslash = true;
                '\\'
            }
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return self.refuse("an unknown escape"),
        };
        self.text.push(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    /// Four hexadecimal digits, and four more where the first are half of a pair.
    fn unicode(&mut self) -> Result<char, Refusal> {
        let high = self.unit()?;
        if (0xd800..0xdc00).contains(&high) && self.cursor.peek(6)?.starts_with(b"\\u") {
            let back = self.cursor.position();
            self.cursor.skip(2)?;
            let low = self.unit()?;
            if let Some(Ok(c)) = char::decode_utf16([high, low]).next() {
                return Ok(c);
            }
            self.cursor.seek(back);
        }
        Ok(char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn unit(&mut self) -> Result<u16, Refusal> {
        let digits = self.cursor.array::<4>()?;
        let digits = std::str::from_utf8(&digits).ok();
        let unit = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match unit.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
            Some(unit) => Ok(unit),
            None => self.refuse("expected four hexadecimal digits"),
        }
    }
}

impl Text {
    fn push(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.buffer.len());
        self.cut |= bytes.len() > room;
        self.buffer.extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
    }
}
