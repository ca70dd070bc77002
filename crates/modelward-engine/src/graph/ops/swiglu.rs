//! `SwiGLU`: one tensor, gated by the `Swish` of another of the same shape.
//!
//! Source: ONNX `SwiGLU`, set 28; Shazeer 2020, "GLU variants improve transformer", equation 6.

use crate::{
    Data, Result, Trouble,
    graph::{
        Attributes, Grad, Operator,
        ops::{
            activation::{swish, swish_and_slope},
            elementwise::{of_type, same},
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&SWIGLU];

static SWIGLU: Operator = Operator::new(
    "SwiGLU",
    &[28],
    |cx| {
        let (gate, x) = (cx.kind(0)?, cx.kind(1)?);
        if gate != x {
            return Err(Trouble::graph(format!("expected two inputs alike, got {gate} and {x}")));
        }
        same(cx)
    },
    |run| {
        let alpha = alpha(run.attributes())?;
        let (gate, x) = (run.input(0)?, run.input(1)?);
        let data: Data = match gate.data() {
            Data::F32(v) => {
                let pairs = v.iter().zip(x.values::<f32>()?);
                let of = |(&gate, &x): (&f32, &f32)| {
                    (swish(f64::from(gate), alpha) * f64::from(x)) as f32
                };
                pairs.map(of).collect::<Vec<_>>().into()
            }
            Data::F64(v) => {
                let pairs = v.iter().zip(x.values::<f64>()?);
                pairs.map(|(&gate, &x)| swish(gate, alpha) * x).collect::<Vec<_>>().into()
            }
            _ => return Err(of_type(gate)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let alpha = alpha(&cx.node.attributes)?;
        let (gate, x) = (cx.input(0)?, cx.input(1)?);
        let (swish, slope) = swish_and_slope(cx.builder, gate, alpha)?;
        if cx.wants(0) {
            let gradient = cx.builder.mul(flow, x)?;
            let gradient = cx.builder.mul(gradient, slope)?;
            cx.give(0, gradient)?;
        }
        let gradient = cx.builder.mul(flow, swish)?;
        cx.give(1, gradient)
    }),
);

fn alpha(attributes: &Attributes) -> Result<f64> {
    attributes.float_or("alpha", 1.0).map(f64::from)
}
