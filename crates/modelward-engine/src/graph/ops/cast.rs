//! `Cast`, `CastLike`: the same numbers in another element type.
//!
//! A float becomes a whole number towards zero; what does not fit becomes the nearest that does, and
//! NaN 0, where ONNX leaves it open. The gradient passes between floats.
//!
//! Source: ONNX `Cast`, sets 6 to 25; `CastLike`, sets 15 to 25.

use crate::{
    Element, Result, Trouble, Type,
    grad::Gradient,
    graph::{Attributes, Grad, Infer, Operator, names},
};

pub(super) const OPS: &[&Operator] = &[&CAST, &CAST_LIKE];

static CAST: Operator = Operator::new(
    "Cast",
    &[6, 9, 13, 19, 21, 23, 24, 25],
    |cx| {
        let to = cx.attributes().int("to")?;
        let to = to.ok_or_else(|| Trouble::graph("expected the attribute `to`, got none"))?;
        let element = Element::of_onnx(to)
            .ok_or_else(|| Trouble::unsupported(format!("a cast to the element type {to}")))?;
        Ok(vec![Type::new(element, cx.dims(0)?)])
    },
    |run| Ok(vec![run.input(0)?.cast(run.output(0)?.element)?]),
    Grad::Rule(back),
)
.moves();

static CAST_LIKE: Operator = Operator::new(
    "CastLike",
    &[15, 19, 21, 23, 24, 25],
    |cx: &Infer<'_>| Ok(vec![Type::new(cx.element(1)?, cx.dims(0)?)]),
    |run| Ok(vec![run.input(0)?.cast(run.output(0)?.element)?]),
    Grad::Rule(back),
)
.moves();

fn back(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let x = cx.input(0)?;
    let to = cx.builder.element(x)?.to_onnx();
    let gradient = cx.builder.apply_with(names::CAST, &[flow], Attributes::new().with("to", to))?;
    cx.give(0, gradient)
}
