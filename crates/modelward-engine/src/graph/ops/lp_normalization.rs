//! `LpNormalization`: elements divided by their norm along an axis, of order 1 or 2.
//!
//! Where the norm is 0 the output is 0, and so is the gradient.
//!
//! Source: ONNX `LpNormalization`, sets 1 and 22.

use crate::{
    Data, Result, Trouble,
    graph::{
        Attributes, Grad, Operator, axis_of, names,
        ops::elementwise::{of_type, same},
    },
};

pub(super) const OPS: &[&Operator] = &[&LP_NORMALIZATION];

static LP_NORMALIZATION: Operator = Operator::new(
    "LpNormalization",
    &[1, 22],
    |cx| {
        cx.axis(cx.attributes().int_or("axis", -1)?, cx.dims(0)?.len())?;
        squares(cx.attributes())?;
        same(cx)
    },
    |run| {
        let x = run.input(0)?;
        let squares = squares(run.attributes())?;
        let axis = axis_of(run.attributes().int_or("axis", -1)?, x.dims().len())?;
        let (size, inner) = (x.dims()[axis], x.dims()[axis + 1..].iter().product::<usize>());
        macro_rules! divide {
            ($v:expr, $kind:ty) => {{
                let mut out = $v.clone();
                let rows = if size == 0 { 0 } else { out.len() / size };
                for row in 0..rows {
                    let start = row / inner * size * inner + row % inner;
                    let places = || (0..size).map(|index| start + index * inner);
                    let norm = if squares {
                        places().map(|at| out[at] * out[at]).sum::<$kind>().sqrt()
                    } else {
                        places().map(|at| out[at].abs()).sum::<$kind>()
                    };
                    for at in places() {
                        out[at] = if norm == 0.0 { 0.0 } else { out[at] / norm };
                    }
                }
                out.into()
            }};
        }
        let data: Data = match x.data() {
            Data::F32(v) => divide!(v, f32),
            Data::F64(v) => divide!(v, f64),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let squares = squares(&cx.node.attributes)?;
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let axis = axis_of(cx.node.attributes.int_or("axis", -1)?, cx.builder.rank(x)?)?;
        let axis = cx.builder.ints(vec![axis as i64]);
        let b = &mut *cx.builder;
        let (norm, slope) = match squares {
            true => (b.apply(names::REDUCE_L2, &[x, axis])?, y),
            false => (b.apply(names::REDUCE_L1, &[x, axis])?, b.apply(names::SIGN, &[x])?),
        };
        let weighted = b.mul(flow, y)?;
        let total = b.apply(names::REDUCE_SUM, &[weighted, axis])?;
        let spread = b.mul(slope, total)?;
        let rest = b.apply(names::SUB, &[flow, spread])?;
        let (zero, one) = (b.float(x, 0.0)?, b.float(x, 1.0)?);
        let positive = b.apply(names::GREATER, &[norm, zero])?;
        let divisor = b.apply(names::WHERE, &[positive, norm, one])?;
        let scaled = b.apply(names::DIV, &[rest, divisor])?;
        let gradient = b.apply(names::WHERE, &[positive, scaled, zero])?;
        cx.give(0, gradient)
    }),
)
.flop(|cx, _| Ok((cx.kind(0)?.count()? as u64).saturating_mul(3)));

/// Whether the norm is that of squares.
fn squares(attributes: &Attributes) -> Result<bool> {
    match attributes.int_or("p", 2)? {
        1 => Ok(false),
        2 => Ok(true),
        other => Err(Trouble::graph(format!("expected a norm of order 1 or 2, got {other}"))),
    }
}
