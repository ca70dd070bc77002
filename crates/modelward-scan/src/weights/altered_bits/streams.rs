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
        way.program(sample).or_else(|| way.text(sample).filter(|_| sample.is_continuous()))
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
    /// A run of text, from any weight on. Of random bytes 38 in 100 are printable, so a run of
    /// [`RUN`] begins at a given byte once in 10^20 times, and in one of the two million bytes of
    /// a whole file's sample less than once in 10^13.
    fn text(&self, sample: &Sample) -> Option<Payload> {
        let phases = self.weights_of_a_byte();
        (0..phases).find_map(|phase| {
            let weights = sample.weights.get(phase..)?;
            let text = self.run(weights)?;
            let (bits, weight) = (self.bits, text.saturating_mul(phases).saturating_add(phase));
            let text = self.bytes(sample.weights.get(weight..)?, 160);
            let length = text.iter().take_while(|&&byte| is_printable(byte)).count();
            let shown = String::from_utf8_lossy(text.get(..length)?).into_owned();
            Some(Payload { bits, weight: weight as u64, what: "text", shown })
        })
    }

    /// Where a run of text begins, in bytes. Looks at the last byte that a run would have: where
    /// it is not printable, no run ends before the one behind it.
    fn run(&self, weights: &[u32]) -> Option<usize> {
        let phases = self.weights_of_a_byte();
        let mut start = 0_usize;
        loop {
            let at = start.saturating_mul(phases);
            let window = weights.get(at..at.saturating_add(RUN.saturating_mul(phases)))?;
            let broken =
                window.chunks_exact(phases).rposition(|byte| !is_printable(self.byte(byte)));
            start = match broken {
                Some(broken) => start.saturating_add(broken).saturating_add(1),
                None if is_text(&self.bytes(window, RUN)) => return Some(start),
                None => start.saturating_add(RUN >> 1),
            };
        }
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
        let bytes = weights.chunks_exact(self.weights_of_a_byte());
        bytes.take(most).map(|weights| self.byte(weights)).collect()
    }

    /// One byte out of so many weights.
    fn byte(&self, weights: &[u32]) -> u8 {
        let unused = 32_u32.saturating_sub(self.bits);
        let byte = weights.iter().fold(0, |byte, weight| {
            let bits = (weight << unused) >> unused;
            self.push(byte, bits)
        });
        byte.to_le_bytes()[0]
    }

    fn weights_of_a_byte(&self) -> usize {
        match self.bits {
            1 => 8,
            2 => 4,
            4 => 2,
            _ => 1,
        }
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
fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e | 0x09 | 0x0a | 0x0d)
}

/// Whether a run is a text, not a constant, a ramp or a short pattern: it has many letters, many
/// steps from one to the next, no letter that rules, and more letters and digits than signs.
fn is_text(run: &[u8]) -> bool {
    let distinct = |mut bytes: Vec<u8>| {
        bytes.sort_unstable();
        bytes.dedup();
        bytes.len()
    };
    let steps = run.windows(2).filter_map(|pair| match pair {
        [a, b] => Some(b.wrapping_sub(*a)),
        _ => None,
    });
    let count = |letter: &u8| run.iter().filter(|other| *other == letter).count();
    let rules = |letter: &&u8| **letter != b' ' && count(letter).saturating_mul(4) > run.len();
    let words = run.iter().filter(|byte| byte.is_ascii_alphanumeric() || **byte == b' ').count();
    distinct(run.to_vec()) >= FEWEST_LETTERS
        && distinct(steps.collect()) >= FEWEST_LETTERS
        && words.saturating_mul(5) >= run.len().saturating_mul(3)
        && run.iter().find(rules).is_none()
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

/// How many printable bytes in a row are no chance.
const RUN: usize = 48;

/// A text of that length has at least so many different letters.
const FEWEST_LETTERS: usize = 10;
