//! Rows that a hash puts into one bucket, verified pair by pair.

use crate::learn::workers;

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
    /// Images that cannot be decoded.
    pub(crate) broken: usize,
}

/// Rows of a bucket whose pairs are all looked at; those beyond are compared with the first alone, so
/// that a million copies cost a million comparisons.
pub(crate) const MOST_BUCKET: usize = 200;
/// Pairs that are held at once.
const MOST_HELD: usize = 4_000_000;

/// First rows whose pairs one verifier is asked for.
const FIRSTS: usize = 16;

/// Pairs that buckets propose, table by table.
pub(crate) struct Proposals<R, M> {
    pairs: Pairs,
    /// Pairs that are not verified yet.
    held: Vec<(u32, u32)>,
    rank: R,
    verifier: M,
    threads: usize,
}

impl<R, M, V> Proposals<R, M>
where
    R: Fn(u32, u32) -> u32 + Sync,
    M: Fn() -> V + Sync,
    V: FnMut(u32, u32) -> Option<f64>,
{
    /// What `verifier` makes says how alike two rows are, `None` where they are not. One of them is asked for
    /// all pairs of a first row one after the other, those of the least `rank` first; what it says may hang on
    /// these, and on no other row, so that threads share the work.
    pub(crate) fn new(rank: R, verifier: M, threads: usize) -> Self {
        Self { pairs: Pairs::default(), held: Vec::new(), rank, verifier, threads }
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
            for (at, one) in full.iter().enumerate() {
                full[at + 1..].iter().for_each(|other| self.take(one, other, &split, &near));
            }
            rest.iter().for_each(|other| self.take(&full[0], other, &split, &near));
            if !rest.is_empty() {
                for (at, one) in bucket.iter().enumerate() {
                    let behind = bucket[at + 1..].iter().take(next);
                    behind.for_each(|other| self.take(one, other, &split, &near));
                    // A million of one bucket are not held with all that stand behind them.
                    if self.held.len() > MOST_HELD {
                        self.settle();
                    }
                }
            }
            if self.held.len() > MOST_HELD {
                self.settle();
            }
        }
    }

    /// Hold a pair, where a closer look does not part it.
    fn take<E>(
        &mut self,
        one: &E,
        other: &E,
        split: &impl Fn(&E) -> (u64, u32),
        near: &impl Fn(&E, &E) -> bool,
    ) {
        let (a, b) = (split(one).1, split(other).1);
        if a != b && near(one, other) {
            self.held.push((a.min(b), a.max(b)));
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
        let of_first = self.held.chunk_by(|one, other| one.0 == other.0).collect::<Vec<_>>();
        let blocks = of_first.chunks(FIRSTS).collect::<Vec<_>>();
        let verified = workers::each(blocks.len(), self.threads, |block| {
            let (mut verify, mut found, mut ranked) = ((self.verifier)(), Vec::new(), Vec::new());
            for pairs in blocks[block] {
                ranked.clear();
                ranked.extend(pairs.iter().map(|(a, b)| ((self.rank)(*a, *b), *a, *b)));
                ranked.sort_unstable();
                let alike = ranked.iter().filter_map(|&(_, a, b)| {
                    verify(a, b).map(|similarity| Pair { a, b, similarity })
                });
                found.extend(alike);
            }
            found
        });
        self.pairs.verified.extend(verified.into_iter().flatten());
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn chain(rows: usize) -> Pairs {
        let verify = |a: u32, b: u32| (b - a == 1).then_some(0.8);
        let mut proposals = Proposals::new(|_, _| 0, || verify, 1);
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
        let asked = AtomicUsize::new(0);
        let verify = |_, _| {
            asked.fetch_add(1, Ordering::Relaxed);
            Some(1.0)
        };
        let mut proposals = Proposals::new(|_, _| 0, || verify, 2);
        for _ in 0..3 {
            let mut entries = (0..1000).collect::<Vec<u32>>();
            proposals.table(&mut entries, 0, |row| (7, *row), |_, _| true);
        }
        let pairs = proposals.finish();
        assert!(pairs.capped);
        assert_eq!(asked.into_inner(), 200 * 199 / 2 + 800);
        assert_eq!(pairs.groups(), [(0..1000).collect::<Vec<u32>>()]);
    }
}
