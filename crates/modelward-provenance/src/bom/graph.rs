//! What an ONNX model says of itself: its tools, its operator sets, what leads in and out.

use modelward_formats::onnx::{Dimension, Graph, Model, Type, ValueInfo, element_name};

use super::{
    facts::{Declared, Facts},
    licence::Licence,
    text::{line, name},
};

/// Take in a model.
pub(super) fn read(model: &Model, by: &str, facts: &mut Facts) {
    let opsets = model.opsets.iter().map(|(domain, version)| match domain.as_str() {
        "" => format!("ai.onnx {version}"),
        domain => format!("{domain} {version}"),
    });
    facts.property("operator-sets", line(&opsets.collect::<Vec<_>>().join(", ")), Some(by));
    facts.property(
        "producer",
        line(&format!("{} {}", model.producer, model.producer_version)),
        Some(by),
    );
    facts.property("onnx-ir-version", Some(model.ir_version.to_string()), Some(by));
    for (key, value) in &model.metadata {
        match key.as_str() {
            "license" | "model_license" => facts.licence(Licence::declared(value, None, by)),
            "description" | "model_description" => {
                if let Some(text) = line(value) {
                    facts.description.get_or_insert(Declared::new(text, by));
                }
            }
            "author" | "model_author" => facts.property("author", line(value), Some(by)),
            _ => {}
        }
    }
    let Some(graph) = &model.graph else { return };
    facts.property("graph", name(&graph.name), Some(by));
    facts.property("nodes", Some(graph.nodes.len().to_string()), None);
    let stored = graph
        .initializers
        .iter()
        .map(|tensor| tensor.name.as_str())
        .collect::<std::collections::HashSet<_>>();
    let ports = |values: &[ValueInfo]| {
        let free = values.iter().filter(|value| !stored.contains(value.name.as_str()));
        free.take(MOST_PORTS)
            .filter_map(|value| line(&port(value)))
            .map(|port| Declared::new(port, by))
            .collect::<Vec<_>>()
    };
    if facts.inputs.is_empty() {
        facts.inputs = ports(&graph.inputs);
    }
    if facts.outputs.is_empty() {
        facts.outputs = ports(&graph.outputs);
    }
    operators(graph, by, facts);
}

/// What the operators alone are proof of.
fn operators(graph: &Graph, by: &str, facts: &mut Facts) {
    let has =
        |names: &[&str]| graph.nodes.iter().any(|node| names.contains(&node.operator.as_str()));
    let found = FAMILIES.iter().find(|(operators, ..)| has(operators));
    if let Some((_, family, task)) = found {
        facts.family.get_or_insert(Declared::new((*family).into(), by));
        if let Some(task) = task {
            facts.task.get_or_insert(Declared::new((*task).into(), by));
        }
    }
}

/// A name with its type: `pixels: f32[batch, 3, 224, 224]`.
fn port(value: &ValueInfo) -> String {
    match &value.kind {
        Type::Tensor(tensor) => {
            let kind = element_name(tensor.data_type).unwrap_or("unknown");
            let shape = tensor.shape.iter().map(|shape| {
                let sizes = shape.iter().map(|size| match size {
                    Dimension::Unknown => "?".into(),
                    Dimension::Size(size) => size.to_string(),
                    Dimension::Symbol(symbol) => symbol.clone(),
                });
                format!("[{}]", sizes.collect::<Vec<_>>().join(", "))
            });
            format!("{}: {kind}{}", value.name, shape.collect::<String>())
        }
        Type::Other(kind) => format!("{}: {kind}", value.name),
        Type::Unknown => value.name.clone(),
    }
}

/// Operators that are found in one family of models alone, with the task that they are for.
const FAMILIES: &[(&[&str], &str, Option<&str>)] = &[
    (&["TreeEnsembleClassifier"], "tree ensemble", Some("tabular-classification")),
    (&["TreeEnsembleRegressor"], "tree ensemble", Some("tabular-regression")),
    (&["TreeEnsemble"], "tree ensemble", None),
    (&["SVMClassifier"], "support vector machine", Some("tabular-classification")),
    (&["SVMRegressor"], "support vector machine", Some("tabular-regression")),
    (&["LinearClassifier"], "linear model", Some("tabular-classification")),
    (&["LinearRegressor"], "linear model", Some("tabular-regression")),
    (&["LSTM"], "LSTM neural network", None),
    (&["GRU"], "GRU neural network", None),
    (&["RNN"], "recurrent neural network", None),
    (
        &["Attention", "MultiHeadAttention", "GroupQueryAttention", "RotaryEmbedding"],
        "transformer",
        None,
    ),
    (
        &["Conv", "ConvTranspose", "QLinearConv", "ConvInteger"],
        "convolutional neural network",
        None,
    ),
];

const MOST_PORTS: usize = 256;
