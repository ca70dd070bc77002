//! `Expand`: a tensor broadcast to a shape.
//!
//! Source: ONNX `Expand`, sets 8 and 13.

use crate::{
    Type,
    graph::{
        Grad, Operator,
        ops::{
            constant_of_shape::sizes,
            elementwise::{Places, broadcast},
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&EXPAND];

static EXPAND: Operator = Operator::new(
    "Expand",
    &[8, 13],
    |cx| {
        let x = cx.kind(0)?;
        let to = sizes(&cx.value(1)?.ints()?)?;
        Ok(vec![Type::new(x.element, broadcast(&[&x.dims, &to])?)])
    },
    |run| {
        let x = run.input(0)?;
        let places = Places::broadcast(x.dims(), &run.output(0)?.dims);
        Ok(vec![run.shaped(0, x.data().gather(places))?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        cx.give_unbroadcast(0, flow)
    }),
)
.moves();
