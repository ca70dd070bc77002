//! Sealing what is written.

use std::io::{self, Write};

use super::{
    chunk::{CHUNK, Cipher, SEALED, TAG},
    threads::{each, sizes},
};

/// A writer that seals what it is given. Without [`finish`](Self::finish) what it wrote does not open.
pub(in crate::seal) struct Sealer<W> {
    into: W,
    cipher: Cipher,
    /// Chunks, each with room for its tag but the one that is being filled.
    buffer: Vec<u8>,
    /// Bytes in the chunk that is being filled.
    filled: usize,
    /// Which chunk the buffer begins with.
    first: u64,
    threads: usize,
    /// Bytes that the buffer may hold.
    most: usize,
}

impl<W: Write> Sealer<W> {
    pub(in crate::seal) fn new(into: W, cipher: Cipher) -> Self {
        let (threads, chunks) = sizes();
        let most = chunks.saturating_mul(SEALED);
        Self { into, cipher, buffer: Vec::new(), filled: 0, first: 0, threads, most }
    }

    /// Seal the last chunk.
    pub(in crate::seal) fn finish(mut self) -> io::Result<W> {
        self.close();
        self.seal(true)?;
        Ok(self.into)
    }

    /// Make room for the tag of the chunk that was filled.
    fn close(&mut self) {
        self.buffer.resize(self.buffer.len().saturating_add(TAG), 0);
        self.filled = 0;
    }

    /// Seal and write all that is held.
    fn seal(&mut self, last: bool) -> io::Result<()> {
        let Self { cipher, buffer, first, threads, .. } = self;
        let chunks = buffer.len().div_ceil(SEALED);
        let done = each(*threads, buffer, *first, last, |chunk, place| cipher.seal(chunk, place));
        if done < chunks {
            return Err(io::Error::other("a chunk could not be sealed"));
        }
        *first = first.saturating_add(chunks as u64);
        self.into.write_all(buffer)?;
        buffer.clear();
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            // Only now is it sure that the full chunk is not the last.
            if self.filled == CHUNK {
                self.close();
                if self.buffer.len() >= self.most {
                    self.seal(false)?;
                }
            }
            let room = CHUNK.saturating_sub(self.filled);
            let (taken, after) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            self.buffer.extend_from_slice(taken);
            self.filled = self.filled.saturating_add(taken.len());
            rest = after;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

impl<W> std::fmt::Debug for Sealer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("first", &self.first).finish_non_exhaustive()
    }
}
