//! What is known of a graph for two shapes of its inputs.
//!
//! A rule has to know which dimensions are fixed and which follow the batch. Instead of algebra
//! over symbols, types are inferred for two choices of every free dimension: what comes out the
//! same is fixed. That is exact for each choice, holds for any operator, and costs two passes.

use crate::{
    Meter, Result, Trouble, Type,
    graph::{Dimension, Graph, Inference, Known, ValueId},
};

/// Infer a graph for two choices of the free dimensions of its inputs.
///
/// # Errors
/// Where no choice of sizes fits the graph: the trouble of the first.
pub fn probes(graph: &Graph, meter: &Meter) -> Result<Vec<Inference>> {
    // Small sizes first; a model of images of any size may need larger ones.
    const SIZES: [(usize, usize); 4] = [(3, 8), (2, 32), (2, 64), (2, 224)];
    let mut first = None;
    for (batch, other) in SIZES {
        let twice = infer(graph, meter, batch, other)
            .and_then(|one| Ok((one, infer(graph, meter, batch + 2, other + 1)?)));
        match twice {
            Ok((one, two)) => return Ok(vec![one, two]),
            // Other free dimensions may be bound to each other: let the batch alone change.
            Err(_) => match infer(graph, meter, batch, other)
                .and_then(|one| Ok((one, infer(graph, meter, batch + 2, other)?)))
            {
                Ok((one, two)) => return Ok(vec![one, two]),
                Err(trouble) => {
                    first.get_or_insert(trouble);
                }
            },
        }
    }
    Err(first.unwrap_or_else(|| Trouble::graph("no inputs")))
}

/// Infer a graph with the first free dimension of each input as the batch.
fn infer(graph: &Graph, meter: &Meter, batch: usize, other: usize) -> Result<Inference> {
    let mut kinds: Vec<(ValueId, Type)> = Vec::new();
    for &id in &graph.inputs {
        let declared = graph.value(id).declared.as_ref();
        let declared = declared.ok_or_else(|| Trouble::graph("an input without a type"))?;
        let dims = declared.dims.as_ref().ok_or_else(|| {
            Trouble::data_dependent(format!(
                "the number of dimensions of `{}` is not declared",
                graph.value(id).name
            ))
        })?;
        let sizes = dims.iter().enumerate().map(|(axis, dimension)| match dimension {
            Dimension::Fixed(size) => *size,
            _ if axis == 0 => batch,
            _ => other,
        });
        kinds.push((id, Type::new(declared.element, sizes.collect::<Vec<_>>())));
    }
    let known = kinds.iter().map(|(id, kind)| (*id, Known { kind, value: None }));
    Inference::of(graph, &known.collect::<Vec<_>>(), meter)
}
