//! `Reshape`, `Flatten`, `Squeeze`, `Unsqueeze`: the same elements in another shape.
//!
//! Source: the ONNX operators of these names. Shapes and axes were attributes before sets 5 and 13.

use crate::{
    Result, Tensor, Trouble, Type,
    grad::Gradient,
    graph::{Grad, Operator, Run},
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[&RESHAPE, &FLATTEN, &SQUEEZE, &UNSQUEEZE];

static RESHAPE: Operator = Operator::new(
    "Reshape",
    &[5, 13, 14, 19, 21, 23, 24, 25],
    |cx| {
        let x = cx.kind(0)?;
        let shape = cx.value(1)?.ints()?;
        Ok(vec![Type::new(
            x.element,
            reshaped(&x.dims, &shape, cx.attributes().flag("allowzero")?)?,
        )])
    },
    keep,
    Grad::Rule(back),
)
.moves();

static FLATTEN: Operator = Operator::new(
    "Flatten",
    &[1, 9, 11, 13, 21, 23, 24, 25],
    |cx| {
        let x = cx.kind(0)?;
        let axis = cx.attributes().int_or("axis", 1)?;
        let axis = cx.axis(axis, x.dims.len() + usize::from(axis >= 0))?;
        let (front, behind) = x.dims.split_at(axis);
        Ok(vec![Type::new(x.element, [count(front)?, count(behind)?])])
    },
    keep,
    Grad::Rule(back),
)
.moves();

static SQUEEZE: Operator = Operator::new(
    "Squeeze",
    &[1, 11, 13, 21, 23, 24, 25],
    |cx| {
        let x = cx.kind(0)?;
        let rank = x.dims.len();
        let axes = match cx.ints(1)? {
            Some(axes) => {
                axes.iter().map(|&axis| cx.axis(axis, rank)).collect::<Result<Vec<_>>>()?
            }
            None => (0..rank).filter(|&axis| x.dims[axis] == 1).collect(),
        };
        if let Some(&axis) = axes.iter().find(|&&axis| x.dims[axis] != 1) {
            let why = format!("expected a dimension of 1 at axis {axis}, got {}", x.dims[axis]);
            return Err(Trouble::graph(why));
        }
        let kept = (0..rank).filter(|axis| !axes.contains(axis)).map(|axis| x.dims[axis]);
        Ok(vec![Type::new(x.element, kept.collect::<Vec<_>>())])
    },
    keep,
    Grad::Rule(back),
)
.moves()
.import(|import| if import.version < 13 { import.ints_to_input("axes", 1) } else { Ok(()) });

static UNSQUEEZE: Operator = Operator::new(
    "Unsqueeze",
    &[1, 11, 13, 21, 23, 24, 25],
    |cx| {
        let x = cx.kind(0)?;
        let axes = cx.value(1)?.ints()?;
        let rank = x.dims.len() + axes.len();
        let mut added = vec![false; rank];
        for &axis in &axes {
            if std::mem::replace(&mut added[cx.axis(axis, rank)?], true) {
                return Err(Trouble::graph(format!("an axis stands twice: {axes:?}")));
            }
        }
        let mut rest = x.dims.iter().copied();
        let dims = added.iter().map(|&added| if added { 1 } else { rest.next().unwrap_or(1) });
        Ok(vec![Type::new(x.element, dims.collect::<Vec<_>>())])
    },
    keep,
    Grad::Rule(back),
)
.moves()
.import(|import| if import.version < 13 { import.ints_to_input("axes", 1) } else { Ok(()) });

/// Its elements in the shape that was inferred.
fn keep(run: &Run<'_>) -> Result<Vec<Tensor>> {
    Ok(vec![run.shaped(0, run.input(0)?.data().clone())?])
}

/// What flows, in the shape of the input.
fn back(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let x = cx.input(0)?;
    let gradient = cx.builder.reshape_like(flow, x)?;
    cx.give(0, gradient)
}

/// The shape that `Reshape` means: 0 copies unless `allow_zero`, one -1 takes what is left.
fn reshaped(from: &[usize], shape: &[i64], allow_zero: bool) -> Result<Vec<usize>> {
    let wrong = |why: &str| Trouble::graph(format!("a shape {shape:?} {why}"));
    let mut dims = Vec::with_capacity(shape.len());
    let mut inferred = None;
    for (axis, &size) in shape.iter().enumerate() {
        dims.push(match size {
            0 if !allow_zero => {
                *from.get(axis).ok_or_else(|| wrong("copies a dimension that is not there"))?
            }
            -1 if inferred.is_some() => return Err(wrong("leaves two dimensions open")),
            -1 => {
                inferred = Some(axis);
                1
            }
            size => usize::try_from(size).map_err(|_| wrong("has a negative dimension"))?,
        });
    }
    let (had, known) = (count(from)?, count(&dims)?);
    if let Some(axis) = inferred {
        if known == 0 || had % known != 0 {
            return Err(wrong(&format!("does not divide {had} elements")));
        }
        dims[axis] = had / known;
    } else if known != had {
        return Err(wrong(&format!("has {known} elements, the input {had}")));
    }
    Ok(dims)
}
