//! Dumps of XGBoost in JSON: a list of trees, each node of which holds its children.
//!
//! A dump says neither the objective nor the base score. It is read as a margin of two classes, the
//! second where the sum of the leaves is above zero, and nothing is added to it.
//!
//! Source: `src/tree/tree_model.cc` of XGBoost, `JsonGenerator`.

use super::document::Value;
use crate::{
    Result, Trouble,
    graph::shorten,
    trees::{Branch, Ensemble, Missing, Next, Precision, Test, Transform, place},
};

/// Features of a model, at most.
const MOST: i64 = 1 << 24;

pub(super) fn read(document: &Value<'_>) -> Result<Ensemble> {
    let mut ensemble = Ensemble::new(Precision::Single);
    ensemble.transform = Transform::Step;
    for (at, root) in document.list()?.iter().enumerate() {
        let root =
            tree(&mut ensemble, root).map_err(|trouble| trouble.at(|| format!("tree {at}")))?;
        ensemble.roots.push(root);
    }
    let features = ensemble.branches.iter().map(|branch| branch.feature).max();
    ensemble.features = features.map_or(0, |feature| (feature as usize).saturating_add(1));
    ensemble.checked(true)
}

/// Read a tree; gives its root.
fn tree(ensemble: &mut Ensemble, root: &Value<'_>) -> Result<Next> {
    let first = node(ensemble, root)?;
    let mut left = vec![(root, first)];
    while let Some((value, at)) = left.pop() {
        let Next::Branch(at) = at else { continue };
        let children = value.field("children")?.list()?;
        let (yes, no) = (value.field("yes")?.int()?, value.field("no")?.int()?);
        let mut child = |id: i64| {
            let found = children.iter().find(|child| {
                child.find("nodeid").is_some_and(|known| known.int().is_ok_and(|known| known == id))
            });
            let found = found.ok_or_else(|| {
                Trouble::graph(format!("a node leads to {id}, which is not there"))
            })?;
            let next = node(ensemble, found)?;
            left.push((found, next));
            Ok::<_, Trouble>(next)
        };
        let (yes, no) = (child(yes)?, child(no)?);
        if let Some(branch) = ensemble.branches.get_mut(at as usize) {
            (branch.yes, branch.no) = (yes, no);
        }
    }
    Ok(first)
}

/// A leaf, or a branch whose children are not known yet.
fn node(ensemble: &mut Ensemble, value: &Value<'_>) -> Result<Next> {
    let number = |value: &Value<'_>| {
        let text = value.text()?;
        text.parse::<f32>()
            .map_err(|_| Trouble::graph(format!("expected a number, got `{}`", shorten(text))))
    };
    if let Some(leaf) = value.find("leaf") {
        return Ok(Next::Leaf(ensemble.add_leaf([(0, f64::from(number(leaf)?))])?));
    }
    let split = value.field("split")?.text()?;
    let feature = split.strip_prefix('f').unwrap_or(split).parse::<i64>();
    let feature = feature.ok().filter(|feature| (0..MOST).contains(feature)).ok_or_else(|| {
        let split = shorten(split);
        Trouble::unsupported(format!("a dump of XGBoost that calls a feature `{split}`"))
            .help("dump the model without names of features")
    })?;
    let condition = value.field("split_condition")?;
    if condition.list().is_ok() {
        return Err(Trouble::unsupported("categories in a dump of XGBoost"));
    }
    let missing = match (value.find("missing"), value.field("yes")?.int()?) {
        (Some(missing), yes) => Missing::Goes(missing.int()? == yes),
        (None, _) => Missing::Compared,
    };
    let next = place(ensemble.branches.len())?;
    let branch = Branch {
        feature: u32::try_from(feature).unwrap_or_default(),
        test: Test::Less,
        threshold: f64::from(number(condition)?),
        missing,
        yes: Next::Branch(next),
        no: Next::Branch(next),
    };
    Ok(Next::Branch(ensemble.add_branch(branch)?))
}
