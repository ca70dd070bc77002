//! `Shape`, `Size`: the dimensions of a tensor, and the number of its elements.
//!
//! Source: ONNX `Shape` and `Size`, sets 1 to 25.

use crate::{
    Element, Result, Tensor, Type,
    graph::{Attributes, Grad, Operator},
};

pub(super) const OPS: &[&Operator] = &[&SHAPE, &SIZE];

const WHY: Grad = Grad::Zero("a shape does not depend on data");

static SHAPE: Operator = Operator::new(
    "Shape",
    &[1, 13, 15, 19, 21, 23, 24, 25],
    |cx| Ok(vec![Type::new(Element::I64, [shape(cx.attributes(), cx.dims(0)?)?.len()])]),
    |run| Ok(vec![Tensor::list(shape(run.attributes(), run.input(0)?.dims())?)]),
    WHY,
)
.moves()
.of_shapes(|cx| Ok(Some(Tensor::list(shape(cx.attributes(), cx.dims(0)?)?))));

static SIZE: Operator = Operator::new(
    "Size",
    &[1, 13, 19, 21, 23, 24, 25],
    |_| Ok(vec![Type::new(Element::I64, [])]),
    |run| Ok(vec![Tensor::scalar(run.input(0)?.count() as i64)]),
    WHY,
)
.moves()
.of_shapes(|cx| Ok(Some(Tensor::scalar(cx.kind(0)?.count()? as i64))));

/// The dimensions from `start` to `end`, which are clamped to the rank.
fn shape(attributes: &Attributes, dims: &[usize]) -> Result<Vec<i64>> {
    let rank = dims.len() as i64;
    let clamp = |at: i64| {
        let at = if at < 0 { at.saturating_add(rank) } else { at };
        at.clamp(0, rank) as usize
    };
    let start = clamp(attributes.int_or("start", 0)?);
    let end = clamp(attributes.int_or("end", rank)?);
    Ok(dims
        .get(start..end.max(start))
        .unwrap_or_default()
        .iter()
        .map(|&size| size as i64)
        .collect())
}
