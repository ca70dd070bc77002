//! `Align`: how operator sets before 7 broadcast, from an axis on. One of this engine's own.
//!
//! Source: ONNX `Add`, set 6, attribute `axis`.

use crate::{
    Result, Trouble, Type,
    graph::{Attributes, Grad, Infer, Operator, names},
};

pub(super) const OPS: &[&Operator] = &[&ALIGN];

/// The first input with dimensions of 1 behind its own, so that they begin at `axis` of the second.
static ALIGN: Operator = Operator::own(
    "Align",
    infer,
    |run| {
        let x = run.input(0)?;
        Ok(vec![run.shaped(0, x.data().clone())?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let x = cx.input(0)?;
        let gradient = cx.builder.reshape_like(flow, x)?;
        cx.give(0, gradient)
    }),
    |builder, node| {
        let (Some(x), output) = (node.inputs[0], node.outputs[0]) else {
            return Err(Trouble::graph("expected an input, got none"));
        };
        let (from, to) = (builder.rank(x)?, builder.rank(output)?);
        let axes = builder.ints((from..to).map(|axis| axis as i64).collect());
        Ok(vec![builder.apply_with(names::UNSQUEEZE, &[x, axes], Attributes::new())?])
    },
)
.moves();

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let (x, like) = (cx.kind(0)?, cx.dims(1)?);
    let axis = cx.axis(cx.attributes().int_or("axis", 0)?, like.len().max(1))?;
    let behind = like.len().checked_sub(axis + x.dims.len());
    let behind = behind.ok_or_else(|| Trouble::graph("the second operand reaches too far"))?;
    let mut dims = x.dims.clone();
    dims.resize(dims.len() + behind, 1);
    Ok(vec![Type::new(x.element, dims)])
}
