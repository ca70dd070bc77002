//! `AffineGrid`: where a `GridSample` looks, for an affine transform an example.
//!
//! Source: ONNX `AffineGrid`, set 20; Jaderberg et al. 2015.

use crate::{
    Result, Tensor, Trouble, Type,
    grad::Dim,
    graph::{
        Attributes, Grad, Operator, Run, names,
        ops::elementwise,
        ops::{
            constant_of_shape::sizes,
            real::{Real, of_reals},
        },
    },
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[&AFFINE_GRID];

static AFFINE_GRID: Operator = Operator::new(
    "AffineGrid",
    &[20],
    |cx| {
        let theta = cx.kind(0)?;
        let size = sizes(&cx.value(1)?.ints()?)?;
        let space = size.len().saturating_sub(2);
        let fits = (space == 2 || space == 3) && theta.dims == [size[0], space, space + 1];
        if !fits {
            return Err(Trouble::graph(format!("a transform {theta} for a size {size:?}")));
        }
        let mut dims = vec![size[0]];
        dims.extend(&size[2..]);
        dims.push(space);
        count(&dims)?;
        Ok(vec![Type::new(theta.element, dims)])
    },
    |run| of_reals!(run.input(0)?, grid(run)),
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let dims = cx.builder.dims(flow)?;
        let space = dims[1..dims.len() - 1].iter().map(|dim| match dim {
            Dim::Fixed(size) => Ok(*size),
            Dim::Varies => Err(Trouble::unsupported("the gradient of a grid of free size")),
        });
        let space = space.collect::<Result<Vec<_>>>()?;
        let points = points(&space, cx.node.attributes.flag("align_corners")?)?;
        let rank = space.len();
        let rows = points.len() / (rank + 1);
        let points = Tensor::new([rows, rank + 1], points)?.cast(cx.builder.element(flow)?)?;
        let points = cx.builder.constant(points);
        let list = cx.builder.ints(vec![-1, rows as i64, rank as i64]);
        let flow = cx.builder.apply(names::RESHAPE, &[flow, list])?;
        let turn = Attributes::new().with("perm", vec![0, 2, 1]);
        let flow = cx.builder.apply_with(names::TRANSPOSE, &[flow], turn)?;
        let gradient = cx.builder.apply(names::MATMUL, &[flow, points])?;
        cx.give(0, gradient)
    }),
)
.flop(|_, kinds| {
    let elements = kinds.iter().map(|kind| kind.count().map(|n| n as u64)).sum::<Result<u64>>()?;
    Ok(elements.saturating_mul(8))
});

/// The place of each point between -1 and 1, the last axis first, and a 1 behind them.
fn points(space: &[usize], align_corners: bool) -> Result<Vec<f64>> {
    const MOST: usize = 1 << 26;
    let rows = count(space)?;
    if rows > MOST {
        return Err(Trouble::limit(format!("{rows} points of a grid, over the limit of {MOST}")));
    }
    let strides = elementwise::strides(space);
    let mut points = Vec::with_capacity(count(&[rows, space.len() + 1])?);
    for row in 0..rows {
        for axis in (0..space.len()).rev() {
            let (at, size) = ((row / strides[axis] % space[axis]) as f64, space[axis] as f64);
            points.push(match align_corners {
                true if space[axis] == 1 => -1.0,
                true => -1.0 + 2.0 * at / (size - 1.0),
                false => (2.0 * at + 1.0) / size - 1.0,
            });
        }
        points.push(1.0);
    }
    Ok(points)
}

fn grid<T: Real>(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let theta = run.input(0)?.values::<T>()?;
    let kind = run.output(0)?;
    let space = &kind.dims[1..kind.dims.len() - 1];
    let (rank, rows) = (space.len(), count(space)?);
    let align_corners = run.attributes().flag("align_corners")?;
    let mut out = Vec::with_capacity(kind.count()?);
    // One example after the other; a row of points at a time would be made anew for each.
    let points = if kind.dims[0] == 0 { Vec::new() } else { points(space, align_corners)? };
    for example in 0..kind.dims[0] {
        let theta = &theta[example * rank * (rank + 1)..][..rank * (rank + 1)];
        for row in 0..rows {
            let point = &points[row * (rank + 1)..][..rank + 1];
            for axis in 0..rank {
                let theta = &theta[axis * (rank + 1)..][..rank + 1];
                let sum = theta.iter().zip(point).map(|(theta, point)| theta.wide() * point);
                out.push(T::near(sum.sum()));
            }
        }
    }
    Ok(vec![run.shaped(0, T::into_data(out))?])
}
