//! The compressed side of a decoder: bytes that know how far they were used.

use std::io::{self, BufRead, Read};

use crate::Bytes;

/// Reads bytes from an offset on. Its position is exact, so that what follows a compressed
/// stream can be found.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    bytes: Bytes,
    /// Offset of the first byte behind the buffer.
    next: u64,
    buffer: Vec<u8>,
    /// Where in the buffer the next byte lies.
    used: usize,
}

impl Input {
    pub(crate) fn new(bytes: &Bytes, at: u64) -> Self {
        Self { bytes: bytes.clone(), next: at, buffer: Vec::new(), used: 0 }
    }

    /// Offset of the next byte.
    pub(crate) fn position(&self) -> u64 {
        self.next.saturating_sub(self.buffer.len().saturating_sub(self.used) as u64)
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let had = self.fill_buf()?;
        let n = had.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..n), had.get(..n)) {
            to.copy_from_slice(from);
        }
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used >= self.buffer.len() {
            let left = self.bytes.len().saturating_sub(self.next);
            // A short piece is read whole, so that its decoder costs one read.
            let step = usize::try_from(left).unwrap_or(STEP).min(STEP);
            self.buffer.resize(step, 0);
            self.used = 0;
            let n = self.bytes.read_at(self.next, &mut self.buffer)?;
            self.buffer.truncate(n);
            self.next = self.next.saturating_add(n as u64);
        }
        Ok(self.buffer.get(self.used..).unwrap_or_default())
    }

    fn consume(&mut self, n: usize) {
        self.used = self.used.saturating_add(n).min(self.buffer.len());
    }
}

const STEP: usize = 32 << 10;
