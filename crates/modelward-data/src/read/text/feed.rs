//! The text of a file: unpacked, without its mark, as UTF-8, a window at a time.

use std::ops::Range;

use modelward_formats::{Bytes, Gap};

use crate::Unread;

/// How characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8, or what has to be.
    Utf8,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
}

impl Encoding {
    /// What the mark at the beginning says, with the mark's length.
    pub(super) fn of(head: &[u8]) -> (Self, u64) {
        match head {
            [0xef, 0xbb, 0xbf, ..] => (Self::Utf8, 3),
            [0xff, 0xfe, ..] => (Self::Utf16Le, 2),
            [0xfe, 0xff, ..] => (Self::Utf16Be, 2),
            _ => (Self::Utf8, 0),
        }
    }
}

/// A text that is read from its beginning to its end.
pub(super) struct Feed<'a> {
    name: &'a str,
    bytes: &'a Bytes,
    encoding: Encoding,
    /// The next byte that is read.
    next: u64,
    buffer: Vec<u8>,
    /// Where in the buffer the text begins that is not consumed yet.
    start: usize,
    /// Where that lies in the unpacked bytes.
    place: u64,
    /// Bytes of a character of UTF-16 that is not whole.
    carry: Vec<u8>,
    /// The most bytes that may wait to be consumed.
    most: usize,
}

impl<'a> Feed<'a> {
    /// The text behind the mark.
    pub(super) fn new(name: &'a str, bytes: &'a Bytes, most: usize) -> Result<Self, Unread> {
        let mut head = [0; 3];
        let read =
            bytes.read_at(0, &mut head).map_err(|refusal| Unread::refused(name, &refusal))?;
        let (encoding, place) = Encoding::of(head.get(..read).unwrap_or_default());
        let (buffer, carry) = (Vec::new(), Vec::new());
        Ok(Self { name, bytes, encoding, next: place, buffer, start: 0, place, carry, most })
    }

    /// What is there and not consumed.
    pub(super) fn text(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Whether nothing comes behind it.
    pub(super) fn is_last(&self) -> bool {
        self.next >= self.bytes.len()
    }

    /// Where it begins in the unpacked bytes.
    pub(super) fn place(&self) -> u64 {
        self.place
    }

    /// Consume some bytes of the text; gives where they lie in the unpacked bytes.
    pub(super) fn consume(&mut self, count: usize) -> Range<u64> {
        let from = self.place;
        let wide = || {
            // Of a character of UTF-8: four bytes for two units, else one unit.
            let text = self.text().get(..count).unwrap_or_default();
            let units = text.iter().map(|byte| match byte {
                0x80..=0xbf => 0,
                0xf0..=0xff => 4,
                _ => 2_u64,
            });
            units.sum::<u64>()
        };
        let length = if self.encoding == Encoding::Utf8 { count as u64 } else { wide() };
        self.start = self.start.saturating_add(count).min(self.buffer.len());
        self.place = from.saturating_add(length);
        from..self.place
    }

    /// Read on.
    pub(super) fn more(&mut self) -> Result<(), Unread> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let waiting = self.buffer.len();
        if waiting > self.most {
            let why = format!("expected a row of at most {} bytes, got a longer one", self.most);
            return Err(Unread::new(self.name, Gap::LargeMemory, why).at(self.place));
        }
        // As much again as waits, so that a long row is looked at a few times only.
        let wanted = waiting.clamp(WINDOW, MOST);
        let left = usize::try_from(self.bytes.len().saturating_sub(self.next)).unwrap_or(MOST);
        let wanted = wanted.min(left);
        let refused = |refusal| Unread::refused(self.name, &refusal);
        if self.encoding == Encoding::Utf8 {
            self.buffer.reserve_exact(wanted);
            self.buffer.resize(waiting.saturating_add(wanted), 0);
            let into = self.buffer.get_mut(waiting..).unwrap_or_default();
            let read = self.bytes.read_at(self.next, into).map_err(refused)?;
            self.buffer.truncate(waiting.saturating_add(read));
            self.next = self.next.saturating_add(read as u64);
            return Ok(());
        }
        let mut raw = std::mem::take(&mut self.carry);
        let before = raw.len();
        let begins = self.next.saturating_sub(before as u64);
        raw.resize(before.saturating_add(wanted), 0);
        let read = self
            .bytes
            .read_at(self.next, raw.get_mut(before..).unwrap_or_default())
            .map_err(refused)?;
        raw.truncate(before.saturating_add(read));
        self.next = self.next.saturating_add(read as u64);
        self.decode(&raw, begins)
    }

    fn decode(&mut self, raw: &[u8], begins: u64) -> Result<(), Unread> {
        let (pairs, rest) = raw.as_chunks::<2>();
        let unit = |pair: &[u8; 2]| match self.encoding {
            Encoding::Utf16Be => u16::from_be_bytes(*pair),
            _ => u16::from_le_bytes(*pair),
        };
        let last = self.is_last();
        let half = pairs.last().map(unit).filter(|unit| (0xd800..0xdc00).contains(unit));
        let held = half.is_some() && !last;
        let whole = pairs.len().saturating_sub(usize::from(held));
        let broken = |at: usize| {
            let at = begins.saturating_add((at as u64).saturating_mul(2));
            let why = "expected UTF-16, got half a character";
            Unread::new(self.name, Gap::Malformed, why).at(at)
        };
        if last && !rest.is_empty() {
            return Err(broken(pairs.len()));
        }
        let mut at = 0_usize;
        let mut decoded = String::new();
        for character in char::decode_utf16(pairs.iter().take(whole).map(unit)) {
            let character = character.map_err(|_| broken(at))?;
            at = at.saturating_add(character.len_utf16());
            decoded.push(character);
        }
        self.buffer.extend_from_slice(decoded.as_bytes());
        let held = pairs.get(whole..).unwrap_or_default().concat();
        self.carry = [&held, rest].concat();
        Ok(())
    }
}

/// What is read at once: little enough to stay in the cache of a core.
const WINDOW: usize = 128 << 10;
/// And of a long row.
const MOST: usize = 64 << 20;
