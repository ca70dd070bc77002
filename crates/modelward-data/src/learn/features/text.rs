//! Texts as hashed words and pairs of words (Weinberger et al., ICML 2009), weighted by how rare they are.

/// The features of texts, as columns.
pub(super) fn features(name: &str, texts: &[Option<String>]) -> Vec<(String, Vec<f32>)> {
    let rows = texts.len();
    let width = (BYTES / (rows.max(1) * 4)).clamp(64, WIDEST).next_power_of_two();
    let hashed = texts.iter().map(|text| hashes(text.as_deref().unwrap_or_default()));
    let hashed = hashed.collect::<Vec<_>>();
    let mut having = vec![0_u32; width];
    for hashes in &hashed {
        let mut places = hashes.iter().map(|hash| place(*hash, width)).collect::<Vec<_>>();
        places.sort_unstable();
        places.dedup();
        places.into_iter().for_each(|place| having[place] += 1);
    }
    let mut columns = vec![vec![0.0_f32; rows]; width];
    for (row, hashes) in hashed.iter().enumerate() {
        let mut counts = std::collections::BTreeMap::new();
        for hash in hashes {
            let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
            *counts.entry(place(*hash, width)).or_insert(0.0_f64) += sign;
        }
        for (place, count) in &mut counts {
            let rare = ((1.0 + rows as f64) / (1.0 + f64::from(having[*place]))).ln() + 1.0;
            *count = count.signum() * (1.0 + count.abs()).ln() * rare;
        }
        let norm = counts.values().map(|count| count * count).sum::<f64>().sqrt();
        for (place, count) in counts {
            // Two texts without a word in common are as far apart as two rows of sixteen columns.
            columns[place][row] = (count / norm.max(1e-9) * LENGTH) as f32;
        }
    }
    let full =
        columns.into_iter().enumerate().filter(|(_, column)| column.iter().any(|v| *v != 0.0));
    full.map(|(at, column)| (format!("{name} word {at}"), column)).collect()
}

fn place(hash: u64, width: usize) -> usize {
    (hash & (width as u64 - 1)) as usize
}

/// The hashes of words, of pairs of words, and of the three-letter pieces of a text of few words.
fn hashes(text: &str) -> Vec<u64> {
    let text = text.to_lowercase();
    let words =
        text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let words = words.map(|word| hash(word.as_bytes())).take(MOST).collect::<Vec<_>>();
    let mut hashes = words.clone();
    hashes.extend(words.windows(2).map(|pair| mix(pair[0].rotate_left(17) ^ pair[1])));
    if words.len() < 4 {
        let letters = text.chars().take(MOST).collect::<Vec<_>>();
        hashes.extend(letters.windows(3).map(|three| {
            mix(three.iter().fold(7, |sum, letter| sum.rotate_left(21) ^ u64::from(*letter)))
        }));
    }
    hashes
}

/// FNV-1a, mixed.
fn hash(bytes: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    mix(bytes.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Bytes that the features of one column of texts may take.
const BYTES: usize = 48 << 20;
/// The most features of one column.
const WIDEST: usize = 1024;
/// The most words of a text that are looked at.
const MOST: usize = 20_000;
/// The length of every row.
const LENGTH: f64 = 5.6;
