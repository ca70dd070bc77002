//! Isolation forest (Liu, Ting and Zhou, ICDM 2008): rows that few random cuts set apart are few and unlike.

use super::random::Random;
use crate::Matrix;

/// A forest.
pub(crate) struct Isolation {
    trees: Vec<Vec<Node>>,
    /// The mean depth of a row in a tree of as many random rows.
    usual: f64,
}

#[derive(Clone, Copy)]
struct Node {
    /// What is cut; [`LEAF`] where nothing is.
    column: u32,
    cut: f32,
    /// Where the smaller values go; the greater go to the one behind.
    below: u32,
    /// How deep a row ends here; what the rows of a leaf would add.
    depth: f32,
}

/// A cut on the way of a row: which column, where, and whether the row is above.
pub(crate) type Cut = (usize, f32, bool);

impl Isolation {
    /// Grow trees on random rows, each on so many.
    pub(crate) fn grow(rows: &Matrix, trees: usize, each: usize, seed: u64) -> Self {
        let each = each.min(rows.rows());
        let deepest = (each.max(2) as f64).log2().ceil() as usize;
        let trees = (0..trees).map(|tree| {
            let mut random = Random::new(seed, 0x150 + tree as u64);
            let mut some = random.some(each, rows.rows());
            let mut nodes = vec![EMPTY];
            grow(rows, &mut some, &mut nodes, 0, (0, deepest), &mut random);
            nodes
        });
        Self { trees: trees.collect(), usual: usual(each) }
    }

    /// How unlike a row is: 1 where one cut sets it apart, about half for most.
    pub(crate) fn score(&self, row: &[f32]) -> f64 {
        let depths = self.trees.iter().map(|nodes| {
            let mut at = nodes[0];
            while at.column != LEAF {
                let above = row[at.column as usize] > at.cut;
                at = nodes[at.below as usize + usize::from(above)];
            }
            f64::from(at.depth)
        });
        let depth = depths.sum::<f64>() / self.trees.len().max(1) as f64;
        2.0_f64.powf(-depth / self.usual.max(1e-9))
    }

    /// The shortest way that sets a row apart.
    pub(crate) fn path(&self, row: &[f32]) -> Vec<Cut> {
        let ways = self.trees.iter().map(|nodes| {
            let (mut at, mut way) = (nodes[0], Vec::new());
            while at.column != LEAF {
                let above = row[at.column as usize] > at.cut;
                way.push((at.column as usize, at.cut, above));
                at = nodes[at.below as usize + usize::from(above)];
            }
            (at.depth, way)
        });
        let shortest = ways.min_by(|one, other| one.0.total_cmp(&other.0));
        shortest.map_or_else(Vec::new, |(_, way)| way)
    }
}

fn grow(
    rows: &Matrix,
    some: &mut [usize],
    nodes: &mut Vec<Node>,
    own: usize,
    (depth, deepest): (usize, usize),
    random: &mut Random,
) {
    nodes[own].depth = (depth as f64 + usual(some.len())) as f32;
    if depth >= deepest || some.len() < 2 {
        return;
    }
    // A column that does not tell these rows apart is drawn again.
    for _ in 0..rows.columns.min(40) {
        let column = random.below(rows.columns);
        let values = some.iter().map(|row| rows.row(*row)[column]);
        let least = values.clone().fold(f32::INFINITY, f32::min);
        let most = values.fold(f32::NEG_INFINITY, f32::max);
        if least >= most {
            continue;
        }
        let cut = least + (most - least) * random.unit() as f32;
        let cut = if cut < most { cut } else { least };
        let mut kept = 0;
        for at in 0..some.len() {
            if rows.row(some[at])[column] <= cut {
                some.swap(kept, at);
                kept += 1;
            }
        }
        let below = nodes.len();
        nodes.extend([EMPTY, EMPTY]);
        nodes[own].column = column as u32;
        nodes[own].cut = cut;
        nodes[own].below = below as u32;
        let (left, right) = some.split_at_mut(kept);
        grow(rows, left, nodes, below, (depth + 1, deepest), random);
        grow(rows, right, nodes, below + 1, (depth + 1, deepest), random);
        return;
    }
}

/// The mean depth of a row in a random search tree of so many (equation 1 of the paper).
fn usual(rows: usize) -> f64 {
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let rows = rows as f64;
            2.0 * ((rows - 1.0).ln() + 0.577_215_664_9) - 2.0 * (rows - 1.0) / rows
        }
    }
}

const LEAF: u32 = u32::MAX;
const EMPTY: Node = Node { column: LEAF, cut: 0.0, below: 0, depth: 0.0 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_apart_is_isolated_first() {
        let mut random = Random::new(1, 0);
        let mut data = (0..1000).map(|_| random.unit() as f32).collect::<Vec<_>>();
        data.extend([5.0, 0.5]);
        let rows = Matrix { columns: 2, data, names: Vec::new() };
        let forest = Isolation::grow(&rows, 100, 501, 0);
        let scores = (0..501).map(|row| forest.score(rows.row(row))).collect::<Vec<_>>();
        assert!(scores[..500].iter().all(|score| *score < scores[500]));
        assert!(forest.path(rows.row(500)).iter().any(|(column, _, above)| *column == 0 && *above));
    }
}
