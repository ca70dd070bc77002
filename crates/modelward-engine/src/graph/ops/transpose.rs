//! `Transpose`: axes in another order.
//!
//! Source: ONNX `Transpose`, sets 1 to 25.

use crate::{
    Result, Trouble, Type,
    graph::{
        Attributes, Grad, Operator, axis_of, names,
        ops::elementwise::{Places, strides},
    },
};

pub(super) const OPS: &[&Operator] = &[&TRANSPOSE];

static TRANSPOSE: Operator = Operator::new(
    "Transpose",
    &[1, 13, 21, 23, 24, 25],
    |cx| {
        let x = cx.kind(0)?;
        let order = order(cx.attributes(), x.dims.len())?;
        Ok(vec![Type::new(x.element, order.iter().map(|&axis| x.dims[axis]).collect::<Vec<_>>())])
    },
    |run| {
        let x = run.input(0)?;
        let order = order(run.attributes(), x.dims().len())?;
        let strides = strides(x.dims());
        let strides = order.iter().map(|&axis| strides[axis]).collect();
        let places = Places::new(0, run.output(0)?.dims.clone(), strides);
        Ok(vec![run.shaped(0, x.data().gather(places))?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let order = order(&cx.node.attributes, cx.builder.rank(flow)?)?;
        let mut back = vec![0_i64; order.len()];
        for (to, &from) in order.iter().enumerate() {
            back[from] = to as i64;
        }
        let back = Attributes::new().with("perm", back);
        let gradient = cx.builder.apply_with(names::TRANSPOSE, &[flow], back)?;
        cx.give(0, gradient)
    }),
)
.moves();

/// Which axis of the input each axis of the output is; reversed where `perm` does not say.
pub(crate) fn order(attributes: &Attributes, rank: usize) -> Result<Vec<usize>> {
    let Some(order) = attributes.ints("perm")? else { return Ok((0..rank).rev().collect()) };
    let axes = order.iter().map(|&axis| axis_of(axis, rank));
    let axes = axes.collect::<Result<Vec<_>>>()?;
    if axes.len() != rank || (0..rank).any(|axis| !axes.contains(&axis)) {
        return Err(Trouble::graph(format!("expected each of {rank} axes once, got {order:?}")));
    }
    Ok(axes)
}
