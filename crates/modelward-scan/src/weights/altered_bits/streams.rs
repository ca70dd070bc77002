//! Text and programs, as they come out when the lowest bits of weights are strung together.

use super::Sample;

/// A payload that can be read.
pub(super) struct Payload {
    /// How many of the lowest bits of each weight carry it.
    pub(super) bits: u32,
    /// Index of the weight where it begins.
    pub(super) weight: u64,
    /// What it is.
    pub(super) what: &'static str,
    /// How it begins.
    pub(super) shown: String,
}

/// A payload that can be read, under any of the usual ways to hide one.
pub(super) fn payload(sample: &Sample) -> Option<Payload> {
    WAYS.iter().find_map(|way| {
        // In 16 bits a lowest byte is most of the number: a ramp would read as the alphabet.
        if way.bits.saturating_mul(2) >= sample.mantissa {
            return None;
        }
        way.program(sample).or_else(|| way.text(sample))
    })
}

/// A way to string bits together: how many of each weight, and which end of a byte comes first.
struct Way {
    bits: u32,
    highest_first: bool,
}

/// Every way that is tried.
const WAYS: [Way; 7] = [
    Way { bits: 8, highest_first: true },
    Way { bits: 1, highest_first: true },
    Way { bits: 1, highest_first: false },
    Way { bits: 2, highest_first: true },
    Way { bits: 2, highest_first: false },
    Way { bits: 4, highest_first: true },
    Way { bits: 4, highest_first: false },
];

impl Way {
    /// A run of text, at any weight. Of random bytes 38 in 100 are printable, so a run of
    /// [`LONGEST_CHANCE`] begins at a given byte once in 10^20 times, and in one of the two
    /// million bytes of a whole sample less than once in 10^13.
    fn text(&self, sample: &Sample) -> Option<Payload> {
        let phases = 8_u32.checked_div(self.bits)?;
        let mask = (1_u32.checked_shl(self.bits)?).checked_sub(1)?;
        let mut runs = [0_u32; 8];
        let (mut byte, mut phase) = (0_u32, 0_usize);
        for (index, weight) in sample.weights.iter().enumerate() {
            byte = self.push(byte, weight & mask);
            phase = if phase.saturating_add(1) >= usize::try_from(phases).ok()? {
                0
            } else {
                phase.saturating_add(1)
            };
            let run = runs.get_mut(phase)?;
            *run = if is_printable(byte) { run.saturating_add(1) } else { 0 };
            if *run >= LONGEST_CHANCE && run.is_multiple_of(LONGEST_CHANCE) {
                let length = LONGEST_CHANCE.saturating_mul(phases);
                let end = index.saturating_add(1);
                let start = end.checked_sub(usize::try_from(length).ok()?)?;
                let text = self.bytes(sample.weights.get(start..)?, 160);
                if is_varied(text.get(..usize::try_from(LONGEST_CHANCE).ok()?)?) {
                    let length = text.iter().take_while(|byte| is_printable(**byte as u32));
                    let text = text.get(..length.count())?;
                    let shown = String::from_utf8_lossy(text).into_owned();
                    let (bits, weight) = (self.bits, start as u64);
                    return Some(Payload { bits, weight, what: "text", shown });
                }
            }
        }
        None
    }

    /// A program or archive that begins with the tensor, perhaps behind its length. Each mark is
    /// longer than 50 bits.
    fn program(&self, sample: &Sample) -> Option<Payload> {
        let head = self.bytes(&sample.weights, 1024);
        [0, 4, 8].into_iter().find_map(|skipped| {
            let bytes = head.get(skipped..)?;
            let what = program(bytes)?;
            let shown = bytes.get(..bytes.len().min(32))?.escape_ascii().to_string();
            Some(Payload { bits: self.bits, weight: 0, what, shown })
        })
    }

    /// The first bytes, at most `most`.
    fn bytes(&self, weights: &[u32], most: usize) -> Vec<u8> {
        let phases = 8_u32.checked_div(self.bits).and_then(|phases| usize::try_from(phases).ok());
        let mask = 1_u32.checked_shl(self.bits).and_then(|mask| mask.checked_sub(1));
        let mask = mask.unwrap_or(u32::MAX);
        let bytes = weights.chunks_exact(phases.unwrap_or(1)).take(most).map(|chunk| {
            let byte = chunk.iter().fold(0, |byte, weight| self.push(byte, weight & mask));
            byte.to_le_bytes()[0]
        });
        bytes.collect()
    }

    /// Bits pushed into a byte from its low or its high end.
    fn push(&self, byte: u32, bits: u32) -> u32 {
        if self.highest_first {
            ((byte << self.bits) | bits) & 0xff
        } else {
            (byte >> self.bits) | (bits << 8_u32.saturating_sub(self.bits))
        }
    }
}

/// Printable ASCII, and the white space of texts.
fn is_printable(byte: u32) -> bool {
    matches!(byte, 0x20..=0x7e | 0x09 | 0x0a | 0x0d)
}

/// Whether a run is a text, not a constant, a ramp or a short pattern: it has many letters, and
/// many steps from one to the next.
fn is_varied(run: &[u8]) -> bool {
    let distinct = |bytes: &mut Vec<u8>| {
        bytes.sort_unstable();
        bytes.dedup();
        bytes.len()
    };
    let steps = run.windows(2).filter_map(|pair| match pair {
        [a, b] => Some(b.wrapping_sub(*a)),
        _ => None,
    });
    distinct(&mut run.to_vec()) >= FEWEST_LETTERS
        && distinct(&mut steps.collect()) >= FEWEST_LETTERS
}

/// What these bytes begin as, by marks that chance does not write.
fn program(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x7f, b'E', b'L', b'F', 1 | 2, 1 | 2, 1, ..] => Some("an ELF program"),
        [b'M', b'Z', ..] => {
            let at = bytes.get(0x3c..0x40)?.first_chunk().map(|at| u32::from_le_bytes(*at))?;
            let header = bytes.get(usize::try_from(at).ok()?..)?;
            header.starts_with(b"PE\0\0").then_some("a Windows program")
        }
        [0xce | 0xcf, 0xfa, 0xed, 0xfe, 7 | 12, 0, 0, 0 | 1, ..] => Some("a Mach-O program"),
        [b'P', b'K', 3, 4, 10 | 20 | 45, 0, _, 0 | 8, 0 | 8, 0, ..] => Some("a zip archive"),
        [0x80, 4 | 5, 0x95, _, _, _, 0, 0, 0, 0, 0, ..] => Some("a pickle"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, 0, ..] => Some("a 7z archive"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, 0, ..] => Some("xz-compressed bytes"),
        _ => None,
    }
}

/// A run of printable bytes up to this length may be chance.
const LONGEST_CHANCE: u32 = 48;

/// A text of that length has at least so many different letters.
const FEWEST_LETTERS: usize = 10;
