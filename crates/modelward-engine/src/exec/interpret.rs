//! Node by node: the meaning of a graph, written for clearness and for any shape. What is planned
//! and fast is held to it.

use std::{collections::HashMap, sync::Arc};

use crate::{
    Element, Kind, Meter, Result, Tensor, Trouble, Type,
    graph::{Graph, Infer, Known, Node, Run, ValueId},
};

/// Run a graph on these inputs; gives its outputs.
///
/// # Errors
/// Where an input is missing, a node refuses its inputs, or a limit is reached.
pub fn evaluate(
    graph: &Graph,
    inputs: &[(ValueId, Arc<Tensor>)],
    meter: &Meter,
) -> Result<Vec<Arc<Tensor>>> {
    let mut last = vec![0_usize; graph.values.len()];
    for (at, node) in graph.nodes.iter().enumerate() {
        for input in node.inputs.iter().flatten() {
            last[input.index()] = at;
        }
    }
    for output in &graph.outputs {
        last[output.index()] = usize::MAX;
    }
    let mut values: HashMap<ValueId, Arc<Tensor>> = inputs.iter().cloned().collect();
    let find = |values: &HashMap<ValueId, Arc<Tensor>>, id: ValueId| {
        values.get(&id).or(graph.value(id).constant.as_ref()).cloned().ok_or_else(|| {
            Trouble::new(Kind::Input, format!("nothing is given for `{}`", graph.value(id).name))
        })
    };
    for (at, node) in graph.nodes.iter().enumerate() {
        let label = |trouble: Trouble| trouble.at(|| node.label(graph));
        let given = node.inputs.iter().map(|input| input.map(|id| find(&values, id)).transpose());
        let given = given.collect::<Result<Vec<_>>>().map_err(label)?;
        let tensors = given.iter().map(Option::as_deref).collect::<Vec<_>>();
        let outputs = step(node, &tensors, meter).map_err(label)?;
        for input in node.inputs.iter().flatten() {
            if last[input.index()] == at
                && let Some(tensor) = values.remove(input)
            {
                meter.give(tensor.kind().bytes()?);
            }
        }
        for (&id, tensor) in node.outputs.iter().zip(outputs) {
            let bytes = tensor.kind().bytes()?;
            if last[id.index()] > at {
                meter.take(bytes).map_err(label)?;
                values.insert(id, Arc::new(tensor));
            }
        }
    }
    graph.outputs.iter().map(|&id| find(&values, id)).collect()
}

/// Run one node whose inputs are known: infer first, so that nothing too large is made.
fn step(node: &Node, inputs: &[Option<&Tensor>], meter: &Meter) -> Result<Vec<Tensor>> {
    meter.step()?;
    let kinds = inputs.iter().map(|input| input.map(Tensor::kind)).collect::<Vec<_>>();
    let known = kinds
        .iter()
        .zip(inputs)
        .map(|(kind, value)| kind.as_ref().map(|kind| Known { kind, value: *value }));
    let known = known.collect::<Vec<_>>();
    let cx = Infer { node, inputs: &known };
    let Some(infer) = node.operator.infer else { return run_node(node, inputs, &[], meter) };
    let types = infer(&cx)?;
    if types.len() < node.outputs.len() {
        let (most, got) = (types.len(), node.outputs.len());
        return Err(Trouble::graph(format!("expected at most {most} outputs, got {got}")));
    }
    for kind in &types {
        meter.admit(kind)?;
    }
    if let Some(flop) = node.operator.flop {
        meter.work(flop(&cx, &types)?)?;
    }
    run_node(node, inputs, types.get(..node.outputs.len()).unwrap_or(&types), meter)
}

/// Run one node whose types were inferred. Floats of 16 bits are computed in 32, and rounded.
pub(crate) fn run_node(
    node: &Node,
    inputs: &[Option<&Tensor>],
    outputs: &[Type],
    meter: &Meter,
) -> Result<Vec<Tensor>> {
    // Without elements there is nothing to compute, however large the other dimensions are.
    if !outputs.is_empty() && outputs.iter().all(|kind| kind.dims.contains(&0)) {
        return outputs.iter().map(Tensor::zeros).collect();
    }
    let half = !node.operator.moves
        && (inputs.iter().flatten().any(|tensor| tensor.element().is_half())
            || outputs.iter().any(|kind| kind.element.is_half()));
    let tensors = if half {
        let widened = inputs.iter().map(|input| match input {
            Some(tensor) if tensor.element().is_half() => tensor.cast(Element::F32).map(Some),
            other => Ok(other.cloned()),
        });
        let widened = widened.collect::<Result<Vec<_>>>()?;
        let inputs = widened.iter().map(Option::as_ref).collect::<Vec<_>>();
        let types = outputs.iter().map(|kind| match kind.element.is_half() {
            true => Type::new(Element::F32, kind.dims.clone()),
            false => kind.clone(),
        });
        let types = types.collect::<Vec<_>>();
        let run = Run { node, inputs: &inputs, outputs: &types, meter };
        let tensors = (node.operator.run)(&run)?.into_iter().zip(outputs);
        tensors.map(|(tensor, kind)| tensor.cast(kind.element)).collect::<Result<Vec<_>>>()?
    } else {
        (node.operator.run)(&Run { node, inputs, outputs, meter })?
    };
    for (tensor, kind) in tensors.iter().zip(outputs) {
        if tensor.dims() != kind.dims || tensor.element() != kind.element {
            let why = format!("expected {kind} as inferred, got {}", tensor.kind());
            return Err(Trouble::unsupported(why));
        }
    }
    if tensors.len() < node.outputs.len() {
        let (expected, got) = (node.outputs.len(), tensors.len());
        return Err(Trouble::graph(format!("expected {expected} outputs, got {got}")));
    }
    Ok(tensors)
}
