//! Trees of ONNX-ML, which are graphs of their own in the attributes of one node: runtimes walk them
//! without looking where they lead.
//!
//! Source: ONNX 1.23, `TreeEnsembleClassifier` and `TreeEnsembleRegressor` of ai.onnx.ml 1 to 3.

use std::collections::HashMap;

use super::{AttributeValue, Node, order};

/// What is wrong with the trees of a node, if it has any.
pub(super) fn broken(node: &Node) -> Option<String> {
    if !matches!(node.operator.as_str(), "TreeEnsembleClassifier" | "TreeEnsembleRegressor") {
        return None;
    }
    let (trees, ids) = (ints(node, "nodes_treeids")?, ints(node, "nodes_nodeids")?);
    let (yes, no) = (ints(node, "nodes_truenodeids")?, ints(node, "nodes_falsenodeids")?);
    let modes = texts(node, "nodes_modes")?;
    for lists in LISTS {
        let lengths = lists.iter().filter_map(|name| length(node, name)).collect::<Vec<_>>();
        if lengths.windows(2).any(|pair| pair.first() != pair.last()) {
            let (of, all) = (&node.operator, lists.join(", "));
            return Some(format!("`{of}` has lists of unequal lengths {lengths:?}: {all}"));
        }
    }
    let mut known = HashMap::new();
    for ((&tree, &id), index) in trees.iter().zip(ids).zip(1_usize..) {
        if known.insert((tree, id), index).is_some() {
            return Some(format!("node {id} of tree {tree} stands twice"));
        }
    }
    let mut edges = Vec::new();
    for (((tree, mode), children), from) in
        trees.iter().zip(modes).zip(yes.iter().zip(no)).zip(1_usize..)
    {
        if mode.as_slice() == b"LEAF" {
            continue;
        }
        for child in [children.0, children.1] {
            match known.get(&(*tree, *child)) {
                Some(&to) => edges.push((from, to)),
                None => {
                    return Some(format!("tree {tree} leads to node {child}, which it has not"));
                }
            }
        }
    }
    order::circle(ids.len(), &edges).map(|_| "a tree leads back to one of its nodes".to_owned())
}

fn length(node: &Node, name: &str) -> Option<usize> {
    match &node.attributes.iter().find(|attribute| attribute.name == name)?.value {
        AttributeValue::Ints(ints) => Some(ints.len()),
        AttributeValue::Floats(floats) => Some(floats.len()),
        AttributeValue::Texts(texts) => Some(texts.len()),
        _ => None,
    }
}

fn ints<'n>(node: &'n Node, name: &str) -> Option<&'n [i64]> {
    match &node.attributes.iter().find(|attribute| attribute.name == name)?.value {
        AttributeValue::Ints(ints) => Some(ints),
        _ => None,
    }
}

fn texts<'n>(node: &'n Node, name: &str) -> Option<&'n [Vec<u8>]> {
    match &node.attributes.iter().find(|attribute| attribute.name == name)?.value {
        AttributeValue::Texts(texts) => Some(texts),
        _ => None,
    }
}

/// Lists that say something of the same things, as far as they are there.
const LISTS: [&[&str]; 3] = [
    &[
        "nodes_treeids",
        "nodes_nodeids",
        "nodes_truenodeids",
        "nodes_falsenodeids",
        "nodes_modes",
        "nodes_featureids",
        "nodes_values",
    ],
    &["target_treeids", "target_nodeids", "target_ids", "target_weights"],
    &["class_treeids", "class_nodeids", "class_ids", "class_weights"],
];
