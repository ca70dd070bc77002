//! `Slice`: every so many elements along some axes, forwards or backwards.
//!
//! Starts and ends count from the end where they are negative, and are clamped. They were
//! attributes before set 10. The gradient adds back where the elements came from: `SliceGrad`, one
//! of this engine's own, in plain ONNX a `Pad` or a `ScatterElements`.
//!
//! Source: ONNX `Slice`, sets 1, 10, 11 and 13.

use crate::{
    Result, Tensor, Trouble, Type,
    grad::{Builder, Dim},
    graph::{
        Attributes, Grad, Infer, Node, Operator, Run, ValueId, axis_of, names,
        ops::along::{Along, Outside, add_back, check_flow, lower_moved, places},
    },
};

pub(super) const OPS: &[&Operator] = &[&SLICE, &SLICE_GRAD];

static SLICE: Operator = Operator::new(
    "Slice",
    &[1, 10, 11, 13],
    |cx| {
        let x = cx.kind(0)?;
        Ok(vec![Type::new(x.element, inferred(cx, &x.dims, 1)?.0)])
    },
    |run| {
        let x = run.input(0)?;
        let (dims, along) = given(run, x.dims(), 1)?;
        let from = places(x.dims(), &dims, &along).flatten();
        Ok(vec![run.shaped(0, x.data().gather(from))?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let mut inputs = vec![Some(flow), Some(cx.input(0)?)];
        inputs.extend(cx.node.inputs.iter().skip(1));
        let gradient = cx.builder.apply_all(names::SLICE_GRAD, inputs, Attributes::new(), 1)?[0];
        cx.give(0, gradient)
    }),
)
.moves()
.import(|import| {
    for (at, name) in ["starts", "ends", "axes"].into_iter().enumerate() {
        import.ints_to_input(name, at + 1)?;
    }
    Ok(())
});

/// What flows into a slice, where it came from: flow, the input, whose shape alone is looked at,
/// starts, ends, axes, steps.
static SLICE_GRAD: Operator = Operator::own(
    "SliceGrad",
    |cx| {
        let (flow, dims) = (cx.kind(0)?, cx.dims(1)?);
        check_flow(flow, &inferred(cx, dims, 2)?.0)?;
        Ok(vec![Type::new(flow.element, dims)])
    },
    |run| {
        let (_, along) = given(run, run.input(1)?.dims(), 2)?;
        Ok(vec![add_back(run, run.input(0)?, &along)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let mut inputs = vec![Some(flow)];
        inputs.extend(cx.node.inputs.iter().skip(2));
        let gradient = cx.builder.apply_all(names::SLICE, inputs, Attributes::new(), 1)?[0];
        cx.give(0, gradient)
    }),
    |builder, node| {
        let [Some(flow), Some(x), others @ ..] = &node.inputs[..] else {
            return Err(Trouble::graph("expected a gradient and an input"));
        };
        if let Some(pads) = as_pads(builder, node, *x)? {
            let pads = builder.ints(pads);
            return Ok(vec![builder.apply(names::PAD, &[*flow, pads])?]);
        }
        Ok(vec![lower_moved(builder, *flow, *x, names::SLICE, others, Attributes::new())?])
    },
);

/// The pads that undo a slice, where it is of fixed place and forwards, one by one.
fn as_pads(builder: &Builder<'_>, node: &Node, x: ValueId) -> Result<Option<Vec<i64>>> {
    let values = |input: usize| match node.inputs.get(input).copied().flatten() {
        None => Some(None),
        Some(id) => builder.known(id).map(|tensor| tensor.ints().ok()),
    };
    let (Some(Some(starts)), Some(Some(ends)), Some(axes), Some(steps)) =
        (values(2), values(3), values(4), values(5))
    else {
        return Ok(None);
    };
    let dims = builder.dims(x)?;
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    for &axis in &axes {
        if dims[axis_of(axis, dims.len())?] == Dim::Varies {
            return Ok(None);
        }
    }
    let sizes = dims.iter().map(|dim| match dim {
        Dim::Fixed(size) => *size,
        Dim::Varies => 0,
    });
    let sizes = sizes.collect::<Vec<_>>();
    let (to, along) = windows(&sizes, &starts, &ends, Some(&axes), steps.as_deref())?;
    if along.iter().any(|along| along.step != 1) {
        return Ok(None);
    }
    let before = along.iter().map(|along| along.start);
    let behind =
        along.iter().zip(&to).map(|(along, &size)| along.size as i64 - along.start - size as i64);
    Ok(Some(before.chain(behind).collect()))
}

fn inferred(cx: &Infer<'_>, dims: &[usize], input: usize) -> Result<(Vec<usize>, Vec<Along>)> {
    let (starts, ends) = (cx.value(input)?.ints()?, cx.value(input + 1)?.ints()?);
    let (axes, steps) = (cx.ints(input + 2)?, cx.ints(input + 3)?);
    windows(dims, &starts, &ends, axes.as_deref(), steps.as_deref())
}

fn given(run: &Run<'_>, dims: &[usize], input: usize) -> Result<(Vec<usize>, Vec<Along>)> {
    let (starts, ends) = (run.input(input)?.ints()?, run.input(input + 1)?.ints()?);
    let axes = run.optional(input + 2).map(Tensor::ints).transpose()?;
    let steps = run.optional(input + 3).map(Tensor::ints).transpose()?;
    windows(dims, &starts, &ends, axes.as_deref(), steps.as_deref())
}

/// The shape of a slice, and where its elements come from.
fn windows(
    dims: &[usize],
    starts: &[i64],
    ends: &[i64],
    axes: Option<&[i64]>,
    steps: Option<&[i64]>,
) -> Result<(Vec<usize>, Vec<Along>)> {
    let count = starts.len();
    let uneven = ends.len() != count
        || axes.map_or(count > dims.len(), |axes| axes.len() != count)
        || steps.is_some_and(|steps| steps.len() != count);
    if uneven {
        return Err(Trouble::graph("expected as many starts as ends, axes and steps"));
    }
    let mut to = dims.to_vec();
    let mut along = dims.iter().map(|&size| Along::whole(size)).collect::<Vec<_>>();
    let mut seen = vec![false; dims.len()];
    for at in 0..count {
        let axis = axis_of(axes.map_or(at as i64, |axes| axes[at]), dims.len())?;
        if std::mem::replace(&mut seen[axis], true) {
            return Err(Trouble::graph(format!("the axis {axis} stands twice")));
        }
        let (size, step) = (dims[axis] as i64, steps.map_or(1, |steps| steps[at]));
        if step == 0 {
            return Err(Trouble::graph("a slice with steps of 0"));
        }
        let from_end = |place: i64| if place < 0 { place.saturating_add(size) } else { place };
        let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
        let start = from_end(starts[at]).clamp(if step > 0 { 0 } else { 0.min(high) }, high);
        let end = from_end(ends[at]).clamp(low, high);
        let way = if step > 0 { end - start } else { start - end };
        let length = (way.max(0) as u64).div_ceil(step.unsigned_abs());
        to[axis] = length as usize;
        let size = dims[axis];
        along[axis] = Along { first: 0, size, start, step, outside: Outside::Constant };
    }
    Ok((to, along))
}
