//! Bytes as something that is read and moved about in.

use std::io::{self, Read, Seek, SeekFrom};

use modelward_formats::Bytes;

/// Bytes from the first to the last.
pub(crate) struct Stream<'a> {
    bytes: &'a Bytes,
    at: u64,
}

impl<'a> Stream<'a> {
    /// From the first byte on.
    pub(crate) fn new(bytes: &'a Bytes) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read_at(self.at, into);
        let read = read.map_err(|refusal| io::Error::other(refusal.why.into_owned()))?;
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}

impl Seek for Stream<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.bytes.len().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = at.ok_or_else(|| io::Error::other("a place before the first byte"))?;
        Ok(self.at)
    }
}
