//! The leaves that matter within a radius, in groups of which an input has one leaf each.
//!
//! Leaves are boxes, and boxes that meet in pairs meet all at once, so an input is a choice of one
//! leaf for each tree such that all meet. Its distance is that of its farthest leaf. Trees are
//! merged as long as their product stays small: the largest value of a product of trees is a tighter
//! bound than the sum of their largest values.
//!
//! Sources: A. Kantchelian, J. D. Tygar, A. D. Joseph, Evasion and Hardening of Tree Ensemble
//! Classifiers, 2016; H. Chen and others, Robustness Verification of Tree-based Models, 2019, section
//! 3 (cliques of boxes).

use super::grid::{Grid, Side};

/// Leaves of a product of trees, at most.
const MERGED: usize = 64;

/// Numbers in the boxes of all leaves, at most.
const MOST_BOUNDS: usize = 1 << 27;

/// Words in the sets of leaves on either side of all cuts, at most.
const MOST_WORDS: usize = 1 << 26;

/// What is looked for: an input inside a box of cells whose value is not below `never`.
pub(super) struct Wanted<'a> {
    pub(super) grid: &'a Grid,
    /// The value of each leaf of the grid.
    pub(super) values: &'a [i64],
    /// How far each leaf of the grid is away; infinity where it is out of reach.
    pub(super) far: &'a [f64],
    /// Inputs of a lower value are not wanted.
    pub(super) never: i64,
    /// Whether leaves of one value are one, which they are where the value alone decides.
    pub(super) by_value: bool,
}

/// A leaf, or leaves of several trees that meet.
#[derive(Clone, Debug)]
struct Block {
    value: i64,
    low: Vec<u16>,
    high: Vec<u16>,
}

/// The groups, their leaves in order of falling value, as places in one set of bits.
#[derive(Debug, Default)]
pub(super) struct Arena {
    /// The value that every input has.
    pub(super) base: i64,
    /// The feature and the first cell of each local feature.
    pub(super) features: Vec<(u32, u32)>,
    /// For each local feature, the cell of the grid at which each local cell begins.
    starts: Vec<Vec<u32>>,
    /// The number of local cells of each local feature.
    pub(super) cells: Vec<u16>,
    /// Where the words of each group begin, and where those of the last end.
    pub(super) words: Vec<usize>,
    /// The value of each place.
    pub(super) values: Vec<i64>,
    /// The box of each place, `[places, features]`: its first cells.
    pub(super) lows: Vec<u16>,
    /// Its last cells.
    pub(super) highs: Vec<u16>,
    /// All places.
    pub(super) all: Vec<u64>,
    /// For each local feature and cell, what begins there or before.
    up_to: Vec<u64>,
    /// And what ends there or beyond.
    from: Vec<u64>,
    /// Where the sets of each feature begin.
    sets: Vec<usize>,
}

/// What there is to search.
pub(super) enum Scope {
    /// No input within the radius is wanted.
    Nothing,
    /// These.
    Some(Arena),
    /// More than fits in memory.
    Large,
}

impl Arena {
    /// The leaves whose distance is below a limit, or at it where it is `closed`.
    pub(super) fn within(wanted: &Wanted<'_>, limit: f64, closed: bool) -> Scope {
        let near = |leaf: usize| {
            let far = wanted.far[leaf];
            far < limit || (closed && far == limit)
        };
        let grid = wanted.grid;
        let mut base = 0;
        let mut most = 0;
        let mut kept: Vec<Vec<usize>> = Vec::new();
        for range in grid.trees.windows(2) {
            let mut leaves = (range[0]..range[1]).filter(|&leaf| near(leaf)).collect::<Vec<_>>();
            leaves.sort_by_key(|&leaf| -wanted.values[leaf]);
            let Some((&first, &last)) = leaves.first().zip(leaves.last()) else {
                return Scope::Nothing;
            };
            let (high, low) = (wanted.values[first], wanted.values[last]);
            if leaves.len() == 1 || (wanted.by_value && high == low) {
                base += high;
            } else {
                most += high;
                kept.push(leaves);
            }
        }
        let slack = base + most - wanted.never;
        if slack < 0 {
            return Scope::Nothing;
        }
        for leaves in &mut kept {
            let least = wanted.values[leaves[0]] - slack;
            leaves.retain(|&leaf| wanted.values[leaf] >= least);
        }
        let Some(local) = Local::of(grid, &kept) else { return Scope::Large };
        let mut groups = kept
            .iter()
            .map(|leaves| {
                let blocks = leaves.iter().map(|&leaf| local.block(grid.sides_of(leaf), wanted.values[leaf]));
                let mut blocks = blocks.collect::<Vec<_>>();
                if wanted.by_value {
                    unite(&mut blocks);
                }
                blocks
            })
            .collect::<Vec<_>>();
        if !merge(&mut groups, base, wanted.never) {
            return Scope::Nothing;
        }
        Self::laid_out(groups, base, local)
    }

    fn laid_out(groups: Vec<Vec<Block>>, base: i64, local: Local) -> Scope {
        let width = local.features.len();
        let mut arena = Self { base, words: vec![0], cells: local.cells(), ..Self::default() };
        for group in &groups {
            let words = group.len().div_ceil(64);
            let start = arena.values.len();
            for (at, block) in group.iter().enumerate() {
                if at % 64 == 0 {
                    arena.all.push(0);
                }
                if let Some(word) = arena.all.last_mut() {
                    *word |= 1 << (at % 64);
                }
                arena.values.push(block.value);
                arena.lows.extend_from_slice(&block.low);
                arena.highs.extend_from_slice(&block.high);
            }
            let places = start + words * 64;
            arena.values.resize(places, i64::MIN);
            arena.lows.resize(places * width, 0);
            arena.highs.resize(places * width, 0);
            arena.words.push(arena.all.len());
        }
        let words = arena.all.len();
        let cells = arena.cells.iter().map(|&cells| usize::from(cells)).sum::<usize>();
        if cells.saturating_mul(words) > MOST_WORDS {
            return Scope::Large;
        }
        arena.up_to = vec![0; cells * words];
        arena.from = vec![0; cells * words];
        let mut start = 0;
        for (feature, &count) in arena.cells.iter().enumerate() {
            arena.sets.push(start * words);
            let count = usize::from(count);
            for (word, &bits) in arena.all.iter().enumerate() {
                let mut bits = bits;
                while bits != 0 {
                    let place = word * 64 + bits.trailing_zeros() as usize;
                    let bit = 1 << (place % 64);
                    let (low, high) =
                        (arena.lows[place * width + feature], arena.highs[place * width + feature]);
                    arena.up_to[(start + usize::from(low)) * words + word] |= bit;
                    arena.from[(start + usize::from(high)) * words + word] |= bit;
                    bits &= bits - 1;
                }
            }
            for cell in 1..count {
                for word in 0..words {
                    let before = arena.up_to[(start + cell - 1) * words + word];
                    arena.up_to[(start + cell) * words + word] |= before;
                    let behind = arena.from[(start + count - cell) * words + word];
                    arena.from[(start + count - cell - 1) * words + word] |= behind;
                }
            }
            start += count;
        }
        arena.features = local.features;
        arena.starts = local.starts;
        Scope::Some(arena)
    }

    /// What begins in this cell or before.
    pub(super) fn up_to(&self, feature: usize, cell: u16) -> &[u64] {
        let words = self.all.len();
        let start = self.sets[feature] + usize::from(cell) * words;
        &self.up_to[start..start + words]
    }

    /// What ends in this cell or beyond.
    pub(super) fn from(&self, feature: usize, cell: u16) -> &[u64] {
        let words = self.all.len();
        let start = self.sets[feature] + usize::from(cell) * words;
        &self.from[start..start + words]
    }

    /// The cells of the grid that a box of local cells covers.
    pub(super) fn sides<'a>(&'a self, low: &'a [u16], high: &'a [u16]) -> impl Iterator<Item = Side> + 'a {
        self.features.iter().enumerate().map(move |(at, &(feature, _))| {
            let starts = &self.starts[at];
            Side {
                feature,
                low: starts[usize::from(low[at])],
                high: starts.get(usize::from(high[at]) + 1).map_or(u32::MAX, |&next| next - 1),
            }
        })
    }
}

/// The features that bound any leaf, and the cells in which their bounds lie.
struct Local {
    /// Which local feature each of the grid is.
    place: Vec<u32>,
    features: Vec<(u32, u32)>,
    starts: Vec<Vec<u32>>,
}

impl Local {
    /// `None` where there are more than fit.
    fn of(grid: &Grid, kept: &[Vec<usize>]) -> Option<Self> {
        let mut starts: Vec<Vec<u32>> = vec![Vec::new(); grid.cuts.len()];
        for &leaf in kept.iter().flatten() {
            for side in grid.sides_of(leaf) {
                let starts = &mut starts[side.feature as usize];
                starts.push(side.low);
                starts.push(side.high + 1);
            }
        }
        let mut place = vec![u32::MAX; grid.cuts.len()];
        let (mut features, mut kept_starts) = (Vec::new(), Vec::new());
        for (feature, mut starts) in starts.into_iter().enumerate() {
            if starts.is_empty() {
                continue;
            }
            starts.push(0);
            starts.sort_unstable();
            starts.dedup();
            // No cell begins behind the last.
            starts.retain(|&start| start as usize <= grid.cuts[feature].len());
            if starts.len() > usize::from(u16::MAX) {
                return None;
            }
            place[feature] = features.len() as u32;
            features.push((feature as u32, 0));
            kept_starts.push(starts);
        }
        let leaves = kept.iter().map(Vec::len).sum::<usize>();
        let bounds = leaves.saturating_mul(features.len());
        (bounds <= MOST_BOUNDS).then_some(Self { place, features, starts: kept_starts })
    }

    fn cells(&self) -> Vec<u16> {
        self.starts.iter().map(|starts| starts.len() as u16).collect()
    }

    fn block(&self, sides: &[Side], value: i64) -> Block {
        let low = vec![0; self.features.len()];
        let high = self.starts.iter().map(|starts| starts.len() as u16 - 1).collect();
        let mut block = Block { value, low, high };
        for side in sides {
            let at = self.place[side.feature as usize] as usize;
            let starts = &self.starts[at];
            block.low[at] = starts.partition_point(|&start| start < side.low) as u16;
            block.high[at] = starts.partition_point(|&start| start <= side.high) as u16 - 1;
        }
        block
    }
}

/// Make one of blocks of one value that together are a box.
fn unite(blocks: &mut Vec<Block>) {
    let mut at = 0;
    while at < blocks.len() {
        let other = (at + 1..blocks.len()).find(|&other| beside(&blocks[at], &blocks[other]).is_some());
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

/// Merge groups while their products are small; false where nothing wanted is left.
fn merge(groups: &mut Vec<Vec<Block>>, base: i64, never: i64) -> bool {
    let cap = std::env::var("CAP").ok().and_then(|v| v.parse().ok()).unwrap_or(MERGED);
    let mut settled: Vec<Vec<Block>> = Vec::new();
    loop {
        let most = |group: &Vec<Block>| group[0].value;
        let total = base
            + groups.iter().map(most).sum::<i64>()
            + settled.iter().map(most).sum::<i64>();
        let slack = total - never;
        if slack < 0 {
            return false;
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
        let Some(group) = groups.pop() else { break };
        let bounds = bounded(&group);
        let partner = groups
            .iter()
            .enumerate()
            .filter(|(_, other)| other.len() * group.len() <= 16 * cap)
            .map(|(at, other)| {
                let shared = shared(&bounds, &bounded(other));
                (shared * 1000 / other.len() as u32, at)
            })
            .max();
        let Some((_, at)) = partner else {
            settled.push(group);
            continue;
        };
        let least = group[0].value + groups[at][0].value - slack;
        let mut product = Vec::new();
        for a in &group {
            for b in &groups[at] {
                if a.value + b.value < least {
                    break;
                }
                if let Some(block) = meet(a, b) {
                    product.push(block);
                }
            }
        }
        if product.is_empty() {
            return false;
        }
        if product.len() > cap {
            settled.push(group);
            continue;
        }
        product.sort_by_key(|block| -block.value);
        groups[at] = product;
    }
    *groups = settled;
    true
}

/// In how many cells any block of a group is bounded, for each feature.
fn bounded(group: &[Block]) -> Vec<u32> {
    let first = &group[0];
    (0..first.low.len())
        .map(|f| {
            let differs = group.iter().any(|b| b.low[f] != first.low[f] || b.high[f] != first.high[f]);
            u32::from(differs)
        })
        .collect()
}

fn shared(a: &[u32], b: &[u32]) -> u32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
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
