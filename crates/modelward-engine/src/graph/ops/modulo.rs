//! `Mod`: what a division leaves, with broadcasting.
//!
//! With `fmod` the result has the sign of the dividend, without it that of the divisor. A division
//! of whole numbers by 0 is refused. The gradient takes the quotient for a constant.
//!
//! Source: ONNX `Mod`, sets 10, 13 and 28.

use crate::{
    Data, Result, Tensor, Trouble,
    graph::{
        Grad, Operator, Run, names,
        ops::elementwise::{broadcast_both, of_type, zip},
    },
};

pub(super) const OPS: &[&Operator] = &[&MOD];

static MOD: Operator = Operator::new(
    "Mod",
    &[10, 13, 28],
    broadcast_both,
    run,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        cx.give_unbroadcast(0, flow)?;
        if cx.wants(1) {
            // The quotient is (y - a) / b, with its sign turned.
            let (a, b, y) = (cx.input(0)?, cx.input(1)?, cx.output(0)?);
            let less = cx.builder.apply(names::SUB, &[y, a])?;
            let quotient = cx.builder.apply(names::DIV, &[less, b])?;
            let gradient = cx.builder.mul(flow, quotient)?;
            cx.give_unbroadcast(1, gradient)?;
        }
        Ok(())
    }),
);

fn run(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (a, b) = (run.input(0)?, run.input(1)?);
    let to = &run.output(0)?.dims[..];
    let of_dividend = run.attributes().flag("fmod")?;
    macro_rules! float {
        ($v:expr, $kind:ty) => {{
            let of = |a: $kind, b: $kind| {
                let rest = a % b;
                if of_dividend || rest.is_nan() {
                    rest
                } else if rest == 0.0 {
                    (0.0 as $kind).copysign(b)
                } else if (rest < 0.0) == (b < 0.0) {
                    rest
                } else {
                    rest + b
                }
            };
            zip((a.dims(), $v), (b.dims(), b.values()?), to, of).into()
        }};
    }
    macro_rules! whole {
        ($v:expr, $kind:ty) => {{
            let divisors = b.values::<$kind>()?;
            if divisors.contains(&0) && !to.contains(&0) {
                return Err(Trouble::graph("a whole number is divided by 0"));
            }
            #[allow(unused_comparisons, reason = "of unsigned numbers too")]
            let of = |a: $kind, b: $kind| {
                let rest = a.wrapping_rem(b);
                let turned = rest != 0 && (rest < 0) != (b < 0);
                if turned && !of_dividend { rest.wrapping_add(b) } else { rest }
            };
            zip((a.dims(), $v), (b.dims(), divisors), to, of).into()
        }};
    }
    let data: Data = match a.data() {
        Data::F32(v) => float!(v, f32),
        Data::F64(v) => float!(v, f64),
        Data::I8(v) => whole!(v, i8),
        Data::I16(v) => whole!(v, i16),
        Data::I32(v) => whole!(v, i32),
        Data::I64(v) => whole!(v, i64),
        Data::U8(v) => whole!(v, u8),
        Data::U16(v) => whole!(v, u16),
        Data::U32(v) => whole!(v, u32),
        Data::U64(v) => whole!(v, u64),
        _ => return Err(of_type(a)),
    };
    Ok(vec![run.shaped(0, data)?])
}
