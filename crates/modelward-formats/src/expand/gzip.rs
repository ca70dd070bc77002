//! One gzip member (RFC 1952): header, deflate, CRC-32 and length.

use std::io::{self, BufRead, Read};

use super::{Decoder, broken, inflate::Inflate, input::Input};

#[derive(Clone)]
pub(super) struct Gzip {
    inflate: Inflate,
    crc: crc32fast::Hasher,
    len: u32,
    ended: bool,
}

impl Gzip {
    /// Reads the header. The name and the comment in it are passed over.
    pub(super) fn new(mut input: Input) -> io::Result<Self> {
        let mut head = [0; 10];
        input.read_exact(&mut head)?;
        let [0x1f, 0x8b, 8, flags, ..] = head else {
            return Err(broken("expected a gzip header with method deflate"));
        };
        // Python passes over flags that mean nothing, so a file that sets them is loaded.
        if flags & EXTRA != 0 {
            let mut len = [0; 2];
            input.read_exact(&mut len)?;
            skip(&mut input, usize::from(u16::from_le_bytes(len)))?;
        }
        for _ in [flags & NAME, flags & COMMENT].into_iter().filter(|flag| *flag != 0) {
            skip_text(&mut input)?;
        }
        if flags & HEADER_CRC != 0 {
            skip(&mut input, 2)?;
        }
        let crc = crc32fast::Hasher::new();
        Ok(Self { inflate: Inflate::raw(input), crc, len: 0, ended: false })
    }

    fn trailer(&mut self) -> io::Result<()> {
        self.ended = true;
        let mut trailer = [0; 8];
        self.inflate.input().read_exact(&mut trailer)?;
        let [a, b, c, d, length @ ..] = trailer;
        if u32::from_le_bytes([a, b, c, d]) != self.crc.clone().finalize() {
            return Err(broken("the CRC-32 at the end of the gzip member does not match"));
        }
        if u32::from_le_bytes(length) != self.len {
            return Err(broken("the length at the end of the gzip member does not match"));
        }
        Ok(())
    }
}

impl Read for Gzip {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inflate.read(into)?;
        if n == 0 && !into.is_empty() && !self.ended {
            self.trailer()?;
        }
        self.crc.update(into.get(..n).unwrap_or_default());
        // The length is kept modulo 2^32 (section 2.3.1).
        self.len = self.len.wrapping_add(u32::try_from(n).unwrap_or(0));
        Ok(n)
    }
}

impl Decoder for Gzip {
    fn position(&self) -> u64 {
        self.inflate.position()
    }

    fn fork(&self) -> Option<Box<dyn Decoder>> {
        Some(Box::new(self.clone()))
    }
}

fn skip(input: &mut Input, count: usize) -> io::Result<()> {
    let skipped = io::copy(&mut input.take(count as u64), &mut io::sink())?;
    if skipped < count as u64 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// Passes over text up to and with the zero byte at its end.
fn skip_text(input: &mut Input) -> io::Result<()> {
    loop {
        let had = input.fill_buf()?;
        if had.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match had.iter().position(|&byte| byte == 0) {
            Some(end) => {
                input.consume(end.saturating_add(1));
                return Ok(());
            }
            None => {
                let all = had.len();
                input.consume(all);
            }
        }
    }
}

const HEADER_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
