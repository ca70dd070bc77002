//! Rows that a hash puts into one bucket, verified pair by pair.

/// Two rows that are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) similarity: f64,
}

/// Pairs that were verified, and whether some bucket was too full for all of its pairs.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pub(crate) verified: Vec<Pair>,
    pub(crate) capped: bool,
    /// Rows of which not all proposals were looked at.
    pub(crate) left: usize,
}

/// Rows of a bucket whose pairs are all looked at; those beyond are compared with the first alone, so
/// that a million copies cost a million comparisons.
pub(crate) const MOST_BUCKET: usize = 200;
/// Pairs that are held at once.
const MOST_HELD: usize = 4_000_000;

/// Pairs that buckets propose, table by table.
pub(crate) struct Proposals<R, V> {
    pairs: Pairs,
    /// Pairs that are not verified yet.
    held: Vec<(u32, u32)>,
    rank: R,
    verify: V,
}

impl<R: Fn(u32, u32) -> u32, V: FnMut(u32, u32) -> Option<f64>> Proposals<R, V> {
    /// `verify` says how alike two rows are, `None` where they are not. It is asked for all pairs of a first
    /// row one after the other, those of the least `rank` first.
    pub(crate) fn new(rank: R, verify: V) -> Self {
        Self { pairs: Pairs::default(), held: Vec::new(), rank, verify }
    }

    /// Propose what meets in a table: `split` gives the bucket and the row of an entry, and `near` looks
    /// closer at two of them. Beyond [`MOST_BUCKET`] entries of a bucket are compared with the first of it,
    /// and with the `next` behind them.
    pub(crate) fn table<E: Copy + Ord>(
        &mut self,
        entries: &mut [E],
        next: usize,
        split: impl Fn(&E) -> (u64, u32),
        near: impl Fn(&E, &E) -> bool,
    ) {
        entries.sort_unstable();
        for bucket in entries.chunk_by(|one, other| split(one).0 == split(other).0) {
            let (full, rest) = bucket.split_at(bucket.len().min(MOST_BUCKET));
            self.pairs.capped |= !rest.is_empty();
            let mut take = |one: &E, other: &E| {
                let (a, b) = (split(one).1, split(other).1);
                if a != b && near(one, other) {
                    self.held.push((a.min(b), a.max(b)));
                }
            };
            for (at, one) in full.iter().enumerate() {
                full[at + 1..].iter().for_each(|other| take(one, other));
            }
            rest.iter().for_each(|other| take(&full[0], other));
            if !rest.is_empty() {
                for (at, one) in bucket.iter().enumerate() {
                    bucket[at + 1..].iter().take(next).for_each(|other| take(one, other));
                }
            }
            if self.held.len() > MOST_HELD {
                self.settle();
            }
        }
    }

    /// The pairs that were verified.
    pub(crate) fn finish(mut self) -> Pairs {
        self.settle();
        self.pairs.verified.sort_by_key(|pair| (pair.a, pair.b));
        self.pairs.verified.dedup_by_key(|pair| (pair.a, pair.b));
        self.pairs
    }

    fn settle(&mut self) {
        self.held.sort_unstable();
        self.held.dedup();
        let mut of_first = Vec::new();
        for pairs in self.held.chunk_by(|one, other| one.0 == other.0) {
            of_first.clear();
            of_first.extend(pairs.iter().map(|(a, b)| ((self.rank)(*a, *b), *a, *b)));
            of_first.sort_unstable();
            for (_, a, b) in &of_first {
                if let Some(similarity) = (self.verify)(*a, *b) {
                    self.pairs.verified.push(Pair { a: *a, b: *b, similarity });
                }
            }
        }
        self.held.clear();
    }
}

impl Pairs {
    /// Groups of rows, each verified against the first of its group; never A with C because A is like B
    /// and B like C.
    pub(crate) fn groups(&self) -> Vec<Vec<u32>> {
        let mut taken = std::collections::HashSet::new();
        let mut groups = Vec::new();
        for pairs in self.verified.chunk_by(|one, other| one.a == other.a) {
            let first = pairs[0].a;
            if taken.contains(&first) {
                continue;
            }
            let rest = pairs.iter().map(|pair| pair.b).filter(|row| !taken.contains(row));
            let group = std::iter::once(first).chain(rest).collect::<Vec<_>>();
            if group.len() > 1 {
                taken.extend(group.iter().copied());
                groups.push(group);
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(rows: usize) -> Pairs {
        let mut proposals = Proposals::new(|_, _| 0, |a: u32, b: u32| (b - a == 1).then_some(0.8));
        let mut entries = (0..rows as u32).collect::<Vec<_>>();
        proposals.table(&mut entries, 0, |row| (0, *row), |_, _| true);
        proposals.finish()
    }

    #[test]
    fn a_chain_falls_into_groups_around_one_row_each() {
        assert_eq!(chain(5).groups(), [vec![0, 1], vec![2, 3]]);
    }

    #[test]
    fn a_full_bucket_is_compared_with_its_first_row() {
        let mut asked = 0;
        let verify = |_, _| {
            asked += 1;
            Some(1.0)
        };
        let mut proposals = Proposals::new(|_, _| 0, verify);
        for _ in 0..3 {
            let mut entries = (0..1000).collect::<Vec<u32>>();
            proposals.table(&mut entries, 0, |row| (7, *row), |_, _| true);
        }
        let pairs = proposals.finish();
        assert!(pairs.capped);
        assert_eq!(asked, 200 * 199 / 2 + 800);
        assert_eq!(pairs.groups(), [(0..1000).collect::<Vec<u32>>()]);
    }
}
