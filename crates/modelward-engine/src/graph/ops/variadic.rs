//! `Max`, `Min`, `Sum`, `Mean`: of any number of tensors, with broadcasting.
//!
//! NaN is larger and smaller than all others. The gradient of equal elements goes to the first
//! operand.
//!
//! Source: the ONNX operators of these names, sets 6, 8, 12 and 13.

use crate::{
    Data, Result, Scalar, Tensor,
    grad::Gradient,
    graph::{
        Grad, Operator, Run, names,
        ops::elementwise::{Places, broadcast_all, of_type},
    },
    numbers,
};

pub(super) const OPS: &[&Operator] = &[&MAX, &MIN, &SUM, &MEAN];

pub(crate) static MAX: Operator = variadic(
    "Max",
    &[6, 8, 12, 13],
    #[expect(clippy::eq_op, reason = "NaN alone differs from itself")]
    |run| {
        let x = run.input(0)?;
        let data = numbers!(
            x.data(),
            v => fold(run, v, |a, b| if b > a || b != b { b } else { a })?,
            _ => return Err(of_type(x))
        );
        Ok(vec![run.shaped(0, data)?])
    },
    extreme,
);

pub(crate) static MIN: Operator = variadic(
    "Min",
    &[6, 8, 12, 13],
    #[expect(clippy::eq_op, reason = "NaN alone differs from itself")]
    |run| {
        let x = run.input(0)?;
        let data = numbers!(
            x.data(),
            v => fold(run, v, |a, b| if b < a || b != b { b } else { a })?,
            _ => return Err(of_type(x))
        );
        Ok(vec![run.shaped(0, data)?])
    },
    extreme,
);

pub(crate) static SUM: Operator = variadic("Sum", &[6, 8, 13], sum, |cx| {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    (0..cx.node.inputs.len()).try_for_each(|input| cx.give_unbroadcast(input, flow))
});

static MEAN: Operator = variadic(
    "Mean",
    &[6, 8, 13],
    |run| {
        let mut means = sum(run)?;
        let count = run.inputs.len();
        match means.first_mut().map(Tensor::data_mut) {
            Some(Data::F32(v)) => v.iter_mut().for_each(|x| *x /= count as f32),
            Some(Data::F64(v)) => v.iter_mut().for_each(|x| *x /= count as f64),
            _ => {}
        }
        Ok(means)
    },
    |cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let count = cx.builder.float(flow, cx.node.inputs.len() as f64)?;
        let share = cx.builder.apply(names::DIV, &[flow, count])?;
        (0..cx.node.inputs.len()).try_for_each(|input| cx.give_unbroadcast(input, share))
    },
);

const fn variadic(
    name: &'static str,
    since: &'static [i64],
    run: fn(&Run<'_>) -> Result<Vec<Tensor>>,
    grad: fn(&mut Gradient<'_, '_>) -> Result<()>,
) -> Operator {
    Operator::new(name, since, broadcast_all, run, Grad::Rule(grad)).flop(|cx, types| {
        let count = types.first().map_or(Ok(0), crate::Type::count)? as u64;
        Ok(count.saturating_mul(cx.inputs.len() as u64))
    })
}

fn sum(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let data = match x.data() {
        Data::F32(v) => fold(run, v, |a, b| a + b)?,
        Data::F64(v) => fold(run, v, |a, b| a + b)?,
        _ => return Err(of_type(x)),
    };
    Ok(vec![run.shaped(0, data)?])
}

/// Join the elements of all inputs, from the first to the last.
fn fold<T: Scalar + Copy>(run: &Run<'_>, first: &[T], of: impl Fn(T, T) -> T) -> Result<Data> {
    let to = &run.output(0)?.dims[..];
    let places = Places::broadcast(run.input(0)?.dims(), to);
    let mut out = places.map(|at| first[at]).collect::<Vec<_>>();
    for input in 1..run.inputs.len() {
        let x = run.input(input)?;
        let v = x.values::<T>()?;
        for (out, at) in out.iter_mut().zip(Places::broadcast(x.dims(), to)) {
            *out = of(*out, v[at]);
        }
    }
    Ok(T::into_data(out))
}

/// What flows goes to the first operand that is the output. Nobody else being left, the last takes
/// what the others do not.
fn extreme(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let last = cx.node.inputs.len().saturating_sub(1);
    let y = cx.output(0)?;
    let zero = cx.builder.float(flow, 0.0)?;
    // What no operand so far has taken.
    let mut left = flow;
    for input in 0..=last {
        if input == last {
            return cx.give_unbroadcast(input, left);
        }
        let x = cx.input(input)?;
        let is = cx.builder.apply(names::EQUAL, &[x, y])?;
        if cx.wants(input) {
            let gradient = cx.builder.apply(names::WHERE, &[is, left, zero])?;
            cx.give_unbroadcast(input, gradient)?;
        }
        if (input + 1..=last).any(|later| cx.wants(later)) {
            left = cx.builder.apply(names::WHERE, &[is, zero, left])?;
        }
    }
    Ok(())
}
