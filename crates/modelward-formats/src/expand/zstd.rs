//! One Zstandard frame (RFC 8878), skippable ones included.

use std::io::{self, Read};

use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use super::{Decoder, broken, input::Input};
use crate::{Gap, Refusal};

pub(super) struct Zstd {
    input: Input,
    /// None for a skippable frame, which holds no content.
    frame: Option<Box<FrameDecoder>>,
    broken: bool,
}

impl Zstd {
    pub(super) fn new(mut input: Input) -> io::Result<Self> {
        let at = input.position();
        let mut frame = Box::new(FrameDecoder::new());
        frame.set_max_window_size(MOST_WINDOW);
        let frame = match frame.init(&mut input) {
            Ok(()) => Some(frame),
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let skipped = io::copy(&mut (&mut input).take(length.into()), &mut io::sink())?;
                if skipped < u64::from(length) {
                    return Err(broken("a skippable zstd frame is cut short"));
                }
                None
            }
            Err(FrameDecoderError::WindowSizeTooBig { .. }) => {
                let why = format!("a zstd window of more than {} MiB", MOST_WINDOW >> 20);
                return Err(Refusal::new(at, Gap::LargeMemory, why).into());
            }
            Err(FrameDecoderError::DictNotProvided { .. }) => {
                let why = "a zstd frame that needs a dictionary from elsewhere";
                return Err(Refusal::new(at, Gap::MissingPart, why).into());
            }
            Err(_) => return Err(broken("the zstd frame header breaks its grammar")),
        };
        Ok(Self { input, frame, broken: false })
    }
}

impl Read for Zstd {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(frame) = &mut self.frame else { return Ok(0) };
        loop {
            let n = frame.read(into)?;
            if n > 0 || into.is_empty() {
                return Ok(n);
            }
            if self.broken {
                return Err(broken("the zstd frame is damaged or cut short"));
            }
            if frame.is_finished() {
                let expected = frame.get_checksum_from_data();
                if expected.is_some() && expected != frame.get_calculated_checksum() {
                    return Err(broken("the checksum of the zstd frame does not match"));
                }
                return Ok(0);
            }
            let step = || BlockDecodingStrategy::UptoBlocks(1);
            if frame.decode_blocks(&mut self.input, step()).is_err() {
                self.broken = true;
                // The decoder holds a window back that a loader has got by now. An empty last
                // block lets go of it.
                let _ = frame.decode_blocks(LAST_BLOCK, step());
            }
        }
    }
}

impl Decoder for Zstd {
    fn position(&self) -> u64 {
        self.input.position()
    }
}

/// What `zstd --ultra -22` writes is 128 MiB; the format's own advice is to accept 8 MiB.
const MOST_WINDOW: u64 = 64 << 20;

/// A raw block of no bytes that is the last one, and room for a checksum.
const LAST_BLOCK: &[u8] = &[1, 0, 0, 0, 0, 0, 0];
