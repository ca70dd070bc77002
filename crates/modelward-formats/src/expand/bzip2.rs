//! One bzip2 stream.

use std::io::{self, BufRead, Read};

use bzip2::{Decompress, Status};

use super::{Decoder, broken, cut_short, input::Input};

pub(super) struct Bzip2 {
    input: Input,
    state: Decompress,
    end: Option<Result<(), &'static str>>,
}

impl Bzip2 {
    pub(super) fn new(input: Input) -> Self {
        Self { input, state: Decompress::new(false), end: None }
    }
}

impl Read for Bzip2 {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !into.is_empty() {
            match self.end {
                None => {}
                Some(Ok(())) => return Ok(0),
                Some(Err(why)) => return Err(broken(why)),
            }
            let (was_in, was_out) = (self.state.total_in(), self.state.total_out());
            let input = self.input.fill_buf()?;
            let nothing_left = input.is_empty();
            let status = self.state.decompress(input, into);
            let used = self.state.total_in().saturating_sub(was_in);
            self.input.consume(usize::try_from(used).unwrap_or(usize::MAX));
            let made = self.state.total_out().saturating_sub(was_out);
            match status {
                Ok(Status::StreamEnd) => self.end = Some(Ok(())),
                Ok(Status::MemNeeded) => self.end = Some(Err("no memory for a bzip2 block")),
                // What a block gave before its checksum failed is handed over all the same.
                Err(_) => self.end = Some(Err("the bzip2 stream is damaged")),
                Ok(_) if made == 0 && nothing_left => return Err(cut_short()),
                Ok(_) => {}
            }
            if made > 0 {
                return Ok(usize::try_from(made).unwrap_or(0).min(into.len()));
            }
        }
        Ok(0)
    }
}

impl Decoder for Bzip2 {
    fn position(&self) -> u64 {
        self.input.position()
    }
}
