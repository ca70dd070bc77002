//! Bytes by offset: a file, a member of an archive, a range of either.
//!
//! Files are read in windows with positioned reads, never mapped: a file that another process
//! cuts short under us gives a refusal, not a signal.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    sync::Arc,
};

use crate::{Gap, Refusal};

/// Where bytes come from.
pub trait Source: fmt::Debug + Send + Sync {
    /// How many bytes there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Read some bytes from an offset; 0 only at the end.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize>;
}

/// A range of a source. Cheap to clone and to slice.
#[derive(Clone, Debug)]
pub struct Bytes {
    source: Arc<dyn Source>,
    start: u64,
    len: u64,
    /// The first bytes, once every reader is about to look at them.
    head: Option<Arc<[u8]>>,
}

impl Bytes {
    /// Files up to this length are read at once.
    pub const AT_ONCE: u64 = 256 << 10;

    /// All bytes of a source.
    pub fn new(source: Arc<dyn Source>) -> Self {
        let len = source.len();
        Self { source, start: 0, len, head: None }
    }

    /// A regular file of this length. Small ones are read at once, so that they cost one read.
    pub fn file(file: File, len: u64) -> io::Result<Self> {
        if len > Self::AT_ONCE {
            return Ok(Self::new(Arc::new(Window { file, len })));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
        // A file that says it is empty may still give bytes.
        let most = if len == 0 { Self::AT_ONCE } else { len };
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    /// The same bytes with the first of them at hand: recognising a format is many small reads at
    /// the start, which are worth one.
    #[must_use]
    pub fn remembering(&self) -> Self {
        let head = self.head(HEAD as u64).ok().map(Arc::from);
        Self { head, ..self.clone() }
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The range of `len` bytes from `at`, or a refusal where it reaches beyond the end.
    pub fn slice(&self, at: u64, len: u64) -> Result<Self, Refusal> {
        match at.checked_add(len) {
            Some(end) if end <= self.len => {
                let start = self.start.saturating_add(at);
                let head = self.head.clone().filter(|_| at == 0);
                Ok(Self { source: self.source.clone(), start, len, head })
            }
            _ => Err(Refusal::new(
                at,
                Gap::OversizedLength,
                format!("expected {len} bytes, but only {} are left", self.len.saturating_sub(at)),
            )),
        }
    }

    /// Everything from `at` on; nothing where that lies beyond the end.
    pub fn tail(&self, at: u64) -> Self {
        let at = at.min(self.len);
        let start = self.start.saturating_add(at);
        let head = self.head.clone().filter(|_| at == 0);
        Self { source: self.source.clone(), start, len: self.len.saturating_sub(at), head }
    }

    /// Where in `outer` these bytes begin, where they are a range of it.
    pub fn offset_in(&self, outer: &Self) -> Option<u64> {
        let end = self.start.checked_add(self.len)?;
        let within = self.start >= outer.start && end <= outer.start.checked_add(outer.len)?;
        (Arc::ptr_eq(&self.source, &outer.source) && within)
            .then(|| self.start.saturating_sub(outer.start))
    }

    /// Read up to `into.len()` bytes from `at`; fewer only at the end.
    pub fn read_at(&self, at: u64, into: &mut [u8]) -> Result<usize, Refusal> {
        let left = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = into.len().min(left);
        let into = into.get_mut(..wanted).unwrap_or_default();
        let known = self.head.as_deref().and_then(|head| {
            let at = usize::try_from(at).ok()?;
            head.get(at..at.checked_add(wanted)?)
        });
        if let Some(known) = known {
            into.copy_from_slice(known);
            return Ok(wanted);
        }
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let here = at.saturating_add(filled as u64);
            match self.source.read_at(self.start.saturating_add(here), rest) {
                Ok(0) => return Err(Refusal::truncated(here, "the file became shorter")),
                Ok(n) => filled = filled.saturating_add(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Refusal::io(here, &e)),
            }
        }
        Ok(filled)
    }

    /// Exactly `len` bytes from `at`. The caller has bounded `len`; nothing is allocated for
    /// bytes that are not there.
    pub fn take(&self, at: u64, len: u64) -> Result<Vec<u8>, Refusal> {
        if at.checked_add(len).is_none_or(|end| end > self.len) {
            return self.slice(at, len).map(|_| Vec::new());
        }
        let len = usize::try_from(len)
            .map_err(|_| Refusal::new(at, Gap::LargeMemory, "a length beyond the memory"))?;
        let mut bytes = vec![0; len];
        self.read_at(at, &mut bytes)?;
        Ok(bytes)
    }

    /// The first bytes, at most `most`.
    pub fn head(&self, most: u64) -> Result<Vec<u8>, Refusal> {
        self.take(0, self.len.min(most))
    }

    /// Exactly `N` bytes from `at`.
    pub fn array<const N: usize>(&self, at: u64) -> Result<[u8; N], Refusal> {
        let mut array = [0; N];
        if self.read_at(at, &mut array)? < N {
            return Err(Refusal::truncated(at, format!("expected {N} bytes, the file ends")));
        }
        Ok(array)
    }

    /// A little-endian number of 16 bits.
    pub fn u16_le(&self, at: u64) -> Result<u16, Refusal> {
        self.array(at).map(u16::from_le_bytes)
    }

    /// A little-endian number of 32 bits.
    pub fn u32_le(&self, at: u64) -> Result<u32, Refusal> {
        self.array(at).map(u32::from_le_bytes)
    }

    /// A little-endian number of 64 bits.
    pub fn u64_le(&self, at: u64) -> Result<u64, Refusal> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// Whether these bytes stand at `at`.
    pub fn has(&self, at: u64, magic: &[u8]) -> bool {
        let mut found = [0; 32];
        match found.get_mut(..magic.len()) {
            Some(found) => self.read_at(at, found) == Ok(magic.len()) && found == magic,
            None => self.take(at, magic.len() as u64).is_ok_and(|found| found == magic),
        }
    }

    /// Read from the start to the end, in windows.
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor { bytes: self, window: Vec::new(), base: 0, next: 0 }
    }
}

/// How many of the first bytes are kept at hand.
const HEAD: usize = 4096;

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(Arc::new(bytes))
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self::from(bytes.to_vec())
    }
}

impl Source for Vec<u8> {
    fn len(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let n = rest.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}

/// A file, read where it is asked.
#[derive(Debug)]
struct Window {
    file: File,
    len: u64,
}

impl Source for Window {
    fn len(&self) -> u64 {
        self.len
    }

    #[cfg(unix)]
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, into, at)
    }

    #[cfg(windows)]
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, into, at)
    }
}

/// A window that moves over bytes from the start to the end.
#[derive(Debug)]
pub struct Cursor<'a> {
    bytes: &'a Bytes,
    window: Vec<u8>,
    /// Offset of the window's first byte.
    base: u64,
    /// Where in the window the next byte lies.
    next: usize,
}

impl Cursor<'_> {
    /// What one read brings in.
    const STEP: usize = 64 << 10;

    /// Offset of the next byte.
    pub fn position(&self) -> u64 {
        self.base.saturating_add(self.next as u64)
    }

    /// How many bytes are left.
    pub fn left(&self) -> u64 {
        self.bytes.len().saturating_sub(self.position())
    }

    /// Go to an offset, also back.
    pub fn seek(&mut self, at: u64) {
        match at.checked_sub(self.base).and_then(|next| usize::try_from(next).ok()) {
            Some(next) if next <= self.window.len() => self.next = next,
            _ => {
                self.window.clear();
                (self.base, self.next) = (at, 0);
            }
        }
    }

    /// The next bytes without going past them: at least `wanted`, fewer only at the end. The
    /// caller has bounded `wanted`.
    #[inline]
    pub fn peek(&mut self, wanted: usize) -> Result<&[u8], Refusal> {
        if self.window.len().saturating_sub(self.next) < wanted {
            self.fill(wanted)?;
        }
        Ok(self.window.get(self.next..).unwrap_or_default())
    }

    /// Move the window on, so that it holds `wanted` bytes from the next one on.
    #[cold]
    fn fill(&mut self, wanted: usize) -> Result<(), Refusal> {
        let had = self.window.len().saturating_sub(self.next);
        let end = self.base.saturating_add(self.window.len() as u64);
        let more = usize::try_from(self.bytes.len().saturating_sub(end)).unwrap_or(usize::MAX);
        if more == 0 {
            return Ok(());
        }
        self.window.drain(..self.next);
        self.base = self.base.saturating_add(self.next as u64);
        self.next = 0;
        // A reader that only looks whether bytes are its own looks at the first of them.
        let step = if end == 0 { HEAD } else { Self::STEP };
        let step = wanted.saturating_sub(had).max(step).min(more);
        self.window.resize(had.saturating_add(step), 0);
        let fresh = self.window.get_mut(had..).unwrap_or_default();
        let filled = self.bytes.read_at(end, fresh)?;
        self.window.truncate(had.saturating_add(filled));
        Ok(())
    }

    /// Go past bytes that were peeked at.
    #[inline]
    pub fn advance(&mut self, count: usize) {
        self.next = self.next.saturating_add(count).min(self.window.len());
    }

    /// Exactly the next `wanted` bytes. The caller has bounded `wanted`.
    pub fn take(&mut self, wanted: usize) -> Result<&[u8], Refusal> {
        let at = self.position();
        if self.peek(wanted)?.len() < wanted {
            let why = format!("expected {wanted} bytes, the file ends after {}", self.left());
            return Err(Refusal::truncated(at, why));
        }
        let from = self.next;
        self.next = self.next.saturating_add(wanted);
        Ok(self.window.get(from..self.next).unwrap_or_default())
    }

    /// Exactly the next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// Go past `count` bytes, which must be there.
    #[inline]
    pub fn skip(&mut self, count: u64) -> Result<(), Refusal> {
        let ahead = self.window.len().saturating_sub(self.next) as u64;
        if count <= ahead {
            self.advance(usize::try_from(count).unwrap_or(usize::MAX));
            return Ok(());
        }
        if count > self.left() {
            let why = format!("expected {count} bytes, but only {} are left", self.left());
            return Err(Refusal::new(self.position(), Gap::OversizedLength, why));
        }
        self.seek(self.position().saturating_add(count));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_what_is_there_and_refuses_what_is_not() {
        let bytes = Bytes::from((0..=255).collect::<Vec<u8>>());
        let mut cursor = bytes.cursor();
        assert_eq!(cursor.take(2).unwrap(), [0, 1]);
        cursor.skip(10).unwrap();
        assert_eq!((cursor.position(), cursor.array::<1>().unwrap()), (12, [12]));
        assert_eq!(cursor.skip(1000).unwrap_err().gap, Gap::OversizedLength);
        cursor.seek(254);
        assert_eq!(cursor.take(3).unwrap_err().at, 254);
    }

    #[test]
    fn a_slice_never_reaches_beyond_its_parent() {
        let bytes = Bytes::from(vec![1, 2, 3, 4]);
        let inner = bytes.slice(1, 2).unwrap();
        assert_eq!(inner.take(0, 2).unwrap(), [2, 3]);
        assert!(inner.slice(1, 2).is_err() && inner.slice(u64::MAX, 2).is_err());
        assert_eq!(inner.tail(1).take(0, 1).unwrap(), [3]);
    }
}
