//! Running a graph over a batch: by a plan where its shapes are known, else node by node.

use std::sync::Arc;

use crate::{
    Kind, Limits, Meter, Result, Tensor, Type,
    exec::{Cpu, Program, View, evaluate},
    graph::{Graph, Inference, Known, ValueId},
};

/// Run a graph on these inputs, by a plan where that can be made.
///
/// # Errors
/// As [`Program::compile`] and [`evaluate`].
pub fn run(
    graph: &Graph,
    inputs: &[(ValueId, Arc<Tensor>)],
    limits: &Limits,
    cpu: Cpu,
) -> Result<Vec<Arc<Tensor>>> {
    let meter = Meter::new(*limits);
    let kinds = inputs.iter().map(|(_, tensor)| tensor.kind()).collect::<Vec<_>>();
    let known = inputs.iter().zip(&kinds).map(|((id, tensor), kind)| {
        // Whole numbers may say shapes: then they are part of the plan.
        let small = !tensor.element().is_float() && tensor.count() <= 64;
        (*id, Known { kind, value: small.then_some(&**tensor) })
    });
    let inference = Inference::of(graph, &known.collect::<Vec<_>>(), &meter)?;
    let program = match Program::compile(graph, &inference, limits, cpu) {
        Ok(program) => program,
        Err(trouble) if trouble.kind == Kind::DataDependent => {
            return evaluate(graph, inputs, &Meter::new(*limits));
        }
        Err(trouble) => return Err(trouble),
    };
    let views = graph.inputs.iter().map(|id| {
        let given = inputs.iter().find(|(known, _)| known == id);
        given.map_or(View::Floats(&[]), |(_, tensor)| View::of(tensor))
    });
    let views = views.collect::<Vec<_>>();
    let mut memory = program.memory();
    let types = program.outputs().cloned().collect::<Vec<Type>>();
    let mut outputs = Vec::with_capacity(types.len());
    program.run(&mut memory, &views, &mut |at, view| {
        outputs.push(Arc::new(match view {
            View::Floats(floats) => Tensor::new(types[at].dims.clone(), floats.to_vec())?,
            View::Tensor(tensor) => tensor.clone(),
        }));
        Ok(())
    })?;
    Ok(outputs)
}
