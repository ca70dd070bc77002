//! `ConstantOfShape`: one element, as often as a shape says.
//!
//! Source: ONNX `ConstantOfShape`, sets 9 to 25.

use crate::{
    Result, Tensor, Trouble, Type,
    graph::{Attributes, Grad, Infer, Operator},
};

pub(super) const OPS: &[&Operator] = &[&CONSTANT_OF_SHAPE];

static CONSTANT_OF_SHAPE: Operator = Operator::new(
    "ConstantOfShape",
    &[9, 20, 21, 23, 24, 25],
    infer,
    |run| {
        let value = value(run.attributes())?;
        let kind = run.output(0)?;
        Ok(vec![run.shaped(0, value.data().gather(std::iter::repeat_n(0, kind.count()?)))?])
    },
    Grad::Zero("it does not depend on data"),
)
.moves();

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let dims = sizes(&cx.value(0)?.ints()?)?;
    Ok(vec![Type::new(value(cx.attributes())?.element(), dims)])
}

fn value(attributes: &Attributes) -> Result<Tensor> {
    let value = attributes.tensor("value")?;
    let value = value.map_or_else(|| Tensor::list(vec![0.0_f32]), |value| (**value).clone());
    if value.count() == 1 {
        Ok(value)
    } else {
        let count = value.count();
        Err(Trouble::graph(format!("expected one element in the attribute `value`, got {count}")))
    }
}

/// A shape that the graph gives as data.
pub(super) fn sizes(dims: &[i64]) -> Result<Vec<usize>> {
    const MOST: usize = 64;
    if dims.len() > MOST {
        return Err(Trouble::limit(format!("{} dimensions, over the limit of {MOST}", dims.len())));
    }
    let size = |&size: &i64| {
        usize::try_from(size).map_err(|_| Trouble::graph(format!("a negative dimension: {dims:?}")))
    };
    dims.iter().map(size).collect()
}
