//! `Hardmax`: 1 at the first largest element along an axis, 0 elsewhere.
//!
//! Before set 13 the input was taken for a matrix, split at `axis`.
//!
//! Source: ONNX `Hardmax`, sets 1, 11 and 13.

use crate::{
    Data,
    graph::{
        Grad, Operator, axis_of,
        ops::{
            elementwise::{of_type, same},
            softmax::flatten,
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&HARDMAX];

static HARDMAX: Operator = Operator::new(
    "Hardmax",
    &[1, 11, 13],
    |cx| {
        cx.axis(cx.attributes().int_or("axis", -1)?, cx.dims(0)?.len())?;
        same(cx)
    },
    |run| {
        let x = run.input(0)?;
        let axis = axis_of(run.attributes().int_or("axis", -1)?, x.dims().len())?;
        let (size, inner) = (x.dims()[axis], x.dims()[axis + 1..].iter().product::<usize>());
        macro_rules! mark {
            ($v:expr, $kind:ty) => {{
                let mut out = vec![0.0 as $kind; $v.len()];
                let rows = if size == 0 { 0 } else { out.len() / size };
                for row in 0..rows {
                    let start = row / inner * size * inner + row % inner;
                    let mut best = start;
                    for at in (0..size).map(|index| start + index * inner) {
                        if $v[at] > $v[best] || ($v[at].is_nan() && !$v[best].is_nan()) {
                            best = at;
                        }
                    }
                    out[best] = 1.0;
                }
                out.into()
            }};
        }
        let data: Data = match x.data() {
            Data::F32(v) => mark!(v, f32),
            Data::F64(v) => mark!(v, f64),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Zero("it is constant but for steps"),
)
.import(flatten);
