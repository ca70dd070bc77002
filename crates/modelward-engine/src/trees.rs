//! Trees as models: one exact representation into which the tree ensembles of ONNX, XGBoost and
//! LightGBM are read.
//!
//! A branch compares one feature with a threshold, or asks whether it is in a set; a leaf adds
//! weights to targets. Each ensemble says in which float type features are compared and weights are
//! summed, and whether base values come before or behind the sum, so that its raw scores are those
//! of the library to the last bit.
//!
//! Files are not trusted: every branch is reached once, so that no walk is endless; children,
//! features and targets exist; nothing is read recursively.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::{Result, Trouble, graph::shorten};

mod document;
mod dump;
mod evaluate;
mod lightgbm;
mod node;
mod transform;
mod xgboost;

pub use self::{evaluate::Prediction, transform::Transform};
pub(crate) use self::{
    node::targets as targets_of,
    transform::{largest, logistic},
};
pub use crate::{
    graph::ops::tree_ensemble::{Classifier, Rule},
    real::Real,
};

/// An ensemble of decision trees.
#[derive(Clone, Debug)]
pub struct Ensemble {
    /// Features that a row has; a node of ONNX says only that there are at least so many.
    pub features: usize,
    /// Scores of a row.
    pub targets: usize,
    /// The float type in which features are compared and weights are summed.
    pub precision: Precision,
    /// How the weights of a target become one.
    pub aggregate: Aggregate,
    /// Added to each target; empty where nothing is.
    pub base: Vec<f64>,
    /// Whether base values are added before those of the trees, or behind them.
    pub base_first: bool,
    /// What is made of the raw scores.
    pub transform: Transform,
    /// What scores are divided by before that: a forest of LightGBM sums its raw scores.
    pub averaged: Option<u64>,
    /// Where features count as zero, as LightGBM has it.
    flush: f64,
    branches: Vec<Branch>,
    leaves: Vec<Leaf>,
    votes: Vec<Vote>,
    sets: Vec<Vec<f64>>,
    roots: Vec<Next>,
}

/// The float type in which an ensemble computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// `f32`.
    Single,
    /// `f64`.
    Double,
}

/// How the weights of a target become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Their sum, in the order of the trees.
    Sum,
    /// Their sum, divided by the number of trees.
    Average,
    /// The least.
    Min,
    /// The largest.
    Max,
}

/// What a branch asks of its feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// Whether it is in this set.
    In(u32),
    /// Whether its whole part is in this set of categories.
    Category(u32),
    /// The same, of what is not below zero.
    CategoryFromZero(u32),
}

/// Where a missing value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Where the comparison with NaN sends it.
    Compared,
    /// NaN goes where the answer is this.
    Goes(bool),
    /// NaN counts as zero.
    Zero,
    /// NaN and zero go where the answer is this.
    ZeroGoes(bool),
}

/// What follows on an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This branch.
    Branch(u32),
    /// This leaf.
    Leaf(u32),
}

/// A branch.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    /// The feature it looks at.
    pub feature: u32,
    /// What it asks.
    pub test: Test,
    /// The threshold, exactly.
    pub threshold: f64,
    /// Where a missing value goes.
    pub missing: Missing,
    /// What follows where the answer is yes.
    pub yes: Next,
    /// What follows where it is no.
    pub no: Next,
}

/// The votes of a leaf, from a place to another.
#[derive(Clone, Copy, Debug)]
struct Leaf {
    from: u32,
    to: u32,
}

/// A weight of a leaf.
#[derive(Clone, Copy, Debug)]
struct Vote {
    target: u32,
    weight: f64,
}

impl Ensemble {
    /// Read a model of XGBoost (JSON, UBJSON, a dump in JSON) or LightGBM (text): its content says
    /// which.
    ///
    /// # Errors
    /// Where it is neither, breaks its format, or holds what is not run: linear models, linear
    /// leaves, vectors as leaves.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let start = text.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(text.len());
        let text = text.get(start..).unwrap_or_default();
        match text {
            [b'{', ..] => xgboost::read(&document::read(text)?),
            [b'[', ..] => dump::read(&document::read(text)?),
            [b't', b'r', b'e', b'e', b'\n' | b'\r', ..] => lightgbm::read(text),
            [b'b', b'i', b'n', b'f', ..] => {
                Err(Trouble::unsupported("a model in the old binary format of XGBoost")
                    .help("save it again with `save_model(\"model.ubj\")` in XGBoost 1.6 or newer"))
            }
            _ => Err(Trouble::unsupported(
                "expected a tree model of XGBoost (JSON, UBJSON) or LightGBM (text)",
            )),
        }
    }

    /// Nothing yet; [`Ensemble::checked`] ends its making.
    fn new(precision: Precision) -> Self {
        Self {
            features: 0,
            targets: 1,
            precision,
            aggregate: Aggregate::Sum,
            base: Vec::new(),
            base_first: false,
            transform: Transform::None,
            averaged: None,
            flush: -1.0,
            branches: Vec::new(),
            leaves: Vec::new(),
            votes: Vec::new(),
            sets: Vec::new(),
            roots: Vec::new(),
        }
    }

    /// How many trees there are.
    pub fn trees(&self) -> usize {
        self.roots.len()
    }

    /// Where each tree begins.
    pub fn roots(&self) -> &[Next] {
        &self.roots
    }

    /// Its branches.
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// The targets and weights of a leaf.
    pub fn leaf(&self, leaf: u32) -> impl Iterator<Item = (usize, f64)> {
        let range = self.leaves.get(leaf as usize).map(|leaf| leaf.from as usize..leaf.to as usize);
        let votes = range.and_then(|range| self.votes.get(range)).unwrap_or_default();
        votes.iter().map(|vote| (vote.target as usize, vote.weight))
    }

    /// The members of a set, in order.
    pub fn set(&self, set: u32) -> &[f64] {
        self.sets.get(set as usize).map_or(&[], Vec::as_slice)
    }

    fn add_branch(&mut self, branch: Branch) -> Result<u32> {
        let at = place(self.branches.len())?;
        self.branches.push(branch);
        Ok(at)
    }

    /// A leaf with these votes.
    fn add_leaf(&mut self, votes: impl IntoIterator<Item = (u32, f64)>) -> Result<u32> {
        let at = place(self.leaves.len())?;
        let from = place(self.votes.len())?;
        self.votes.extend(votes.into_iter().map(|(target, weight)| Vote { target, weight }));
        self.leaves.push(Leaf { from, to: place(self.votes.len())? });
        Ok(at)
    }

    /// A set of these members.
    fn add_set(&mut self, mut members: Vec<f64>) -> Result<u32> {
        let at = place(self.sets.len())?;
        members.retain(|member| !member.is_nan());
        members.iter_mut().filter(|member| **member == 0.0).for_each(|member| *member = 0.0);
        members.sort_by(f64::total_cmp);
        members.dedup();
        self.sets.push(members);
        Ok(at)
    }

    /// Refuse what is no forest of finite trees: every branch is reached once, or where they need
    /// not all be `whole`, at most once.
    fn checked(self, whole: bool) -> Result<Self> {
        if let Some(vote) = self.votes.iter().find(|vote| vote.target as usize >= self.targets) {
            let (target, targets) = (vote.target, self.targets);
            return Err(Trouble::graph(format!(
                "a leaf votes for the target {target}, and there are {targets}"
            )));
        }
        if !self.base.is_empty() && self.base.len() != self.targets && self.base.len() != 1 {
            let (base, targets) = (self.base.len(), self.targets);
            return Err(Trouble::graph(format!("{base} base values for {targets} targets")));
        }
        let mut reached = vec![false; self.branches.len()];
        let mut left = Vec::new();
        for (tree, &root) in self.roots.iter().enumerate() {
            left.push(root);
            while let Some(next) = left.pop() {
                match next {
                    Next::Leaf(leaf) if (leaf as usize) < self.leaves.len() => {}
                    Next::Leaf(_) => return Err(childless(tree)),
                    Next::Branch(at) => {
                        let branch = self.branches.get(at as usize);
                        let (Some(branch), Some(seen)) = (branch, reached.get_mut(at as usize))
                        else {
                            return Err(childless(tree));
                        };
                        if std::mem::replace(seen, true) {
                            return Err(Trouble::graph(format!(
                                "tree {tree} comes back to a branch that was passed"
                            )));
                        }
                        if branch.feature as usize >= self.features {
                            let (feature, features) = (branch.feature, self.features);
                            return Err(Trouble::graph(format!(
                                "tree {tree} reads feature {feature} of {features}"
                            )));
                        }
                        left.push(branch.no);
                        left.push(branch.yes);
                    }
                }
            }
        }
        if whole && let Some(at) = reached.iter().position(|reached| !reached) {
            return Err(Trouble::graph(format!(
                "no tree leads to the branch {at}: it is in a circle, or has no parent"
            )));
        }
        Ok(self)
    }
}

fn childless(tree: usize) -> Trouble {
    Trouble::graph(format!("tree {tree} leads to a node that is not there"))
}

/// A place in a list. Lists are shorter than the file they come from.
fn place(at: usize) -> Result<u32> {
    u32::try_from(at).map_err(|_| Trouble::limit("a tree ensemble of more than 4 billion nodes"))
}

/// What is said of lists that should be as long as each other.
fn uneven(name: &str, expected: usize, got: usize) -> Trouble {
    let name = shorten(name);
    Trouble::graph(format!("expected {expected} elements in `{name}`, got {got}"))
}
