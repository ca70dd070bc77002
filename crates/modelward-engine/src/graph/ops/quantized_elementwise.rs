//! What ONNX Runtime's quantiser writes besides products: `QLinearAdd`, `QLinearMul`,
//! `QLinearSigmoid`, `QLinearLeakyRelu`, `QLinearSoftmax`, `QLinearAveragePool`,
//! `QLinearGlobalAveragePool`, `QLinearConcat`.
//!
//! Each computes in `f32` on the numbers that the levels stand for, and rounds half to even.
//!
//! Source: ONNX Runtime's contrib operators of these names, set 1.

use crate::{
    Element, Result, Tensor, Trouble, Type,
    graph::{
        Domain, Infer, Operator, Run, axis_of,
        ops::{
            elementwise::{Places, broadcast},
            pool,
            quantize::{pack, range, whole, zeros},
            quantized_product::ROUNDS,
        },
    },
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[
    &QLINEAR_ADD,
    &QLINEAR_MUL,
    &QLINEAR_SIGMOID,
    &QLINEAR_LEAKY_RELU,
    &QLINEAR_SOFTMAX,
    &QLINEAR_AVERAGE_POOL,
    &QLINEAR_GLOBAL_AVERAGE_POOL,
    &QLINEAR_CONCAT,
];

static QLINEAR_ADD: Operator = pair("QLinearAdd", |run| of_two(run, |a, b| a + b));
static QLINEAR_MUL: Operator = pair("QLinearMul", |run| of_two(run, |a, b| a * b));

static QLINEAR_SIGMOID: Operator = single("QLinearSigmoid", same, |run| {
    let x = real(run, 0)?.map(|x| 1.0 / (1.0 + (-x).exp()));
    rounded(run, x, 3)
});

static QLINEAR_LEAKY_RELU: Operator = single("QLinearLeakyRelu", same, |run| {
    let alpha = run.attributes().float_or("alpha", 0.01)?;
    let x = real(run, 0)?.map(|x| if x < 0.0 { x * alpha } else { x });
    rounded(run, x, 3)
});

/// Before set 13 of ONNX over all axes from one on, which the attribute `opset` tells.
static QLINEAR_SOFTMAX: Operator = single(
    "QLinearSoftmax",
    |cx| {
        cx.axis(cx.attributes().int_or("axis", -1)?, cx.dims(0)?.len())?;
        same(cx)
    },
    |run| {
        let x = run.input(0)?;
        let attributes = run.attributes();
        let axis = axis_of(attributes.int_or("axis", -1)?, x.dims().len())?;
        let (mut size, mut inner) = (x.dims()[axis], count(&x.dims()[axis + 1..])?);
        if attributes.int_or("opset", 13)? < 13 {
            (size, inner) = (size * inner, 1);
        }
        let mut shares = real(run, 0)?.collect::<Vec<_>>();
        let rows = shares.len().checked_div(size).unwrap_or(0);
        for row in 0..rows {
            let start = row / inner * size * inner + row % inner;
            let places = || (0..size).map(|at| start + at * inner);
            let most = places().map(|at| shares[at]).fold(f32::NEG_INFINITY, f32::max);
            let total = places().map(|at| (shares[at] - most).exp()).sum::<f32>();
            for at in places() {
                shares[at] = (shares[at] - most).exp() / total;
            }
        }
        rounded(run, shares.into_iter(), 3)
    },
);

static QLINEAR_AVERAGE_POOL: Operator = single(
    "QLinearAveragePool",
    |cx| {
        let x = channels_first(cx)?;
        quantised(cx, &[0])?;
        Ok(vec![Type::new(x.element, pool::pooled(cx.attributes(), &x.dims)?)])
    },
    |run| {
        let values = real(run, 0)?.collect::<Vec<_>>();
        let means = pool::whole_means(run.attributes(), run.input(0)?.dims(), &values)?;
        rounded(run, means.into_iter(), 3)
    },
);

static QLINEAR_GLOBAL_AVERAGE_POOL: Operator = single(
    "QLinearGlobalAveragePool",
    |cx| {
        let x = channels_first(cx)?;
        quantised(cx, &[0])?;
        let mut dims = x.dims.clone();
        if dims.len() < 3 {
            return Err(Trouble::graph(format!("expected spatial axes, got a shape {dims:?}")));
        }
        dims[2..].fill(1);
        Ok(vec![Type::new(x.element, dims)])
    },
    |run| {
        let x = run.input(0)?;
        let plane = count(&x.dims()[2..])?;
        let values = real(run, 0)?.collect::<Vec<_>>();
        let means = (0..run.output(0)?.count()?)
            .map(|at| values[at * plane..][..plane].iter().sum::<f32>() / plane as f32);
        rounded(run, means, 3)
    },
);

/// Scale and zero point of the output come first, then each input with its own.
static QLINEAR_CONCAT: Operator = Operator::new(
    "QLinearConcat",
    &[1],
    |cx| {
        let first = cx.kind(2)?;
        let axis = cx.attributes().int_or("axis", 0)?;
        let axis = cx.axis(axis, first.dims.len())?;
        let mut dims = first.dims.clone();
        dims[axis] = 0;
        for input in (2..cx.inputs.len()).step_by(3) {
            let kind = cx.kind(input)?;
            quantised(cx, &[input])?;
            let fits = kind.dims.len() == dims.len()
                && (0..dims.len()).all(|at| at == axis || kind.dims[at] == dims[at]);
            let size = dims[axis].checked_add(kind.dims.get(axis).copied().unwrap_or(0));
            match (fits, size) {
                (true, Some(size)) => dims[axis] = size,
                _ => return Err(Trouble::graph(format!("{kind} does not fit {first}"))),
            }
        }
        let element = cx.element(1)?;
        range(element)?;
        one(cx, 0)?;
        one(cx, 1)?;
        Ok(vec![Type::new(element, dims)])
    },
    |run| {
        let kind = run.output(0)?;
        let axis = axis_of(run.attributes().int_or("axis", 0)?, kind.dims.len())?;
        let mut out = vec![0.0_f32; kind.count()?];
        let row = count(&kind.dims[axis..])?;
        let mut start = 0;
        for input in (2..run.inputs.len()).step_by(3) {
            let own = count(&run.input(input)?.dims()[axis..])?;
            for (at, value) in real(run, input)?.enumerate() {
                out[at / own * row + start + at % own] = value;
            }
            start += own;
        }
        rounded(run, out.into_iter(), 0)
    },
    ROUNDS,
)
.of(Domain::Microsoft)
.flop(|_, types| Ok((types.first().map_or(Ok(0), Type::count)? as u64).saturating_mul(4)));

/// An operator of two quantised tensors, which broadcast.
const fn pair(name: &'static str, run: fn(&Run<'_>) -> Result<Vec<Tensor>>) -> Operator {
    Operator::new(
        name,
        &[1],
        |cx| {
            quantised(cx, &[0, 3])?;
            one(cx, 6)?;
            if cx.has(7) {
                one(cx, 7)?;
                range(cx.element(7)?)?;
            }
            Ok(vec![Type::new(cx.element(0)?, broadcast(&[cx.dims(0)?, cx.dims(3)?])?)])
        },
        run,
        ROUNDS,
    )
    .of(Domain::Microsoft)
    .flop(|_, types| Ok((types.first().map_or(Ok(0), Type::count)? as u64).saturating_mul(6)))
}

/// An operator of one quantised tensor.
const fn single(
    name: &'static str,
    infer: fn(&Infer<'_>) -> Result<Vec<Type>>,
    run: fn(&Run<'_>) -> Result<Vec<Tensor>>,
) -> Operator {
    Operator::new(name, &[1], infer, run, ROUNDS)
        .of(Domain::Microsoft)
        .flop(|cx, _| Ok((cx.kind(0)?.count()? as u64).saturating_mul(6)))
}

fn same(cx: &Infer<'_>) -> Result<Vec<Type>> {
    quantised(cx, &[0])?;
    one(cx, 3)?;
    Ok(vec![cx.kind(0)?.clone()])
}

/// Refuse what is not quantised with one scale behind it and perhaps one zero point.
fn quantised(cx: &Infer<'_>, inputs: &[usize]) -> Result<()> {
    for &input in inputs {
        range(cx.element(input)?)?;
        one(cx, input + 1)?;
        if cx.has(input + 2) {
            one(cx, input + 2)?;
            range(cx.element(input + 2)?)?;
        }
    }
    Ok(())
}

/// Refuse an input that is not one number.
fn one(cx: &Infer<'_>, input: usize) -> Result<()> {
    let kind = cx.kind(input)?;
    if kind.dims.iter().all(|&size| size == 1) {
        return Ok(());
    }
    Err(Trouble::graph(format!("expected one number as input {input}, got {kind}")))
}

fn channels_first<'a>(cx: &Infer<'a>) -> Result<&'a Type> {
    if cx.attributes().flag("channels_last")? {
        return Err(Trouble::unsupported("a quantised pool with `channels_last`"));
    }
    one(cx, 3)?;
    cx.kind(0)
}

/// The numbers that the levels of an input stand for: its scale and zero point stand behind it.
fn real<'a>(run: &Run<'a>, input: usize) -> Result<impl Iterator<Item = f32> + use<'a>> {
    let scale = run.input(input + 1)?.floats()?[0] as f32;
    let zero = zeros(run, input + 2)?[0];
    Ok(whole(run.input(input)?)?.map(move |level| (level - zero) as f32 * scale))
}

/// Numbers as levels of the output, whose scale and zero point stand here.
fn rounded(run: &Run<'_>, values: impl Iterator<Item = f32>, scale: usize) -> Result<Vec<Tensor>> {
    let zero = zeros(run, scale + 1)?[0];
    let scale = run.input(scale)?.floats()?[0] as f32;
    let levels =
        values.map(|value| ((value / scale).round_ties_even() as i64).saturating_add(zero));
    let element: Element = run.output(0)?.element;
    Ok(vec![run.shaped(0, pack(element, levels)?)?])
}

fn of_two(run: &Run<'_>, of: fn(f32, f32) -> f32) -> Result<Vec<Tensor>> {
    let (a, b) = (run.input(0)?, run.input(3)?);
    let to = &run.output(0)?.dims;
    let (left, right) = (real(run, 0)?.collect::<Vec<_>>(), real(run, 3)?.collect::<Vec<_>>());
    let places = Places::broadcast(a.dims(), to).zip(Places::broadcast(b.dims(), to));
    rounded(run, places.map(|(a, b)| of(left[a], right[b])), 6)
}
