//! Compressed bytes as bytes by offset, without a disk and in bounded memory.
//!
//! A first pass decodes everything once: it finds the length, spends the budget, and notes where
//! the stream breaks. What is small is kept; the rest is decoded again where it is read.

use std::{
    fmt,
    io::{self, Read},
    sync::Arc,
};

use crate::{Budget, Bytes, Gap, Refusal};

mod bzip2;
mod deflate64;
mod filter;
mod gzip;
mod inflate;
mod input;
mod lz4;
mod lzma;
mod replay;
mod zstd;

use self::{input::Input, replay::Replay};

/// What a compressed piece holds.
#[derive(Clone, Debug)]
pub(crate) struct Expanded {
    /// Everything that was decoded, also before a break.
    pub(crate) bytes: Bytes,
    /// Where the compressed stream ends; none where it breaks first.
    pub(crate) end: Option<u64>,
    /// Why it could not be decoded to its end. The offset is one of the compressed piece.
    pub(crate) refusal: Option<Refusal>,
}

/// How bytes are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// Bare deflate.
    Deflate,
    Deflate64,
    Zlib,
    Gzip,
    Bzip2,
    /// `.lzma`: LZMA with a header.
    LzmaAlone,
    /// LZMA without a header; the length is `u64::MAX` where the stream marks its own end.
    Lzma {
        properties: u8,
        dictionary: u32,
        length: u64,
    },
    Lzma2 {
        dictionary: u32,
    },
    Xz,
    Zstd,
    Lz4,
    /// Not compressed: a branch converter of 7z.
    Bcj(Branch),
    /// Not compressed: the delta filter of 7z, with the distance less one.
    Delta(u8),
}

/// The machines whose branches are converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Branch {
    X86,
    PowerPc,
    Ia64,
    Arm,
    ArmThumb,
    Sparc,
    Arm64,
    RiscV,
}

/// Decode a stream, or several of its kind one after the other where its format allows that.
pub(crate) fn expand(compressed: &Bytes, codec: Codec, budget: &Arc<Budget>) -> Expanded {
    expand_at(compressed, 0, codec, budget)
}

/// Decode the stream that starts at an offset.
pub(crate) fn expand_at(
    compressed: &Bytes,
    at: u64,
    codec: Codec,
    budget: &Arc<Budget>,
) -> Expanded {
    let mut first = FirstPass::new(compressed, codec, budget, at);
    let end = first.run();
    let FirstPass { head, len, replay, limited, .. } = first;
    // Of what ran into a limit only the head is shown: enough for a payload to be found, and no
    // second helping of the bomb.
    let bytes = if limited || len <= head.len() as u64 {
        Bytes::from(head)
    } else {
        Bytes::new(Arc::new(replay.finish(head, len)))
    };
    match end {
        Ok(end) => Expanded { bytes, end: Some(end), refusal: None },
        Err(refusal) => Expanded { bytes, end: None, refusal: Some(refusal) },
    }
}

/// Decode a whole piece that gives exactly so many bytes, which the caller has bounded.
pub(crate) fn exact(compressed: &Bytes, codec: Codec, length: usize) -> Result<Vec<u8>, Refusal> {
    let mut chain = Chain::new(compressed, codec, 0);
    let mut bytes = vec![0; length];
    let (filled, mut failed) = chain.fill(&mut bytes);
    let mut more = 0;
    if failed.is_none() && filled == length {
        (more, failed) = chain.fill(&mut [0]);
    }
    match failed {
        Some(error) => Err(Refusal::io(chain.position(), &error)),
        None if filled == length && more == 0 => Ok(bytes),
        None => {
            let got = if more > 0 { "more".to_owned() } else { filled.to_string() };
            let why = format!("expected {length} bytes out of compressed ones, got {got}");
            Err(Refusal::new(chain.position(), Gap::Malformed, why))
        }
    }
}

/// A decoder of one stream, from its start to its end.
trait Decoder: Read + Send {
    /// Where on the compressed side it stands; exact once `read` gave 0.
    fn position(&self) -> u64;

    /// The same decoder in the same state, where that is cheap.
    fn fork(&self) -> Option<Box<dyn Decoder>> {
        None
    }
}

impl Codec {
    fn open(self, input: Input) -> io::Result<Box<dyn Decoder>> {
        Ok(match self {
            Self::Deflate => Box::new(inflate::Inflate::raw(input)),
            Self::Zlib => Box::new(inflate::Inflate::zlib(input)),
            Self::Deflate64 => Box::new(deflate64::Deflate64::new(input)),
            Self::Gzip => Box::new(gzip::Gzip::new(input)?),
            Self::Bzip2 => Box::new(bzip2::Bzip2::new(input)),
            Self::LzmaAlone => Box::new(lzma::Lzma::alone(input)?),
            Self::Lzma { properties, dictionary, length } => {
                Box::new(lzma::Lzma::bare(input, properties, dictionary, length)?)
            }
            Self::Lzma2 { dictionary } => Box::new(lzma::Lzma2::new(input, dictionary)?),
            Self::Xz => Box::new(lzma::Xz::new(input)),
            Self::Zstd => Box::new(zstd::Zstd::new(input)?),
            Self::Lz4 => Box::new(lz4::Lz4::new(input)?),
            Self::Bcj(branch) => Box::new(filter::Bcj::new(input, branch)),
            Self::Delta(distance) => Box::new(filter::Delta::new(input, distance)),
        })
    }

    /// Where the next stream starts, if its kind may follow itself and does so at `at`.
    fn next(self, compressed: &Bytes, at: u64) -> Option<u64> {
        let magic: &[u8] = match self {
            Self::Gzip => &[0x1f, 0x8b, 8],
            Self::Bzip2 => b"BZh",
            Self::Xz => b"\xfd7zXZ\0",
            Self::Lz4 => &[4, 0x22, 0x4d, 0x18],
            Self::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
            _ => return None,
        };
        // Zero bytes may lie between streams: gzip pads to tape blocks, xz to four bytes.
        let at = match self {
            Self::Gzip | Self::Xz => skip_zeros(compressed, at),
            _ => at,
        };
        let skippable = || {
            let framed = matches!(self, Self::Lz4 | Self::Zstd);
            framed && compressed.u32_le(at).is_ok_and(|magic| magic & !0xf == 0x184d_2a50)
        };
        (compressed.has(at, magic) || skippable()).then_some(at)
    }
}

/// Where the zero bytes from `at` on end.
pub(crate) fn skip_zeros(bytes: &Bytes, at: u64) -> u64 {
    let mut cursor = bytes.cursor();
    cursor.seek(at);
    while let Ok(window) = cursor.peek(1) {
        if window.is_empty() {
            break;
        }
        let zeros = window.iter().take_while(|&&byte| byte == 0).count();
        let all = window.len();
        cursor.seek(cursor.position().saturating_add(zeros as u64));
        if zeros < all {
            break;
        }
    }
    cursor.position()
}

/// The pass that decodes everything once.
struct FirstPass<'a> {
    compressed: &'a Bytes,
    codec: Codec,
    budget: &'a Arc<Budget>,
    start: u64,
    head: Vec<u8>,
    len: u64,
    replay: Replay,
    /// Whether a limit ended it.
    limited: bool,
}

impl<'a> FirstPass<'a> {
    fn new(compressed: &'a Bytes, codec: Codec, budget: &'a Arc<Budget>, start: u64) -> Self {
        let replay = Replay::new(compressed, codec, budget, start);
        let head = Vec::new();
        Self { compressed, codec, budget, start, head, len: 0, replay, limited: false }
    }

    /// Gives where the compressed side ends.
    fn run(&mut self) -> Result<u64, Refusal> {
        let mut chain = Chain::new(self.compressed, self.codec, self.start);
        let mut chunk = vec![0; CHUNK];
        loop {
            let (filled, broken) = chain.fill(&mut chunk);
            let fresh = chunk.get(..filled).unwrap_or_default();
            let room = HEAD.saturating_sub(self.head.len());
            self.head.extend_from_slice(fresh.get(..filled.min(room)).unwrap_or_default());
            self.len = self.len.saturating_add(filled as u64);
            let at = chain.position();
            if let Err(refusal) = self.spend(at, filled as u64) {
                self.limited = true;
                return Err(refusal);
            }
            if let Some(error) = broken {
                return Err(Refusal::io(at, &error));
            }
            if filled < CHUNK {
                return Ok(at);
            }
            self.replay.note(self.len, &chain);
        }
    }

    fn spend(&self, at: u64, bytes: u64) -> Result<(), Refusal> {
        self.budget.expand(at, bytes)?;
        let limit = self.budget.limits().ratio;
        let input = self.compressed.len().saturating_sub(self.start);
        if self.len > FREE && self.len > input.saturating_mul(limit) {
            let why = format!("grows to more than {limit} times its size");
            return Err(Refusal::new(at, Gap::HighExpansionRatio, why));
        }
        Ok(())
    }
}

/// Streams of one codec, one after the other.
struct Chain {
    compressed: Bytes,
    codec: Codec,
    decoder: Option<Box<dyn Decoder>>,
    /// Where the next stream starts, or the last one ended.
    at: u64,
    done: bool,
}

impl Chain {
    fn new(compressed: &Bytes, codec: Codec, at: u64) -> Self {
        Self { compressed: compressed.clone(), codec, decoder: None, at, done: false }
    }

    fn position(&self) -> u64 {
        self.decoder.as_ref().map_or(self.at, |decoder| decoder.position())
    }

    fn fork(&self) -> Option<Self> {
        let decoder = Some(self.decoder.as_ref()?.fork()?);
        Some(Self { compressed: self.compressed.clone(), decoder, ..*self })
    }

    /// Fill as much as there is. Less than all means the end, or the error that is given.
    fn fill(&mut self, into: &mut [u8]) -> (usize, Option<io::Error>) {
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.step(rest) {
                Ok(None) => break,
                Ok(Some(n)) => filled = filled.saturating_add(n),
                Err(error) => return (filled, Some(error)),
            }
        }
        (filled, None)
    }

    /// Read some bytes; none at the end of the last stream.
    fn step(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        if self.done {
            return Ok(None);
        }
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            none => none.insert(self.codec.open(Input::new(&self.compressed, self.at))?),
        };
        let n = decoder.read(into)?;
        if n == 0 {
            self.at = decoder.position();
            self.decoder = None;
            match self.codec.next(&self.compressed, self.at) {
                Some(next) => self.at = next,
                None => self.done = true,
            }
        }
        Ok(Some(n))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:#x}", self.codec, self.position())
    }
}

fn broken(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the compressed stream is cut short")
}

/// What is decoded at once.
const CHUNK: usize = 64 << 10;

/// What is kept of the start of every stream; a stream that is no longer is kept whole.
const HEAD: usize = 4 << 20;

/// What may come out of any stream, however small.
const FREE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes that compress about tenfold and repeat nowhere.
    fn content(len: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let mut word = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state
        };
        std::iter::repeat_with(|| vec![(word() >> 24) as u8; (word() >> 27).max(1) as usize])
            .flatten()
            .take(len)
            .collect()
    }

    fn streams() -> Vec<(Codec, Vec<u8>)> {
        let plain = content(9 << 20);
        let mut bzip2 = ::bzip2::read::BzEncoder::new(&*plain, ::bzip2::Compression::fast());
        let mut squeezed = Vec::new();
        bzip2.read_to_end(&mut squeezed).unwrap();
        vec![
            (Codec::Deflate, miniz_oxide::deflate::compress_to_vec(&plain, 1)),
            (Codec::Bzip2, squeezed),
        ]
    }

    #[test]
    fn a_long_stream_reads_the_same_at_every_offset() {
        let plain = content(9 << 20);
        for (codec, compressed) in streams() {
            let expanded = expand(&compressed.into(), codec, &Arc::default());
            assert_eq!(expanded.refusal, None, "{codec:?}");
            assert_eq!(expanded.bytes.len(), plain.len() as u64, "{codec:?}");
            let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
            runner
                .run(&(0..plain.len(), 0_usize..200_000), |(at, len)| {
                    let len = len.min(plain.len() - at);
                    let got = expanded.bytes.take(at as u64, len as u64).unwrap();
                    prop_assert!(got == plain[at..at + len]);
                    Ok(())
                })
                .unwrap();
        }
    }

    #[test]
    fn going_back_and_forth_runs_into_the_budget() {
        let plain = content(20 << 20);
        let mut bzip2 = ::bzip2::read::BzEncoder::new(&*plain, ::bzip2::Compression::fast());
        let mut squeezed = Vec::new();
        bzip2.read_to_end(&mut squeezed).unwrap();
        let limits = crate::Limits { expanded: 60 << 20, ..crate::Limits::default() };
        let expanded = expand(&squeezed.into(), Codec::Bzip2, &Budget::new(limits));
        let offsets = [19_u64 << 20, 12 << 20, 5 << 20].into_iter().cycle().take(30);
        let refused = offsets.map(|at| expanded.bytes.array::<1>(at)).find_map(Result::err);
        assert_eq!(refused.map(|refusal| refusal.gap), Some(Gap::LargeExpansion));
    }
}
