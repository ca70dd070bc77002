//! A model whose signs have a slope.
//!
//! The straight-through gradient of Hubara et al. 2016 passes where the input of a sign lies within
//! -1 and 1. Sums of hundreds of pixels rarely do, and those that do are not alone in being near
//! enough to flip. Here the slope of a sign at x is that of a softsign, `1 / (1 + |x| / t)^2`, which
//! never ends; its value stays the sign but for a thousandth, so the gradient is taken where the
//! model is.

use modelward_engine::{
    Model, Result, Tensor,
    graph::{Attributes, Domain, Name, Node, Value, ValueId, ops},
};

/// What a softsign adds to a sign.
const SHARE: f32 = 1e-3;

/// Where its slope is a quarter of that at 0.
const REACH: f32 = 0.3;

/// The model with signs that have a slope.
pub(super) fn softened(model: &Model) -> Result<Model> {
    let mut soft = model.clone();
    let graph = &mut soft.graph;
    let scale = graph.constant(Tensor::scalar(1.0 / REACH));
    let share = graph.constant(Tensor::scalar(SHARE));
    let nodes = std::mem::take(graph.nodes_mut());
    for mut node in nodes {
        let (input, output) =
            (node.inputs.first().copied().flatten(), node.outputs.first().copied());
        let (Some(input), Some(output), "Sign") = (input, output, node.operator.name) else {
            graph.nodes_mut().push(node);
            continue;
        };
        let mut write = |operator: &'static str, inputs: &[ValueId]| -> Result<ValueId> {
            let output = graph.add_value(Value::default());
            let node = made(operator, inputs, output)?;
            graph.nodes_mut().push(node);
            Ok(output)
        };
        let scaled = write("Mul", &[input, scale])?;
        let soft = write("Softsign", &[scaled])?;
        let soft = write("Mul", &[soft, share])?;
        let sign = graph.add_value(Value::default());
        node.outputs = vec![sign];
        graph.nodes_mut().push(node);
        let sum = made("Add", &[sign, soft], output)?;
        graph.nodes_mut().push(sum);
    }
    Ok(soft)
}

fn made(operator: &'static str, inputs: &[ValueId], output: ValueId) -> Result<Node> {
    Ok(Node {
        operator: ops::named(Name { domain: Domain::Onnx, name: operator })?,
        name: std::sync::Arc::default(),
        attributes: Attributes::new(),
        inputs: inputs.iter().copied().map(Some).collect(),
        outputs: vec![output],
        bodies: Vec::new(),
    })
}
