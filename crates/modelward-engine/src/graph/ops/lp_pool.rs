//! `LpPool`, `GlobalLpPool`: the `p`-norm of each window, or of each channel.
//!
//! Padding counts as 0. Where a norm is 0 it has a kink: its gradient there is 0.
//!
//! Source: ONNX `LpPool`, sets 2 to 22, and `GlobalLpPool`, sets 2 and 22.

use crate::{
    Data, Result, Trouble, Type,
    grad::{Builder, Gradient},
    graph::{
        Attributes, Grad, Operator, ValueId, names,
        ops::{
            elementwise::of_type,
            global_pool::{global_flop, global_type, planes},
            pool::{Pool, flop},
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&LP_POOL, &GLOBAL_LP_POOL];

/// Norms: the `p`-th root of the sum of `p`-th powers.
static LP_POOL: Operator = Operator::new(
    "LpPool",
    &[2, 11, 18, 22],
    |cx| {
        let pool = Pool::of(cx.attributes(), cx.dims(0)?)?;
        power(cx.attributes())?;
        Ok(vec![Type::new(cx.element(0)?, pool.output_dims(cx.dims(0)?))])
    },
    |run| {
        let x = run.input(0)?;
        let pool = Pool::of(run.attributes(), x.dims())?;
        let p = power(run.attributes())?;
        macro_rules! norm {
            ($v:expr, $kind:ty) => {{
                let mut out = vec![<$kind>::default(); pool.outputs()];
                pool.windows(|at, window| {
                    let powers = window.cells().map(|cell| $v[cell].abs().powi(p));
                    out[at] = powers.sum::<$kind>().powf(1.0 / p as $kind);
                });
                out.into()
            }};
        }
        let data: Data = match x.data() {
            Data::F32(v) => norm!(v, f32),
            Data::F64(v) => norm!(v, f64),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let share = norm_share(cx, flow, y)?;
        let mut attributes = cx.node.attributes.clone();
        attributes.take("p");
        let attributes = attributes.with("sum", 1);
        let spread = cx.builder.apply_with(names::AVERAGE_POOL_GRAD, &[share, x], attributes)?;
        norm_gradient(cx, spread)
    }),
)
.flop(flop);

static GLOBAL_LP_POOL: Operator = Operator::new(
    "GlobalLpPool",
    &[2, 22],
    |cx| {
        power(cx.attributes())?;
        global_type(cx)
    },
    |run| {
        let x = run.input(0)?;
        let p = power(run.attributes())?;
        macro_rules! norm {
            ($v:expr, $kind:ty) => {
                planes(x, $v, |plane| {
                    plane.iter().map(|x| x.abs().powi(p)).sum::<$kind>().powf(1.0 / p as $kind)
                })
                .into()
            };
        }
        let data: Data = match x.data() {
            Data::F32(v) => norm!(v, f32),
            Data::F64(v) => norm!(v, f64),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let y = cx.output(0)?;
        let share = norm_share(cx, flow, y)?;
        norm_gradient(cx, share)
    }),
)
.flop(global_flop);

/// Which norm it is. Larger powers overflow long before.
fn power(attributes: &Attributes) -> Result<i32> {
    const MOST: i64 = 64;
    let p = attributes.int_or("p", 2)?;
    match i32::try_from(p) {
        Ok(p) if p >= 1 && i64::from(p) <= MOST => Ok(p),
        _ => Err(Trouble::graph(format!("expected a norm of 1 to {MOST}, got {p}"))),
    }
}

/// What flows, over the norm's power: 0 where the norm is 0, at its kink.
fn norm_share(cx: &mut Gradient<'_, '_>, flow: ValueId, y: ValueId) -> Result<ValueId> {
    let p = power(&cx.node.attributes)?;
    let builder = &mut *cx.builder;
    let (zero, one) = (builder.float(y, 0.0)?, builder.float(y, 1.0)?);
    let above = builder.apply(names::GREATER, &[y, zero])?;
    let norm = builder.apply(names::WHERE, &[above, y, one])?;
    let powered = powered(builder, norm, p - 1)?;
    builder.apply(names::DIV, &[flow, powered])
}

/// A norm's gradient from what its windows share out: times the sign and a power of the input.
fn norm_gradient(cx: &mut Gradient<'_, '_>, spread: ValueId) -> Result<()> {
    let p = power(&cx.node.attributes)?;
    let x = cx.input(0)?;
    let builder = &mut *cx.builder;
    let slope = if p == 2 {
        x
    } else {
        let sign = builder.apply(names::SIGN, &[x])?;
        let size = builder.apply(names::ABS, &[x])?;
        let powered = powered(builder, size, p - 1)?;
        builder.mul(sign, powered)?
    };
    let gradient = builder.mul(slope, spread)?;
    cx.give(0, gradient)
}

/// A whole power, by squaring.
fn powered(builder: &mut Builder<'_>, base: ValueId, power: i32) -> Result<ValueId> {
    let mut result = builder.float(base, 1.0)?;
    let (mut square, mut left) = (base, power);
    let mut empty = true;
    while left > 0 {
        if left & 1 == 1 {
            result = if empty { square } else { builder.mul(result, square)? };
            empty = false;
        }
        left >>= 1;
        if left > 0 {
            square = builder.mul(square, square)?;
        }
    }
    Ok(result)
}
