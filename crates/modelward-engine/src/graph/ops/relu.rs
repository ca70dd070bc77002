//! `Relu`: negative numbers become 0; its slope at 0 is 0.
//!
//! Source: ONNX `Relu`, sets 6, 13 and 14.

use crate::{
    Data, Result, Tensor, Trouble,
    graph::{
        Attributes, Grad, Operator, Run, names,
        ops::elementwise::{alone, map, of_type, same},
    },
};

pub(super) const OPS: &[&Operator] = &[&RELU, &RELU_GRAD];

static RELU: Operator = Operator::new(
    "Relu",
    &[6, 13, 14],
    alone,
    |run| {
        let x = run.input(0)?;
        let data: Data = match x.data() {
            Data::I8(v) => v.iter().map(|&v| v.max(0)).collect::<Vec<_>>().into(),
            Data::I16(v) => v.iter().map(|&v| v.max(0)).collect::<Vec<_>>().into(),
            Data::I32(v) => v.iter().map(|&v| v.max(0)).collect::<Vec<_>>().into(),
            Data::I64(v) => v.iter().map(|&v| v.max(0)).collect::<Vec<_>>().into(),
            // NaN is not below 0, and stays.
            _ => {
                return map(
                    run,
                    |x| if x < 0.0 { 0.0 } else { x },
                    |x| if x < 0.0 { 0.0 } else { x },
                );
            }
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let gradient = cx.builder.apply(names::RELU_GRAD, &[flow, cx.output(0)?])?;
        cx.give(0, gradient)
    }),
);

/// What flows, where the output was above 0.
static RELU_GRAD: Operator = Operator::own(
    "ReluGrad",
    same,
    masked,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let y = cx.input(1)?;
        let gradient = cx.builder.apply(names::RELU_GRAD, &[flow, y])?;
        cx.give(0, gradient)
    }),
    |builder, node| {
        let [Some(flow), Some(y)] = node.inputs[..] else {
            return Err(Trouble::graph("expected two inputs"));
        };
        // ONNX Runtime multiplies by a mask in half the time that a `Where` takes. The two differ
        // where what flows is infinite or no number.
        let zero = builder.float(y, 0.0)?;
        let above = builder.apply(names::GREATER, &[y, zero])?;
        let to = Attributes::new().with("to", builder.element(flow)?.to_onnx());
        let mask = builder.apply_with(names::CAST, &[above], to)?;
        Ok(vec![builder.mul(flow, mask)?])
    },
);

fn masked(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (flow, y) = (run.input(0)?, run.input(1)?);
    let data: Data = match flow.data() {
        Data::F32(v) => {
            let kept =
                v.iter().zip(y.values::<f32>()?).map(|(&v, &y)| if y > 0.0 { v } else { 0.0 });
            kept.collect::<Vec<_>>().into()
        }
        Data::F64(v) => {
            let kept =
                v.iter().zip(y.values::<f64>()?).map(|(&v, &y)| if y > 0.0 { v } else { 0.0 });
            kept.collect::<Vec<_>>().into()
        }
        _ => return Err(of_type(flow)),
    };
    Ok(vec![run.shaped(0, data)?])
}
