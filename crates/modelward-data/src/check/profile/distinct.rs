//! How many distinct values a column has: counted while they are few, else estimated.
//!
//! HyperLogLog (Flajolet, Fusy, Gandouet and Meunier, AofA 2007) with the estimator of Ertl
//! (arXiv:1702.01284, algorithm 6), which needs no tables. Both the counts and the registers are the same
//! under any split of the rows.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use crate::row::fold;

/// The distinct values of a column.
#[derive(Clone)]
pub(super) struct Distinct {
    /// The most values that are counted.
    most: usize,
    /// Registers are this power of two.
    bits: u32,
    counts: HashMap<u64, Seen, BuildHasherDefault<Same>>,
    /// Where there are more values than are counted.
    registers: Option<Box<[u8]>>,
}

/// A value that was seen.
#[derive(Clone)]
struct Seen {
    rows: u64,
    shown: String,
}

/// Words are hashes already.
#[derive(Clone, Copy, Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = crate::row::hash(bytes);
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = fold(word ^ SALT, 0x9e37_79b9_7f4a_7c15);
    }
}

impl Distinct {
    pub(super) fn new(most: usize, bits: u32) -> Self {
        Self { most, bits, counts: HashMap::default(), registers: None }
    }

    pub(super) fn empty(&self) -> Self {
        Self::new(self.most, self.bits)
    }

    /// Take in the words of values that are there; `show` writes one.
    pub(super) fn add(
        &mut self,
        words: impl Iterator<Item = (usize, u64)>,
        show: impl Fn(usize) -> String,
    ) {
        let mut words = words;
        if self.registers.is_none() {
            for (at, word) in words.by_ref() {
                match self.counts.get_mut(&word) {
                    Some(seen) => seen.rows += 1,
                    None => {
                        self.counts.insert(word, Seen { rows: 1, shown: show(at) });
                        if self.counts.len() > self.most {
                            self.overflow();
                            break;
                        }
                    }
                }
            }
        }
        if let Some(registers) = &mut self.registers {
            let bits = self.bits;
            words.for_each(|(_, word)| note(registers, bits, word));
        }
    }

    fn overflow(&mut self) {
        let bits = self.bits;
        let registers = self.registers.get_or_insert_with(|| vec![0; 1 << bits].into_boxed_slice());
        for word in std::mem::take(&mut self.counts).into_keys() {
            note(registers, bits, word);
        }
    }

    pub(super) fn merge(&mut self, later: Self) {
        if self.registers.is_some() || later.registers.is_some() {
            self.overflow();
            let mut later = later;
            later.overflow();
            if let (Some(registers), Some(later)) = (&mut self.registers, &later.registers) {
                for (register, later) in registers.iter_mut().zip(later) {
                    *register = (*register).max(*later);
                }
            }
            return;
        }
        for (word, seen) in later.counts {
            match self.counts.get_mut(&word) {
                Some(known) => known.rows += seen.rows,
                None => drop(self.counts.insert(word, seen)),
            }
        }
        if self.counts.len() > self.most {
            self.overflow();
        }
    }

    /// How many values there are, and whether that is exact.
    pub(super) fn count(&self) -> (u64, bool) {
        match &self.registers {
            None => (self.counts.len() as u64, true),
            Some(registers) => (estimate(registers, self.bits).round() as u64, false),
        }
    }

    /// The values that most rows have, and how many, where all are counted.
    pub(super) fn top(&self, most: usize) -> Vec<(String, u64)> {
        let mut all = self.counts.values().map(|seen| (seen.shown.clone(), seen.rows));
        let mut top = all.by_ref().collect::<Vec<_>>();
        top.sort_by(|(one, rows), (other, more)| more.cmp(rows).then_with(|| one.cmp(other)));
        top.truncate(most);
        top
    }
}

/// Put a word into the registers.
fn note(registers: &mut [u8], bits: u32, word: u64) {
    // Two rounds, since words of small whole numbers are small.
    let hash = fold(
        fold(word ^ SALT, 0x9e37_79b9_7f4a_7c15) ^ word.rotate_left(32),
        0xd6e8_feb8_6659_fd93,
    );
    let register = &mut registers[(hash >> (64 - bits)) as usize];
    let rank = ((hash << bits).leading_zeros().min(64 - bits) + 1) as u8;
    *register = (*register).max(rank);
}

fn estimate(registers: &[u8], bits: u32) -> f64 {
    let most = (64 - bits) as usize;
    let mut histogram = vec![0_u64; most + 2];
    for &register in registers {
        histogram[usize::from(register).min(most + 1)] += 1;
    }
    let m = registers.len() as f64;
    let mut z = m * tau(1.0 - histogram[most + 1] as f64 / m);
    for k in (1..=most).rev() {
        z = 0.5 * (z + histogram[k] as f64);
    }
    z += m * sigma(histogram[0] as f64 / m);
    m * m / (2.0 * std::f64::consts::LN_2 * z)
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

const SALT: u64 = 0x4528_21e6_38d0_1377;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Distinct {
        let mut distinct = Distinct::new(8, 10);
        distinct.add(values.iter().copied().enumerate(), |at| values[at].to_string());
        distinct
    }

    #[test]
    fn many_values_are_estimated_closely() {
        for count in [100, 1000, 100_000_u64] {
            let mut distinct = Distinct::new(8, 12);
            distinct.add((0..count).map(|value| (0, value)), |_| String::new());
            let (got, exact) = distinct.count();
            // Four standard errors of 1.04 / sqrt(4096).
            assert!(!exact && (got as f64 / count as f64 - 1.0).abs() < 0.065, "{count}: {got}");
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(values in prop::collection::vec(0_u64..20, 0..60), at: prop::sample::Index) {
            let (before, behind) = values.split_at(at.index(values.len() + 1));
            let mut parts = of(before);
            parts.merge(of(behind));
            let whole = of(&values);
            prop_assert_eq!(parts.count(), whole.count());
            prop_assert_eq!(parts.top(3), whole.top(3));
        }
    }
}
