//! `Sin`, `Cos`, `Tan`, `Sinh`, `Cosh` and their inverses.
//!
//! Source: the ONNX operators of these names, sets 7, 9 and 22.

use crate::{
    Result, Tensor,
    grad::{Builder, Gradient},
    graph::{
        Operator, Run, ValueId, names,
        ops::{
            elementwise::{chain, floats},
            unary::float,
        },
    },
};

pub(super) const OPS: &[&Operator] =
    &[&SIN, &COS, &TAN, &ASIN, &ACOS, &ATAN, &SINH, &COSH, &ASINH, &ACOSH, &ATANH];

static SIN: Operator = circular(
    "Sin",
    |run| floats(run, f64::sin),
    |cx| chain(cx, |b, x, _| b.apply(names::COS, &[x])),
);

static COS: Operator = circular(
    "Cos",
    |run| floats(run, f64::cos),
    |cx| {
        chain(cx, |b, x, _| {
            let sine = b.apply(names::SIN, &[x])?;
            b.apply(names::NEG, &[sine])
        })
    },
);

static TAN: Operator = circular(
    "Tan",
    |run| floats(run, f64::tan),
    |cx| {
        chain(cx, |b, _, y| {
            let square = b.mul(y, y)?;
            let one = b.float(y, 1.0)?;
            b.add(square, one)
        })
    },
);

static ASIN: Operator = circular(
    "Asin",
    |run| floats(run, f64::asin),
    |cx| over(cx, |b, x| root(b, x, Root::OneMinusSquare)),
);

static ACOS: Operator = circular(
    "Acos",
    |run| floats(run, f64::acos),
    |cx| {
        over(cx, |b, x| {
            let root = root(b, x, Root::OneMinusSquare)?;
            b.apply(names::NEG, &[root])
        })
    },
);

static ATAN: Operator = circular(
    "Atan",
    |run| floats(run, f64::atan),
    |cx| {
        over(cx, |b, x| {
            let (square, one) = (b.mul(x, x)?, b.float(x, 1.0)?);
            b.add(square, one)
        })
    },
);

static SINH: Operator = hyperbolic(
    "Sinh",
    |run| floats(run, f64::sinh),
    |cx| chain(cx, |b, x, _| b.apply(names::COSH, &[x])),
);

static COSH: Operator = hyperbolic(
    "Cosh",
    |run| floats(run, f64::cosh),
    |cx| chain(cx, |b, x, _| b.apply(names::SINH, &[x])),
);

static ASINH: Operator = hyperbolic(
    "Asinh",
    |run| floats(run, libm::asinh),
    |cx| over(cx, |b, x| root(b, x, Root::SquarePlusOne)),
);

static ACOSH: Operator = hyperbolic(
    "Acosh",
    |run| floats(run, libm::acosh),
    |cx| over(cx, |b, x| root(b, x, Root::SquareMinusOne)),
);

static ATANH: Operator = hyperbolic(
    "Atanh",
    |run| floats(run, libm::atanh),
    |cx| {
        over(cx, |b, x| {
            let (square, one) = (b.mul(x, x)?, b.float(x, 1.0)?);
            b.apply(names::SUB, &[one, square])
        })
    },
);

const fn circular(
    name: &'static str,
    run: fn(&Run<'_>) -> Result<Vec<Tensor>>,
    grad: fn(&mut Gradient<'_, '_>) -> Result<()>,
) -> Operator {
    float(name, &[7, 22], run, grad)
}

const fn hyperbolic(
    name: &'static str,
    run: fn(&Run<'_>) -> Result<Vec<Tensor>>,
    grad: fn(&mut Gradient<'_, '_>) -> Result<()>,
) -> Operator {
    float(name, &[9, 22], run, grad)
}

/// What flows, divided by what `of` writes from the input.
fn over(
    cx: &mut Gradient<'_, '_>,
    of: fn(&mut Builder<'_>, ValueId) -> Result<ValueId>,
) -> Result<()> {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let divisor = of(cx.builder, cx.input(0)?)?;
    let gradient = cx.builder.apply(names::DIV, &[flow, divisor])?;
    cx.give(0, gradient)
}

/// What stands under a root.
#[derive(Clone, Copy)]
enum Root {
    OneMinusSquare,
    SquarePlusOne,
    SquareMinusOne,
}

fn root(b: &mut Builder<'_>, x: ValueId, of: Root) -> Result<ValueId> {
    let (square, one) = (b.mul(x, x)?, b.float(x, 1.0)?);
    let under = match of {
        Root::OneMinusSquare => b.apply(names::SUB, &[one, square])?,
        Root::SquarePlusOne => b.add(square, one)?,
        Root::SquareMinusOne => b.apply(names::SUB, &[square, one])?,
    };
    b.apply(names::SQRT, &[under])
}
