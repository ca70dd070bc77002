//! `Concat`, `Split`: tensors behind each other along an axis, and the other way round.
//!
//! Source: ONNX `Concat`, sets 4 to 13; `Split`, sets 2 to 18.

use crate::{
    Data, Result, Tensor, Trouble, Type, alike,
    grad::{Dim, Gradient},
    graph::{
        Attributes, Grad, Infer, Operator, Run, ValueId, axis_of, names,
        ops::{along::zeros_like, elementwise::like},
    },
};

pub(super) const OPS: &[&Operator] = &[&CONCAT, &SPLIT];

static CONCAT: Operator = Operator::new(
    "Concat",
    &[1, 4, 11, 13],
    |cx| {
        let first = cx.kind(0)?;
        let axis = cx.axis(cx.attributes().int_or("axis", 1)?, first.dims.len())?;
        let mut dims = first.dims.clone();
        for input in 1..cx.inputs.len() {
            let other = cx.kind(input)?;
            let fits = other.element == first.element
                && other.dims.len() == dims.len()
                && (0..dims.len()).all(|at| at == axis || dims[at] == other.dims[at]);
            if !fits {
                return Err(Trouble::graph(format!(
                    "{first} and {other} do not fit along axis {axis}"
                )));
            }
            dims[axis] = dims[axis]
                .checked_add(other.dims[axis])
                .ok_or_else(|| Trouble::limit("more elements than can be counted"))?;
        }
        Ok(vec![Type::new(first.element, dims)])
    },
    |run| {
        let first = run.input(0)?;
        let axis = axis_of(run.attributes().int_or("axis", 1)?, first.dims().len())?;
        let outer = first.dims()[..axis].iter().product::<usize>();
        let tensors = (0..run.inputs.len()).map(|at| run.input(at)).collect::<Result<Vec<_>>>()?;
        let data: Data = alike!(first.data(), v => {
            let parts = tensors.iter().map(|tensor| {
                let block = tensor.dims()[axis..].iter().product::<usize>();
                like(v, tensor).map(|values| (values, block))
            });
            let parts = parts.collect::<Result<Vec<_>>>()?;
            let mut out = Vec::with_capacity(run.output(0)?.count()?);
            for outer in 0..outer {
                for (values, block) in &parts {
                    out.extend_from_slice(&values[outer * block..][..*block]);
                }
            }
            out
        });
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let axis = axis_of(cx.node.attributes.int_or("axis", 1)?, cx.builder.rank(flow)?)?;
        let inputs = cx.node.inputs.len();
        let sizes = sizes_along(cx, axis)?;
        let along = Attributes::new().with("axis", axis as i64);
        let split = vec![Some(flow), Some(sizes)];
        let parts = cx.builder.apply_all(names::SPLIT, split, along, inputs)?;
        for (input, part) in parts.into_iter().enumerate() {
            cx.give(input, part)?;
        }
        Ok(())
    }),
)
.moves();

/// How many elements each input has along an axis.
fn sizes_along(cx: &mut Gradient<'_, '_>, axis: usize) -> Result<ValueId> {
    let inputs = (0..cx.node.inputs.len()).map(|at| cx.input(at)).collect::<Result<Vec<_>>>()?;
    let fixed = inputs.iter().map(|&input| {
        Ok(match cx.builder.dims(input)?.get(axis) {
            Some(Dim::Fixed(size)) => Some(*size as i64),
            _ => None,
        })
    });
    if let Some(sizes) = fixed.collect::<Result<Option<Vec<_>>>>()? {
        return Ok(cx.builder.ints(sizes));
    }
    let at = cx.builder.ints(vec![axis as i64]);
    let mut sizes = Vec::new();
    for input in inputs {
        let shape = cx.builder.apply(names::SHAPE, &[input])?;
        sizes.push(cx.builder.apply(names::GATHER, &[shape, at])?);
    }
    cx.builder.apply_with(names::CONCAT, &sizes, Attributes::new().with("axis", 0))
}

static SPLIT: Operator = Operator::new(
    "Split",
    &[1, 2, 11, 13, 18],
    |cx| {
        let x = cx.kind(0)?;
        let axis = cx.axis(cx.attributes().int_or("axis", 0)?, x.dims.len())?;
        let kinds = sizes(cx, x.dims[axis])?.into_iter().map(|size| {
            let mut dims = x.dims.clone();
            dims[axis] = size;
            Type::new(x.element, dims)
        });
        Ok(kinds.collect())
    },
    split,
    Grad::Rule(|cx| {
        let axis = Attributes::new().with("axis", cx.node.attributes.int_or("axis", 0)?);
        let outputs = cx.node.outputs.clone();
        let mut flows = Vec::new();
        for (at, &output) in outputs.iter().enumerate() {
            flows.push(match cx.flow(at) {
                Some(flow) => flow,
                None => zeros_like(cx.builder, output)?,
            });
        }
        let gradient = cx.builder.apply_with(names::CONCAT, &flows, axis)?;
        cx.give(0, gradient)
    }),
)
.moves()
.import(|import| if import.version < 13 { import.ints_to_input("split", 1) } else { Ok(()) });

/// How many elements each output has.
fn sizes(cx: &Infer<'_>, size: usize) -> Result<Vec<usize>> {
    let outputs = cx.outputs();
    if let Some(given) = cx.ints(1)? {
        let part = |&part: &i64| {
            usize::try_from(part)
                .map_err(|_| Trouble::graph(format!("a part of negative size: {part}")))
        };
        let parts = given.iter().map(part).collect::<Result<Vec<_>>>()?;
        let total = parts.iter().try_fold(0_usize, |sum, &part| sum.checked_add(part));
        if total != Some(size) || parts.len() < outputs {
            return Err(Trouble::graph(format!(
                "expected {outputs} parts of {size} elements, got {given:?}"
            )));
        }
        return Ok(parts);
    }
    let parts = match cx.attributes().int("num_outputs")? {
        Some(parts) => usize::try_from(parts).ok().filter(|&parts| parts >= outputs.max(1)),
        None => Some(outputs).filter(|&parts| parts > 0 && size.is_multiple_of(parts)),
    };
    let parts = parts
        .ok_or_else(|| Trouble::graph(format!("{size} elements do not split in {outputs}")))?;
    let each = size.div_ceil(parts);
    // The last parts may be smaller.
    let left = |at: usize| size.saturating_sub(each.saturating_mul(at)).min(each);
    Ok((0..outputs).map(left).collect())
}

fn split(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let axis = axis_of(run.attributes().int_or("axis", 0)?, x.dims().len())?;
    let outer = x.dims()[..axis].iter().product::<usize>();
    let inner = x.dims()[axis + 1..].iter().product::<usize>();
    let row = x.dims()[axis] * inner;
    let mut start = 0;
    let parts = run.outputs.iter().map(|kind| {
        let block = kind.dims[axis] * inner;
        let from = start;
        start += block;
        let places = (0..outer).flat_map(move |outer| {
            let at = outer * row + from;
            at..at + block
        });
        Tensor::new(kind.dims.clone(), x.data().gather(places))
    });
    parts.collect()
}
