//! Models of XGBoost, JSON or UBJSON, of versions 1.x to 3.x.
//!
//! Everything is `f32`: features, thresholds, leaves, and the sum, which begins with the base score
//! and goes on tree by tree. The base score is stored as a prediction, and is a raw score only
//! behind the link of the objective. Trees of DART are weighted before they are added. A leaf has
//! one weight for the group of its tree, or since 3.1 one for each target.
//!
//! Source: `doc/model.schema` of XGBoost, `src/predictor/cpu_predictor.cc`, `src/gbm/gbtree.cc`,
//! `src/common/categorical.h`.

use super::document::Value;
use crate::{
    Result, Trouble,
    graph::shorten,
    trees::{Branch, Ensemble, Missing, Next, Precision, Test, Transform, place, uneven},
};

/// Features and targets of a model, at most.
const MOST: i64 = 1 << 24;

pub(super) fn read(document: &Value<'_>) -> Result<Ensemble> {
    let learner = document.field("learner")?;
    let booster = learner.field("gradient_booster")?;
    let name = booster.find("name").map_or(Ok("gbtree"), Value::text)?;
    let (model, weights) = match name {
        "gbtree" => (booster.field("model")?, None),
        "dart" => {
            let model = booster.field("gbtree")?.field("model")?;
            (model, Some(booster.field("weight_drop")?.floats()?))
        }
        "gblinear" => {
            return Err(Trouble::unsupported(
                "a linear model of XGBoost, `gblinear`: it has no trees",
            ));
        }
        other => {
            let other = shorten(other);
            return Err(Trouble::unsupported(format!("a booster of XGBoost called `{other}`")));
        }
    };
    let parameters = learner.field("learner_model_param")?;
    let number = |name: &str| parameters.find(name).map_or(Ok(0), Value::int);
    let bounded = |name: &str, number: i64| {
        let right = usize::try_from(number).ok().filter(|_| number <= MOST);
        right.ok_or_else(|| {
            Trouble::limit(format!("expected `{name}` of at most {MOST}, got {number}"))
        })
    };
    let mut ensemble = Ensemble::new(Precision::Single);
    ensemble.features = bounded("num_feature", number("num_feature")?)?;
    let (classes, targets) = (number("num_class")?, number("num_target")?);
    ensemble.targets = bounded("num_class", classes.max(targets).max(1))?;
    let objective = learner.field("objective")?.field("name")?.text()?;
    let (transform, link) = objective_of(objective);
    ensemble.transform = transform;
    ensemble.base_first = true;
    ensemble.base = base(parameters.field("base_score")?.text()?, link)?;
    let trees = model.field("trees")?.list()?;
    let groups = model.field("tree_info")?.ints()?;
    if groups.len() != trees.len() {
        return Err(uneven("tree_info", trees.len(), groups.len()));
    }
    if let Some(weights) = &weights
        && weights.len() != trees.len()
    {
        return Err(uneven("weight_drop", trees.len(), weights.len()));
    }
    for (at, (value, &group)) in trees.iter().zip(&groups).enumerate() {
        let group = u32::try_from(group)
            .map_err(|_| Trouble::graph(format!("tree {at} is of the group {group}")))?;
        let weight = weights.as_ref().and_then(|weights| weights.get(at)).copied();
        let root = tree(&mut ensemble, value, group, weight)
            .map_err(|trouble| trouble.at(|| format!("tree {at}")))?;
        ensemble.roots.push(root);
    }
    ensemble.checked(false)
}

/// What an objective makes of raw scores, and of its base score to get a raw one.
fn objective_of(name: &str) -> (Transform, Link) {
    match name {
        "binary:logistic" | "reg:logistic" => (Transform::Sigmoid(1.0), Link::Logit),
        "binary:hinge" => (Transform::Step, Link::Identity),
        "multi:softprob" => (Transform::Softmax, Link::Identity),
        "multi:softmax" => (Transform::Largest, Link::Identity),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => {
            (Transform::Exp, Link::Log)
        }
        _ => (Transform::None, Link::Identity),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Identity,
    Logit,
    Log,
}

/// Base scores: a number, or since 3.1 a list in brackets.
fn base(text: &str, link: Link) -> Result<Vec<f64>> {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let scores = inner.split(',').map(|score| {
        let score = score.trim().parse::<f32>().map_err(|_| {
            let text = shorten(text);
            Trouble::graph(format!("expected a number as `base_score`, got `{text}`"))
        })?;
        Ok(f64::from(match link {
            Link::Identity => score,
            Link::Logit => -(1.0 / score - 1.0).ln(),
            Link::Log => score.ln(),
        }))
    });
    scores.collect()
}

/// Read a tree; gives its root.
fn tree(
    ensemble: &mut Ensemble,
    value: &Value<'_>,
    group: u32,
    weight: Option<f32>,
) -> Result<Next> {
    let vector = value.find("tree_param").and_then(|p| p.find("size_leaf_vector"));
    let vector = vector.map_or(Ok(1), Value::int)?.max(1);
    let vectors = match (vector, value.find("leaf_weights")) {
        (1, _) => None,
        (_, None) => {
            return Err(Trouble::unsupported(
                "leaves that hold vectors, in the format of XGBoost before 3.1",
            ));
        }
        (vector, Some(_)) if usize::try_from(vector).ok() != Some(ensemble.targets) => {
            let targets = ensemble.targets;
            return Err(Trouble::graph(format!(
                "leaves of {vector} weights for {targets} targets"
            )));
        }
        (_, Some(weights)) => Some(weights.floats()?),
    };
    let left = value.field("left_children")?.ints()?;
    let nodes = left.len();
    if let Some(vectors) = &vectors {
        // Each leaf has its own: or else a small file would say much.
        let leaves = left.iter().filter(|&&left| left < 0).count();
        let most = vectors.len().checked_div(ensemble.targets).unwrap_or(0);
        if leaves > most {
            return Err(uneven(
                "leaf_weights",
                leaves.saturating_mul(ensemble.targets),
                vectors.len(),
            ));
        }
    }
    let list = |name: &str| {
        let list = value.field(name)?.ints()?;
        if list.len() == nodes { Ok(list) } else { Err(uneven(name, nodes, list.len())) }
    };
    let right = list("right_children")?;
    let features = list("split_indices")?;
    let default_left = list("default_left")?;
    let conditions = value.field("split_conditions")?.floats()?;
    if conditions.len() != nodes {
        return Err(uneven("split_conditions", nodes, conditions.len()));
    }
    let categories = Categories::of(value, nodes)?;
    // A child's place among the branches or the leaves, before either is made.
    let (mut branches, mut leaves) = (ensemble.branches.len(), ensemble.leaves.len());
    let mut nexts = Vec::with_capacity(nodes);
    for &left in &left {
        let count = if left < 0 { &mut leaves } else { &mut branches };
        let at = place(*count)?;
        *count = count.saturating_add(1);
        nexts.push(if left < 0 { Next::Leaf(at) } else { Next::Branch(at) });
    }
    let child = |at: i64| {
        let next = usize::try_from(at).ok().and_then(|at| nexts.get(at)).copied();
        next.ok_or_else(|| Trouble::graph(format!("a node leads to {at}, which is not there")))
    };
    let children = left.iter().zip(&right);
    let rows = children.zip(features.iter().zip(&default_left)).zip(&conditions).enumerate();
    for (at, (((&left, &right), (&feature, &default_left)), &condition)) in rows {
        if left < 0 {
            let weighted = |leaf: f32| f64::from(weight.map_or(leaf, |weight| leaf * weight));
            let Some(vectors) = &vectors else {
                ensemble.add_leaf([(group, weighted(condition))])?;
                continue;
            };
            // Which vector a leaf has stands in the place of its right child.
            let size = ensemble.targets;
            let start = usize::try_from(right).ok().and_then(|right| right.checked_mul(size));
            let range = start.and_then(|start| Some(start..start.checked_add(size)?));
            let vector = range.and_then(|range| vectors.get(range)).ok_or_else(|| {
                Trouble::graph(format!("leaf {at} has the weights {right}, which are not there"))
            })?;
            ensemble.add_leaf((0..).zip(vector.iter().map(|&leaf| weighted(leaf))))?;
            continue;
        }
        let (left, right) = (child(left)?, child(right)?);
        let feature = u32::try_from(feature)
            .map_err(|_| Trouble::graph(format!("a node reads feature {feature}")))?;
        let goes_left = default_left != 0;
        // Chosen categories go right.
        let (test, missing, yes, no) = match categories.of_node(at) {
            None => (Test::Less, Missing::Goes(goes_left), left, right),
            Some(set) => {
                let set = ensemble.add_set(set.iter().map(|&one| one as f64).collect())?;
                (Test::CategoryFromZero(set), Missing::Goes(!goes_left), right, left)
            }
        };
        let threshold = f64::from(condition);
        ensemble.add_branch(Branch { feature, test, threshold, missing, yes, no })?;
    }
    nexts.first().copied().ok_or_else(|| Trouble::graph("a tree without nodes"))
}

/// The categories of each node that splits by them.
struct Categories {
    values: Vec<i64>,
    /// Where those of a node begin and end, for each node.
    ranges: Vec<Option<(usize, usize)>>,
}

impl Categories {
    fn of(tree: &Value<'_>, nodes: usize) -> Result<Self> {
        let list = |name: &str| tree.find(name).map_or(Ok(Vec::new()), Value::ints);
        let kinds = list("split_type")?;
        let (values, owners) = (list("categories")?, list("categories_nodes")?);
        let (starts, sizes) = (list("categories_segments")?, list("categories_sizes")?);
        for (name, got) in
            [("categories_segments", starts.len()), ("categories_sizes", sizes.len())]
        {
            if got != owners.len() {
                return Err(uneven(name, owners.len(), got));
            }
        }
        let mut ranges = vec![None; nodes];
        for (at, &kind) in kinds.iter().enumerate() {
            if let (1, Some(range)) = (kind, ranges.get_mut(at)) {
                *range = Some((0, 0));
            }
        }
        for ((&node, &start), &size) in owners.iter().zip(&starts).zip(&sizes) {
            let wrong = || Trouble::graph(format!("the categories of node {node} are not there"));
            let at = usize::try_from(node).map_err(|_| wrong())?;
            let start = usize::try_from(start).map_err(|_| wrong())?;
            let size = usize::try_from(size).map_err(|_| wrong())?;
            let end = start.checked_add(size).filter(|end| *end <= values.len());
            let range = ranges.get_mut(at).and_then(Option::as_mut).ok_or_else(wrong)?;
            // Each node has its own: or else a small file would say much.
            if *range != (0, 0) {
                return Err(wrong());
            }
            *range = (start, end.ok_or_else(wrong)?);
        }
        let total = ranges.iter().flatten().map(|(from, to)| to.saturating_sub(*from));
        if total.fold(0, usize::saturating_add) > values.len() {
            return Err(Trouble::graph("nodes share their categories"));
        }
        Ok(Self { values, ranges })
    }

    fn of_node(&self, node: usize) -> Option<&[i64]> {
        let (from, to) = (*self.ranges.get(node)?)?;
        self.values.get(from..to)
    }
}
