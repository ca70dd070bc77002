//! `Clip`: numbers kept between a smallest and a largest.
//!
//! The gradient passes where min < x < max, as PyTorch 2.15 has it for bounds that are numbers; it
//! goes to the bound beyond. Where the bounds cross, everything becomes the largest. Before set 11 the bounds were attributes.
//!
//! Source: ONNX `Clip`, sets 6, 11, 12 and 13.

use crate::{
    Data, Result, Tensor, Trouble, Type,
    grad::Gradient,
    graph::{
        Attributes, Grad, Infer, Operator, Run, names,
        ops::elementwise::{like, of_type, same},
    },
    onnx::Import,
};

pub(super) const OPS: &[&Operator] = &[&CLIP, &CLIP_GRAD];

static CLIP: Operator =
    Operator::new("Clip", &[6, 11, 12, 13], infer, run, Grad::Rule(grad)).import(import);

fn import(import: &mut Import<'_>) -> Result<()> {
    if import.version < 11 {
        for (name, input, unbounded) in [("min", 1, f32::MIN), ("max", 2, f32::MAX)] {
            if import.attributes.float_or(name, unbounded)? == unbounded {
                import.attributes.take(name);
            }
            import.float_to_input(name, input)?;
        }
    }
    Ok(())
}

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let x = cx.kind(0)?;
    for bound in [1, 2] {
        if !cx.has(bound) {
            continue;
        }
        let kind = cx.kind(bound)?;
        // Bounds that were attributes are floats of 32 bits, whatever they bound.
        let fits = kind.element == x.element || (kind.element.is_float() && x.element.is_float());
        if kind.count()? != 1 || kind.dims.len() > 1 || !fits {
            return Err(Trouble::graph(format!("expected a bound of {}, got {kind}", x.element)));
        }
    }
    Ok(vec![x.clone()])
}

fn run(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let bound = |input| {
        let bound: Option<&Tensor> = run.optional(input);
        bound.map(|bound| bound.cast(x.element())).transpose()
    };
    let (low, high) = (bound(1)?, bound(2)?);
    macro_rules! clip {
        ($v:expr) => {{
            let mut out = $v.clone();
            // NaN is below and above nothing, and stays.
            if let Some(low) = &low {
                let low = low.values()?[0];
                out.iter_mut().filter(|x| **x < low).for_each(|x| *x = low);
            }
            if let Some(high) = &high {
                let high = high.values()?[0];
                out.iter_mut().filter(|x| **x > high).for_each(|x| *x = high);
            }
            out.into()
        }};
    }
    let data: Data = crate::numbers!(x.data(), v => clip!(v), _ => return Err(of_type(x)));
    Ok(vec![run.shaped(0, data)?])
}

fn grad(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let x = cx.input(0)?;
    let zero = cx.builder.float(x, 0.0)?;
    let bound = |cx: &mut Gradient<'_, '_>, input: usize| -> Result<Option<_>> {
        let Some(bound) = cx.node.inputs.get(input).copied().flatten() else { return Ok(None) };
        let element = cx.builder.element(x)?;
        if cx.builder.element(bound)? == element {
            return Ok(Some(bound));
        }
        let to = Attributes::new().with("to", element.to_onnx());
        cx.builder.apply_with(names::CAST, &[bound], to).map(Some)
    };
    let (low, high) = (bound(cx, 1)?, bound(cx, 2)?);
    if cx.wants(0) {
        // What comes out lies strictly between the bounds where what goes in does.
        let inputs = vec![Some(flow), Some(cx.output(0)?), low, high];
        let gradient = cx.builder.apply_all(names::CLIP_GRAD, inputs, Attributes::new(), 1)?;
        cx.give(0, gradient[0])?;
    }
    if let (true, Some(low)) = (cx.wants(1), low) {
        let below = cx.builder.apply(names::GREATER, &[low, x])?;
        let mut gradient = cx.builder.apply(names::WHERE, &[below, flow, zero])?;
        if let Some(high) = high {
            let ordered = cx.builder.apply(names::LESS_OR_EQUAL, &[low, high])?;
            gradient = cx.builder.apply(names::WHERE, &[ordered, gradient, zero])?;
        }
        to_bound(cx, 1, gradient)?;
    }
    if let (true, Some(high)) = (cx.wants(2), high) {
        let above = cx.builder.apply(names::GREATER, &[x, high])?;
        let mut gradient = cx.builder.apply(names::WHERE, &[above, flow, zero])?;
        if let Some(low) = low {
            let crossed = cx.builder.apply(names::GREATER, &[low, high])?;
            gradient = cx.builder.apply(names::WHERE, &[crossed, flow, gradient])?;
        }
        to_bound(cx, 2, gradient)?;
    }
    Ok(())
}

/// What flows, where a second tensor lies strictly between the bounds, which are of its type; a bound
/// that is not given is infinite.
static CLIP_GRAD: Operator = Operator::own(
    "ClipGrad",
    same,
    |run| {
        let (flow, gate) = (run.input(0)?, run.input(1)?);
        let (low, high) = (run.optional(2), run.optional(3));
        macro_rules! inside {
            ($flow:expr, $kind:ident) => {{
                let bound = |bound: Option<&Tensor>, open: $kind| match bound {
                    Some(bound) => like($flow, bound).map(|bound| bound[0]),
                    None => Ok(open),
                };
                let low = bound(low, $kind::NEG_INFINITY)?;
                let high = bound(high, $kind::INFINITY)?;
                let all = $flow.iter().zip(like($flow, gate)?);
                let of = |(&flow, &gate)| if gate > low && high > gate { flow } else { 0.0 };
                all.map(of).collect::<Vec<_>>().into()
            }};
        }
        let data: Data = match flow.data() {
            Data::F32(flow) => inside!(flow, f32),
            Data::F64(flow) => inside!(flow, f64),
            _ => return Err(of_type(flow)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let mut inputs = cx.node.inputs.clone();
        if let Some(first) = inputs.first_mut() {
            *first = Some(flow);
        }
        let gradient = cx.builder.apply_all(names::CLIP_GRAD, inputs, Attributes::new(), 1)?;
        cx.give(0, gradient[0])
    }),
    |builder, node| {
        let [Some(flow), Some(gate), low, high] = node.inputs[..] else {
            return Err(Trouble::graph("expected a flow, a gate and two bounds"));
        };
        let zero = builder.float(flow, 0.0)?;
        let mut gradient = flow;
        for pair in [low.map(|low| [gate, low]), high.map(|high| [high, gate])].iter().flatten() {
            let inside = builder.apply(names::GREATER, pair)?;
            gradient = builder.apply(names::WHERE, &[inside, gradient, zero])?;
        }
        Ok(vec![gradient])
    },
);

/// The sum of what flows, in the shape of a bound.
fn to_bound(
    cx: &mut Gradient<'_, '_>,
    input: usize,
    gradient: crate::graph::ValueId,
) -> Result<()> {
    let keep = Attributes::new().with("keepdims", 0);
    let total = cx.builder.apply_with(names::REDUCE_SUM, &[gradient], keep)?;
    let bound = cx.input(input)?;
    let total = cx.builder.reshape_like(total, bound)?;
    cx.give(input, total)
}
