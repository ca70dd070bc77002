//! `TreeEnsembleRegressor`, `TreeEnsembleClassifier` and `TreeEnsemble` of ONNX-ML as an ensemble.
//!
//! Base values of a classifier are left to its operator, which adds them in its own way.

use std::collections::HashMap;

use crate::{
    Element, Result, Trouble,
    graph::{Attributes, Node},
    trees::{
        Aggregate, Branch, Ensemble, Missing, Next, Precision, Real, Test, Transform, place, uneven,
    },
};

/// How many scores such a node has for a row.
pub(crate) fn targets(node: &Node) -> Result<usize> {
    let attributes = &node.attributes;
    let targets = match node.operator.name {
        "TreeEnsembleClassifier" => {
            let texts = attributes.texts("classlabels_strings")?.map_or(0, <[_]>::len);
            match texts {
                0 => attributes.ints("classlabels_int64s")?.map_or(0, <[_]>::len),
                texts => texts,
            }
        }
        _ => {
            let targets = attributes.int_or("n_targets", 1)?;
            usize::try_from(targets).map_err(|_| {
                Trouble::graph(format!("expected a number of targets, got {targets}"))
            })?
        }
    };
    if targets == 0 {
        return Err(Trouble::graph("trees that have no target"));
    }
    Ok(targets)
}

impl Ensemble {
    /// Read a tree node of ONNX-ML whose rows are of this element type: what is `f64` is computed
    /// so, everything else in `f32`.
    ///
    /// # Errors
    /// Where its lists do not fit each other, or its nodes are no trees.
    pub fn of_node(node: &Node, element: Element) -> Result<Self> {
        let precision = match element {
            Element::F64 => Precision::Double,
            _ => Precision::Single,
        };
        let mut ensemble = Self::new(precision);
        ensemble.targets = targets(node)?;
        let attributes = &node.attributes;
        match node.operator.name {
            "TreeEnsemble" => ensemble.indexed(attributes),
            "TreeEnsembleClassifier" => ensemble.named(attributes, "class"),
            _ => {
                ensemble.base = ensemble.floats(attributes, "base_values")?;
                ensemble.named(attributes, "target")
            }
        }?;
        let features = ensemble.branches.iter().map(|branch| branch.feature).max();
        ensemble.features = features.map_or(0, |feature| (feature as usize).saturating_add(1));
        ensemble.checked(node.operator.name != "TreeEnsemble")
    }

    /// Floats of an attribute or of the tensor in its place, in the type they are computed in.
    fn floats(&self, attributes: &Attributes, name: &str) -> Result<Vec<f64>> {
        let wide = match attributes.floats(name)? {
            Some(values) if !values.is_empty() => values.iter().map(|&v| f64::from(v)).collect(),
            _ => match attributes.tensor(&format!("{name}_as_tensor"))? {
                Some(tensor) => tensor.floats()?,
                None => Vec::new(),
            },
        };
        Ok(self.rounded(wide))
    }

    fn rounded(&self, mut values: Vec<f64>) -> Vec<f64> {
        if self.precision == Precision::Single {
            values.iter_mut().for_each(|v| *v = f32::near(*v).wide());
        }
        values
    }

    /// Nodes with ids of their own, leaves among them; the votes stand apart.
    fn named(&mut self, attributes: &Attributes, votes: &str) -> Result<()> {
        self.transform = Transform::named(attributes.text_or("post_transform", "NONE")?)?;
        self.aggregate = match attributes.text_or("aggregate_function", "SUM")? {
            "SUM" => Aggregate::Sum,
            "AVERAGE" => Aggregate::Average,
            "MIN" => Aggregate::Min,
            "MAX" => Aggregate::Max,
            _ => return Err(Trouble::graph("an aggregate function that is not known")),
        };
        let ids = ints(attributes, "nodes_nodeids")?;
        let list = |name: &str| {
            let values = ints(attributes, name)?;
            let right = values.len() == ids.len();
            right.then_some(values).ok_or_else(|| uneven(name, ids.len(), values.len()))
        };
        let (trees, features) = (list("nodes_treeids")?, list("nodes_featureids")?);
        let (yes, no) = (list("nodes_truenodeids")?, list("nodes_falsenodeids")?);
        let thresholds = self.floats(attributes, "nodes_values")?;
        let modes = attributes.texts("nodes_modes")?.unwrap_or_default();
        if thresholds.len() != ids.len() {
            return Err(uneven("nodes_values", ids.len(), thresholds.len()));
        }
        if modes.len() != ids.len() {
            return Err(uneven("nodes_modes", ids.len(), modes.len()));
        }
        let missing = missing(attributes, ids.len())?;
        let mut places = HashMap::with_capacity(ids.len());
        for (at, (&tree, &id)) in trees.iter().zip(ids).enumerate() {
            if places.insert((tree, id), at).is_some() {
                return Err(Trouble::graph(format!("node {id} of tree {tree} stands twice")));
            }
        }
        let mut weights = self.votes(attributes, votes, &places)?;
        // First what each node becomes, so that branches can name their children.
        let mut nexts = Vec::with_capacity(ids.len());
        let mut branches = 0_usize;
        for (at, mode) in modes.iter().enumerate() {
            nexts.push(if &**mode == "LEAF" {
                Next::Leaf(self.add_leaf(weights.remove(&at).unwrap_or_default())?)
            } else {
                branches = branches.saturating_add(1);
                Next::Branch(place(branches.saturating_sub(1))?)
            });
        }
        let mut child = vec![false; ids.len()];
        let rows = modes.iter().zip(trees).zip(features).zip(yes.iter().zip(no));
        let rows = rows.zip(thresholds.iter().zip(missing)).enumerate();
        for (at, ((((mode, tree), feature), (yes, no)), (&threshold, missing))) in rows {
            if &**mode == "LEAF" {
                continue;
            }
            let mut next = |id: i64| {
                let place = places.get(&(*tree, id)).copied();
                let next = place.and_then(|place| nexts.get(place)).copied();
                if let Some(seen) = place.and_then(|place| child.get_mut(place)) {
                    *seen = true;
                }
                next.ok_or_else(|| {
                    let from = ids.get(at).copied().unwrap_or_default();
                    let why =
                        format!("node {from} of tree {tree} leads to {id}, which is not there");
                    Trouble::graph(why)
                })
            };
            let test = match &**mode {
                "BRANCH_LEQ" => Test::LessOrEqual,
                "BRANCH_LT" => Test::Less,
                "BRANCH_GTE" => Test::GreaterOrEqual,
                "BRANCH_GT" => Test::Greater,
                "BRANCH_EQ" => Test::Equal,
                "BRANCH_NEQ" => Test::NotEqual,
                _ => return Err(Trouble::graph("a node mode that is not known")),
            };
            let (yes, no) = (next(*yes)?, next(*no)?);
            let feature = feature_of(*feature)?;
            self.add_branch(Branch { feature, test, threshold, missing, yes, no })?;
        }
        // Trees in the order of their first nodes; the root is the node that is nobody's child.
        let mut order = Vec::new();
        let mut roots: HashMap<i64, Option<Next>> = HashMap::new();
        for ((&tree, &next), child) in trees.iter().zip(&nexts).zip(child) {
            let root = roots.entry(tree).or_insert_with(|| {
                order.push(tree);
                None
            });
            match (child, *root) {
                (true, _) => {}
                (false, None) => *root = Some(next),
                (false, Some(_)) => {
                    return Err(Trouble::graph(format!("tree {tree} has two roots")));
                }
            }
        }
        for tree in order {
            let root = roots.get(&tree).copied().flatten();
            let root = root.ok_or_else(|| Trouble::graph(format!("tree {tree} has no root")))?;
            self.roots.push(root);
        }
        Ok(())
    }

    /// The votes of each leaf, by the place of its node.
    fn votes(
        &self,
        attributes: &Attributes,
        prefix: &str,
        places: &HashMap<(i64, i64), usize>,
    ) -> Result<HashMap<usize, Vec<(u32, f64)>>> {
        let name = |rest: &str| format!("{prefix}_{rest}");
        let targets = ints(attributes, &name("ids"))?;
        let trees = ints(attributes, &name("treeids"))?;
        let nodes = ints(attributes, &name("nodeids"))?;
        let weights = self.floats(attributes, &name("weights"))?;
        for (rest, got) in
            [("treeids", trees.len()), ("nodeids", nodes.len()), ("weights", weights.len())]
        {
            if got != targets.len() {
                return Err(uneven(&name(rest), targets.len(), got));
            }
        }
        let mut found: HashMap<usize, Vec<(u32, f64)>> = HashMap::new();
        for (((&tree, &node), &target), &weight) in
            trees.iter().zip(nodes).zip(targets).zip(&weights)
        {
            let place = places.get(&(tree, node)).ok_or_else(|| {
                Trouble::graph(format!("a vote of node {node} of tree {tree}, which is not there"))
            })?;
            let target = u32::try_from(target).map_err(|_| no_target(target))?;
            found.entry(*place).or_default().push((target, weight));
        }
        Ok(found)
    }

    /// Branches and leaves in lists of their own, which name each other by place.
    fn indexed(&mut self, attributes: &Attributes) -> Result<()> {
        self.transform = match attributes.int_or("post_transform", 0)? {
            0 => Transform::None,
            1 => Transform::Softmax,
            2 => Transform::Logistic,
            3 => Transform::SoftmaxZero,
            4 => Transform::Probit,
            other => {
                return Err(Trouble::graph(format!("no post-transform has the number {other}")));
            }
        };
        self.aggregate = match attributes.int_or("aggregate_function", 1)? {
            0 => Aggregate::Average,
            1 => Aggregate::Sum,
            2 => Aggregate::Min,
            3 => Aggregate::Max,
            other => {
                return Err(Trouble::graph(format!(
                    "no aggregate function has the number {other}"
                )));
            }
        };
        let features = ints(attributes, "nodes_featureids")?;
        let list = |name: &str| {
            let values = ints(attributes, name)?;
            let right = values.len() == features.len();
            right.then_some(values).ok_or_else(|| uneven(name, features.len(), values.len()))
        };
        let (yes, no) = (list("nodes_truenodeids")?, list("nodes_falsenodeids")?);
        let (yes_ends, no_ends) = (list("nodes_trueleafs")?, list("nodes_falseleafs")?);
        let tensor = |name: &str| {
            attributes
                .tensor(name)?
                .ok_or_else(|| Trouble::graph(format!("expected the attribute `{name}`, got none")))
        };
        let modes = tensor("nodes_modes")?.ints()?;
        let thresholds = self.rounded(tensor("nodes_splits")?.floats()?);
        let missing = missing(attributes, features.len())?;
        for (name, got) in [("nodes_modes", modes.len()), ("nodes_splits", thresholds.len())] {
            if got != features.len() {
                return Err(uneven(name, features.len(), got));
            }
        }
        let targets = ints(attributes, "leaf_targetids")?;
        let weights = self.rounded(tensor("leaf_weights")?.floats()?);
        if weights.len() != targets.len() {
            return Err(uneven("leaf_weights", targets.len(), weights.len()));
        }
        for (&target, &weight) in targets.iter().zip(&weights) {
            let target = u32::try_from(target).map_err(|_| no_target(target))?;
            self.add_leaf([(target, weight)])?;
        }
        // The members of each set end in NaN.
        let members = match attributes.tensor("membership_values")? {
            Some(tensor) => self.rounded(tensor.floats()?),
            None => Vec::new(),
        };
        let mut sets = members.split(|member| member.is_nan());
        let rows = features.iter().zip(&modes).zip(yes.iter().zip(yes_ends));
        let rows = rows.zip(no.iter().zip(no_ends)).zip(thresholds.iter().zip(missing));
        for ((((feature, mode), yes), no), (&threshold, missing)) in rows {
            let test = match mode {
                0 => Test::LessOrEqual,
                1 => Test::Less,
                2 => Test::GreaterOrEqual,
                3 => Test::Greater,
                4 => Test::Equal,
                5 => Test::NotEqual,
                6 => {
                    let set = sets.next().ok_or_else(|| {
                        Trouble::graph(
                            "fewer sets in `membership_values` than nodes that ask for one",
                        )
                    })?;
                    Test::In(self.add_set(set.to_vec())?)
                }
                other => {
                    return Err(Trouble::graph(format!("no node mode has the number {other}")));
                }
            };
            let next = |(&at, &leaf): (&i64, &i64)| {
                let place = u32::try_from(at)
                    .map_err(|_| Trouble::graph(format!("a branch leads to {at}")))?;
                Ok::<_, Trouble>(if leaf == 0 { Next::Branch(place) } else { Next::Leaf(place) })
            };
            let (yes, no) = (next(yes)?, next(no)?);
            let feature = feature_of(*feature)?;
            self.add_branch(Branch { feature, test, threshold, missing, yes, no })?;
        }
        for &root in ints(attributes, "tree_roots")? {
            let root = u32::try_from(root)
                .map_err(|_| Trouble::graph(format!("a tree begins at the node {root}")))?;
            self.roots.push(Next::Branch(root));
        }
        Ok(())
    }
}

fn ints<'a>(attributes: &'a Attributes, name: &str) -> Result<&'a [i64]> {
    Ok(attributes.ints(name)?.unwrap_or_default())
}

/// Where a missing value goes, of each node: NaN is compared unless the flag says yes.
fn missing(attributes: &Attributes, nodes: usize) -> Result<Vec<Missing>> {
    const NAME: &str = "nodes_missing_value_tracks_true";
    let flags = ints(attributes, NAME)?;
    if !flags.is_empty() && flags.len() != nodes {
        return Err(uneven(NAME, nodes, flags.len()));
    }
    let of = |&flag: &i64| if flag == 0 { Missing::Compared } else { Missing::Goes(true) };
    let mut missing = flags.iter().map(of).collect::<Vec<_>>();
    missing.resize(nodes, Missing::Compared);
    Ok(missing)
}

fn feature_of(feature: i64) -> Result<u32> {
    u32::try_from(feature).map_err(|_| {
        Trouble::graph(format!("a branch reads feature {feature}, which is not there"))
    })
}

fn no_target(target: i64) -> Trouble {
    Trouble::graph(format!("a leaf votes for the target {target}, which is not there"))
}
