//! `Pad`: more elements before and behind each axis, or fewer where the pads are negative.
//!
//! What is cut off is cut first, so that edges and reflections are those of the rest. Pads and value
//! were attributes before set 11. The gradient of constant pads are the negative pads; the other
//! modes add back: `PadGrad`, one of this engine's own.
//!
//! Source: ONNX `Pad`, sets 2 to 25.

use crate::{
    Data, Result, Tensor, Trouble, Type, alike,
    graph::{
        Attributes, Grad, Infer, Operator, Run, axis_of, names,
        ops::{
            along::{Along, Outside, add_back, check_flow, lower_moved, places},
            elementwise::like,
        },
    },
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[&PAD, &PAD_GRAD];

static PAD: Operator = Operator::new(
    "Pad",
    &[1, 2, 11, 13, 18, 19, 21, 23, 24, 25],
    |cx| {
        let x = cx.kind(0)?;
        Ok(vec![Type::new(x.element, inferred(cx, &x.dims, 1, 3)?)])
    },
    moved,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, pads) = (cx.input(0)?, cx.input(1)?);
        let axes = cx.node.inputs.get(3).copied().flatten();
        let mode = cx.node.attributes.text_or("mode", "constant")?;
        if mode != "constant" {
            let mode = Attributes::new().with("mode", mode);
            let inputs = vec![Some(flow), Some(x), Some(pads), axes];
            let gradient = cx.builder.apply_all(names::PAD_GRAD, inputs, mode, 1)?[0];
            return cx.give(0, gradient);
        }
        let negative = cx.builder.apply(names::NEG, &[pads])?;
        let mut inputs = vec![Some(flow), Some(negative)];
        if axes.is_some() {
            inputs.extend([None, axes]);
        }
        let gradient = cx.builder.apply_all(names::PAD, inputs, Attributes::new(), 1)?[0];
        cx.give(0, gradient)?;
        if cx.wants(2) {
            // The value flows to wherever the input does not.
            let whole = || Attributes::new().with("keepdims", 0);
            let all = cx.builder.apply_with(names::REDUCE_SUM, &[flow], whole())?;
            let inner = cx.builder.apply_with(names::REDUCE_SUM, &[gradient], whole())?;
            let rest = cx.builder.apply(names::SUB, &[all, inner])?;
            let value = cx.input(2)?;
            let rest = cx.builder.reshape_like(rest, value)?;
            cx.give(2, rest)?;
        }
        Ok(())
    }),
)
.moves()
.import(|import| {
    if import.version < 11 {
        if let Some(paddings) = import.attributes.take("paddings") {
            import.attributes.set("pads", paddings);
        }
        import.ints_to_input("pads", 1)?;
        if import.attributes.find("value").is_some() {
            let value = import.attributes.float_or("value", 0.0)?;
            import.attributes.take("value");
            if value != 0.0 {
                let value = import.constant(Tensor::scalar(value));
                import.set_input(2, value);
            }
        }
    }
    Ok(())
});

/// What flows into a padded tensor, added where it came from: flow, the input, whose shape alone is
/// looked at, pads, axes.
static PAD_GRAD: Operator = Operator::own(
    "PadGrad",
    |cx| {
        let (flow, dims) = (cx.kind(0)?, cx.dims(1)?);
        check_flow(flow, &inferred(cx, dims, 2, 3)?)?;
        Ok(vec![Type::new(flow.element, dims)])
    },
    |run| {
        let (_, along) = given(run, run.input(1)?.dims(), 2, 3)?;
        Ok(vec![add_back(run, run.input(0)?, &along)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let axes = cx.node.inputs.get(3).copied().flatten();
        let inputs = vec![Some(flow), Some(cx.input(2)?), None, axes];
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_all(names::PAD, inputs, attributes, 1)?[0];
        cx.give(0, gradient)
    }),
    |builder, node| {
        let [Some(flow), Some(x), pads, axes] = node.inputs[..] else {
            return Err(Trouble::graph("expected a gradient, an input, pads and axes"));
        };
        let attributes = node.attributes.clone();
        Ok(vec![lower_moved(builder, flow, x, names::PAD, &[pads, None, axes], attributes)?])
    },
);

#[allow(clippy::clone_on_copy, reason = "texts are cloned")]
fn moved(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let (dims, along) = given(run, x.dims(), 1, 3)?;
    let from = places(x.dims(), &dims, &along);
    let data: Data = alike!(x.data(), v => {
        let mut fill = Default::default();
        // Before set 11 the value is a float, whatever the elements are.
        if let Some(value) = run.optional(2).map(|value| value.cast(x.element())).transpose()?
            && let Some(value) = like(v, &value)?.first()
        {
            fill = value.to_owned();
        }
        from.map(|place| place.map_or_else(|| fill.clone(), |place| v[place].to_owned())).collect()
    });
    Ok(vec![run.shaped(0, data)?])
}

fn inferred(cx: &Infer<'_>, dims: &[usize], pads: usize, axes: usize) -> Result<Vec<usize>> {
    let mode = cx.attributes().text_or("mode", "constant")?;
    let axes = cx.ints(axes)?;
    Ok(padded(dims, &cx.value(pads)?.ints()?, axes.as_deref(), mode)?.0)
}

fn given(
    run: &Run<'_>,
    dims: &[usize],
    pads: usize,
    axes: usize,
) -> Result<(Vec<usize>, Vec<Along>)> {
    let mode = run.attributes().text_or("mode", "constant")?;
    let axes = run.optional(axes).map(Tensor::ints).transpose()?;
    padded(dims, &run.input(pads)?.ints()?, axes.as_deref(), mode)
}

/// The padded shape, and where its elements come from.
fn padded(
    dims: &[usize],
    pads: &[i64],
    axes: Option<&[i64]>,
    mode: &str,
) -> Result<(Vec<usize>, Vec<Along>)> {
    let outside = match mode {
        "constant" => Outside::Constant,
        "edge" => Outside::Edge,
        "reflect" => Outside::Reflect,
        "wrap" => Outside::Wrap,
        other => return Err(Trouble::graph(format!("no such mode of pads: `{other}`"))),
    };
    let padded_axes = axes.map_or(dims.len(), <[i64]>::len);
    if pads.len() != 2 * padded_axes {
        let (expected, got) = (2 * padded_axes, pads.len());
        return Err(Trouble::graph(format!("expected {expected} pads, got {got}")));
    }
    let mut to = dims.to_vec();
    let mut along = dims.iter().map(|&size| Along::whole(size)).collect::<Vec<_>>();
    let mut seen = vec![false; dims.len()];
    for at in 0..padded_axes {
        let axis = axis_of(axes.map_or(at as i64, |axes| axes[at]), dims.len())?;
        if std::mem::replace(&mut seen[axis], true) {
            return Err(Trouble::graph(format!("the axis {axis} stands twice")));
        }
        let (before, behind) = (pads[at], pads[at + padded_axes]);
        let cut = |pad: i64| if pad < 0 { pad.unsigned_abs() } else { 0 };
        let rest = (dims[axis] as u64).checked_sub(cut(before));
        let rest = rest.and_then(|rest| rest.checked_sub(cut(behind))).ok_or_else(|| {
            let size = dims[axis];
            Trouble::graph(format!("pads {before} and {behind} cut more than the {size} there are"))
        })?;
        let length = rest.checked_add(before.max(0) as u64);
        let length = length.and_then(|length| length.checked_add(behind.max(0) as u64));
        let length = length.filter(|&length| length < 1 << 56).ok_or_else(|| {
            Trouble::limit(format!("pads {before} and {behind} are more than can be counted"))
        })?;
        if rest == 0 && length > 0 && outside != Outside::Constant {
            return Err(Trouble::graph(format!("nothing is left to pad with, mode `{mode}`")));
        }
        to[axis] = length as usize;
        along[axis] = Along {
            first: cut(before) as usize,
            size: rest as usize,
            start: -before.max(0),
            step: 1,
            outside,
        };
    }
    count(&to)?;
    Ok((to, along))
}
