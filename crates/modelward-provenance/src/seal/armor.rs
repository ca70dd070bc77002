//! Sealed bytes as text (age-encryption.org/v1, "ASCII armor"; RFC 7468, strict).

use std::io::{self, BufRead, BufReader, Read, Write};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::fault::Fault;

/// The sealed bytes themselves, whether they are in armour or not.
pub(super) fn open<'a>(from: impl Read + Send + 'a) -> io::Result<Box<dyn BufRead + Send + 'a>> {
    let mut from = BufReader::with_capacity(64 << 10, from);
    if !is_armored(from.fill_buf()?) {
        return Ok(Box::new(from));
    }
    let armored = Armored { from, line: Vec::new(), state: State::Before };
    Ok(Box::new(BufReader::with_capacity(64 << 10, armored)))
}

/// Whether bytes begin as text in armour does.
pub(super) fn is_armored(head: &[u8]) -> bool {
    head.trim_ascii_start().starts_with(b"-----")
}

/// A reader of what is in armour.
struct Armored<R> {
    from: BufReader<R>,
    /// Decoded bytes that were not asked for yet, in reverse.
    line: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    Inside,
    /// After a line that was not whole, which is the last.
    Last,
    After,
}

impl<R: Read> Read for Armored<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.line.is_empty() {
            match self.state {
                State::Before => {
                    self.skip_space()?;
                    if self.next()? != BEGIN {
                        return Err(malformed("its first line is another"));
                    }
                    self.state = State::Inside;
                }
                State::Inside | State::Last => self.inside()?,
                State::After => return Ok(0),
            }
        }
        let count = into.len().min(self.line.len());
        let rest = self.line.len().saturating_sub(count);
        for (into, byte) in into.iter_mut().zip(self.line.drain(rest..).rev()) {
            *into = byte;
        }
        Ok(count)
    }
}

impl<R: Read> Armored<R> {
    fn inside(&mut self) -> io::Result<()> {
        let line = self.next()?;
        if line == END {
            self.state = State::After;
            self.skip_space()?;
            let rest = self.from.fill_buf()?;
            return if rest.is_empty() { Ok(()) } else { Err(malformed("more follows its end")) };
        }
        if self.state == State::Last || line.is_empty() || line.len() > WIDTH {
            return Err(malformed("a line is not of 64 characters"));
        }
        if line.len() < WIDTH || line.ends_with('=') {
            self.state = State::Last;
        }
        self.line = STANDARD.decode(line).map_err(|_| malformed("a line is no base64"))?;
        self.line.reverse();
        Ok(())
    }

    /// The next line, without its end, which may be that of DOS.
    fn next(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        (&mut self.from).take(LONGEST).read_until(b'\n', &mut line)?;
        let whole = line.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        // The last line may end with the file.
        let line = whole.or((line == END.as_bytes()).then_some(&line[..]));
        match line.map(|line| str::from_utf8(line)) {
            Some(Ok(text)) => Ok(text.to_owned()),
            Some(Err(_)) => Err(malformed("a line is no text")),
            None => Err(malformed("it ends within a line, or a line is too long")),
        }
    }

    fn skip_space(&mut self) -> io::Result<()> {
        let mut skipped = 0_usize;
        loop {
            let held = self.from.fill_buf()?;
            let space = held.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let all = space == held.len();
            let end = held.is_empty();
            self.from.consume(space);
            skipped = skipped.saturating_add(space);
            if skipped > MOST_SPACE {
                return Err(malformed("too many blanks stand around it"));
            }
            if end || !all {
                return Ok(());
            }
        }
    }
}

/// A writer that puts what it is given in armour.
#[derive(Debug)]
pub(super) struct Armor<W> {
    into: W,
    held: Vec<u8>,
    begun: bool,
}

impl<W: Write> Armor<W> {
    pub(super) fn new(into: W) -> Self {
        Self { into, held: Vec::with_capacity(LINE), begun: false }
    }

    /// Write the end.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.begin()?;
        if !self.held.is_empty() {
            writeln!(self.into, "{}", STANDARD.encode(&self.held))?;
        }
        writeln!(self.into, "{END}")?;
        Ok(self.into)
    }

    fn begin(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            writeln!(self.into, "{BEGIN}")?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Armor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begin()?;
        let mut text = String::with_capacity(bytes.len().saturating_mul(3) / 2);
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = LINE.saturating_sub(self.held.len());
            let (taken, after) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            self.held.extend_from_slice(taken);
            rest = after;
            if self.held.len() == LINE {
                STANDARD.encode_string(&self.held, &mut text);
                text.push('\n');
                self.held.clear();
            }
        }
        self.into.write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

fn malformed(why: &str) -> io::Error {
    Fault::broken(format!("the armour around the file is malformed: {why}")).into()
}

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
/// Characters of a whole line, and the bytes in it.
const WIDTH: usize = 64;
const LINE: usize = 48;
/// Bytes of the longest line, with its end.
const LONGEST: u64 = 66;
/// Blanks before and after, as `age` has it.
const MOST_SPACE: usize = 1024;
