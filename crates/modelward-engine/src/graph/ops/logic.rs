//! `And`, `Or`, `Xor`, `Not`: truth values, with broadcasting.
//!
//! Source: the ONNX operators of these names, sets 1 and 7.

use crate::{
    Element, Result, Tensor, Trouble, Type,
    graph::{
        Grad, Infer, Operator, Run,
        ops::{
            binary::old_broadcast,
            elementwise::{alone, broadcast_both, of_type, zip},
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&AND, &OR, &XOR, &NOT];

static AND: Operator = logical("And", |run| combine(run, |a, b| a & b));
static OR: Operator = logical("Or", |run| combine(run, |a, b| a | b));
static XOR: Operator = logical("Xor", |run| combine(run, |a, b| a ^ b));

static NOT: Operator = Operator::new(
    "Not",
    &[1],
    truths,
    |run| {
        let x = run.input(0)?.values::<bool>()?;
        Ok(vec![run.shaped(0, x.iter().map(|x| !x).collect::<Vec<_>>())?])
    },
    NO_SLOPE,
);

const NO_SLOPE: Grad = Grad::Zero("a truth value has no slope");

const fn logical(name: &'static str, run: fn(&Run<'_>) -> Result<Vec<Tensor>>) -> Operator {
    Operator::new(name, &[1, 7], truths, run, NO_SLOPE).import(old_broadcast)
}

fn truths(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let types = match cx.node.operator.name {
        "Not" => alone(cx)?,
        _ => broadcast_both(cx)?,
    };
    match &types[..] {
        [kind] if kind.element == Element::Bool => Ok(types),
        _ => Err(Trouble::graph(format!("expected truth values, got {}", cx.element(0)?))),
    }
}

fn combine(run: &Run<'_>, of: fn(bool, bool) -> bool) -> Result<Vec<Tensor>> {
    let (a, b) = (run.input(0)?, run.input(1)?);
    let Ok(v) = a.values::<bool>() else { return Err(of_type(a)) };
    let to = &run.output(0)?.dims[..];
    Ok(vec![run.shaped(0, zip((a.dims(), v), (b.dims(), b.values()?), to, of))?])
}
