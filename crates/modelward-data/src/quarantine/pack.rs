//! Bytes packed and unpacked as they pass.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
};

use flate2::{Compression, write::GzEncoder};
use ruzstd::{
    decoding::{FrameDecoder, StreamingDecoder},
    encoding::{CompressionLevel, compress},
};

use crate::read::{guarded, rewrite::Packing};

/// Pack all that is read; `hard` whether bytes are made fewer by all means.
pub(super) fn pack(
    from: &mut dyn Read,
    packing: Packing,
    hard: bool,
    out: &File,
) -> io::Result<()> {
    match packing {
        Packing::Gzip => {
            let level = if hard { Compression::default() } else { Compression::none() };
            let mut packed = GzEncoder::new(BufWriter::new(out), level);
            super::digest::copy(&mut &mut *from, &mut packed)?;
            packed.finish()?.flush()
        }
        Packing::Zstd => {
            let level =
                if hard { CompressionLevel::Fastest } else { CompressionLevel::Uncompressed };
            // The encoder knows no failures of what it reads and writes: they are kept for it.
            let mut from = Kept { inner: from, failed: None };
            let mut to = Kept { inner: BufWriter::new(out), failed: None };
            let done = guarded(|| compress(&mut from, &mut to, level));
            if let Some(error) = from.failed.or(to.failed) {
                return Err(error);
            }
            done.ok_or_else(|| io::Error::other("its encoder gave up"))?;
            to.inner.flush()
        }
    }
}

/// A reader over what [`pack`] packed by zstd; it gives frame after frame.
pub(super) fn unpack(from: File) -> io::Result<impl Read> {
    let decoder: StreamingDecoder<BufReader<File>, FrameDecoder> =
        StreamingDecoder::new(BufReader::with_capacity(1 << 16, from)).map_err(io::Error::other)?;
    Ok(decoder)
}

/// Something whose first failure is kept: from then on it reads as ended, and takes all and keeps none.
struct Kept<T> {
    inner: T,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Kept<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.failed.is_some() {
            return Ok(0);
        }
        loop {
            match self.inner.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = Some(error);
                    return Ok(0);
                }
                read => return read,
            }
        }
    }
}

impl<W: Write> Write for Kept<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed.is_none()
            && let Err(error) = self.inner.write_all(bytes)
        {
            self.failed = Some(error);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
