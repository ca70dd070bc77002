//! The text before the payload: who can open it (age-encryption.org/v1, "Header").

use std::io::{BufRead, Read, Write};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::fault::{Fault, Result};
use crate::Trouble;

/// The 16 random bytes from which the keys of one file are derived.
pub(super) type FileKey = Zeroizing<[u8; 16]>;

/// What one recipient needs to find the file key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stanza {
    /// Its type, and what the type needs; never empty, each of visible ASCII.
    pub(super) arguments: Vec<String>,
    pub(super) body: Vec<u8>,
}

/// A header as it was read.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) stanzas: Vec<Stanza>,
    /// All up to the code that authenticates it.
    signed: Vec<u8>,
    code: [u8; 32],
}

impl Header {
    /// Read a header, strictly, and nothing after it.
    pub(super) fn read(from: &mut dyn BufRead) -> Result<Self> {
        let mut lines = Lines { from, read: Vec::new() };
        let first = lines.next()?;
        version(&first)?;
        let mut stanzas = Vec::new();
        let mut line = lines.next()?;
        loop {
            if let Some(code) = line.strip_prefix("---") {
                let code = code.strip_prefix(' ').and_then(bytes_of::<32>);
                let code = code.ok_or_else(|| malformed("its last line is none of the format"))?;
                if stanzas.is_empty() {
                    return Err(malformed("it names nobody who can open it"));
                }
                let mut signed = lines.read;
                signed.truncate(signed.len().saturating_sub(CODE));
                return Ok(Self { stanzas, signed, code });
            }
            let arguments = line.strip_prefix("-> ");
            let arguments = arguments.ok_or_else(|| malformed("a recipient begins otherwise"))?;
            let arguments = arguments.split(' ').map(str::to_owned).collect::<Vec<_>>();
            let visible = |word: &String| {
                !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic())
            };
            if !arguments.iter().all(visible) {
                return Err(malformed("a recipient holds an empty or invisible argument"));
            }
            let mut body = Vec::new();
            loop {
                line = lines.next()?;
                let part = STANDARD_NO_PAD.decode(&line).ok().filter(|_| line.len() <= WIDTH);
                body.extend(part.ok_or_else(|| malformed("a recipient's key is no base64"))?);
                if line.len() < WIDTH {
                    break;
                }
            }
            stanzas.push(Stanza { arguments, body });
            line = lines.next()?;
        }
    }

    /// Whether the header is the one that whoever knew the file key wrote.
    pub(super) fn authenticate(&self, key: &FileKey) -> Result<()> {
        let code = code(key, &self.signed)?;
        code.verify_slice(&self.code)
            .map_err(|_| Fault::broken("the header was changed after sealing"))
    }
}

/// Write a header for these recipients.
pub(super) fn write(stanzas: &[Stanza], key: &FileKey, into: &mut dyn Write) -> Result<()> {
    let mut text = format!("{VERSION}\n");
    for Stanza { arguments, body } in stanzas {
        text.push_str("-> ");
        text.push_str(&arguments.join(" "));
        text.push('\n');
        let body = STANDARD_NO_PAD.encode(body);
        let mut rest = body.as_str();
        while let Some((line, more)) = rest.split_at_checked(WIDTH) {
            text.push_str(line);
            text.push('\n');
            rest = more;
        }
        text.push_str(rest);
        text.push('\n');
    }
    text.push_str("---");
    let code = code(key, text.as_bytes())?.finalize().into_bytes();
    text.push(' ');
    text.push_str(&STANDARD_NO_PAD.encode(code));
    text.push('\n');
    Ok(into.write_all(text.as_bytes())?)
}

/// Exactly `N` bytes in base64: standard alphabet, no padding, no bits left over.
pub(super) fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD_NO_PAD.decode(text).ok()?.try_into().ok()
}

pub(super) fn malformed(why: &str) -> Fault {
    Fault::broken(format!("the header does not follow age-encryption.org/v1: {why}"))
}

fn code(key: &FileKey, signed: &[u8]) -> Result<Hmac<Sha256>> {
    let mut derived = Zeroizing::new([0; 32]);
    let expanded = Hkdf::<Sha256>::new(None, &**key).expand(b"header", &mut *derived);
    let code = Hmac::<Sha256>::new_from_slice(&*derived);
    match (expanded, code) {
        (Ok(()), Ok(code)) => Ok(code.chain_update(signed)),
        _ => Err(Trouble::new("cannot derive a key").into()),
    }
}

/// Whether the first line is the one that this version of the format begins with.
fn version(line: &str) -> Result<()> {
    if line == VERSION {
        return Ok(());
    }
    let number = line.strip_prefix("age-encryption.org/v");
    if let Some(number) = number.filter(|number| number.bytes().all(|b| b.is_ascii_digit())) {
        let why = format!("expected version 1 of the age format, found version `{number}`");
        return Err(Trouble::new(why).into());
    }
    // A seal whose first line lost a bit is broken; other files are none.
    let differ = line.bytes().zip(VERSION.bytes()).filter(|(a, b)| a != b).count();
    if line.len() == VERSION.len() && differ < 4 || line.trim_end() == VERSION {
        return Err(malformed("its first line is another"));
    }
    Err(no_seal())
}

fn no_seal() -> Fault {
    Trouble::new("expected a file sealed with age, found other bytes")
        .help("only what `modelward seal` or `age` wrote can be unsealed")
        .into()
}

/// Lines of a header that has a longest length.
struct Lines<'a> {
    from: &'a mut dyn BufRead,
    read: Vec<u8>,
}

impl Lines<'_> {
    /// The next line, without its end.
    fn next(&mut self) -> Result<String> {
        let start = self.read.len();
        // The first line tells whether this is a seal at all.
        let most = if start == 0 { LONGEST_FIRST } else { LONGEST };
        let left = most.saturating_sub(start);
        let mut from = self.from.take(u64::try_from(left).unwrap_or(0));
        from.read_until(b'\n', &mut self.read)?;
        let line = self.read.get(start..).unwrap_or_default();
        let text = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        match text {
            Some(text) => Ok(text.to_owned()),
            None if start == 0 => {
                let shown = String::from_utf8_lossy(line);
                match !shown.is_empty() && VERSION.starts_with(&*shown) {
                    true => Err(cut_short()),
                    false => version(shown.trim_end_matches('\n')).and_then(|()| Err(cut_short())),
                }
            }
            None if self.read.len() >= LONGEST => Err(malformed("it is longer than 256 KiB")),
            None if line.ends_with(b"\n") => Err(malformed("a line is no text")),
            None => Err(cut_short()),
        }
    }
}

fn cut_short() -> Fault {
    Fault::broken("the file is cut short in its header")
}

pub(super) const VERSION: &str = "age-encryption.org/v1";
/// Characters of a whole line of base64.
const WIDTH: usize = 64;
/// Longest header, in bytes: more than two thousand recipients.
pub(super) const LONGEST: usize = 256 << 10;
const LONGEST_FIRST: usize = 128;
/// Bytes of the last line after `---`: a space, 43 characters and the end of the line.
const CODE: usize = 45;
