//! Products of quantised matrices: `MatMulInteger`, `QLinearMatMul`, and of ONNX Runtime `QGemm`,
//! `MatMulIntegerToFloat` and `DynamicQuantizeMatMul`.
//!
//! Products are added up in whole numbers of 32 bits, which wrap, and scaled in `f32`.
//!
//! Source: ONNX `MatMulInteger`, set 10, `QLinearMatMul`, sets 10 and 21; ONNX Runtime's contrib
//! operators of these names, set 1.

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    graph::{
        Domain, Grad, Infer, Operator, Run,
        ops::{
            elementwise::{Places, broadcast, of_type},
            matmul::{Product, gemm_sizes},
            quantize::{pack, range, whole, zeros},
        },
    },
};

pub(super) const OPS: &[&Operator] =
    &[&MATMUL_INTEGER, &QLINEAR_MATMUL, &QGEMM, &MATMUL_INTEGER_TO_FLOAT, &DYNAMIC_QUANTIZE_MATMUL];

/// Why no gradient passes.
pub(super) const ROUNDS: Grad = Grad::None("it computes on rounded numbers");

static MATMUL_INTEGER: Operator = Operator::new(
    "MatMulInteger",
    &[10],
    |cx| {
        operands(cx, 0, 1, [Some(2), Some(3)])?;
        let product = Product::of(cx.dims(0)?, cx.dims(1)?)?;
        Ok(vec![Type::new(Element::I32, product.dims)])
    },
    |run| {
        let sums = product(run, 0, 1, Some(2), Some(3))?;
        Ok(vec![run.shaped(0, sums)?])
    },
    Grad::None("it computes on whole numbers"),
)
.flop(|cx, _| flop(cx, 0, 1));

static QLINEAR_MATMUL: Operator = Operator::new(
    "QLinearMatMul",
    &[10, 21],
    |cx| {
        operands(cx, 0, 3, [Some(2), Some(5)])?;
        let product = Product::of(cx.dims(0)?, cx.dims(3)?)?;
        side(cx.dims(1)?, product.m, true)?;
        side(cx.dims(4)?, product.n, false)?;
        side(cx.dims(6)?, product.m, true)?;
        side(cx.dims(7)?, product.m, true)?;
        let element = cx.element(7)?;
        range(element)?;
        Ok(vec![Type::new(element, product.dims)])
    },
    |run| {
        let (a, b) = (run.input(0)?, run.input(3)?);
        let sizes = Product::of(a.dims(), b.dims())?;
        let sums = product(run, 0, 3, Some(2), Some(5))?;
        let scales = |input: usize| run.input(input)?.floats();
        let (scale_a, scale_b, scale_y) = (scales(1)?, scales(4)?, scales(6)?);
        let zero = zeros(run, 7)?;
        let levels = sums.iter().enumerate().map(|(at, &sum)| {
            let (row, column) = sizes.place(at);
            let scale = pick(&scale_a, row) as f32 * pick(&scale_b, column) as f32
                / pick(&scale_y, row) as f32;
            rescaled(sum, scale).saturating_add(pick(&zero, row))
        });
        Ok(vec![run.shaped(0, pack(run.output(0)?.element, levels)?)?])
    },
    ROUNDS,
)
.flop(|cx, _| flop(cx, 0, 3));

/// A scaled product of two matrices and a bias of whole numbers; floats where no scale is given for
/// the output.
static QGEMM: Operator = Operator::new(
    "QGemm",
    &[1],
    |cx| {
        operands(cx, 0, 3, [Some(2), Some(5)])?;
        let (m, _, n) = gemm_sizes(cx.attributes(), cx.dims(0)?, cx.dims(3)?)?;
        one(cx.dims(1)?)?;
        side(cx.dims(4)?, n, false)?;
        one(cx.dims(2)?)?;
        side(cx.dims(5)?, n, false)?;
        if cx.has(6) && broadcast(&[cx.dims(6)?, &[m, n]])? != [m, n] {
            let dims = cx.dims(6)?;
            return Err(Trouble::graph(format!("{dims:?} does not broadcast to [{m}, {n}]")));
        }
        let mut element = Element::F32;
        if cx.has(7) {
            one(cx.dims(7)?)?;
            element = if cx.has(8) { cx.element(8)? } else { Element::U8 };
            range(element)?;
        } else if cx.element(1)? == Element::F64 {
            element = Element::F64;
        }
        Ok(vec![Type::new(element, [m, n])])
    },
    |run| {
        let (a, b) = (run.input(0)?, run.input(3)?);
        let attributes = run.attributes();
        let (m, k, n) = gemm_sizes(attributes, a.dims(), b.dims())?;
        let (turn_a, turn_b) = (attributes.flag("transA")?, attributes.flag("transB")?);
        let zero_a = zeros(run, 2)?;
        let zero_b = zeros(run, 5)?;
        let a = shifted(a, |_| pick(&zero_a, 0))?;
        let b = shifted(b, |at| {
            let column = if turn_b { at / k.max(1) } else { at % n.max(1) };
            pick(&zero_b, column)
        })?;
        let mut sums = vec![0_i32; m * n];
        for (i, row) in sums.chunks_exact_mut(n.max(1)).enumerate() {
            for l in 0..k {
                let factor = i32::from(if turn_a { a[l * m + i] } else { a[i * k + l] });
                for (j, sum) in row.iter_mut().enumerate() {
                    let b = if turn_b { b[j * k + l] } else { b[l * n + j] };
                    *sum = sum.wrapping_add(factor.wrapping_mul(b.into()));
                }
            }
        }
        if let Some(bias) = run.optional(6) {
            let values = bias.values::<i32>()?;
            for (sum, at) in sums.iter_mut().zip(Places::broadcast(bias.dims(), &[m, n])) {
                *sum = sum.wrapping_add(values[at]);
            }
        }
        let alpha = attributes.float_or("alpha", 1.0)?;
        let (scale_a, scale_b) = (run.input(1)?.floats()?, run.input(4)?.floats()?);
        let factor =
            |at: usize| alpha * pick(&scale_a, 0) as f32 * pick(&scale_b, at % n.max(1)) as f32;
        let Some(scale) = run.optional(7) else {
            let floats = sums.iter().enumerate().map(|(at, &sum)| sum as f32 * factor(at));
            let floats = Tensor::new([m, n], floats.collect::<Vec<_>>())?;
            return Ok(vec![floats.cast(run.output(0)?.element)?]);
        };
        let (scale, zero) = (scale.floats()?, zeros(run, 8)?);
        let levels = sums.iter().enumerate().map(|(at, &sum)| {
            rescaled(sum, factor(at) / pick(&scale, 0) as f32).saturating_add(pick(&zero, 0))
        });
        Ok(vec![run.shaped(0, pack(run.output(0)?.element, levels)?)?])
    },
    ROUNDS,
)
.of(Domain::Microsoft)
.flop(|cx, _| {
    let (m, k, n) = gemm_sizes(cx.attributes(), cx.dims(0)?, cx.dims(3)?)?;
    Ok([2, m, k, n].iter().fold(1_u64, |all, &one| all.saturating_mul(one as u64)))
});

static MATMUL_INTEGER_TO_FLOAT: Operator = Operator::new(
    "MatMulIntegerToFloat",
    &[1],
    |cx| {
        operands(cx, 0, 1, [Some(4), Some(5)])?;
        let product = Product::of(cx.dims(0)?, cx.dims(1)?)?;
        side(cx.dims(2)?, product.m, true)?;
        scaled_type(cx, product, 2, 3, 6)
    },
    |run| {
        let sums = product(run, 0, 1, Some(4), Some(5))?;
        let sizes = Product::of(run.input(0)?.dims(), run.input(1)?.dims())?;
        let (scale_a, scale_b) = (run.input(2)?.floats()?, run.input(3)?.floats()?);
        floats(run, &sizes, &sums, &scale_a, &scale_b, 6)
    },
    ROUNDS,
)
.of(Domain::Microsoft)
.flop(|cx, _| flop(cx, 0, 1));

/// The first operand is quantised on the way, as `DynamicQuantizeLinear` does.
static DYNAMIC_QUANTIZE_MATMUL: Operator = Operator::new(
    "DynamicQuantizeMatMul",
    &[1],
    |cx| {
        if !cx.element(0)?.is_float() {
            let got = cx.element(0)?;
            return Err(Trouble::graph(format!("expected floats, got {got}")));
        }
        range(cx.element(1)?)?;
        let product = Product::of(cx.dims(0)?, cx.dims(1)?)?;
        if cx.has(3) {
            side(cx.dims(3)?, product.n, false)?;
        }
        scaled_type(cx, product, 0, 2, 4)
    },
    |run| {
        let (a, b) = (run.input(0)?, run.input(1)?);
        let sizes = Product::of(a.dims(), b.dims())?;
        let a = a.floats()?;
        let least = a.iter().fold(0.0, |least: f64, &x| least.min(x)) as f32;
        let most = a.iter().fold(0.0, |most: f64, &x| most.max(x)) as f32;
        let scale = if most == least { 1.0 } else { (most - least) / 255.0 };
        let zero = (-least / scale).clamp(0.0, 255.0).round_ties_even() as i64;
        let levels = a.iter().map(|&x| {
            let level = (x as f32 / scale).round_ties_even() as i64;
            (level.saturating_add(zero).clamp(0, 255) - zero) as i16
        });
        let levels = levels.collect::<Vec<_>>();
        let zero_b = zeros(run, 3)?;
        let b = shifted(b, |at| pick(&zero_b, at % sizes.n.max(1)))?;
        let sums = sizes.run(&levels, &b, 0_i32, add);
        let scale_b = run.input(2)?.floats()?;
        floats(run, &sizes, &sums, &[scale.into()], &scale_b, 4)
    },
    ROUNDS,
)
.of(Domain::Microsoft)
.flop(|cx, _| flop(cx, 0, 1));

fn flop(cx: &Infer<'_>, a: usize, b: usize) -> Result<u64> {
    let product = Product::of(cx.dims(a)?, cx.dims(b)?)?;
    let out = crate::tensor::count(&product.dims)? as u64;
    Ok(out.saturating_mul(product.k as u64).saturating_mul(2))
}

/// Refuse operands that are not bytes, and zero points that fit no row or column.
fn operands(cx: &Infer<'_>, a: usize, b: usize, zeros: [Option<usize>; 2]) -> Result<()> {
    for operand in [a, b] {
        let element = cx.element(operand)?;
        if !matches!(element, Element::U8 | Element::I8) {
            return Err(Trouble::graph(format!("expected u8 or i8 elements, got {element}")));
        }
    }
    let [rows, columns] = zeros;
    let last =
        |dims: &[usize], from_end: usize| dims.len().checked_sub(from_end).map_or(1, |at| dims[at]);
    if let Some(zero) = rows.filter(|&zero| cx.has(zero)) {
        let size = if cx.dims(a)?.len() < 2 { 1 } else { last(cx.dims(a)?, 2) };
        if cx.node.operator.name != "QGemm" {
            side(cx.dims(zero)?, size, true)?;
        }
        range(cx.element(zero)?)?;
    }
    if let Some(zero) = columns.filter(|&zero| cx.has(zero)) {
        if cx.node.operator.name != "QGemm" {
            side(cx.dims(zero)?, last(cx.dims(b)?, 1), false)?;
        }
        range(cx.element(zero)?)?;
    }
    Ok(())
}

/// Refuse a scale or zero point that is neither one for all nor one for each row or column.
fn side(dims: &[usize], size: usize, of_rows: bool) -> Result<()> {
    let fits = match dims {
        [] | [1] => true,
        [one] => *one == size,
        [front @ .., rows, 1] if of_rows => *rows == size && front.iter().all(|&size| size == 1),
        [front @ .., 1, columns] if !of_rows => {
            *columns == size && front.iter().all(|&size| size == 1)
        }
        _ => false,
    };
    if fits || dims.iter().all(|&size| size == 1) {
        return Ok(());
    }
    Err(Trouble::unsupported(format!("scales or zero points {dims:?} for {size} rows or columns")))
}

/// Refuse more than one number.
fn one(dims: &[usize]) -> Result<()> {
    if dims.iter().all(|&size| size == 1) {
        return Ok(());
    }
    Err(Trouble::graph(format!("expected one number, got a shape {dims:?}")))
}

/// The number that belongs to a row or column.
fn pick<T: Copy + Default>(numbers: &[T], at: usize) -> T {
    match numbers {
        [one] => *one,
        more => more.get(at).copied().unwrap_or_default(),
    }
}

/// Bytes with their zero points taken off. A difference of two bytes has nine bits.
#[expect(clippy::cast_possible_truncation, reason = "saturated just before")]
pub(super) fn shifted(tensor: &Tensor, zero: impl Fn(usize) -> i64) -> Result<Vec<i16>> {
    let levels = whole(tensor)?.enumerate();
    let (least, most) = (i64::from(i16::MIN), i64::from(i16::MAX));
    Ok(levels.map(|(at, level)| (level - zero(at)).clamp(least, most) as i16).collect())
}

/// A sum on another scale, rounded half to even.
pub(super) fn rescaled(sum: i32, scale: f32) -> i64 {
    (sum as f32 * scale).round_ties_even() as i64
}

fn add(sum: i32, a: i16, b: i16) -> i32 {
    sum.wrapping_add(i32::from(a).wrapping_mul(b.into()))
}

/// The sums of products of two quantised operands.
fn product(
    run: &Run<'_>,
    a: usize,
    b: usize,
    zero_a: Option<usize>,
    zero_b: Option<usize>,
) -> Result<Vec<i32>> {
    let (a, b) = (run.input(a)?, run.input(b)?);
    let sizes = Product::of(a.dims(), b.dims())?;
    let none = || Ok(vec![0]);
    let zero_a = zero_a.map_or_else(none, |input| zeros(run, input))?;
    let zero_b = zero_b.map_or_else(none, |input| zeros(run, input))?;
    let (m, k, n) = (sizes.m.max(1), sizes.k.max(1), sizes.n.max(1));
    let a = shifted(a, |at| pick(&zero_a, at / k % m))?;
    let b = shifted(b, |at| pick(&zero_b, at % n))?;
    Ok(sizes.run(&a, &b, 0_i32, add))
}

impl Product {
    /// Row and column of an element of the result.
    fn place(&self, at: usize) -> (usize, usize) {
        (at / self.n.max(1) % self.m.max(1), at % self.n.max(1))
    }
}

/// Floats of the element type of the scale, or of the first operand.
fn scaled_type(
    cx: &Infer<'_>,
    product: Product,
    like: usize,
    scale_b: usize,
    bias: usize,
) -> Result<Vec<Type>> {
    side(cx.dims(scale_b)?, product.n, false)?;
    if cx.has(bias) && broadcast(&[cx.dims(bias)?, &product.dims])? != product.dims {
        let got = cx.kind(bias)?;
        return Err(Trouble::graph(format!("a bias {got} does not fit")));
    }
    Ok(vec![Type::new(cx.element(like)?, product.dims)])
}

fn floats(
    run: &Run<'_>,
    sizes: &Product,
    sums: &[i32],
    scale_a: &[f64],
    scale_b: &[f64],
    bias: usize,
) -> Result<Vec<Tensor>> {
    let mut out = sums.iter().enumerate().map(|(at, &sum)| {
        let (row, column) = sizes.place(at);
        sum as f32 * (pick(scale_a, row) as f32 * pick(scale_b, column) as f32)
    });
    let mut out = out.by_ref().collect::<Vec<_>>();
    if let Some(bias) = run.optional(bias) {
        let values = match bias.data() {
            Data::F32(_) | Data::F64(_) => bias.floats()?,
            _ => return Err(of_type(bias)),
        };
        for (out, at) in out.iter_mut().zip(Places::broadcast(bias.dims(), &sizes.dims)) {
            *out += values[at] as f32;
        }
    }
    let kind = run.output(0)?;
    Ok(vec![Tensor::new(kind.dims.clone(), out)?.cast(kind.element)?])
}
