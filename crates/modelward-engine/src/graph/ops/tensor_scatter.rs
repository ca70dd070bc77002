//! `TensorScatter`: a block written into a cache along its axis of time, at a place an example.
//!
//! Source: ONNX `TensorScatter`, set 24.

use crate::{
    Result, Tensor, Trouble, Type,
    graph::{
        Attributes, Grad, Infer, Operator, Run, axis_of, names,
        ops::{along::zeros_like, scatter_elements::reduce},
    },
};

pub(super) const OPS: &[&Operator] = &[&TENSOR_SCATTER, &TENSOR_SCATTER_GRAD];

static TENSOR_SCATTER: Operator = Operator::new(
    "TensorScatter",
    &[24],
    |cx| {
        let (cache, update) = (cx.kind(0)?, cx.kind(1)?);
        check(cx, &cache.dims, &update.dims, 2)?;
        Ok(vec![cache.clone()])
    },
    |run| {
        let (cache, update) = (run.input(0)?, run.input(1)?);
        let to = places(run, cache.dims(), update.dims(), run.optional(2))?;
        Ok(vec![run.shaped(0, reduce(cache, &to, update, "none")?)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let update = cx.input(1)?;
        let indices = cx.node.inputs.get(2).copied().flatten();
        let attributes = cx.node.attributes.clone();
        if cx.wants(0) {
            let zeros = zeros_like(cx.builder, update)?;
            let inputs = vec![Some(flow), Some(zeros), indices];
            let gradient =
                cx.builder.apply_all(names::TENSOR_SCATTER, inputs, attributes.clone(), 1)?[0];
            cx.give(0, gradient)?;
        }
        if cx.wants(1) {
            let inputs = vec![Some(flow), Some(update), indices];
            let gradient =
                cx.builder.apply_all(names::TENSOR_SCATTER_GRAD, inputs, attributes, 1)?[0];
            cx.give(1, gradient)?;
        }
        Ok(())
    }),
)
.moves();

/// What flows into a cache, where a block was written: flow, the block, whose shape alone is looked
/// at, and the places.
static TENSOR_SCATTER_GRAD: Operator = Operator::own(
    "TensorScatterGrad",
    |cx| {
        let (flow, dims) = (cx.kind(0)?, cx.dims(1)?);
        check(cx, &flow.dims, dims, 2)?;
        Ok(vec![Type::new(flow.element, dims)])
    },
    |run| {
        let (flow, kind) = (run.input(0)?, run.output(0)?);
        let from = places(run, flow.dims(), &kind.dims, run.optional(2))?;
        Ok(vec![run.shaped(0, flow.data().gather(from.into_iter()))?])
    },
    Grad::None("the gradient of a TensorScatter is not differentiated again"),
    |_, _| Err(Trouble::unsupported("the gradient of a TensorScatter, as plain ONNX")),
)
.moves();

fn check(cx: &Infer<'_>, cache: &[usize], update: &[usize], indices: usize) -> Result<()> {
    let axis = cx.axis(cx.attributes().int_or("axis", -2)?, cache.len())?;
    let fits = update.len() == cache.len()
        && axis > 0
        && (0..cache.len())
            .all(|at| if at == axis { update[at] <= cache[at] } else { update[at] == cache[at] });
    if !fits || (cx.has(indices) && cx.dims(indices)? != [cache[0]]) {
        return Err(Trouble::graph(format!("a block {update:?} does not fit a cache {cache:?}")));
    }
    Ok(())
}

/// Where each element of the block lies in the cache.
fn places(
    run: &Run<'_>,
    cache: &[usize],
    update: &[usize],
    indices: Option<&Tensor>,
) -> Result<Vec<usize>> {
    let attributes: &Attributes = run.attributes();
    let circular = match attributes.text_or("mode", "linear")? {
        "linear" => false,
        "circular" => true,
        other => return Err(Trouble::graph(format!("no such mode: `{other}`"))),
    };
    let axis = axis_of(attributes.int_or("axis", -2)?, cache.len())?;
    let starts = indices.map(Tensor::ints).transpose()?;
    let (size, length) = (cache[axis], update[axis]);
    let inner = cache[axis + 1..].iter().product::<usize>();
    let outer = cache[..axis].iter().product::<usize>();
    let mut places = Vec::with_capacity(outer * length * inner);
    for block in 0..outer {
        let example = block / (outer / cache[0]);
        let start = starts.as_ref().map_or(0, |starts| starts[example]);
        for at in 0..length as i64 {
            let place = start.checked_add(at);
            let place = if circular { place.map(|at| at.rem_euclid(size as i64)) } else { place };
            let place = place.and_then(|at| usize::try_from(at).ok()).filter(|&at| at < size);
            let place = place.ok_or_else(|| {
                Trouble::graph(format!("expected a place of {size} in the cache, got {start}"))
            })?;
            let from = (block * size + place) * inner;
            places.extend(from..from + inner);
        }
    }
    Ok(places)
}
