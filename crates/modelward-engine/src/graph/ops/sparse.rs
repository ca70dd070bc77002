//! `NonZero`, `Compress`, `Unique`: what their shapes are depends on data.
//!
//! Source: ONNX `NonZero`, sets 9 and 13; `Compress`, sets 9, 11 and 28; `Unique`, sets 11 and 28.

use crate::{
    Result, Tensor, Trouble, Type, each,
    graph::{
        Operator, Run, axis_of,
        ops::{elementwise::strides, top_k::compare},
    },
};

pub(super) const OPS: &[&Operator] = &[&NON_ZERO, &COMPRESS, &UNIQUE];

/// The places of all elements that are not 0, a row an axis.
static NON_ZERO: Operator =
    Operator::dynamic("NonZero", &[9, 13], non_zero, "indices have no slope").moves();

/// The slices for which a condition holds.
static COMPRESS: Operator = Operator::dynamic(
    "Compress",
    &[9, 11, 28],
    |run| {
        let (x, condition) = (run.input(0)?, run.input(1)?);
        let chosen = condition.values::<bool>()?.iter().enumerate();
        let chosen = chosen.filter(|(_, chosen)| **chosen).map(|(at, _)| at).collect::<Vec<_>>();
        let axis = run.attributes().int("axis")?;
        let dims = if axis.is_some() { x.dims().to_vec() } else { vec![x.count()] };
        let axis = axis_of(axis.unwrap_or(0), dims.len())?;
        if let Some(at) = chosen.iter().find(|&&at| at >= dims[axis]) {
            let size = dims[axis];
            return Err(Trouble::graph(format!("expected an index of {size} places, got {at}")));
        }
        Ok(vec![slices(x, &dims, axis, &chosen)?])
    },
    "its shape depends on data",
)
.moves();

/// Each slice once, where it stands first, which one each is, and how often.
static UNIQUE: Operator =
    Operator::dynamic("Unique", &[11, 28], unique, "its shape depends on data").moves();

fn non_zero(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let found = each!(x.data(), v => {
        let zero = v.first().map(|_| Default::default());
        let found = v.iter().enumerate().filter(|(_, value)| Some(*value) != zero.as_ref());
        found.map(|(at, _)| at).collect::<Vec<_>>()
    });
    let (rank, count, own) = (x.dims().len(), found.len(), strides(x.dims()));
    let mut places = Vec::with_capacity(rank * count);
    for (own, size) in own.iter().zip(x.dims()) {
        places.extend(found.iter().map(|at| (at / own % size) as i64));
    }
    Ok(vec![Tensor::new([rank, count], places)?])
}

/// The slices along an axis at these places.
fn slices(x: &Tensor, dims: &[usize], axis: usize, chosen: &[usize]) -> Result<Tensor> {
    let mut to = dims.to_vec();
    to[axis] = chosen.len();
    if x.count() == 0 {
        return Tensor::zeros(&Type::new(x.element(), to));
    }
    let inner = dims[axis + 1..].iter().product::<usize>();
    let outer = dims[..axis].iter().product::<usize>();
    let size = dims[axis];
    let from = (0..outer).flat_map(|outer| {
        chosen.iter().flat_map(move |at| {
            let start = (outer * size + at) * inner;
            start..start + inner
        })
    });
    Tensor::new(to, x.data().gather(from))
}

fn unique(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let axis = run.attributes().int("axis")?;
    let dims = if axis.is_some() { x.dims().to_vec() } else { vec![x.count()] };
    let axis = axis_of(axis.unwrap_or(0), dims.len())?;
    if x.count() == 0 && dims[axis] > 0 {
        return Err(Trouble::unsupported("slices without elements, each once"));
    }
    let (inner, outer) = match x.count() {
        0 => (0, 0),
        _ => (dims[axis + 1..].iter().product::<usize>(), dims[..axis].iter().product::<usize>()),
    };
    let size = dims[axis];
    let mut order = (0..size).collect::<Vec<_>>();
    let mut firsts: Vec<usize> = Vec::new();
    let mut group = vec![0_usize; size];
    each!(x.data(), v => {
        let compared = |a: usize, b: usize| {
            let places = (0..outer).flat_map(|outer| {
                (0..inner).map(move |at| move |slice: usize| (outer * size + slice) * inner + at)
            });
            let orders = places.map(|place| compare(&v[place(a)], &v[place(b)]));
            orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        };
        order.sort_by(|&a, &b| compared(a, b));
        for (at, &slice) in order.iter().enumerate() {
            // The order is stable: the first of equal slices is the first that stands there.
            if at == 0 || compared(order[at - 1], slice).is_ne() {
                firsts.push(slice);
            }
            group[slice] = firsts.len() - 1;
        }
    });
    // The number of each group in the order that is asked for.
    let mut ranks = (0..firsts.len()).collect::<Vec<_>>();
    if run.attributes().int_or("sorted", 1)? == 0 {
        ranks.sort_by_key(|&rank| firsts[rank]);
    }
    let mut place = vec![0_usize; ranks.len()];
    for (at, &rank) in ranks.iter().enumerate() {
        place[rank] = at;
    }
    let firsts = ranks.iter().map(|&rank| firsts[rank]).collect::<Vec<_>>();
    let mut counts = vec![0_i64; ranks.len()];
    let inverse = group.iter().map(|&rank| {
        counts[place[rank]] += 1;
        place[rank] as i64
    });
    let inverse = inverse.collect::<Vec<_>>();
    Ok(vec![
        slices(x, &dims, axis, &firsts)?,
        Tensor::list(firsts.iter().map(|&first| first as i64).collect::<Vec<_>>()),
        Tensor::list(inverse),
        Tensor::list(counts),
    ])
}
