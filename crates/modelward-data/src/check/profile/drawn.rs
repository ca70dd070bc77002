//! The rows from which quantiles are read: all of them while they are few, else as many as memory
//! allows, drawn by a hash of their number.
//!
//! A draw of `n` rows puts a quantile within 1.96 / (2 sqrt(n)) of its rank in 95 of 100 cases: 0.5 % for
//! 32,768 rows. It is the same draw under any split of the rows, for every column at once.

use crate::sample::hash;

/// Drawn rows of columns of numbers.
pub(super) struct Drawn {
    /// The most rows.
    most: usize,
    seed: u64,
    /// Rows are drawn whose hash has so many zeros in front.
    zeros: u32,
    hashes: Vec<u64>,
    /// Their numbers, column by column; NaN where one is missing.
    columns: Vec<Vec<f64>>,
}

impl Drawn {
    pub(super) fn new(columns: usize, most: usize, seed: u64) -> Self {
        let columns = vec![Vec::new(); columns];
        Self { most, seed, zeros: 0, hashes: Vec::new(), columns }
    }

    pub(super) fn empty(&self) -> Self {
        Self::new(self.columns.len(), self.most, self.seed)
    }

    /// Draw among the next rows; gives which of them.
    pub(super) fn draw(&mut self, first_row: u64, rows: usize, into: &mut Vec<usize>) {
        into.clear();
        // Of the rows before these at least twice as many as are drawn have so many zeros: what has fewer
        // will not be drawn in the end.
        let before = (first_row / (2 * self.most as u64).max(1)).checked_ilog2().unwrap_or(0);
        let zeros = self.zeros.max(before);
        for at in 0..rows {
            let hash = hash(self.seed ^ OWN, first_row.saturating_add(at as u64));
            if hash.leading_zeros() >= zeros {
                into.push(at);
                self.hashes.push(hash);
            }
        }
    }

    /// Take the numbers of a column in the rows that were drawn last.
    pub(super) fn take(&mut self, column: usize, numbers: &[f64], drawn: &[usize]) {
        self.columns[column].extend(drawn.iter().map(|&at| numbers[at]));
    }

    /// Let go of rows until there are no more than there may be. To be called once every column was taken.
    pub(super) fn shrink(&mut self) {
        while self.hashes.len() > self.most && self.zeros < 64 {
            self.zeros += 1;
            self.prune();
        }
    }

    fn prune(&mut self) {
        let zeros = self.zeros;
        for column in &mut self.columns {
            let mut hashes = self.hashes.iter();
            column.retain(|_| hashes.next().is_some_and(|hash| hash.leading_zeros() >= zeros));
        }
        self.hashes.retain(|hash| hash.leading_zeros() >= zeros);
    }

    pub(super) fn merge(&mut self, mut later: Self) {
        if later.zeros > self.zeros {
            self.zeros = later.zeros;
            self.prune();
        } else if later.zeros < self.zeros {
            later.zeros = self.zeros;
            later.prune();
        }
        self.hashes.append(&mut later.hashes);
        for (column, mut later) in self.columns.iter_mut().zip(later.columns) {
            column.append(&mut later);
        }
        self.shrink();
    }

    /// The numbers of a column in their order.
    pub(super) fn sorted(&mut self, column: usize) -> Vec<f64> {
        let mut numbers = self.columns.get_mut(column).map(std::mem::take).unwrap_or_default();
        numbers.retain(|number| !number.is_nan());
        numbers.sort_unstable_by(f64::total_cmp);
        numbers
    }
}

/// The quantiles of numbers in their order, between the two next numbers where none stands at a place.
pub(super) fn quantiles(numbers: &[f64], places: &[f64]) -> Option<Vec<f64>> {
    let last = numbers.len().checked_sub(1)?;
    let at = |place: f64| {
        let place = place * last as f64;
        let (low, share) = (place.floor() as usize, place.fract());
        let (one, next) = (numbers[low], numbers[(low + 1).min(last)]);
        if share == 0.0 || one == next { one } else { one + (next - one) * share }
    };
    Some(places.iter().map(|&place| at(place)).collect())
}

/// How many of some numbers fall into each of so many equal parts of a range; what lies outside counts with
/// the nearest. None where the range is none.
pub(super) fn parts(numbers: &[f64], (from, to): (f64, f64), parts: usize) -> Vec<u64> {
    let width = to - from;
    if !(width.is_finite() && width > 0.0) {
        return Vec::new();
    }
    let mut counts = vec![0; parts];
    for number in numbers {
        let part = ((number - from) / width * parts as f64).floor().clamp(0.0, parts as f64 - 1.0);
        counts[part as usize] += 1;
    }
    counts
}

/// Apart from the rows that others draw with the same seed.
const OWN: u64 = 0x6a09_e667_f3bc_c908;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64], first_row: u64) -> Drawn {
        let mut drawn = Drawn::new(1, 16, 0);
        let mut rows = Vec::new();
        for (at, part) in values.chunks(7).enumerate() {
            drawn.draw(first_row + 7 * at as u64, part.len(), &mut rows);
            drawn.take(0, part, &rows);
            drawn.shrink();
        }
        drawn
    }

    #[test]
    fn few_rows_give_exact_quantiles() {
        let mut drawn = of(&[4.0, f64::NAN, 1.0, 3.0, 2.0], 0);
        let numbers = drawn.sorted(0);
        assert_eq!(quantiles(&numbers, &[0.0, 0.5, 1.0]), Some(vec![1.0, 2.5, 4.0]));
        assert_eq!(parts(&numbers, (1.5, 3.5), 2), [2, 2]);
        assert!(parts(&numbers, (2.0, 2.0), 2).is_empty());
    }

    #[test]
    fn a_draw_comes_close() {
        let mut drawn = Drawn::new(1, 4096, 0);
        let mut rows = Vec::new();
        for block in 0..100_u64 {
            let values = (0..1000).map(|at| ((block * 1000 + at) * 7919 % 100_000) as f64);
            drawn.draw(block * 1000, 1000, &mut rows);
            drawn.take(0, &values.collect::<Vec<_>>(), &rows);
            drawn.shrink();
        }
        let median = quantiles(&drawn.sorted(0), &[0.5]).unwrap()[0];
        // Four standard errors of a draw of at least 2048 rows.
        assert!((median / 100_000.0 - 0.5).abs() < 0.045, "{median}");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(rows in 0_usize..300, at: prop::sample::Index) {
            let values = (0..rows).map(|row| row as f64).collect::<Vec<_>>();
            let at = at.index(rows + 1);
            let mut parts = of(&values[..at], 0);
            parts.merge(of(&values[at..], at as u64));
            let mut whole = of(&values, 0);
            prop_assert_eq!(parts.hashes.len(), whole.hashes.len());
            prop_assert_eq!(parts.sorted(0), whole.sorted(0));
        }
    }
}
