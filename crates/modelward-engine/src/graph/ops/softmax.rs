//! `Softmax`, `LogSoftmax`: numbers along an axis as shares of their exponentials.
//!
//! Before set 13 the input was taken for a matrix, split at `axis`.
//!
//! Source: ONNX `Softmax` and `LogSoftmax`, sets 1, 11 and 13.

use crate::{
    Data, Result, Tensor,
    graph::{
        Attributes, Grad, Operator, Run, axis_of, names,
        ops::elementwise::{alone, of_type},
    },
    onnx::Import,
};

pub(super) const OPS: &[&Operator] = &[&SOFTMAX, &LOG_SOFTMAX];

pub(crate) static SOFTMAX: Operator = Operator::new(
    "Softmax",
    &[1, 11, 13],
    alone,
    |run| rows(run, false),
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let y = cx.output(0)?;
        let axis = axis_of(cx.node.attributes.int_or("axis", -1)?, cx.builder.rank(y)?)?;
        let axis = cx.builder.ints(vec![axis as i64]);
        let weighted = cx.builder.mul(flow, y)?;
        let total = cx.builder.apply(names::REDUCE_SUM, &[weighted, axis])?;
        let rest = cx.builder.apply(names::SUB, &[flow, total])?;
        let gradient = cx.builder.mul(y, rest)?;
        cx.give(0, gradient)
    }),
)
.import(flatten);

static LOG_SOFTMAX: Operator = Operator::new(
    "LogSoftmax",
    &[1, 11, 13],
    alone,
    |run| rows(run, true),
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let axis = axis_of(cx.node.attributes.int_or("axis", -1)?, cx.builder.rank(y)?)?;
        let along = Attributes::new().with("axis", axis as i64);
        let axis = cx.builder.ints(vec![axis as i64]);
        let total = cx.builder.apply(names::REDUCE_SUM, &[flow, axis])?;
        let shares = cx.builder.apply_with(names::SOFTMAX, &[x], along)?;
        let spread = cx.builder.mul(shares, total)?;
        let gradient = cx.builder.apply(names::SUB, &[flow, spread])?;
        cx.give(0, gradient)
    }),
)
.import(flatten);

/// Before set 13: a matrix, split at `axis`.
pub(super) fn flatten(import: &mut Import<'_>) -> Result<()> {
    if import.version >= 13 {
        return Ok(());
    }
    let axis = import.attributes.int_or("axis", 1)?;
    let x = import.input(0)?;
    let shape = import.before(names::SHAPE, vec![Some(x)], Attributes::new())?;
    let axis = Attributes::new().with("axis", axis);
    let matrix = import.before(names::FLATTEN, vec![Some(x)], axis)?;
    import.set_input(0, matrix);
    import.attributes.set("axis", 1);
    import.after(0, names::RESHAPE, &[shape], Attributes::new().with("allowzero", 1))?;
    Ok(())
}

fn rows(run: &Run<'_>, log: bool) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let axis = axis_of(run.attributes().int_or("axis", -1)?, x.dims().len())?;
    let size = x.dims()[axis];
    let inner = x.dims()[axis + 1..].iter().product::<usize>();
    macro_rules! shares {
        ($v:expr, $kind:ty) => {{
            let mut out = $v.clone();
            let outer = if size == 0 { 0 } else { out.len() / size };
            for row in 0..outer {
                let start = row / inner * size * inner + row % inner;
                let places = || (0..size).map(|at| start + at * inner);
                let most = places()
                    .map(|at| out[at])
                    .fold(<$kind>::NEG_INFINITY, |a, b| if a > b { a } else { b });
                // A row of -inf alone has no shares: NaN, as the definition says.
                let mut total = 0.0;
                for at in places() {
                    out[at] -= most;
                    total += out[at].exp();
                }
                for at in places() {
                    out[at] = if log { out[at] - total.ln() } else { out[at].exp() / total };
                }
            }
            out.into()
        }};
    }
    let data: Data = match x.data() {
        Data::F32(v) => shares!(v, f32),
        Data::F64(v) => shares!(v, f64),
        _ => return Err(of_type(x)),
    };
    Ok(vec![run.shaped(0, data)?])
}
