//! `ArgMax`, `ArgMin`: where along an axis the largest or smallest element lies.
//!
//! Of equal elements the first, or the last with `select_last_index`. NaN counts as the one sought.
//!
//! Source: ONNX `ArgMax` and `ArgMin`, sets 1, 11, 12 and 13.

use std::cmp::Ordering;

use crate::{
    Element, Result, Tensor, Trouble, Type,
    graph::{Grad, Infer, Operator, Run, axis_of, ops::elementwise::of_type},
    numbers,
};

pub(super) const OPS: &[&Operator] = &[&ARG_MAX, &ARG_MIN];

static ARG_MAX: Operator =
    Operator::new("ArgMax", &[1, 11, 12, 13], infer, |run| seek(run, Ordering::Greater), NO_SLOPE)
        .flop(|cx, _| Ok(cx.kind(0)?.count()? as u64));

static ARG_MIN: Operator =
    Operator::new("ArgMin", &[1, 11, 12, 13], infer, |run| seek(run, Ordering::Less), NO_SLOPE)
        .flop(|cx, _| Ok(cx.kind(0)?.count()? as u64));

const NO_SLOPE: Grad = Grad::Zero("an index has no slope");

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let mut dims = cx.dims(0)?.to_vec();
    let axis = cx.axis(cx.attributes().int_or("axis", 0)?, dims.len())?;
    if dims[axis] == 0 {
        return Err(Trouble::graph(format!("no elements along axis {axis}")));
    }
    match cx.attributes().int_or("keepdims", 1)? {
        0 => drop(dims.remove(axis)),
        _ => dims[axis] = 1,
    }
    Ok(vec![Type::new(Element::I64, dims)])
}

fn seek(run: &Run<'_>, wanted: Ordering) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let axis = axis_of(run.attributes().int_or("axis", 0)?, x.dims().len())?;
    let last = run.attributes().flag("select_last_index")?;
    let (size, inner) = (x.dims()[axis], x.dims()[axis + 1..].iter().product::<usize>());
    let count = run.output(0)?.count()?;
    let found = numbers!(x.data(), v => {
        let seek = |row: usize| {
            let start = row / inner * size * inner + row % inner;
            let mut best = 0;
            for index in 1..size {
                let (new, old) = (v[start + index * inner], v[start + best * inner]);
                #[expect(clippy::eq_op, reason = "NaN alone differs from itself")]
                let better = match new.partial_cmp(&old) {
                    Some(order) => order == wanted || (last && order == Ordering::Equal),
                    // One of them is NaN, or both.
                    None => new != new && (old == old || last),
                };
                if better {
                    best = index;
                }
            }
            best as i64
        };
        (0..count).map(seek).collect::<Vec<_>>()
    }, _ => return Err(of_type(x)));
    Ok(vec![run.shaped(0, found)?])
}
