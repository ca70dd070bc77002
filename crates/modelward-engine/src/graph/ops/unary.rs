//! Functions of one number: `Abs`, `Neg`, `Sign`, `Exp`, `Log`, `Sqrt`, `Reciprocal`, `Erf`,
//! `Sigmoid`, `Tanh`.
//!
//! At its kink the slope of `Abs` is 0.
//!
//! Source: the ONNX operators of these names.

use crate::{
    Data, Result, Tensor,
    grad::Gradient,
    graph::{
        Grad, Operator, Run, names,
        ops::elementwise::{alone, chain, floats, map},
    },
};

pub(super) const OPS: &[&Operator] =
    &[&ABS, &NEG, &SIGN, &EXP, &LOG, &SQRT, &RECIPROCAL, &ERF, &SIGMOID, &TANH];

static ABS: Operator = Operator::new(
    "Abs",
    &[6, 13],
    alone,
    |run| {
        let x = run.input(0)?;
        let data: Data = match x.data() {
            Data::I8(v) => v.iter().map(|v| v.wrapping_abs()).collect::<Vec<_>>().into(),
            Data::I16(v) => v.iter().map(|v| v.wrapping_abs()).collect::<Vec<_>>().into(),
            Data::I32(v) => v.iter().map(|v| v.wrapping_abs()).collect::<Vec<_>>().into(),
            Data::I64(v) => v.iter().map(|v| v.wrapping_abs()).collect::<Vec<_>>().into(),
            Data::U8(_) | Data::U16(_) | Data::U32(_) | Data::U64(_) => x.data().clone(),
            _ => return map(run, f32::abs, f64::abs),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| chain(cx, |b, x, _| b.apply(names::SIGN, &[x]))),
);

static NEG: Operator = Operator::new(
    "Neg",
    &[6, 13],
    alone,
    |run| {
        let x = run.input(0)?;
        let data: Data = match x.data() {
            Data::I8(v) => v.iter().map(|v| v.wrapping_neg()).collect::<Vec<_>>().into(),
            Data::I16(v) => v.iter().map(|v| v.wrapping_neg()).collect::<Vec<_>>().into(),
            Data::I32(v) => v.iter().map(|v| v.wrapping_neg()).collect::<Vec<_>>().into(),
            Data::I64(v) => v.iter().map(|v| v.wrapping_neg()).collect::<Vec<_>>().into(),
            _ => return map(run, |x| -x, |x| -x),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let gradient = cx.builder.apply(names::NEG, &[flow])?;
        cx.give(0, gradient)
    }),
);

/// -1, 0 or 1; a float that is 0 or NaN stays what it is.
static SIGN: Operator = Operator::new(
    "Sign",
    &[9, 13],
    alone,
    |run| {
        let x = run.input(0)?;
        let data: Data = match x.data() {
            Data::I8(v) => v.iter().map(|v| v.signum()).collect::<Vec<_>>().into(),
            Data::I16(v) => v.iter().map(|v| v.signum()).collect::<Vec<_>>().into(),
            Data::I32(v) => v.iter().map(|v| v.signum()).collect::<Vec<_>>().into(),
            Data::I64(v) => v.iter().map(|v| v.signum()).collect::<Vec<_>>().into(),
            Data::U8(v) => v.iter().map(|&v| v.min(1)).collect::<Vec<_>>().into(),
            Data::U16(v) => v.iter().map(|&v| v.min(1)).collect::<Vec<_>>().into(),
            Data::U32(v) => v.iter().map(|&v| v.min(1)).collect::<Vec<_>>().into(),
            Data::U64(v) => v.iter().map(|&v| v.min(1)).collect::<Vec<_>>().into(),
            _ => {
                return map(
                    run,
                    |x| if x == 0.0 || x.is_nan() { x } else { x.signum() },
                    |x| if x == 0.0 || x.is_nan() { x } else { x.signum() },
                );
            }
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Zero("it is constant but for a step"),
)
.straight_through(|cx| {
    // It passes where the input lies within -1 and 1: Hubara et al. 2016, "Binarized neural
    // networks", equation 4.
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let x = cx.input(0)?;
    let magnitude = cx.builder.apply(names::ABS, &[x])?;
    let one = cx.builder.float(x, 1.0)?;
    let inside = cx.builder.apply(names::LESS_OR_EQUAL, &[magnitude, one])?;
    let zero = cx.builder.float(x, 0.0)?;
    let kept = cx.builder.apply(names::WHERE, &[inside, flow, zero])?;
    cx.give(0, kept)
});

static EXP: Operator =
    float("Exp", &[6, 13], |run| map(run, f32::exp, f64::exp), |cx| chain(cx, |_, _, y| Ok(y)));

static LOG: Operator = float(
    "Log",
    &[6, 13],
    |run| map(run, f32::ln, f64::ln),
    |cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let gradient = cx.builder.apply(names::DIV, &[flow, cx.input(0)?])?;
        cx.give(0, gradient)
    },
);

static SQRT: Operator = float(
    "Sqrt",
    &[6, 13],
    |run| map(run, f32::sqrt, f64::sqrt),
    |cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let y = cx.output(0)?;
        let twice = cx.builder.add(y, y)?;
        let gradient = cx.builder.apply(names::DIV, &[flow, twice])?;
        cx.give(0, gradient)
    },
);

static RECIPROCAL: Operator = float(
    "Reciprocal",
    &[6, 13],
    |run| map(run, |x| 1.0 / x, |x| 1.0 / x),
    |cx| {
        chain(cx, |b, _, y| {
            let square = b.mul(y, y)?;
            b.apply(names::NEG, &[square])
        })
    },
);

static ERF: Operator = float(
    "Erf",
    &[9, 13],
    |run| floats(run, libm::erf),
    |cx| {
        chain(cx, |b, x, _| {
            let square = b.mul(x, x)?;
            let negative = b.apply(names::NEG, &[square])?;
            let bell = b.apply(names::EXP, &[negative])?;
            let scale = b.float(x, std::f64::consts::FRAC_2_SQRT_PI)?;
            b.mul(bell, scale)
        })
    },
);

pub(crate) static SIGMOID: Operator = float(
    "Sigmoid",
    &[6, 13],
    |run| map(run, |x| 1.0 / (1.0 + (-x).exp()), |x| 1.0 / (1.0 + (-x).exp())),
    |cx| {
        chain(cx, |b, _, y| {
            let one = b.float(y, 1.0)?;
            let rest = b.apply(names::SUB, &[one, y])?;
            b.mul(y, rest)
        })
    },
);

static TANH: Operator = float(
    "Tanh",
    &[6, 13],
    |run| map(run, f32::tanh, f64::tanh),
    |cx| {
        chain(cx, |b, _, y| {
            let one = b.float(y, 1.0)?;
            let square = b.mul(y, y)?;
            b.apply(names::SUB, &[one, square])
        })
    },
);

/// A function of floats alone.
pub(super) const fn float(
    name: &'static str,
    since: &'static [i64],
    run: fn(&Run<'_>) -> Result<Vec<Tensor>>,
    grad: fn(&mut Gradient<'_, '_>) -> Result<()>,
) -> Operator {
    Operator::new(name, since, alone, run, Grad::Rule(grad))
}
