//! `CenterCropPad`: cut or padded with zeros on both sides, to a size. It is its own gradient.
//!
//! Source: ONNX `CenterCropPad`, set 18.

use crate::{
    Data, Result, Trouble, Type, alike,
    graph::{
        Attributes, Grad, Operator, axis_of, names,
        ops::along::{Along, places},
    },
};

pub(super) const OPS: &[&Operator] = &[&CENTER_CROP_PAD];

static CENTER_CROP_PAD: Operator = Operator::new(
    "CenterCropPad",
    &[18],
    |cx| {
        let x = cx.kind(0)?;
        Ok(vec![Type::new(
            x.element,
            resized(cx.attributes(), &x.dims, &cx.value(1)?.ints()?)?,
        )])
    },
    |run| {
        let x = run.input(0)?;
        let to = resized(run.attributes(), x.dims(), &run.input(1)?.ints()?)?;
        let along = x.dims().iter().zip(&to).map(|(&from, &to)| {
            let start = if to < from { (from - to) / 2 } else { (to - from) / 2 } as i64;
            Along { start: if to < from { start } else { -start }, ..Along::whole(from) }
        });
        let along = along.collect::<Vec<_>>();
        let from = places(x.dims(), &to, &along);
        let data: Data = alike!(x.data(), v => {
            from.map(|place| place.map_or_else(Default::default, |place| v[place].to_owned())).collect()
        });
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let x = cx.input(0)?;
        let mut shape = cx.builder.shape_of(x)?;
        let mut attributes = Attributes::new();
        if let Some(axes) = cx.node.attributes.ints("axes")? {
            let axes = axes.to_vec();
            attributes.set("axes", axes.clone());
            let axes = cx.builder.ints(axes);
            shape = cx.builder.apply(names::GATHER, &[shape, axes])?;
        }
        let gradient = cx.builder.apply_with(names::CENTER_CROP_PAD, &[flow, shape], attributes)?;
        cx.give(0, gradient)
    }),
)
.moves();

fn resized(attributes: &Attributes, dims: &[usize], shape: &[i64]) -> Result<Vec<usize>> {
    let axes = match attributes.ints("axes")? {
        Some(axes) => {
            axes.iter().map(|&axis| axis_of(axis, dims.len())).collect::<Result<Vec<_>>>()?
        }
        None => (0..dims.len()).collect(),
    };
    if axes.len() != shape.len() {
        let (expected, got) = (axes.len(), shape.len());
        return Err(Trouble::graph(format!("expected {expected} sizes, got {got}")));
    }
    let mut to = dims.to_vec();
    for (axis, &size) in axes.into_iter().zip(shape) {
        to[axis] = usize::try_from(size)
            .map_err(|_| Trouble::graph(format!("a negative dimension: {shape:?}")))?;
    }
    Ok(to)
}
