//! Texts as sets of shingles, and what MinHash says of which sets are alike.

use crate::normalise;

/// The shingles of texts.
pub(crate) struct Shingles {
    /// The hashes of each text's shingles in order, one text behind the other.
    hashes: Vec<u32>,
    ends: Vec<usize>,
    /// A hash of each band of each text's signature, `[texts, BANDS]`.
    bands: Vec<u32>,
}

/// Values of a signature (Broder, 1997).
const VALUES: usize = 128;
/// Bands of it: with four values each, sets of Jaccard .7 share one with probability .9998, of .4 with
/// .56; every pair is verified.
pub(crate) const BANDS: usize = 32;
/// Words of a shingle.
const WORDS: usize = 3;
/// Characters of a shingle in scripts without spaces.
const CHARACTERS: usize = 5;

impl Shingles {
    pub(crate) fn of<'t>(texts: impl Iterator<Item = Option<&'t str>>) -> Self {
        let (multiply, add) = permutations();
        let (mut hashes, mut ends, mut bands) = (Vec::new(), Vec::new(), Vec::new());
        let (mut words, mut own, mut pieces) = (String::new(), Vec::new(), Vec::new());
        for text in texts {
            normalise::words(text.unwrap_or_default(), &mut words);
            shingle(&words, &mut pieces, &mut own);
            let mut signature = [u32::MAX; VALUES];
            for hash in &own {
                for at in 0..VALUES {
                    let mut mixed = hash.wrapping_mul(multiply[at]).wrapping_add(add[at]);
                    mixed ^= mixed >> 15;
                    mixed = mixed.wrapping_mul(0x2c1b_3c6d);
                    signature[at] = signature[at].min(mixed);
                }
            }
            grow(&mut bands, BANDS);
            for band in signature.chunks_exact(VALUES / BANDS) {
                let hash = band.iter().fold(0_u64, |hash, value| mix(hash ^ u64::from(*value)));
                bands.push((hash >> 32) as u32);
            }
            grow(&mut hashes, own.len());
            hashes.extend_from_slice(&own);
            ends.push(hashes.len());
        }
        hashes.shrink_to_fit();
        Self { hashes, ends, bands }
    }

    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The shingles of a text, in order.
    pub(crate) fn row(&self, row: usize) -> &[u32] {
        let from = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.hashes[from..self.ends[row]]
    }

    /// The hash of a band of a text's signature.
    pub(crate) fn band(&self, row: usize, band: usize) -> u32 {
        self.bands[row * BANDS + band]
    }

    /// The share of two texts' shingles that both have: the Jaccard index.
    pub(crate) fn similarity(&self, one: usize, other: usize) -> f64 {
        let (a, b) = (self.row(one), self.row(other));
        let (mut at, mut to, mut both) = (0, 0, 0_usize);
        while at < a.len() && to < b.len() {
            let order = a[at].cmp(&b[to]);
            both += usize::from(order.is_eq());
            at += usize::from(order.is_le());
            to += usize::from(order.is_ge());
        }
        let all = a.len() + b.len() - both;
        if all == 0 { 0.0 } else { both as f64 / all as f64 }
    }
}

/// Make room for so many more, by a quarter of what there is and not by doubling.
fn grow(numbers: &mut Vec<u32>, more: usize) {
    if numbers.capacity() - numbers.len() < more {
        numbers.reserve_exact(more.max(numbers.len() / 4).max(1024));
    }
}

/// The shingles of words, as hashes in order, each once.
fn shingle(words: &str, pieces: &mut Vec<u64>, out: &mut Vec<u32>) {
    out.clear();
    pieces.clear();
    let dense = normalise::has_no_spaces(words);
    if dense {
        pieces.extend(words.chars().filter(|character| *character != ' ').map(u64::from));
    } else {
        pieces.extend(words.split(' ').filter(|word| !word.is_empty()).map(hash));
    }
    if pieces.is_empty() {
        return;
    }
    let length = if dense { CHARACTERS } else { WORDS }.min(pieces.len());
    out.extend(pieces.windows(length).map(|run| {
        let hash = run.iter().fold(length as u64, |hash, piece| mix(hash.rotate_left(23) ^ piece));
        (hash >> 32) as u32
    }));
    out.sort_unstable();
    out.dedup();
}

fn hash(word: &str) -> u64 {
    word.as_bytes().chunks(8).fold(0x9e37_79b9_7f4a_7c15, |hash, chunk| {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        mix(hash ^ u64::from_le_bytes(bytes))
    })
}

/// The finish of splitmix64.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The hash functions of the signature, the same in every run.
fn permutations() -> ([u32; VALUES], [u32; VALUES]) {
    let number = |at: usize| (mix(at as u64) >> 32) as u32;
    (std::array::from_fn(|at| number(at) | 1), std::array::from_fn(|at| number(at + VALUES)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_is_the_share_of_common_shingles() {
        let texts =
            ["a b c d e", "a b c d f", "A,b; c d&nbsp;e", "", "今日は良い天気", "今日は良い天気だ"];
        let shingles = Shingles::of(texts.into_iter().map(Some));
        assert_eq!(shingles.similarity(0, 1), 0.5);
        assert_eq!(shingles.similarity(0, 2), 1.0);
        assert_eq!(shingles.similarity(0, 3), 0.0);
        // The skeleton of `だ` and others has more than one character: five shingles of seven.
        assert_eq!(shingles.similarity(4, 5), 5.0 / 7.0);
        assert!((0..BANDS).all(|band| shingles.band(0, band) == shingles.band(2, band)));
    }
}
