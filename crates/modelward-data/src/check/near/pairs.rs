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
}

/// Rows of a bucket whose pairs are all looked at; those beyond are compared with the first alone, so
/// that a million copies cost a million comparisons.
pub(crate) const MOST_BUCKET: usize = 200;
/// Pairs that are held at once.
const MOST_HELD: usize = 4_000_000;

impl Pairs {
    /// From the buckets of several tables: `key` gives the bucket of a row in a table, `None` for a row
    /// that is in none, and `verify` how alike two rows are, `None` where they are not.
    pub(crate) fn of(
        rows: usize,
        tables: usize,
        key: impl Fn(usize, usize) -> Option<u64>,
        mut verify: impl FnMut(u32, u32) -> Option<f64>,
    ) -> Self {
        let (mut pairs, mut held) = (Self::default(), Vec::new());
        let mut order = Vec::with_capacity(rows);
        for table in 0..tables {
            order.clear();
            order.extend((0..rows).filter_map(|row| Some((key(row, table)?, row as u32))));
            order.sort_unstable();
            for bucket in order.chunk_by(|one, other| one.0 == other.0) {
                let (full, rest) = bucket.split_at(bucket.len().min(MOST_BUCKET));
                pairs.capped |= !rest.is_empty();
                for (at, (_, a)) in full.iter().enumerate() {
                    held.extend(full[at + 1..].iter().map(|(_, b)| (*a, *b)));
                }
                held.extend(rest.iter().map(|(_, b)| (full[0].1, *b)));
                if held.len() > MOST_HELD {
                    pairs.settle(&mut held, &mut verify);
                }
            }
        }
        pairs.settle(&mut held, &mut verify);
        pairs.verified.sort_by_key(|pair| (pair.a, pair.b));
        pairs.verified.dedup_by_key(|pair| (pair.a, pair.b));
        pairs
    }

    fn settle(
        &mut self,
        held: &mut Vec<(u32, u32)>,
        verify: &mut impl FnMut(u32, u32) -> Option<f64>,
    ) {
        held.sort_unstable();
        held.dedup();
        for (a, b) in held.drain(..) {
            if let Some(similarity) = verify(a, b) {
                self.verified.push(Pair { a, b, similarity });
            }
        }
    }

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
        let verify = |a: u32, b: u32| (b - a == 1).then_some(0.8);
        Pairs::of(rows, 1, |_, _| Some(0), verify)
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
        let pairs = Pairs::of(1000, 3, |_, _| Some(7), verify);
        assert!(pairs.capped);
        assert_eq!(asked, 200 * 199 / 2 + 800);
        assert_eq!(pairs.groups(), [(0..1000).collect::<Vec<u32>>()]);
    }
}
