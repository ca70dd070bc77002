//! Deflate (RFC 1951), bare or with a zlib header (RFC 1950). Its state is small, so it can be
//! kept and taken up again in the middle of a stream.

use std::io::{self, BufRead, Read};

use miniz_oxide::inflate::{
    TINFLStatus,
    core::{
        DecompressorOxide, decompress,
        inflate_flags::{
            TINFL_FLAG_COMPUTE_ADLER32, TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32,
            TINFL_FLAG_PARSE_ZLIB_HEADER,
        },
    },
};

use super::{Decoder, broken, input::Input};

#[derive(Clone)]
pub(super) struct Inflate {
    input: Input,
    state: Box<DecompressorOxide>,
    flags: u32,
    /// The last 32 KiB of output, which the state refers to; also what is still to be handed over.
    window: Vec<u8>,
    at: usize,
    pending: usize,
    end: End,
}

#[derive(Clone, Copy)]
enum End {
    Open,
    Done,
    Broken(&'static str),
}

impl Inflate {
    /// A bare deflate stream.
    pub(super) fn raw(input: Input) -> Self {
        Self::new(input, TINFL_FLAG_IGNORE_ADLER32)
    }

    /// A stream with a zlib header and an Adler-32 trailer.
    pub(super) fn zlib(input: Input) -> Self {
        Self::new(input, TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_COMPUTE_ADLER32)
    }

    fn new(input: Input, flags: u32) -> Self {
        let state = Box::new(DecompressorOxide::new());
        let window = vec![0; WINDOW];
        Self { input, state, flags, window, at: 0, pending: 0, end: End::Open }
    }

    /// The compressed side, behind the end of the stream once that was read.
    pub(super) fn input(&mut self) -> &mut Input {
        &mut self.input
    }

    fn refill(&mut self) -> io::Result<()> {
        let input = self.input.fill_buf()?;
        let more = if input.is_empty() { 0 } else { TINFL_FLAG_HAS_MORE_INPUT };
        let at = self.at & (WINDOW - 1);
        let (status, used, made) =
            decompress(&mut self.state, input, &mut self.window, at, self.flags | more);
        self.input.consume(used);
        (self.at, self.pending) = (at, made);
        self.end = match status {
            TINFLStatus::Done => End::Done,
            TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput => End::Open,
            TINFLStatus::Adler32Mismatch => End::Broken("the Adler-32 checksum does not match"),
            TINFLStatus::FailedCannotMakeProgress => End::Broken("the deflate stream is cut short"),
            _ => End::Broken("the deflate stream breaks its grammar"),
        };
        Ok(())
    }
}

impl Read for Inflate {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.pending == 0 {
            match self.end {
                End::Open => self.refill()?,
                End::Done => return Ok(0),
                End::Broken(why) => return Err(broken(why)),
            }
        }
        let n = self.pending.min(into.len());
        let from = self.window.get(self.at..self.at.saturating_add(n));
        if let (Some(to), Some(from)) = (into.get_mut(..n), from) {
            to.copy_from_slice(from);
        }
        self.at = self.at.saturating_add(n);
        self.pending = self.pending.saturating_sub(n);
        Ok(n)
    }
}

impl Decoder for Inflate {
    fn position(&self) -> u64 {
        self.input.position()
    }

    fn fork(&self) -> Option<Box<dyn Decoder>> {
        Some(Box::new(self.clone()))
    }
}

/// The farthest that deflate refers back (RFC 1951, section 2).
const WINDOW: usize = 32 << 10;
