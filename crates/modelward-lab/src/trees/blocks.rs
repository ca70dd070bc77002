//! Boxes of cells with a value, and products of groups of them.
//!
//! An input is in one block of each group. A product of two groups has the blocks in which theirs
//! meet; its largest value is at most the sum of theirs.
//!
//! Source: H. Chen and others, Robustness Verification of Tree-based Models, 2019, section 3, where
//! the products are cliques of boxes.

/// Blocks of a product, at most.
const MERGED: usize = 64;

/// Pairs of blocks that are tried to merge two groups, at most.
const MOST_PAIRS: usize = 1024;

/// Blocks among which those that can be united are looked for, at most.
const MOST_UNITED: usize = 128;

/// A leaf, or leaves of several trees that meet.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Its value.
    pub(super) value: i64,
    /// Its first cell, feature by feature.
    pub(super) low: Vec<u16>,
    /// Its last cell.
    pub(super) high: Vec<u16>,
}

/// Make one of blocks of one value that together are a box.
pub(super) fn unite(blocks: &mut Vec<Block>) {
    if blocks.len() > MOST_UNITED {
        return;
    }
    let mut at = 0;
    while at < blocks.len() {
        let other =
            (at + 1..blocks.len()).find(|&other| beside(&blocks[at], &blocks[other]).is_some());
        let Some(other) = other else {
            at += 1;
            continue;
        };
        if let Some(feature) = beside(&blocks[at], &blocks[other]) {
            let gone = blocks.remove(other);
            let block = &mut blocks[at];
            block.low[feature] = block.low[feature].min(gone.low[feature]);
            block.high[feature] = block.high[feature].max(gone.high[feature]);
            // What was no neighbour before may be one now.
            at = 0;
        }
    }
}

/// The one feature in which two blocks of one value lie beside each other and differ.
fn beside(a: &Block, b: &Block) -> Option<usize> {
    if a.value != b.value {
        return None;
    }
    let mut found = None;
    for feature in 0..a.low.len() {
        let (a, b) = ((a.low[feature], a.high[feature]), (b.low[feature], b.high[feature]));
        if a == b {
            continue;
        }
        if found.is_some() || (a.1 + 1 != b.0 && b.1 + 1 != a.0) {
            return None;
        }
        found = Some(feature);
    }
    found
}

/// Blocks of which an input has one, in order of falling value, and the features that bound them.
struct Group {
    blocks: Vec<Block>,
    bounded: Vec<u64>,
}

impl Group {
    fn new(blocks: Vec<Block>) -> Self {
        let mut bounded = Vec::new();
        if let Some(first) = blocks.first() {
            bounded.resize(first.low.len().div_ceil(64), 0);
            for block in &blocks[1..] {
                let sides =
                    block.low.iter().zip(&block.high).zip(first.low.iter().zip(&first.high));
                for (feature, ((low, high), (first_low, first_high))) in sides.enumerate() {
                    let differs = low != first_low || high != first_high;
                    bounded[feature / 64] |= u64::from(differs) << (feature % 64);
                }
            }
        }
        Self { blocks, bounded }
    }

    fn most(&self) -> i64 {
        self.blocks.first().map_or(0, |block| block.value)
    }

    /// How many features bound both.
    fn shared(&self, other: &Self) -> usize {
        let pairs = self.bounded.iter().zip(&other.bounded);
        pairs.map(|(a, b)| (a & b).count_ones() as usize).sum()
    }
}

/// Merge groups while their products are small; `None` where nothing wanted is left.
pub(super) fn merge(groups: Vec<Vec<Block>>, base: i64, never: i64) -> Option<Vec<Vec<Block>>> {
    let mut groups = groups.into_iter().map(Group::new).collect::<Vec<_>>();
    let mut settled: Vec<Group> = Vec::new();
    let mut slack = base - never + groups.iter().map(Group::most).sum::<i64>();
    loop {
        if slack < 0 {
            return None;
        }
        let smallest = (0..groups.len()).min_by_key(|&at| groups[at].blocks.len());
        let Some(smallest) = smallest else { break };
        let group = groups.swap_remove(smallest);
        let size = group.blocks.len();
        let partners = groups.iter().enumerate();
        let partners = partners.filter(|(_, other)| other.blocks.len() * size <= MOST_PAIRS);
        let partner = partners
            .max_by_key(|(_, other)| group.shared(other) * 1000 / other.blocks.len())
            .map(|(at, _)| at);
        let Some(at) = partner else {
            settled.push(group);
            continue;
        };
        let most = group.most() + groups[at].most();
        let mut product = Vec::new();
        for a in &group.blocks {
            for b in &groups[at].blocks {
                if a.value + b.value < most - slack || product.len() > MERGED {
                    break;
                }
                product.extend(meet(a, b));
            }
        }
        if product.len() > MERGED {
            settled.push(group);
            continue;
        }
        product.sort_by_key(|block| -block.value);
        slack -= most - product.first()?.value;
        groups[at] = Group::new(product);
    }
    Some(settled.into_iter().map(|group| group.blocks).collect())
}

/// Where two blocks meet.
fn meet(a: &Block, b: &Block) -> Option<Block> {
    let outside = |(low, high): (&u16, &u16)| low > high;
    if a.low.iter().zip(&b.high).any(outside) || b.low.iter().zip(&a.high).any(outside) {
        return None;
    }
    let low = a.low.iter().zip(&b.low).map(|(a, b)| *a.max(b)).collect();
    let high = a.high.iter().zip(&b.high).map(|(a, b)| *a.min(b)).collect();
    Some(Block { value: a.value + b.value, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(value: i64, low: [u16; 2], high: [u16; 2]) -> Block {
        Block { value, low: low.to_vec(), high: high.to_vec() }
    }

    #[test]
    fn blocks_of_one_value_that_are_a_box_are_one() {
        let mut blocks = vec![
            block(1, [0, 0], [0, 0]),
            block(1, [1, 0], [1, 0]),
            block(1, [0, 1], [1, 3]),
            block(0, [2, 0], [2, 3]),
        ];
        unite(&mut blocks);
        assert_eq!(blocks.len(), 2);
        assert_eq!((&blocks[0].low[..], &blocks[0].high[..]), (&[0, 0][..], &[1, 3][..]));
    }

    #[test]
    fn a_product_has_what_meets_and_is_not_too_low() {
        let left = || vec![block(5, [0, 0], [0, 3]), block(1, [1, 0], [3, 3])];
        let right = || vec![block(7, [2, 0], [3, 3]), block(2, [0, 0], [1, 3])];
        // The best two do not meet: 7 + 1 and 5 + 2 are left of 12, and 1 + 2.
        let values = |never| {
            let groups = merge(vec![left(), right()], 0, never)?;
            Some(groups.iter().flatten().map(|block| block.value).collect::<Vec<_>>())
        };
        assert_eq!(values(8), Some(vec![8]));
        assert_eq!(values(7), Some(vec![8, 7]));
        assert_eq!(values(9), None);
    }
}
