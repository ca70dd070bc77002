//! Random numbers that hang on their seed alone.

/// A generator (splitmix64; Steele, Lea and Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The generator of a seed and of a stream under it.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        random.next();
        random
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 where that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// A number in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Put a list in a random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }

    /// So many of `0..of`, no one twice, in their order.
    pub(crate) fn some(&mut self, many: usize, of: usize) -> Vec<usize> {
        let many = many.min(of);
        let mut chosen = std::collections::BTreeSet::new();
        // Floyd's method (Bentley and Floyd, CACM 30:9, 1987).
        for last in of - many..of {
            let one = self.below(last + 1);
            if !chosen.insert(one) {
                chosen.insert(last);
            }
        }
        chosen.into_iter().collect()
    }
}

/// At most so many of `0..of` that stand for all of them, in their order and the same in every run.
///
/// They are drawn: of rows that come in turn, a class or a sensor or a column of pixels after the other, every
/// so-manieth may be of one kind.
pub(crate) fn drawn(many: usize, of: usize) -> Vec<usize> {
    if of <= many { (0..of).collect() } else { Random::new(DRAWN, of as u64).some(many, of) }
}

/// Where these begin.
const DRAWN: u64 = 0xd3a3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_is_of_every_kind_that_comes_in_turn() {
        for turn in [2, 5, 10, 28, 64] {
            let some = drawn(1000, 1000 * turn);
            assert_eq!(some.len(), 1000);
            let mut kinds = vec![0; turn];
            some.iter().for_each(|row| kinds[row % turn] += 1);
            let usual = 1000 / turn;
            assert!(kinds.iter().all(|count| *count > usual / 4), "{turn}: {kinds:?}");
        }
        assert_eq!(drawn(7, 5), [0, 1, 2, 3, 4]);
    }
}
