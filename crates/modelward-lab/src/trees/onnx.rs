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

/// Refuse a model that makes other classes of what its trees say.
fn decided(graph: &Graph, node: &Node) -> Result<()> {
    let mut known = node.outputs.clone();
    let from = graph.nodes().iter().position(|other| std::ptr::eq(other, node)).unwrap_or(0);
    for other in graph.nodes().iter().skip(from + 1) {
        if !other.inputs.iter().flatten().any(|input| known.contains(input)) {
            continue;
        }
        match other.operator.name {
            "Identity" | "Cast" | "ZipMap" | "Normalizer" | "Reshape" | "Squeeze" | "Flatten" => {
                known.extend(&other.outputs);
            }
            _ => return Err(between(graph, other, "classes")),
        }
    }
    match node.outputs.first().zip(graph.outputs.first()) {
        Some(_) if graph.outputs.iter().any(|output| known.contains(output)) => Ok(()),
        _ => Err(Trouble::unsupported("expected a model that gives the classes of its trees")),
    }
}

fn between(graph: &Graph, node: &Node, what: &str) -> Trouble {
    Trouble::unsupported(format!("expected trees alone, got an operator that changes {what}"))
        .at(|| node.label(graph))
}
