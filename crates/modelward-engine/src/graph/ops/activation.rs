//! Activations: `Softplus`, `Softsign`, `Mish`, `Elu`, `Selu`, `Celu`, `HardSigmoid`, `HardSwish`,
//! `Swish`, `Gelu`, `ThresholdedRelu`, `Shrink`.
//!
//! At their kinks: `Elu`, `Selu` and `Celu` have at 0 the slope of their lower branch;
//! `HardSigmoid` and `HardSwish` have at the ends of the ramp the slope outside of it;
//! `ThresholdedRelu` and `Shrink` have at the threshold the slope 0.
//!
//! Source: the ONNX operators of these names; Hendrycks and Gimpel 2016, "Gaussian error linear
//! units"; Misra 2019, "Mish", equation 1; Barron 2017, "Continuously differentiable exponential
//! linear units", equation 2.

use crate::{
    Data, Result,
    grad::Builder,
    graph::{
        Attributes, Grad, Operator, ValueId, names,
        ops::{
            elementwise::{alone, chain, floats},
            unary::float,
        },
    },
};

pub(super) const OPS: &[&Operator] = &[
    &SOFTPLUS,
    &SOFTSIGN,
    &MISH,
    &ELU,
    &SELU,
    &CELU,
    &HARD_SIGMOID,
    &HARD_SWISH,
    &SWISH,
    &GELU,
    &THRESHOLDED_RELU,
    &SHRINK,
];

static SOFTPLUS: Operator = float(
    "Softplus",
    &[1, 22],
    |run| floats(run, softplus),
    |cx| chain(cx, |b, x, _| b.apply(names::SIGMOID, &[x])),
);

static SOFTSIGN: Operator = float(
    "Softsign",
    &[1, 22],
    |run| floats(run, |x| x / (1.0 + x.abs())),
    |cx| {
        chain(cx, |b, x, _| {
            let (magnitude, one) = (b.apply(names::ABS, &[x])?, b.float(x, 1.0)?);
            let divisor = b.add(magnitude, one)?;
            let share = b.apply(names::DIV, &[one, divisor])?;
            b.mul(share, share)
        })
    },
);

static MISH: Operator = float(
    "Mish",
    &[18, 22],
    |run| floats(run, |x| x * softplus(x).tanh()),
    |cx| {
        chain(cx, |b, x, _| {
            // t + x (1 - t^2) sigmoid(x), where t is the gate.
            let soft = b.apply(names::SOFTPLUS, &[x])?;
            let gate = b.apply(names::TANH, &[soft])?;
            let (square, one) = (b.mul(gate, gate)?, b.float(x, 1.0)?);
            let rest = b.apply(names::SUB, &[one, square])?;
            let share = b.apply(names::SIGMOID, &[x])?;
            let slope = b.mul(rest, share)?;
            let slope = b.mul(slope, x)?;
            b.add(gate, slope)
        })
    },
);

static ELU: Operator = float(
    "Elu",
    &[6, 22],
    |run| {
        let alpha = number(run.attributes(), "alpha", 1.0)?;
        floats(run, |x| if x > 0.0 { x } else { alpha * x.exp_m1() })
    },
    |cx| {
        let alpha = number(&cx.node.attributes, "alpha", 1.0)?;
        chain(cx, |b, x, y| {
            // Below 0 it is alpha exp(x), which is the output plus alpha.
            let (alpha, one) = (b.float(x, alpha)?, b.float(x, 1.0)?);
            let below = b.add(y, alpha)?;
            choose(b, x, 0.0, one, below)
        })
    },
);

static SELU: Operator = float(
    "Selu",
    &[6, 22],
    |run| {
        let (alpha, gamma) = scales(run.attributes())?;
        floats(run, |x| gamma * if x > 0.0 { x } else { alpha * x.exp_m1() })
    },
    |cx| {
        let (alpha, gamma) = scales(&cx.node.attributes)?;
        chain(cx, |b, x, y| {
            let (lowest, above) = (b.float(x, alpha * gamma)?, b.float(x, gamma)?);
            let below = b.add(y, lowest)?;
            choose(b, x, 0.0, above, below)
        })
    },
);

static CELU: Operator = float(
    "Celu",
    &[12, 28],
    |run| {
        let alpha = number(run.attributes(), "alpha", 1.0)?;
        floats(run, |x| {
            // NaN passes through both branches.
            let above = if x < 0.0 { 0.0 } else { x };
            let below = alpha * (x / alpha).exp_m1();
            above + if below > 0.0 { 0.0 } else { below }
        })
    },
    |cx| {
        let alpha = number(&cx.node.attributes, "alpha", 1.0)?;
        chain(cx, |b, x, y| {
            let (alpha, one) = (b.float(x, alpha)?, b.float(x, 1.0)?);
            let share = b.apply(names::DIV, &[y, alpha])?;
            let below = b.add(share, one)?;
            choose(b, x, 0.0, one, below)
        })
    },
);

static HARD_SIGMOID: Operator = float(
    "HardSigmoid",
    &[6, 22],
    |run| {
        let (alpha, beta) = ramp(run.attributes())?;
        floats(run, |x| within(alpha * x + beta))
    },
    |cx| {
        let (alpha, _) = ramp(&cx.node.attributes)?;
        chain(cx, |b, _, y| {
            let (slope, zero) = (b.float(y, alpha)?, b.float(y, 0.0)?);
            let above = choose(b, y, 0.0, slope, zero)?;
            let one = b.float(y, 1.0)?;
            let below = b.apply(names::GREATER, &[one, y])?;
            b.apply(names::WHERE, &[below, above, zero])
        })
    },
);

static HARD_SWISH: Operator = float(
    "HardSwish",
    &[14, 22],
    |run| floats(run, |x| x * within(x / 6.0 + 0.5)),
    |cx| {
        chain(cx, |b, x, _| {
            let (third, half) = (b.float(x, 1.0 / 3.0)?, b.float(x, 0.5)?);
            let ramp = b.mul(x, third)?;
            let ramp = b.add(ramp, half)?;
            let (one, zero, three) = (b.float(x, 1.0)?, b.float(x, 0.0)?, b.float(x, 3.0)?);
            let below = b.apply(names::GREATER, &[three, x])?;
            let slope = b.apply(names::WHERE, &[below, ramp, one])?;
            choose(b, x, -3.0, slope, zero)
        })
    },
);

static SWISH: Operator = float(
    "Swish",
    &[24],
    |run| {
        let alpha = number(run.attributes(), "alpha", 1.0)?;
        floats(run, |x| swish(x, alpha))
    },
    |cx| {
        let alpha = number(&cx.node.attributes, "alpha", 1.0)?;
        chain(cx, |b, x, _| Ok(swish_and_slope(b, x, alpha)?.1))
    },
);

pub(super) fn swish(x: f64, alpha: f64) -> f64 {
    x / (1.0 + (-alpha * x).exp())
}

/// `x sigmoid(alpha x)`, and its derivative.
pub(super) fn swish_and_slope(
    b: &mut Builder<'_>,
    x: ValueId,
    alpha: f64,
) -> Result<(ValueId, ValueId)> {
    let (alpha, one) = (b.float(x, alpha)?, b.float(x, 1.0)?);
    let scaled = b.mul(x, alpha)?;
    let gate = b.apply(names::SIGMOID, &[scaled])?;
    let swish = b.mul(x, gate)?;
    let rest = b.apply(names::SUB, &[one, gate])?;
    let bend = b.mul(scaled, rest)?;
    let bend = b.add(bend, one)?;
    Ok((swish, b.mul(gate, bend)?))
}

/// `x` times the share of a normal distribution that lies below `x`, or an approximation of it.
static GELU: Operator = float(
    "Gelu",
    &[20],
    |run| {
        if approximate(run.attributes())? {
            floats(run, |x| 0.5 * x * (1.0 + (ROOT_2_PI * (x + CUBE * x * x * x)).tanh()))
        } else {
            floats(run, |x| 0.5 * x * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2))
        }
    },
    |cx| {
        let approximate = approximate(&cx.node.attributes)?;
        chain(cx, |b, x, _| if approximate { gelu_slope_tanh(b, x) } else { gelu_slope(b, x) })
    },
);

/// The square root of 2 / pi, and the weight of the cube: the approximation by `tanh`.
const ROOT_2_PI: f64 = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;
const CUBE: f64 = 0.044_715;

fn approximate(attributes: &Attributes) -> Result<bool> {
    match attributes.text_or("approximate", "none")? {
        "none" => Ok(false),
        "tanh" => Ok(true),
        other => {
            let other = crate::graph::shorten(other);
            let why = format!("expected `none` or `tanh` in `approximate`, got `{other}`");
            Err(crate::Trouble::graph(why))
        }
    }
}

/// `Phi(x) + x phi(x)`.
fn gelu_slope(b: &mut Builder<'_>, x: ValueId) -> Result<ValueId> {
    let (half, one) = (b.float(x, 0.5)?, b.float(x, 1.0)?);
    let root = b.float(x, std::f64::consts::FRAC_1_SQRT_2)?;
    let scaled = b.mul(x, root)?;
    let error = b.apply(names::ERF, &[scaled])?;
    let share = b.add(error, one)?;
    let share = b.mul(share, half)?;
    let square = b.mul(scaled, scaled)?;
    let negative = b.apply(names::NEG, &[square])?;
    let bell = b.apply(names::EXP, &[negative])?;
    // 1 / sqrt(2 pi).
    let height = b.float(x, 0.5 * ROOT_2_PI)?;
    let density = b.mul(bell, height)?;
    let bend = b.mul(x, density)?;
    b.add(share, bend)
}

/// `(1 + t + x (1 - t^2) u') / 2`, where `t` is the `tanh` of `u`.
fn gelu_slope_tanh(b: &mut Builder<'_>, x: ValueId) -> Result<ValueId> {
    let (half, one) = (b.float(x, 0.5)?, b.float(x, 1.0)?);
    let square = b.mul(x, x)?;
    let cube = b.float(x, ROOT_2_PI * CUBE)?;
    let root = b.float(x, ROOT_2_PI)?;
    let curve = b.mul(square, cube)?;
    let inner = b.add(curve, root)?;
    let inner = b.mul(inner, x)?;
    let gate = b.apply(names::TANH, &[inner])?;
    let three = b.float(x, 3.0)?;
    let inner_slope = b.mul(curve, three)?;
    let inner_slope = b.add(inner_slope, root)?;
    let gate_square = b.mul(gate, gate)?;
    let rest = b.apply(names::SUB, &[one, gate_square])?;
    let bend = b.mul(rest, inner_slope)?;
    let bend = b.mul(bend, x)?;
    let sum = b.add(gate, one)?;
    let sum = b.add(sum, bend)?;
    b.mul(sum, half)
}

static THRESHOLDED_RELU: Operator = float(
    "ThresholdedRelu",
    &[10, 22],
    |run| {
        let alpha = number(run.attributes(), "alpha", 1.0)?;
        floats(run, |x| if x > alpha { x } else { 0.0 })
    },
    |cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let alpha = number(&cx.node.attributes, "alpha", 1.0)?;
        let x = cx.input(0)?;
        let zero = cx.builder.float(x, 0.0)?;
        let gradient = choose(cx.builder, x, alpha, flow, zero)?;
        cx.give(0, gradient)
    },
);

/// Numbers of any type, computed as floats.
static SHRINK: Operator = Operator::new(
    "Shrink",
    &[9],
    alone,
    |run| {
        let (bias, edge) = shrinkage(run.attributes())?;
        let of = |x: f64| match x {
            x if x < -edge => x + bias,
            x if x > edge => x - bias,
            _ => 0.0,
        };
        let x = run.input(0)?;
        macro_rules! whole {
            ($v:expr, $kind:ty) => {
                $v.iter().map(|&x| of(x as f64) as $kind).collect::<Vec<_>>().into()
            };
        }
        let data: Data = match x.data() {
            Data::I8(v) => whole!(v, i8),
            Data::I16(v) => whole!(v, i16),
            Data::I32(v) => whole!(v, i32),
            Data::I64(v) => whole!(v, i64),
            Data::U8(v) => whole!(v, u8),
            Data::U16(v) => whole!(v, u16),
            Data::U32(v) => whole!(v, u32),
            Data::U64(v) => whole!(v, u64),
            _ => return floats(run, of),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (_, edge) = shrinkage(&cx.node.attributes)?;
        let x = cx.input(0)?;
        let zero = cx.builder.float(x, 0.0)?;
        let (lowest, highest) = (cx.builder.float(x, -edge)?, cx.builder.float(x, edge)?);
        let below = cx.builder.apply(names::GREATER, &[lowest, x])?;
        let kept = cx.builder.apply(names::WHERE, &[below, flow, zero])?;
        let above = cx.builder.apply(names::GREATER, &[x, highest])?;
        let gradient = cx.builder.apply(names::WHERE, &[above, flow, kept])?;
        cx.give(0, gradient)
    }),
);

/// One value where `x` lies above an edge, another elsewhere.
fn choose(
    b: &mut Builder<'_>,
    x: ValueId,
    edge: f64,
    above: ValueId,
    otherwise: ValueId,
) -> Result<ValueId> {
    let edge = b.float(x, edge)?;
    let is_above = b.apply(names::GREATER, &[x, edge])?;
    b.apply(names::WHERE, &[is_above, above, otherwise])
}

/// Its logarithm does not overflow where the exponential would.
fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// Between 0 and 1; NaN stays.
fn within(x: f64) -> f64 {
    x.clamp(0.0, 1.0)
}

fn number(attributes: &Attributes, name: &str, default: f32) -> Result<f64> {
    attributes.float_or(name, default).map(f64::from)
}

fn scales(attributes: &Attributes) -> Result<(f64, f64)> {
    Ok((number(attributes, "alpha", 1.673_263_2)?, number(attributes, "gamma", 1.050_701)?))
}

fn ramp(attributes: &Attributes) -> Result<(f64, f64)> {
    Ok((number(attributes, "alpha", 0.2)?, number(attributes, "beta", 0.5)?))
}

fn shrinkage(attributes: &Attributes) -> Result<(f64, f64)> {
    Ok((number(attributes, "bias", 0.0)?, number(attributes, "lambd", 0.5)?))
}
