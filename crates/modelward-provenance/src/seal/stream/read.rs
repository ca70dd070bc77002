//! Opening what is read.

use std::io::{self, Read};

use zeroize::Zeroizing;

use super::{
    chunk::{Cipher, Place, SEALED, TAG},
    threads::{each, sizes},
};
use crate::seal::fault::Fault;

/// A reader of the content of a payload. It gives a byte only once its chunk is authenticated; that
/// the content is whole is known when it ends without an error.
pub(in crate::seal) struct Opener<R> {
    from: R,
    cipher: Cipher,
    /// Chunks, the first of them open, and one byte more, which tells whether they are all.
    buffer: Zeroizing<Vec<u8>>,
    /// Bytes of the open chunks, with their tags.
    open: usize,
    /// What was given of them.
    given: usize,
    /// The byte that was read ahead.
    ahead: Option<u8>,
    /// Which chunk comes next.
    next: u64,
    /// What comes after the open chunks.
    end: Option<Option<Fault>>,
    threads: usize,
    /// Bytes that the buffer holds at most.
    most: usize,
}

impl<R: Read> Opener<R> {
    pub(in crate::seal) fn new(from: R, cipher: Cipher) -> Self {
        let (threads, chunks) = sizes();
        let most = chunks.saturating_mul(SEALED).saturating_add(1);
        let buffer = Zeroizing::new(Vec::with_capacity(most));
        let (open, given, next) = (0, 0, 0);
        Self { from, cipher, buffer, open, given, ahead: None, next, end: None, threads, most }
    }

    /// Read and open as many chunks as the buffer holds.
    fn refill(&mut self) -> io::Result<()> {
        let Self { from, cipher, buffer, .. } = self;
        let most = self.most;
        buffer.clear();
        buffer.extend(self.ahead.take());
        let left = most.saturating_sub(buffer.len()) as u64;
        // What `Vec` reserved is what is read, so it never grows and leaves no copy behind.
        from.by_ref().take(left).read_to_end(buffer)?;
        let last = buffer.len() < most;
        if !last {
            self.ahead = buffer.pop();
        }
        let chunks = buffer.len().div_ceil(SEALED);
        let whole = chunks.saturating_sub(1).saturating_mul(SEALED);
        let tail = buffer.len().saturating_sub(whole);
        let fault = if buffer.is_empty() || tail < TAG {
            Some("the file is cut short")
        } else if tail == TAG && self.next.saturating_add(chunks as u64) > 1 {
            Some("the sealed content ends in an empty chunk, which no honest writer adds")
        } else {
            None
        };
        if fault.is_some() {
            buffer.truncate(whole);
        }
        let last_is_good = last && fault.is_none();
        let work = |chunk: &mut [u8], place: Place| cipher.open(chunk, place);
        let good = each(self.threads, buffer, self.next, last_is_good, work);
        let count = buffer.len().div_ceil(SEALED);
        let mut fault = fault.map(Fault::broken);
        if good < count {
            let start = good.saturating_mul(SEALED);
            let end = start.saturating_add(SEALED).min(buffer.len());
            let at = self.next.saturating_add(good as u64);
            let place = Place { at, last: last_is_good && end == buffer.len() };
            let chunk = buffer.get_mut(start..end).unwrap_or_default();
            let (why, is_authentic) = cipher.judge(chunk, place);
            fault = Some(why);
            buffer.truncate(if is_authentic { end } else { start });
        }
        self.next = self.next.saturating_add(count as u64);
        (self.open, self.given) = (buffer.len(), 0);
        if last || fault.is_some() {
            self.end = Some(fault);
        }
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            let start = self.given;
            // To the end of the content of this chunk, which its tag follows.
            let chunk = start.checked_div(SEALED).unwrap_or(0).saturating_mul(SEALED);
            let chunk_end = chunk.saturating_add(SEALED).min(self.open);
            let content = self.buffer.get(start..chunk_end.saturating_sub(TAG)).unwrap_or_default();
            if !content.is_empty() {
                let count = content.len().min(into.len());
                for (into, from) in into.iter_mut().zip(content) {
                    *into = *from;
                }
                self.given = start.saturating_add(count);
                return Ok(count);
            }
            if chunk_end < self.open {
                self.given = chunk_end;
                continue;
            }
            self.given = self.open;
            match &self.end {
                None => self.refill()?,
                Some(None) => return Ok(0),
                Some(Some(fault)) => return Err(fault.clone().into()),
            }
        }
    }
}

impl<R> std::fmt::Debug for Opener<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opener").field("next", &self.next).finish_non_exhaustive()
    }
}
