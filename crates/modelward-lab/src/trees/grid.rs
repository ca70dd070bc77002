//! An ensemble on the grid of cells between the cuts of its features.
//!
//! Two thresholds between which no `f32` lies are one cut. Where a branch turns is found by asking
//! it, so that its float type, its test and what counts as zero are the ensemble's own.

use modelward_engine::{
    Result, Trouble,
    trees::{Branch, Ensemble, Missing, Next, Test},
};

/// Sides of all leaves, at most.
const MOST_SIDES: usize = 1 << 24;

/// Features, at most.
const MOST_FEATURES: usize = 1 << 20;

/// Trees whose leaves are boxes of cells.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// The cuts of each feature, ascending: cell `i` ends with cut `i`, the last with infinity.
    pub(super) cuts: Vec<Vec<f32>>,
    /// Where the leaves of each tree begin, and where those of the last end.
    pub(super) trees: Vec<usize>,
    /// The leaves that an input can reach, tree by tree.
    pub(super) leaves: Vec<Leaf>,
    /// What bounds the leaves.
    pub(super) sides: Vec<Side>,
}

/// A leaf.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    /// Which it is in the ensemble.
    pub(super) place: u32,
    /// Where its sides begin.
    pub(super) from: usize,
    /// Where they end.
    pub(super) to: usize,
}

/// The cells of a feature in which a leaf lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) feature: u32,
    /// The first cell.
    pub(super) low: u32,
    /// The last cell.
    pub(super) high: u32,
}

/// What a branch does on the grid.
#[derive(Clone, Copy)]
enum Turn {
    /// All go this way.
    Always(Next),
    /// Up to this cell the one, beyond it the other.
    At { cell: u32, low: Next, high: Next },
}

impl Grid {
    /// The cells and leaves of an ensemble.
    ///
    /// # Errors
    /// Where a branch is more than a comparison that turns once, or the leaves have more sides than
    /// fit in memory.
    pub(super) fn of(ensemble: &Ensemble) -> Result<Self> {
        let features = ensemble.features;
        if features > MOST_FEATURES {
            return Err(Trouble::limit(format!(
                "expected trees of at most {MOST_FEATURES} features, got {features}"
            )));
        }
        let mut cuts = vec![Vec::new(); features];
        let mut ends = Vec::with_capacity(ensemble.branches().len());
        for branch in ensemble.branches() {
            let end = last_low(ensemble, branch)?;
            if let Some(end) = end {
                cuts[branch.feature as usize].push(end);
            }
            ends.push(end);
        }
        for cuts in &mut cuts {
            cuts.sort_by(f32::total_cmp);
            cuts.dedup();
        }
        let turns = ensemble.branches().iter().zip(&ends).map(|(branch, end)| {
            let low = ensemble.answers(branch, f32::MIN);
            let (low, high) = if low { (branch.yes, branch.no) } else { (branch.no, branch.yes) };
            match end {
                None => Turn::Always(low),
                Some(end) => {
                    let cuts = &cuts[branch.feature as usize];
                    let cell = cuts.partition_point(|cut| cut.total_cmp(end).is_lt());
                    Turn::At { cell: cell as u32, low, high }
                }
            }
        });
        let turns = turns.collect::<Vec<_>>();
        let mut grid = Self { cuts, trees: vec![0], leaves: Vec::new(), sides: Vec::new() };
        let mut path = Path::new(&grid.cuts);
        for &root in ensemble.roots() {
            grid.add_tree(ensemble, &turns, root, &mut path)?;
            grid.trees.push(grid.leaves.len());
        }
        Ok(grid)
    }

    /// Every leaf of a tree that can be reached, with the sides of its box.
    fn add_tree(
        &mut self,
        ensemble: &Ensemble,
        turns: &[Turn],
        root: Next,
        path: &mut Path,
    ) -> Result<()> {
        /// What is left to do: follow a side into a subtree, or come back.
        enum Step {
            Go(Next, Option<Side>),
            Back(Side),
        }
        let mut left = vec![Step::Go(root, None)];
        while let Some(step) = left.pop() {
            let (next, side) = match step {
                Step::Back(before) => {
                    path.restore(before);
                    continue;
                }
                Step::Go(next, side) => (next, side),
            };
            if let Some(side) = side {
                let before = path.of(side.feature);
                let now = Side {
                    feature: side.feature,
                    low: before.low.max(side.low),
                    high: before.high.min(side.high),
                };
                if now.low > now.high {
                    continue;
                }
                left.push(Step::Back(before));
                path.enter(now);
            }
            match next {
                Next::Leaf(place) => {
                    let from = self.sides.len();
                    path.sides(&mut self.sides);
                    if self.sides.len() > MOST_SIDES {
                        return Err(Trouble::limit(format!(
                            "expected trees whose leaves have at most {MOST_SIDES} sides"
                        )));
                    }
                    self.leaves.push(Leaf { place, from, to: self.sides.len() });
                }
                Next::Branch(at) => match turns[at as usize] {
                    Turn::Always(next) => left.push(Step::Go(next, None)),
                    Turn::At { cell, low, high } => {
                        let feature = ensemble.branches()[at as usize].feature;
                        let last = self.cuts[feature as usize].len() as u32;
                        let above = Side { feature, low: cell + 1, high: last };
                        left.push(Step::Go(high, Some(above)));
                        left.push(Step::Go(low, Some(Side { feature, low: 0, high: cell })));
                    }
                },
            }
        }
        Ok(())
    }

    /// The sides of a leaf.
    pub(super) fn sides_of(&self, leaf: usize) -> &[Side] {
        let leaf = self.leaves[leaf];
        &self.sides[leaf.from..leaf.to]
    }

    /// The least and the largest `f32` of a cell.
    pub(super) fn ends(&self, feature: usize, cell: usize) -> (f32, f32) {
        let cuts = &self.cuts[feature];
        // The successor of the largest number below zero is -0, which is 0.
        let low = cell.checked_sub(1).map_or(f32::MIN, |below| cuts[below].next_up() + 0.0);
        (low, cuts.get(cell).copied().unwrap_or(f32::MAX))
    }
}

/// The box of the node at which a walk stands.
struct Path {
    whole: Vec<Side>,
    now: Vec<Side>,
    /// The features that are bounded, in the order in which that began.
    bounded: Vec<u32>,
}

impl Path {
    fn new(cuts: &[Vec<f32>]) -> Self {
        let sides = cuts.iter().enumerate();
        let side = |(feature, cuts): (usize, &Vec<f32>)| Side {
            feature: feature as u32,
            low: 0,
            high: cuts.len() as u32,
        };
        let whole = sides.map(side).collect::<Vec<_>>();
        Self { now: whole.clone(), whole, bounded: Vec::new() }
    }

    fn of(&self, feature: u32) -> Side {
        self.now[feature as usize]
    }

    fn enter(&mut self, side: Side) {
        let at = side.feature as usize;
        if self.now[at] == self.whole[at] {
            self.bounded.push(side.feature);
        }
        self.now[at] = side;
    }

    fn restore(&mut self, side: Side) {
        let at = side.feature as usize;
        if side == self.whole[at] {
            self.bounded.pop();
        }
        self.now[at] = side;
    }

    fn sides(&self, out: &mut Vec<Side>) {
        out.extend(self.bounded.iter().map(|&feature| self.now[feature as usize]));
    }
}

/// The largest finite `f32` to which a branch answers as to the least; `None` where it always does.
fn last_low(ensemble: &Ensemble, branch: &Branch) -> Result<Option<f32>> {
    let asks = match branch.test {
        Test::Less | Test::LessOrEqual | Test::Greater | Test::GreaterOrEqual => None,
        Test::Equal | Test::NotEqual => Some("equality"),
        Test::In(_) | Test::Category(_) | Test::CategoryFromZero(_) => Some("categories"),
    };
    if let Some(asks) = asks {
        return Err(Trouble::unsupported(format!(
            "expected branches that compare with a threshold, got one that asks for {asks}"
        )));
    }
    if let Missing::ZeroGoes(_) = branch.missing {
        let plain = Branch { missing: Missing::Compared, ..*branch };
        if ensemble.answers(branch, 0.0) != ensemble.answers(&plain, 0.0) {
            return Err(Trouble::unsupported(
                "expected branches that compare with a threshold, got one for which zero is missing",
            )
            .help("train the model with `zero_as_missing=false`"));
        }
    }
    let low = ensemble.answers(branch, f32::MIN);
    if ensemble.answers(branch, f32::MAX) == low {
        return Ok(None);
    }
    let (mut below, mut above) = (rank(f32::MIN), rank(f32::MAX));
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        let side =
            if ensemble.answers(branch, ranked(middle)) == low { &mut below } else { &mut above };
        *side = middle;
    }
    // -0 and 0 are one number.
    Ok(Some(ranked(below) + 0.0))
}

/// The place of a float among all, ascending.
fn rank(value: f32) -> u32 {
    let bits = value.to_bits();
    if value.is_sign_negative() { !bits } else { bits | 1 << 31 }
}

/// The float of a place.
fn ranked(rank: u32) -> f32 {
    f32::from_bits(if rank >> 31 == 1 { rank & !(1 << 31) } else { !rank })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grid(threshold: &str, decision: u8) -> Grid {
        let text = format!(
            "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\n\
             objective=binary sigmoid:1\n\nTree=0\nnum_leaves=3\nsplit_feature=0 0\n\
             threshold={threshold}\ndecision_type={decision} {decision}\nleft_child=1 -1\n\
             right_child=-3 -2\nleaf_value=1 2 3\n\nend of trees\n"
        );
        Grid::of(&Ensemble::read(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn thresholds_between_two_floats_are_one_cut() {
        let grid = grid("0.10000000000000002 0.1", 2);
        assert_eq!(grid.cuts, [[0.1_f32.next_down()]]);
        // The leaf between them is never reached.
        assert_eq!(grid.leaves.len(), 2);
        assert_eq!(grid.ends(0, 0), (f32::MIN, 0.1_f32.next_down()));
        assert_eq!(grid.ends(0, 1), (0.1, f32::MAX));
    }

    #[test]
    fn what_counts_as_zero_is_one_cell() {
        // Up to 1e-35 all is zero, and zero is above the first of them.
        let grid = grid("5e-36 -5e-36", 2);
        assert_eq!(grid.cuts, [[(-1e-35_f32).next_down(), 1e-35]]);
    }

    #[test]
    fn a_threshold_beyond_all_floats_is_no_cut() {
        assert_eq!(grid("1e300 0.5", 2).cuts, [[0.5]]);
    }

    proptest! {
        #[test]
        fn ranks_are_in_order(a: f32, b: f32) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(ranked(rank(a)).to_bits(), a.to_bits());
            prop_assert_eq!(rank(a).cmp(&rank(b)), a.total_cmp(&b));
        }
    }
}
