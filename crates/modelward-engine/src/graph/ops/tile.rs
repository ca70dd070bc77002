//! `Tile`: a tensor several times over along each axis.
//!
//! Source: ONNX `Tile`, sets 6 and 13.

use crate::{
    Result, Trouble, Type,
    graph::{
        Attributes, Grad, Operator, names,
        ops::along::{Along, Outside, places},
    },
};

pub(super) const OPS: &[&Operator] = &[&TILE];

static TILE: Operator = Operator::new(
    "Tile",
    &[6, 13],
    |cx| {
        let x = cx.kind(0)?;
        Ok(vec![Type::new(x.element, tiled(&x.dims, &cx.value(1)?.ints()?)?)])
    },
    |run| {
        let x = run.input(0)?;
        let to = tiled(x.dims(), &run.input(1)?.ints()?)?;
        let along =
            x.dims().iter().map(|&size| Along { outside: Outside::Wrap, ..Along::whole(size) });
        let along = along.collect::<Vec<_>>();
        let from = places(x.dims(), &to, &along).flatten();
        Ok(vec![run.shaped(0, x.data().gather(from))?])
    },
    // Each axis in two, how often and how many: the first are summed.
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, repeats) = (cx.input(0)?, cx.input(1)?);
        let rank = cx.builder.rank(x)? as i64;
        let b = &mut *cx.builder;
        let shape = b.shape_of(x)?;
        let column = b.ints(vec![rank, 1]);
        let repeats = b.apply(names::RESHAPE, &[repeats, column])?;
        let sizes = b.apply(names::RESHAPE, &[shape, column])?;
        let side = Attributes::new().with("axis", 1);
        let pairs = b.apply_with(names::CONCAT, &[repeats, sizes], side)?;
        let list = b.ints(vec![2 * rank]);
        let pairs = b.apply(names::RESHAPE, &[pairs, list])?;
        let whole = Attributes::new().with("allowzero", 1);
        let split = b.apply_with(names::RESHAPE, &[flow, pairs], whole)?;
        let axes = b.ints((0..rank).map(|axis| 2 * axis).collect());
        let noop = Attributes::new().with("keepdims", 0).with("noop_with_empty_axes", 1);
        let gradient = b.apply_with(names::REDUCE_SUM, &[split, axes], noop)?;
        cx.give(0, gradient)
    }),
)
.moves();

fn tiled(dims: &[usize], repeats: &[i64]) -> Result<Vec<usize>> {
    if repeats.len() != dims.len() {
        let (expected, got) = (dims.len(), repeats.len());
        return Err(Trouble::graph(format!("expected {expected} repeats, got {got}")));
    }
    let times = |(&size, &repeat): (&usize, &i64)| {
        let repeat = usize::try_from(repeat)
            .map_err(|_| Trouble::graph(format!("a negative number of repeats: {repeat}")))?;
        size.checked_mul(repeat)
            .ok_or_else(|| Trouble::limit(format!("{size} elements, {repeat} times")))
    };
    dims.iter().zip(repeats).map(times).collect()
}
