//! LZMA in its three wrappings: bare or with the header of `.lzma` files, LZMA2, and `.xz`.
//!
//! The dictionary's size comes from the file, so it is judged before it is allocated.

use std::io::{self, Read};

use lzma_rust2::{Lzma2Reader, LzmaReader, XzReader};

use super::{Decoder, input::Input};
use crate::{Gap, Refusal};

/// LZMA, bare or with a header of its own.
pub(super) struct Lzma {
    reader: Option<LzmaReader<Input>>,
    end: u64,
}

impl Lzma {
    /// A `.lzma` file: five bytes of properties, the length, the stream.
    pub(super) fn alone(mut input: Input) -> io::Result<Self> {
        let mut head = [0; 13];
        input.read_exact(&mut head)?;
        let [properties, a, b, c, d, length @ ..] = head;
        let dictionary = u32::from_le_bytes([a, b, c, d]);
        Self::bare(input, properties, dictionary, u64::from_le_bytes(length))
    }

    /// A bare stream; `length` is `u64::MAX` where the stream marks its own end.
    pub(super) fn bare(
        input: Input,
        properties: u8,
        dictionary: u32,
        length: u64,
    ) -> io::Result<Self> {
        // A stream cannot refer back beyond its own start.
        let needed = u64::from(dictionary).min(length.max(MIN_DICTIONARY));
        let needed = bounded(u32::try_from(needed).unwrap_or(u32::MAX), input.position())?;
        let mut reader = LzmaReader::new_with_props(input, length, properties, needed, None)?;
        reader.set_defer_errors(true);
        Ok(Self { reader: Some(reader), end: 0 })
    }
}

impl Read for Lzma {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(reader) = &mut self.reader else { return Ok(0) };
        let n = reader.read(into)?;
        if n == 0
            && !into.is_empty()
            && let Some((input, ahead)) = self.reader.take().map(LzmaReader::into_parts)
        {
            self.end = input.position().saturating_sub(ahead.len() as u64);
        }
        Ok(n)
    }
}

impl Decoder for Lzma {
    fn position(&self) -> u64 {
        self.reader.as_ref().map_or(self.end, |reader| reader.inner().position())
    }
}

/// A bare LZMA2 stream.
pub(super) struct Lzma2(Lzma2Reader<Input>);

impl Lzma2 {
    pub(super) fn new(input: Input, dictionary: u32) -> io::Result<Self> {
        let dictionary = bounded(dictionary, input.position())?;
        Ok(Self(Lzma2Reader::new(input, dictionary, None)))
    }
}

impl Read for Lzma2 {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(short(into))
    }
}

impl Decoder for Lzma2 {
    fn position(&self) -> u64 {
        self.0.inner().position()
    }
}

/// One `.xz` stream.
pub(super) struct Xz(XzReader<Input>);

impl Xz {
    pub(super) fn new(input: Input) -> Self {
        Self(XzReader::new_mem_limit(input, false, MOST_DICTIONARY.saturating_add(1 << 20) >> 10))
    }
}

impl Read for Xz {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let at = self.0.inner().position();
        self.0.read(short(into)).map_err(|error| {
            if error.kind() == io::ErrorKind::OutOfMemory { too_large(at).into() } else { error }
        })
    }
}

impl Decoder for Xz {
    fn position(&self) -> u64 {
        self.0.inner().position()
    }
}

/// These readers lose what they made in the very call that fails. Loaders ask for 8 KiB and more
/// at a time, so with less here nothing is lost that a loader would have got.
fn short(into: &mut [u8]) -> &mut [u8] {
    let n = into.len().min(1 << 10);
    into.get_mut(..n).unwrap_or_default()
}

fn bounded(dictionary: u32, at: u64) -> Result<u32, Refusal> {
    if dictionary > MOST_DICTIONARY { Err(too_large(at)) } else { Ok(dictionary) }
}

fn too_large(at: u64) -> Refusal {
    let most = MOST_DICTIONARY >> 20;
    Refusal::new(at, Gap::LargeMemory, format!("a dictionary of more than {most} MiB"))
}

/// What `xz -9` writes.
const MOST_DICTIONARY: u32 = 64 << 20;

/// The least that the decoder allocates.
const MIN_DICTIONARY: u64 = 4 << 10;
