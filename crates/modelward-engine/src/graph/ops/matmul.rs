//! `MatMul`, `Gemm`: products of matrices, the first over any number of broadcast dimensions.
//!
//! Source: ONNX `MatMul`, sets 1, 9 and 13 (as `numpy.matmul`); `Gemm`, sets 6, 7, 9, 11 and 13.

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    grad::Gradient,
    graph::{
        Attributes, Grad, Infer, Operator, Run, names,
        ops::elementwise::{Places, broadcast, of_type},
    },
};

pub(super) const OPS: &[&Operator] = &[&MATMUL, &GEMM];

static MATMUL: Operator = Operator::new(
    "MatMul",
    &[1, 9, 13],
    |cx| Ok(vec![Type::new(element(cx)?, Product::of(cx.dims(0)?, cx.dims(1)?)?.dims)]),
    |run| {
        let (a, b) = (run.input(0)?, run.input(1)?);
        let product = Product::of(a.dims(), b.dims())?;
        macro_rules! product {
            ($v:expr, $kind:ty, $add:expr) => {
                product.run($v, b.values::<$kind>()?, <$kind>::default(), $add).into()
            };
        }
        macro_rules! wrapping {
            ($v:expr, $kind:ty) => {
                product!($v, $kind, |c: $kind, a: $kind, b: $kind| c
                    .wrapping_add(a.wrapping_mul(b)))
            };
        }
        let data: Data = match a.data() {
            Data::F32(v) => product!(v, f32, |c: f32, a: f32, b: f32| c + a * b),
            Data::F64(v) => product!(v, f64, |c: f64, a: f64, b: f64| c + a * b),
            Data::I32(v) => wrapping!(v, i32),
            Data::I64(v) => wrapping!(v, i64),
            Data::U32(v) => wrapping!(v, u32),
            Data::U64(v) => wrapping!(v, u64),
            _ => return Err(of_type(a)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(grad),
)
.flop(flop);

static GEMM: Operator = Operator::new(
    "Gemm",
    &[6, 7, 9, 11, 13],
    |cx| {
        let (m, _, n) = gemm_sizes(cx.attributes(), cx.dims(0)?, cx.dims(1)?)?;
        if cx.has(2) && broadcast(&[cx.dims(2)?, &[m, n]])? != [m, n] {
            let dims = cx.dims(2)?;
            return Err(Trouble::graph(format!("{dims:?} does not broadcast to [{m}, {n}]")));
        }
        Ok(vec![Type::new(element(cx)?, [m, n])])
    },
    gemm,
    Grad::Rule(gemm_grad),
)
.flop(|cx, _| {
    let (m, k, n) = gemm_sizes(cx.attributes(), cx.dims(0)?, cx.dims(1)?)?;
    Ok([2, m, k, n].iter().fold(1_u64, |all, &one| all.saturating_mul(one as u64)))
})
// Before set 7 `broadcast` had to say that the third operand is broadcast.
.import(|import| {
    import.attributes.take("broadcast");
    Ok(())
});

fn flop(cx: &Infer<'_>, _: &[Type]) -> Result<u64> {
    let product = Product::of(cx.dims(0)?, cx.dims(1)?)?;
    let batch = product.batch.iter().fold(1_u64, |all, &one| all.saturating_mul(one as u64));
    let sizes = [2, product.m, product.k, product.n];
    Ok(sizes.iter().fold(batch, |all, &one| all.saturating_mul(one as u64)))
}

/// The sizes of a product: `[..., m, k]` times `[..., k, n]`.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) m: usize,
    pub(super) k: usize,
    pub(super) n: usize,
    /// The dimensions in front, broadcast, and of each operand.
    batch: Vec<usize>,
    fronts: [Vec<usize>; 2],
    /// The shape of the result.
    pub(super) dims: Vec<usize>,
}

impl Product {
    pub(super) fn of(a: &[usize], b: &[usize]) -> Result<Self> {
        let wrong = || Trouble::graph(format!("matrices {a:?} and {b:?} do not fit each other"));
        let (front_a, m, k) = match a {
            [] => return Err(wrong()),
            [k] => (&a[..0], 1, *k),
            [front @ .., m, k] => (front, *m, *k),
        };
        let (front_b, rows, n) = match b {
            [] => return Err(wrong()),
            [rows] => (&b[..0], *rows, 1),
            [front @ .., rows, n] => (front, *rows, *n),
        };
        if rows != k {
            return Err(wrong());
        }
        let batch = broadcast(&[front_a, front_b])?;
        let mut dims = batch.clone();
        dims.extend((a.len() > 1).then_some(m));
        dims.extend((b.len() > 1).then_some(n));
        Ok(Self { m, k, n, batch, fronts: [front_a.to_vec(), front_b.to_vec()], dims })
    }

    /// The product, in the order of the definition.
    pub(super) fn run<T: Copy, U: Copy, V: Copy>(
        &self,
        a: &[T],
        b: &[U],
        zero: V,
        add: impl Fn(V, T, U) -> V,
    ) -> Vec<V> {
        let (m, k, n) = (self.m, self.k, self.n);
        let mut out = Vec::with_capacity(self.batch.iter().product::<usize>() * m * n);
        let [front_a, front_b] = &self.fronts;
        let places =
            Places::broadcast(front_a, &self.batch).zip(Places::broadcast(front_b, &self.batch));
        let mut row = vec![zero; n];
        for (at_a, at_b) in places {
            let (a, b) = (&a[at_a * m * k..][..m * k], &b[at_b * k * n..][..k * n]);
            for i in 0..m {
                row.fill(zero);
                for (at, &factor) in a[i * k..][..k].iter().enumerate() {
                    for (sum, &b) in row.iter_mut().zip(&b[at * n..][..n]) {
                        *sum = add(*sum, factor, b);
                    }
                }
                out.extend_from_slice(&row);
            }
        }
        out
    }
}

fn grad(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let Some(mut flow) = cx.flow(0) else { return Ok(()) };
    let (mut a, mut b) = (cx.input(0)?, cx.input(1)?);
    // A vector counts as a matrix of one row or one column.
    let (rank_a, rank_b) = (cx.builder.rank(a)?, cx.builder.rank(b)?);
    if rank_b == 1 {
        let axis = cx.builder.ints(vec![-1]);
        b = cx.builder.apply(names::UNSQUEEZE, &[b, axis])?;
        flow = cx.builder.apply(names::UNSQUEEZE, &[flow, axis])?;
    }
    if rank_a == 1 {
        let axis = cx.builder.ints(vec![0]);
        a = cx.builder.apply(names::UNSQUEEZE, &[a, axis])?;
        let axis = cx.builder.ints(vec![-2]);
        flow = cx.builder.apply(names::UNSQUEEZE, &[flow, axis])?;
    }
    for (input, of, rank) in [(0, a, rank_a), (1, b, rank_b)] {
        if !cx.wants(input) {
            continue;
        }
        let gradient = if input == 0 {
            let turned = turned(cx, b)?;
            cx.builder.apply(names::MATMUL, &[flow, turned])?
        } else {
            let turned = turned(cx, a)?;
            cx.builder.apply(names::MATMUL, &[turned, flow])?
        };
        let mut gradient = cx.builder.unbroadcast(gradient, of)?;
        if rank == 1 {
            let like = cx.input(input)?;
            gradient = cx.builder.reshape_like(gradient, like)?;
        }
        cx.give(input, gradient)?;
    }
    Ok(())
}

/// With its last two axes exchanged.
fn turned(
    cx: &mut Gradient<'_, '_>,
    value: crate::graph::ValueId,
) -> Result<crate::graph::ValueId> {
    let rank = cx.builder.rank(value)?;
    let mut order = (0..rank as i64).collect::<Vec<_>>();
    order.swap(rank - 1, rank - 2);
    cx.builder.apply_with(names::TRANSPOSE, &[value], Attributes::new().with("perm", order))
}

/// Rows, shared size and columns of a `Gemm`.
pub(super) fn gemm_sizes(
    attributes: &Attributes,
    a: &[usize],
    b: &[usize],
) -> Result<(usize, usize, usize)> {
    let (&[rows_a, columns_a], &[rows_b, columns_b]) = (a, b) else {
        return Err(Trouble::graph(format!("expected two matrices, got {a:?} and {b:?}")));
    };
    let turn = |turned: bool, rows, columns| if turned { (columns, rows) } else { (rows, columns) };
    let (m, k) = turn(attributes.flag("transA")?, rows_a, columns_a);
    let (rows, n) = turn(attributes.flag("transB")?, rows_b, columns_b);
    if rows != k {
        return Err(Trouble::graph(format!("matrices {a:?} and {b:?} do not fit each other")));
    }
    Ok((m, k, n))
}

fn gemm(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (a, b, c) = (run.input(0)?, run.input(1)?, run.optional(2));
    let attributes = run.attributes();
    let (m, k, n) = gemm_sizes(attributes, a.dims(), b.dims())?;
    let (turn_a, turn_b) = (attributes.flag("transA")?, attributes.flag("transB")?);
    let (alpha, beta) = (attributes.float_or("alpha", 1.0)?, attributes.float_or("beta", 1.0)?);
    macro_rules! product {
        ($v:expr, $kind:ty) => {{
            let (a, b) = ($v, b.values::<$kind>()?);
            let mut out = vec![<$kind>::default(); m * n];
            for i in 0..m {
                let row = &mut out[i * n..][..n];
                for l in 0..k {
                    let factor = if turn_a { a[l * m + i] } else { a[i * k + l] };
                    for (j, sum) in row.iter_mut().enumerate() {
                        *sum += factor * if turn_b { b[j * k + l] } else { b[l * n + j] };
                    }
                }
            }
            let (alpha, beta) = (alpha as $kind, beta as $kind);
            for sum in &mut out {
                *sum *= alpha;
            }
            if let Some(c) = c {
                let values = c.values::<$kind>()?;
                for (sum, at) in out.iter_mut().zip(Places::broadcast(c.dims(), &[m, n])) {
                    *sum += beta * values[at];
                }
            }
            out.into()
        }};
    }
    let data: Data = match a.data() {
        Data::F32(v) => product!(v, f32),
        Data::F64(v) => product!(v, f64),
        _ => return Err(of_type(a)),
    };
    Ok(vec![run.shaped(0, data)?])
}

fn gemm_grad(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let (a, b) = (cx.input(0)?, cx.input(1)?);
    let attributes = cx.node.attributes.clone();
    let alpha = attributes.float_or("alpha", 1.0)?;
    let (turn_a, turn_b) = (attributes.flag("transA")?, attributes.flag("transB")?);
    let product = |cx: &mut Gradient<'_, '_>, left, right, turn_left: bool, turn_right: bool| {
        let turns = Attributes::new()
            .with("alpha", alpha)
            .with("transA", i64::from(turn_left))
            .with("transB", i64::from(turn_right));
        cx.builder.apply_with(names::GEMM, &[left, right], turns)
    };
    if cx.wants(0) {
        let gradient = if turn_a {
            product(cx, b, flow, turn_b, true)?
        } else {
            product(cx, flow, b, false, !turn_b)?
        };
        cx.give(0, gradient)?;
    }
    if cx.wants(1) {
        let gradient = if turn_b {
            product(cx, flow, a, true, turn_a)?
        } else {
            product(cx, a, flow, !turn_a, false)?
        };
        cx.give(1, gradient)?;
    }
    if cx.wants(2) {
        let beta = attributes.float_or("beta", 1.0)?;
        let mut gradient = flow;
        if beta != 1.0 {
            let beta = cx.builder.float(flow, beta.into())?;
            gradient = cx.builder.mul(flow, beta)?;
        }
        cx.give_unbroadcast(2, gradient)?;
    }
    Ok(())
}

/// The element type that all inputs share.
fn element(cx: &Infer<'_>) -> Result<Element> {
    let first = cx.element(0)?;
    match cx.inputs.iter().flatten().find(|known| known.kind.element != first) {
        None => Ok(first),
        Some(other) => {
            let other = other.kind.element;
            Err(Trouble::graph(format!("inputs of two element types, {first} and {other}")))
        }
    }
}
