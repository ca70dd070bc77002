//! `MeanVarianceNormalization`: elements less their mean, divided by their standard deviation,
//! which 1e-9 keeps from 0.
//!
//! Source: ONNX `MeanVarianceNormalization`, sets 9 and 13.

use crate::{
    Data, Result,
    grad::Builder,
    graph::{
        Attributes, Grad, Operator, ValueId, axis_of, names,
        ops::{
            elementwise::{of_type, same},
            reduce::groups,
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&MEAN_VARIANCE_NORMALIZATION];

static MEAN_VARIANCE_NORMALIZATION: Operator = Operator::new(
    "MeanVarianceNormalization",
    &[9, 13],
    |cx| {
        axes(cx.attributes(), cx.dims(0)?.len())?;
        same(cx)
    },
    |run| {
        let x = run.input(0)?;
        let (outer, inner) = groups(x.dims(), &axes(run.attributes(), x.dims().len())?);
        macro_rules! normalize {
            ($v:expr, $kind:ty) => {{
                let mut out = $v.clone();
                for start in outer {
                    let places = || inner.iter().map(|at| start + at);
                    let count = inner.len() as $kind;
                    let mean = places().map(|at| out[at]).sum::<$kind>() / count;
                    let squares = places().map(|at| (out[at] - mean) * (out[at] - mean));
                    let deviation = (squares.sum::<$kind>() / count).sqrt() + EPSILON as $kind;
                    for at in places() {
                        out[at] = (out[at] - mean) / deviation;
                    }
                }
                out.into()
            }};
        }
        let data: Data = match x.data() {
            Data::F32(v) => normalize!(v, f32),
            Data::F64(v) => normalize!(v, f64),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let axes = axes(&cx.node.attributes, cx.builder.rank(x)?)?;
        let axes = (0..axes.len()).filter(|&axis| axes[axis]).map(|axis| axis as i64).collect();
        let b = &mut *cx.builder;
        let axes = b.ints(axes);
        let (center, flow_mean) = (mean(b, x, axes)?, mean(b, flow, axes)?);
        let centered = b.apply(names::SUB, &[x, center])?;
        let squares = b.mul(centered, centered)?;
        let weighted = b.mul(flow, y)?;
        let (variance, along) = (mean(b, squares, axes)?, mean(b, weighted, axes)?);
        let deviation = b.apply(names::SQRT, &[variance])?;
        let epsilon = b.float(x, EPSILON)?;
        let deviation = b.add(deviation, epsilon)?;
        let rest = b.apply(names::SUB, &[flow, flow_mean])?;
        let spread = b.mul(y, along)?;
        let rest = b.apply(names::SUB, &[rest, spread])?;
        let gradient = b.apply(names::DIV, &[rest, deviation])?;
        cx.give(0, gradient)
    }),
)
.flop(|cx, _| Ok((cx.kind(0)?.count()? as u64).saturating_mul(6)));

fn mean(b: &mut Builder<'_>, value: ValueId, axes: ValueId) -> Result<ValueId> {
    let attributes = Attributes::new().with("noop_with_empty_axes", 1);
    b.apply_with(names::REDUCE_MEAN, &[value, axes], attributes)
}

const EPSILON: f64 = 1e-9;

fn axes(attributes: &Attributes, rank: usize) -> Result<Vec<bool>> {
    let mut reduced = vec![false; rank];
    for &axis in attributes.ints("axes")?.unwrap_or(&[0, 2, 3]) {
        reduced[axis_of(axis, rank)?] = true;
    }
    Ok(reduced)
}
