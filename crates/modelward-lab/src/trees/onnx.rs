//! The trees of an ONNX model.

use modelward_engine::{
    Element, Model, Result, Trouble,
    graph::{Dimension, Graph, Node, ValueId},
    trees::Classifier,
};

/// The classifier of a model.
pub(super) struct Found {
    pub(super) classifier: Classifier,
    /// Features of a row.
    pub(super) features: usize,
    pub(super) labels: Vec<i64>,
}

/// Find the one classifier of trees that a model is; `None` where it has no trees.
pub(super) fn find(model: &Model) -> Result<Option<Found>> {
    let graph = &model.graph;
    let trees = graph.nodes().iter().filter(|node| node.operator.name.starts_with("TreeEnsemble"));
    let trees = trees.collect::<Vec<_>>();
    let node = match trees[..] {
        [] => return Ok(None),
        [node] => node,
        _ => {
            let count = trees.len();
            return Err(Trouble::unsupported(format!("expected one node of trees, got {count}")));
        }
    };
    if node.operator.name != "TreeEnsembleClassifier" {
        return Err(Trouble::unsupported("expected trees that name classes, got a regressor")
            .at(|| node.label(graph)));
    }
    let (declared, element) = source(graph, node)?;
    decided(graph, node)?;
    let classifier = Classifier::of_node(node, element)?;
    let classes = classifier.ensemble.targets;
    let labels = match classifier.labels() {
        Some(labels) => labels.to_vec(),
        None => (0..classes as i64).collect(),
    };
    let value = graph.value(declared).declared.as_ref();
    let dims = value.and_then(|declared| declared.dims.as_deref());
    let features = match dims.and_then(<[_]>::last) {
        Some(Dimension::Fixed(features)) => *features,
        _ => classifier.ensemble.features,
    };
    Ok(Some(Found { classifier, features, labels }))
}

/// The input of the model that the trees read, and the type in which they do.
fn source(graph: &Graph, node: &Node) -> Result<(ValueId, Element)> {
    let writers = graph.writers();
    let mut value = node.inputs.first().copied().flatten();
    // The type of the last cast on the way, where there is one.
    let mut element = None;
    loop {
        let Some(at) = value else { return Err(Trouble::graph("trees that read nothing")) };
        let Some(&writer) = writers.get(&at) else {
            let declared = graph.value(at).declared.as_ref().map(|declared| declared.element);
            let (Some(declared), true) = (declared, graph.inputs.contains(&at)) else {
                return Err(Trouble::unsupported("expected trees that read an input of the model"));
            };
            if !matches!(declared, Element::F32 | Element::F64) {
                return Err(Trouble::unsupported(format!(
                    "expected features of float32 or float64, got {declared}"
                )));
            }
            return Ok((at, element.unwrap_or(declared)));
        };
        let writer = &graph.nodes()[writer];
        match writer.operator.name {
            "Identity" => {}
            "Cast" => {
                let to = Element::of_onnx(writer.attributes.int_or("to", 0)?);
                let Some(to @ (Element::F32 | Element::F64)) = to else {
                    return Err(between(graph, writer, "features"));
                };
                // Of several casts in a row the narrowest rounds; `f32` inputs pass all of them.
                element.get_or_insert(to);
            }
            _ => return Err(between(graph, writer, "features")),
        }
        value = writer.inputs.first().copied().flatten();
    }
}

/// Refuse a model that gives other labels than its trees name.
fn decided(graph: &Graph, node: &Node) -> Result<()> {
    let writers = graph.writers();
    let label = node.outputs.first().copied();
    // What a model may give beside the labels, as their probabilities, is not looked at.
    let mut other = None;
    for &output in &graph.outputs {
        let mut value = Some(output);
        while value.is_some() && value != label {
            let writer = value.and_then(|value| writers.get(&value)).map(|&at| &graph.nodes()[at]);
            let through = writer.filter(|writer| {
                matches!(
                    writer.operator.name,
                    "Identity" | "Cast" | "Reshape" | "Squeeze" | "Flatten" | "Unsqueeze"
                )
            });
            other = other.or(writer.filter(|_| through.is_none()));
            value = through.and_then(|through| through.inputs.first().copied().flatten());
        }
        if value.is_some() {
            return Ok(());
        }
    }
    Err(match other {
        Some(other) if !std::ptr::eq(other, node) => between(graph, other, "classes"),
        _ => Trouble::unsupported("expected a model that gives the labels of its trees")
            .at(|| node.label(graph)),
    })
}

fn between(graph: &Graph, node: &Node, what: &str) -> Trouble {
    Trouble::unsupported(format!("expected trees alone, got an operator that changes {what}"))
        .at(|| node.label(graph))
}
