//! `Where`: elements of one tensor or of another, as a third says.
//!
//! Source: ONNX `Where`, sets 9 and 16.

use crate::{
    Trouble, Type, alike,
    graph::{
        Grad, Operator, names,
        ops::elementwise::{Places, broadcast, like},
    },
};

pub(super) const OPS: &[&Operator] = &[&WHERE];

static WHERE: Operator = Operator::new(
    "Where",
    &[9, 16],
    |cx| {
        let (one, other) = (cx.kind(1)?, cx.kind(2)?);
        if one.element != other.element {
            let (one, other) = (one.element, other.element);
            return Err(Trouble::graph(format!("inputs of two element types, {one} and {other}")));
        }
        Ok(vec![Type::new(one.element, broadcast(&[cx.dims(0)?, &one.dims, &other.dims])?)])
    },
    |run| {
        let (which, one, other) = (run.input(0)?, run.input(1)?, run.input(2)?);
        let to = &run.output(0)?.dims[..];
        let which_of = which.values::<bool>()?;
        let places = Places::broadcast(which.dims(), to)
            .zip(Places::broadcast(one.dims(), to))
            .zip(Places::broadcast(other.dims(), to));
        let data = alike!(one.data(), v => {
            let w = like(v, other)?;
            places.map(|((at, a), b)| if which_of[at] { v[a].to_owned() } else { w[b].to_owned() }).collect()
        });
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let which = cx.input(0)?;
        let zero = cx.builder.float(flow, 0.0)?;
        if cx.wants(1) {
            let gradient = cx.builder.apply(names::WHERE, &[which, flow, zero])?;
            cx.give_unbroadcast(1, gradient)?;
        }
        if cx.wants(2) {
            let gradient = cx.builder.apply(names::WHERE, &[which, zero, flow])?;
            cx.give_unbroadcast(2, gradient)?;
        }
        Ok(())
    }),
)
.moves();
