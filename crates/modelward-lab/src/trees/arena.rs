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

use super::{
    blocks::{Block, merge, unite},
    grid::{Grid, Side},
};

/// Numbers in the boxes of all leaves, at most.
const MOST_BOUNDS: usize = 1 << 26;

/// Words in the sets of leaves on either side of all cuts, at most.
const MOST_WORDS: usize = 1 << 24;

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

/// The groups, their leaves in order of falling value, as places in one set of bits.
#[derive(Debug, Default)]
pub(super) struct Arena {
    /// The value that every input has.
    pub(super) base: i64,
    /// The feature of the grid of each local feature.
    features: Vec<u32>,
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
    Some(Box<Arena>),
    /// More than fits in memory.
    Large,
}

impl Arena {
    /// The leaves whose distance is at most a limit.
    pub(super) fn within(wanted: &Wanted<'_>, limit: f64) -> Scope {
        let near = |leaf: usize| wanted.far[leaf] <= limit;
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
        let groups = kept
            .iter()
            .map(|leaves| {
                let blocks = leaves
                    .iter()
                    .map(|&leaf| local.block(grid.sides_of(leaf), wanted.values[leaf]));
                let mut blocks = blocks.collect::<Vec<_>>();
                if wanted.by_value {
                    unite(&mut blocks);
                }
                blocks
            })
            .collect::<Vec<_>>();
        match merge(groups, base, wanted.never) {
            None => Scope::Nothing,
            Some(groups) => Self::laid_out(groups, base, local),
        }
    }

    fn laid_out(groups: Vec<Vec<Block>>, base: i64, local: Local) -> Scope {
        let width = local.features.len();
        let places = groups.iter().map(|group| group.len().div_ceil(64) * 64).sum::<usize>();
        let cells = local.starts.iter().map(Vec::len).sum::<usize>();
        if places.saturating_mul(width) > MOST_BOUNDS
            || cells.saturating_mul(places / 64) > MOST_WORDS
        {
            return Scope::Large;
        }
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
        Scope::Some(Box::new(arena))
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
    pub(super) fn sides<'a>(
        &'a self,
        low: &'a [u16],
        high: &'a [u16],
    ) -> impl Iterator<Item = Side> + 'a {
        (0..self.features.len()).map(move |at| self.side(at, low[at], high[at]))
    }

    fn side(&self, at: usize, low: u16, high: u16) -> Side {
        let starts = &self.starts[at];
        Side {
            feature: self.features[at],
            low: starts[usize::from(low)],
            high: starts.get(usize::from(high) + 1).map_or(u32::MAX, |&next| next - 1),
        }
    }

    /// The box of the cells that are within reach.
    pub(super) fn reached(&self, near: impl Fn(Side) -> bool) -> (Vec<u16>, Vec<u16>) {
        let ends = self.cells.iter().enumerate().map(|(at, &cells)| {
            let mut near = (0..cells).filter(|&cell| near(self.side(at, cell, cell)));
            let first = near.next().unwrap_or(0);
            (first, near.next_back().unwrap_or(first))
        });
        ends.unzip()
    }
}

/// The features that bound any leaf, and the cells in which their bounds lie.
struct Local {
    /// Which local feature each of the grid is.
    place: Vec<u32>,
    features: Vec<u32>,
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
            features.push(feature as u32);
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
