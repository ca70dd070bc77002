//! One LZ4 frame (LZ4 frame format 1.6.4), skippable ones included.

use std::io::{self, Read};

use lz4_flex::block::decompress_into_with_dict;

use super::{Decoder, broken, input::Input};
use crate::{Gap, Refusal};

pub(super) struct Lz4 {
    input: Input,
    /// None for a skippable frame, which holds no content.
    frame: Option<Frame>,
}

#[derive(Default)]
struct Frame {
    /// The most that a block holds.
    block: usize,
    linked: bool,
    block_checksum: bool,
    content_checksum: bool,
    compressed: Vec<u8>,
    /// The last 64 KiB before the block, then the block.
    content: Vec<u8>,
    /// Where in the content lies what is to be handed over next.
    next: usize,
    ended: bool,
}

impl Lz4 {
    pub(super) fn new(mut input: Input) -> io::Result<Self> {
        let at = input.position();
        let magic = u32::from_le_bytes(array(&mut input)?);
        if magic & !0xf == SKIPPABLE {
            let length = u32::from_le_bytes(array(&mut input)?).into();
            if io::copy(&mut (&mut input).take(length), &mut io::sink())? < length {
                return Err(broken("a skippable LZ4 frame is cut short"));
            }
            return Ok(Self { input, frame: None });
        }
        if magic != MAGIC {
            return Err(broken("expected an LZ4 frame"));
        }
        let [flags, block] = array(&mut input)?;
        if flags >> 6 != 1 || flags & 2 != 0 || block & 0x8f != 0 {
            return Err(broken("the LZ4 frame header breaks its grammar"));
        }
        let block = match block >> 4 {
            4 => 64 << 10,
            5 => 256 << 10,
            6 => 1 << 20,
            7 => 4 << 20,
            _ => return Err(broken("the LZ4 frame header names an unknown block size")),
        };
        if flags & (1 << 3) != 0 {
            array::<8>(&mut input)?;
        }
        if flags & 1 != 0 {
            let why = "an LZ4 frame that needs a dictionary from elsewhere";
            return Err(Refusal::new(at, Gap::MissingPart, why).into());
        }
        let _header_checksum = array::<1>(&mut input)?;
        let frame = Frame {
            block,
            linked: flags & (1 << 5) == 0,
            block_checksum: flags & (1 << 4) != 0,
            content_checksum: flags & (1 << 2) != 0,
            ..Frame::default()
        };
        Ok(Self { input, frame: Some(frame) })
    }
}

impl Read for Lz4 {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(frame) = &mut self.frame else { return Ok(0) };
        while frame.next >= frame.content.len() && !frame.ended {
            frame.refill(&mut self.input)?;
        }
        let rest = frame.content.get(frame.next..).unwrap_or_default();
        let n = rest.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        frame.next = frame.next.saturating_add(n);
        Ok(n)
    }
}

impl Frame {
    fn refill(&mut self, input: &mut Input) -> io::Result<()> {
        let history = if self.linked { HISTORY } else { 0 };
        let surplus = self.content.len().saturating_sub(history);
        self.content.drain(..surplus);
        let history = self.content.len();
        self.next = history;

        let word = u32::from_le_bytes(array(input)?);
        if word == 0 {
            self.ended = true;
            if self.content_checksum {
                array::<4>(input)?;
            }
            return Ok(());
        }
        let length = usize::try_from(word & !PLAIN).unwrap_or(usize::MAX);
        if length > self.block {
            return Err(broken("an LZ4 block is larger than its frame allows"));
        }
        if word & PLAIN != 0 {
            self.content.resize(history.saturating_add(length), 0);
            input.read_exact(self.content.get_mut(history..).unwrap_or_default())?;
        } else {
            self.compressed.resize(length, 0);
            input.read_exact(&mut self.compressed)?;
            self.content.resize(history.saturating_add(self.block), 0);
            let (before, block) = self.content.split_at_mut_checked(history).unwrap_or_default();
            let made = decompress_into_with_dict(&self.compressed, block, before);
            let Ok(made) = made else {
                self.content.truncate(history);
                return Err(broken("an LZ4 block is damaged"));
            };
            self.content.truncate(history.saturating_add(made));
        }
        if self.block_checksum {
            array::<4>(input)?;
        }
        Ok(())
    }
}

impl Decoder for Lz4 {
    fn position(&self) -> u64 {
        self.input.position()
    }
}

fn array<const N: usize>(input: &mut Input) -> io::Result<[u8; N]> {
    let mut array = [0; N];
    input.read_exact(&mut array)?;
    Ok(array)
}

const MAGIC: u32 = 0x184d_2204;
const SKIPPABLE: u32 = 0x184d_2a50;

/// The bit that says that a block is stored as it is.
const PLAIN: u32 = 1 << 31;

/// How far a block refers back into those before it.
const HISTORY: usize = 64 << 10;
