//! Deflate64, which some archivers use for large members (APPNOTE, method 9).

use std::io::{self, BufRead, Read};

use deflate64::InflaterManaged;

use super::{Decoder, broken, cut_short, input::Input};

pub(super) struct Deflate64 {
    input: Input,
    state: Box<InflaterManaged>,
}

impl Deflate64 {
    pub(super) fn new(input: Input) -> Self {
        Self { input, state: Box::new(InflaterManaged::new()) }
    }
}

impl Read for Deflate64 {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !into.is_empty() {
            let input = self.input.fill_buf()?;
            let nothing_left = input.is_empty();
            let step = self.state.inflate(input, into);
            self.input.consume(step.bytes_consumed);
            if step.bytes_written > 0 {
                return Ok(step.bytes_written);
            }
            if step.data_error || self.state.errored() {
                return Err(broken("the deflate64 stream breaks its grammar"));
            }
            if self.state.finished() {
                return Ok(0);
            }
            if nothing_left {
                return Err(cut_short());
            }
        }
        Ok(0)
    }
}

impl Decoder for Deflate64 {
    fn position(&self) -> u64 {
        self.input.position()
    }
}
