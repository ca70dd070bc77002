//! `OneHot`: for each index a row that holds one value at its place, and another elsewhere.
//!
//! Negative indices count from the end; what lies outside holds no mark at all.
//!
//! Source: ONNX `OneHot`, sets 9, 11 and 28.

use crate::{
    Element, Result, Tensor, Trouble, Type,
    graph::{Grad, Infer, Operator, Run, axis_of},
};

pub(super) const OPS: &[&Operator] = &[&ONE_HOT];

static ONE_HOT: Operator =
    Operator::new("OneHot", &[9, 11, 28], infer, run, Grad::Zero("an index has no slope")).moves();

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let (indices, values) = (cx.kind(0)?, cx.kind(2)?);
    if indices.element == Element::Text || values.count()? != 2 {
        return Err(Trouble::graph(format!("indices {indices} and values {values}")));
    }
    let depth = cx.value(1)?.cast(Element::F64)?;
    let depth = match depth.values::<f64>()? {
        // More than this is over every limit, and the next line exact.
        [depth] if *depth >= 0.0 && *depth < 1e15 => *depth as usize,
        [depth] if *depth > 0.0 => {
            return Err(Trouble::limit(format!("rows of {depth:.1e} elements")));
        }
        depth => return Err(Trouble::graph(format!("expected one depth, got {depth:?}"))),
    };
    let axis = cx.axis(cx.attributes().int_or("axis", -1)?, indices.dims.len() + 1)?;
    let mut dims = indices.dims.clone();
    dims.insert(axis, depth);
    Ok(vec![Type::new(values.element, dims)])
}

fn run(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (indices, values) = (run.input(0)?, run.input(2)?);
    let dims = &run.output(0)?.dims[..];
    let axis = axis_of(run.attributes().int_or("axis", -1)?, dims.len())?;
    let (depth, inner) = (dims[axis], dims[axis + 1..].iter().product::<usize>());
    let indices = indices.cast(Element::I64)?;
    let indices = indices.values::<i64>()?;
    // Which of the two values stands at each place.
    let which = |at: usize| {
        let (outer, rest) = (at / inner / depth, at % inner);
        let place = (at / inner % depth) as i64;
        let index = indices[outer * inner + rest];
        usize::from(index == place || index.checked_add(depth as i64) == Some(place))
    };
    let count = run.output(0)?.count()?;
    Ok(vec![run.shaped(0, values.data().gather((0..count).map(which)))?])
}
