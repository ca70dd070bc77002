//! `MaxUnpool`: numbers written back to where a `MaxPool` found them, zeros elsewhere.
//!
//! Where several numbers go to one place the last stays. The indices count through the output that
//! the window gives; where `output_shape` is larger, that output lies in its first corner.
//!
//! Source: ONNX `MaxUnpool`, sets 9, 11 and 22.

use crate::{
    Data, Result, Trouble, Type,
    graph::{
        Attributes, Grad, Infer, Operator, Run, names,
        ops::{
            constant_of_shape,
            elementwise::{of_type, strides},
            windows,
        },
    },
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[&MAX_UNPOOL];

static MAX_UNPOOL: Operator = Operator::new(
    "MaxUnpool",
    &[9, 11, 22],
    infer,
    run,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        if cx.node.inputs.get(2).copied().flatten().is_some() {
            return Err(Trouble::unsupported("its gradient where `output_shape` is given"));
        }
        let indices = cx.input(1)?;
        let shape = cx.builder.ints(vec![-1]);
        let flat = cx.builder.apply(names::RESHAPE, &[flow, shape])?;
        let picked = cx.builder.apply(names::GATHER, &[flat, indices])?;
        cx.give(0, picked)
    }),
);

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let x = cx.kind(0)?;
    let inner = unpooled(cx.attributes(), &x.dims)?;
    if cx.dims(1)? != x.dims {
        let dims = cx.dims(1)?;
        return Err(Trouble::graph(format!("indices {dims:?} do not fit an input {x}")));
    }
    let Some(shape) = cx.ints(2)? else { return Ok(vec![Type::new(x.element, inner)]) };
    let shape = constant_of_shape::sizes(&shape)?;
    if shape.len() != inner.len() || shape.iter().zip(&inner).any(|(all, inner)| all < inner) {
        return Err(Trouble::graph(format!("expected at least {inner:?}, got {shape:?}")));
    }
    Ok(vec![Type::new(x.element, shape)])
}

/// The shape that the window gives.
fn unpooled(attributes: &Attributes, x: &[usize]) -> Result<Vec<usize>> {
    let (batch, channels, sizes) = windows::split(x)?;
    let rank = sizes.len();
    let kernel = windows::sizes(attributes, "kernel_shape", rank, 1)?
        .ok_or_else(|| Trouble::graph("expected the attribute `kernel_shape`"))?;
    let strides = windows::sizes(attributes, "strides", rank, 1)?.unwrap_or_else(|| vec![1; rank]);
    let pads =
        windows::sizes(attributes, "pads", rank * 2, 0)?.unwrap_or_else(|| vec![0; rank * 2]);
    let mut dims = vec![batch, channels];
    for axis in 0..rank {
        let reached = sizes[axis].saturating_sub(1).checked_mul(strides[axis]);
        let reached = reached.and_then(|reached| reached.checked_add(kernel[axis]));
        let size = reached.and_then(|reached| reached.checked_sub(pads[axis] + pads[axis + rank]));
        dims.push(size.ok_or_else(|| Trouble::graph(format!("an output of no size: {pads:?}")))?);
    }
    count(&dims)?;
    Ok(dims)
}

fn run(run: &Run<'_>) -> Result<Vec<crate::Tensor>> {
    let (x, indices) = (run.input(0)?, run.input(1)?.values::<i64>()?);
    let inner = unpooled(run.attributes(), x.dims())?;
    let outer = &run.output(0)?.dims;
    let (inner_strides, outer_strides) = (strides(&inner), strides(outer));
    let (most, total) = (count(&inner)?, count(outer)?);
    let place = |index: i64| -> Result<usize> {
        let index = usize::try_from(index).ok().filter(|&index| index < most).ok_or_else(|| {
            Trouble::graph(format!("expected an index below {most}, got {index}"))
        })?;
        let axes = inner_strides.iter().zip(&inner).zip(&outer_strides);
        Ok(axes.map(|((stride, size), outer)| index / stride % size * outer).sum())
    };
    macro_rules! scatter {
        ($v:expr) => {{
            let mut out = vec![0.0; total];
            for (&value, &index) in $v.iter().zip(indices) {
                out[place(index)?] = value;
            }
            out.into()
        }};
    }
    let data: Data = match x.data() {
        Data::F32(v) => scatter!(v),
        Data::F64(v) => scatter!(v),
        _ => return Err(of_type(x)),
    };
    Ok(vec![run.shaped(0, data)?])
}
