//! `Gather`: slices along one axis, by their index.
//!
//! Its gradient adds what flows back into the slices: `GatherGrad`, one of this engine's own, which
//! is a `ScatterElements` with `reduction = add` in plain ONNX.
//!
//! Source: ONNX `Gather`, sets 1, 11 and 13.

use crate::{
    Data, Result, Tensor, Trouble, Type,
    grad::{Builder, Dim},
    graph::{
        Attributes, Grad, Infer, Operator, Run, ValueId, axis_of, names, ops::elementwise::of_type,
    },
};

pub(super) const OPS: &[&Operator] = &[&GATHER, &GATHER_GRAD];

static GATHER: Operator = Operator::new(
    "Gather",
    &[1, 11, 13],
    |cx| {
        let (x, indices) = (cx.kind(0)?, cx.dims(1)?);
        let axis = cx.axis(cx.attributes().int_or("axis", 0)?, x.dims.len())?;
        let dims = [&x.dims[..axis], indices, &x.dims[axis + 1..]].concat();
        Ok(vec![Type::new(x.element, dims)])
    },
    |run| {
        let x = run.input(0)?;
        let axis = axis_of(run.attributes().int_or("axis", 0)?, x.dims().len())?;
        let size = x.dims()[axis];
        let indices = places(run.input(1)?, size)?;
        let inner = x.dims()[axis + 1..].iter().product::<usize>();
        let outer = x.dims()[..axis].iter().product::<usize>();
        let all = (0..outer).flat_map(|outer| {
            indices.iter().flat_map(move |index| {
                let start = (outer * size + index) * inner;
                start..start + inner
            })
        });
        Ok(vec![run.shaped(0, x.data().gather(all))?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, indices) = (cx.input(0)?, cx.input(1)?);
        let axis = axis_of(cx.node.attributes.int_or("axis", 0)?, cx.builder.rank(x)?)?;
        let axis = Attributes::new().with("axis", axis as i64);
        let gradient = cx.builder.apply_with(names::GATHER_GRAD, &[flow, indices, x], axis)?;
        cx.give(0, gradient)
    }),
)
.moves();

/// What flows into slices, added where they were taken from: flow, indices, and the input, whose
/// shape alone is looked at.
static GATHER_GRAD: Operator = Operator::own(
    "GatherGrad",
    |cx: &Infer<'_>| Ok(vec![Type::new(cx.element(0)?, cx.dims(2)?)]),
    scatter,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let indices = cx.input(1)?;
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_with(names::GATHER, &[flow, indices], attributes)?;
        cx.give(0, gradient)
    }),
    |builder, node| {
        let [Some(flow), Some(indices), Some(x)] = node.inputs[..] else {
            return Err(Trouble::graph("expected three inputs"));
        };
        let axis = node.attributes.int_or("axis", 0)?;
        // One index for each element that flows: the indices, spread over the other axes.
        let (rank, index_rank) = (builder.rank(x)?, builder.rank(indices)?);
        let behind = rank - axis as usize - 1;
        let mut index = indices;
        if behind > 0 {
            let axes = (index_rank..index_rank + behind).map(|axis| axis as i64).collect();
            let axes = builder.ints(axes);
            index = builder.apply(names::UNSQUEEZE, &[indices, axes])?;
        }
        let shape = builder.shape_of(flow)?;
        index = builder.apply(names::EXPAND, &[index, shape])?;
        let mut flat = flow;
        if index_rank == 0 {
            let at = builder.ints(vec![axis]);
            flat = builder.apply(names::UNSQUEEZE, &[flow, at])?;
            index = builder.apply(names::UNSQUEEZE, &[index, at])?;
        } else if index_rank > 1 {
            // The axes of the indices become one.
            let shape = joined(builder, x, axis)?;
            flat = builder.apply(names::RESHAPE, &[flow, shape])?;
            index = builder.apply(names::RESHAPE, &[index, shape])?;
        }
        let zero = builder.float(x, 0.0)?;
        let shape = builder.shape_of(x)?;
        let zeros = builder.apply(names::EXPAND, &[zero, shape])?;
        let add = Attributes::new().with("axis", axis).with("reduction", "add");
        Ok(vec![builder.apply_with(names::SCATTER_ELEMENTS, &[zeros, index, flat], add)?])
    },
);

/// The shape of a value with as many elements along an axis as there are.
fn joined(builder: &mut Builder<'_>, x: ValueId, axis: i64) -> Result<ValueId> {
    let front = axis as usize;
    let dims = builder.dims(x)?;
    let behind = dims[front + 1..].iter().map(|dim| match dim {
        Dim::Fixed(size) => Some(*size as i64),
        Dim::Varies => None,
    });
    if let Some(behind) = behind.collect::<Option<Vec<_>>>() {
        return Ok(builder.ints([vec![0; front], vec![-1], behind].concat()));
    }
    let free = builder.ints(vec![-1]);
    let end = Attributes::new().with("end", axis);
    let front = builder.apply_with(names::SHAPE, &[x], end)?;
    let start = Attributes::new().with("start", axis + 1);
    let behind = builder.apply_with(names::SHAPE, &[x], start)?;
    let along = Attributes::new().with("axis", 0);
    builder.apply_with(names::CONCAT, &[front, free, behind], along)
}

fn scatter(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let flow = run.input(0)?;
    let kind = run.output(0)?;
    let axis = axis_of(run.attributes().int_or("axis", 0)?, kind.dims.len())?;
    let size = kind.dims[axis];
    let indices = places(run.input(1)?, size)?;
    let inner = kind.dims[axis + 1..].iter().product::<usize>();
    let outer = kind.dims[..axis].iter().product::<usize>();
    macro_rules! add {
        ($v:expr) => {{
            let mut out = vec![0.0; kind.count()?];
            let mut from = $v.iter();
            for outer in 0..outer {
                for index in &indices {
                    let start = (outer * size + index) * inner;
                    for (to, from) in out[start..start + inner].iter_mut().zip(&mut from) {
                        *to += from;
                    }
                }
            }
            out.into()
        }};
    }
    let data: Data = match flow.data() {
        Data::F32(v) => add!(v),
        Data::F64(v) => add!(v),
        _ => return Err(of_type(flow)),
    };
    Ok(vec![run.shaped(0, data)?])
}

/// Indices along an axis, from its end where they are negative.
pub(crate) fn places(indices: &Tensor, size: usize) -> Result<Vec<usize>> {
    let place = |index: i64| {
        let at = if index < 0 { index.checked_add(size as i64) } else { Some(index) };
        let at = at.and_then(|at| usize::try_from(at).ok()).filter(|&at| at < size);
        at.ok_or_else(|| Trouble::graph(format!("expected an index of {size} places, got {index}")))
    };
    indices.ints()?.into_iter().map(place).collect()
}
