//! `Relu` and `LeakyRelu`: negative numbers become 0, or are scaled; at 0 they have the slope of their
//! lower branch.
//!
//! Source: ONNX `Relu`, sets 6, 13 and 14; `LeakyRelu`, sets 6 and 16.

use crate::{
    Data, Result, Tensor, Trouble,
    graph::{
        Attributes, Grad, Operator, Run, names,
        ops::elementwise::{alone, floats, like, map, of_type, same},
    },
};

pub(super) const OPS: &[&Operator] = &[&RELU, &LEAKY_RELU, &RELU_GRAD];

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

static LEAKY_RELU: Operator = Operator::new(
    "LeakyRelu",
    &[6, 16],
    alone,
    |run| {
        let alpha = f64::from(alpha(run.attributes())?);
        floats(run, |x| if x < 0.0 { alpha * x } else { x })
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let alpha = alpha(&cx.node.attributes)?;
        // The output is above 0 where the input is, unless what is negative changes its sign.
        let gate = if alpha >= 0.0 { cx.output(0)? } else { cx.input(0)? };
        let slope = Attributes::new().with("slope", alpha);
        let gradient = cx.builder.apply_with(names::RELU_GRAD, &[flow, gate], slope)?;
        cx.give(0, gradient)
    }),
);

/// The slope of a `LeakyRelu` below 0.
pub(crate) fn alpha(attributes: &Attributes) -> Result<f32> {
    attributes.float_or("alpha", 0.01)
}

/// What flows, where a second tensor is above 0; elsewhere it is scaled by `slope`, which is 0 if
/// nothing else is said.
static RELU_GRAD: Operator = Operator::own(
    "ReluGrad",
    same,
    masked,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (gate, attributes) = (cx.input(1)?, cx.node.attributes.clone());
        let gradient = cx.builder.apply_with(names::RELU_GRAD, &[flow, gate], attributes)?;
        cx.give(0, gradient)
    }),
    |builder, node| {
        let [Some(flow), Some(gate)] = node.inputs[..] else {
            return Err(Trouble::graph("expected two inputs"));
        };
        let slope = slope(&node.attributes)?;
        let zero = builder.float(gate, 0.0)?;
        let above = builder.apply(names::GREATER, &[gate, zero])?;
        let factor = if slope == 0.0 {
            // ONNX Runtime multiplies by a mask in half the time that a `Where` takes. The two
            // differ where what flows is infinite or no number.
            let to = Attributes::new().with("to", builder.element(flow)?.to_onnx());
            builder.apply_with(names::CAST, &[above], to)?
        } else {
            let (one, slope) = (builder.float(flow, 1.0)?, builder.float(flow, slope.into())?);
            builder.apply(names::WHERE, &[above, one, slope])?
        };
        Ok(vec![builder.mul(flow, factor)?])
    },
);

/// The slope of a `ReluGrad` where nothing is above 0.
pub(crate) fn slope(attributes: &Attributes) -> Result<f32> {
    attributes.float_or("slope", 0.0)
}

fn masked(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (flow, gate) = (run.input(0)?, run.input(1)?);
    let slope = slope(run.attributes())?;
    macro_rules! masked {
        ($flow:expr, $slope:expr) => {{
            let slope = $slope;
            let all = $flow.iter().zip(like($flow, gate)?);
            let of = |(&flow, &gate)| match gate > 0.0 {
                true => flow,
                false if slope == 0.0 => 0.0,
                false => flow * slope,
            };
            all.map(of).collect::<Vec<_>>().into()
        }};
    }
    let data: Data = match flow.data() {
        Data::F32(flow) => masked!(flow, slope),
        Data::F64(flow) => masked!(flow, f64::from(slope)),
        _ => return Err(of_type(flow)),
    };
    Ok(vec![run.shaped(0, data)?])
}
