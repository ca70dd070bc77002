//! `Pow`: one tensor to the power of another, with broadcasting; the result has the type of the
//! first.
//!
//! Whole numbers wrap; what a float power makes of them is cut towards zero. The gradient of the
//! exponent is 0 where the base is 0 and the exponent not negative, as in the limit.
//!
//! Source: ONNX `Pow`, sets 6, 7, 12, 13 and 15.

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    grad::{Builder, Gradient},
    graph::{
        Attributes, Grad, Infer, Operator, Run, ValueId, names,
        ops::{
            binary::old_broadcast,
            elementwise::{Places, broadcast, of_type},
        },
    },
    numbers,
};

pub(super) const OPS: &[&Operator] = &[&POW];

static POW: Operator =
    Operator::new("Pow", &[1, 7, 12, 13, 15], infer, run, Grad::Rule(grad)).import(old_broadcast);

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let (x, exponent) = (cx.kind(0)?, cx.kind(1)?);
    for element in [x.element, exponent.element] {
        if matches!(element, Element::Bool | Element::Text) {
            return Err(Trouble::graph(format!("expected numbers, got {element}")));
        }
    }
    Ok(vec![Type::new(x.element, broadcast(&[&x.dims, &exponent.dims])?)])
}

fn run(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (x, exponent) = (run.input(0)?, run.input(1)?);
    let to = &run.output(0)?.dims[..];
    let exponents = exponent.data();
    let places = || Places::broadcast(x.dims(), to).zip(Places::broadcast(exponent.dims(), to));
    macro_rules! float {
        ($v:expr, $kind:ty) => {{
            let of = |(at, other)| f64::from($v[at]).powf(float(exponents, other)) as $kind;
            places().map(of).collect::<Vec<_>>().into()
        }};
    }
    macro_rules! whole {
        ($v:expr, $kind:ty) => {
            if exponent.element().is_float() {
                let of = |(at, other)| ($v[at] as f64).powf(float(exponents, other)) as $kind;
                places().map(of).collect::<Vec<_>>().into()
            } else {
                let of = |(at, other)| match u64::try_from(whole(exponents, other)) {
                    Ok(exponent) => power($v[at], exponent, <$kind>::wrapping_mul, 1),
                    Err(_) => ($v[at] as f64).powf(float(exponents, other)) as $kind,
                };
                places().map(of).collect::<Vec<_>>().into()
            }
        };
    }
    let data: Data = match x.data() {
        Data::F32(v) => float!(v, f32),
        Data::F64(v) => float!(v, f64),
        Data::I8(v) => whole!(v, i8),
        Data::I16(v) => whole!(v, i16),
        Data::I32(v) => whole!(v, i32),
        Data::I64(v) => whole!(v, i64),
        Data::U8(v) => whole!(v, u8),
        Data::U16(v) => whole!(v, u16),
        Data::U32(v) => whole!(v, u32),
        Data::U64(v) => whole!(v, u64),
        _ => return Err(of_type(x)),
    };
    Ok(vec![run.shaped(0, data)?])
}

/// One element as a float, whatever number it is.
#[allow(clippy::unnecessary_cast, reason = "for one of the types it is")]
fn float(data: &Data, at: usize) -> f64 {
    numbers!(data, v => v[at] as f64, _ => f64::NAN)
}

/// One element, where all are whole numbers.
fn whole(data: &Data, at: usize) -> i128 {
    numbers!(data, v => v[at] as i128, _ => 0)
}

/// By squaring: the exponent may be as large as it likes.
fn power<T: Copy>(mut base: T, mut exponent: u64, times: fn(T, T) -> T, one: T) -> T {
    let mut product = one;
    while exponent > 0 {
        if exponent & 1 == 1 {
            product = times(product, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    product
}

fn grad(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let (x, exponent) = (cx.input(0)?, cx.input(1)?);
    let element = cx.builder.element(x)?;
    if !element.is_float() {
        return Err(Trouble::unsupported("the gradient of a power of whole numbers"));
    }
    if cx.wants(0) {
        // A slope written for a number would say nothing of how it changes with that number.
        let moves = cx.wants(1);
        let slope = slope(cx.builder, x, exponent, moves, cx.node.outputs[0])?;
        if let Some(slope) = slope {
            let gradient = cx.builder.mul(flow, slope)?;
            cx.give_unbroadcast(0, gradient)?;
        } else {
            cx.give_unbroadcast(0, flow)?;
        }
    }
    if cx.wants(1) {
        let b = &mut *cx.builder;
        let (zero, one) = (b.float(x, 0.0)?, b.float(x, 1.0)?);
        let power = to_type(b, exponent, element)?;
        let at_zero = b.apply(names::EQUAL, &[x, zero])?;
        let not_negative = b.apply(names::LESS_OR_EQUAL, &[zero, power])?;
        let flat = b.apply(names::AND, &[at_zero, not_negative])?;
        // The logarithm of 1 is 0.
        let base = b.apply(names::WHERE, &[flat, one, x])?;
        let logarithm = b.apply(names::LOG, &[base])?;
        let y = cx.output(0)?;
        let scaled = cx.builder.mul(flow, y)?;
        let gradient = cx.builder.mul(scaled, logarithm)?;
        let own = cx.builder.element(exponent)?;
        let gradient = to_type(cx.builder, gradient, own)?;
        cx.give_unbroadcast(1, gradient)?;
    }
    Ok(())
}

/// The derivative by the base; none where it is 1.
fn slope(
    b: &mut Builder<'_>,
    x: ValueId,
    exponent: ValueId,
    moves: bool,
    y: ValueId,
) -> Result<Option<ValueId>> {
    let element = b.element(x)?;
    let known = b.known(exponent).filter(|known| !moves && known.count() == 1);
    let known = known.map(Tensor::floats).transpose()?.and_then(|known| known.first().copied());
    Ok(Some(match known {
        Some(1.0) => return Ok(None),
        Some(2.0) => b.add(x, x)?,
        Some(0.5) => {
            let half = b.float(x, 0.5)?;
            b.apply(names::DIV, &[half, y])?
        }
        Some(known) if known != 0.0 => {
            let (scale, less) = (b.float(x, known)?, b.float(x, known - 1.0)?);
            let power = b.apply(names::POW, &[x, less])?;
            b.mul(power, scale)?
        }
        _ => {
            let power = to_type(b, exponent, element)?;
            let (zero, one) = (b.float(x, 0.0)?, b.float(x, 1.0)?);
            let is_zero = b.apply(names::EQUAL, &[power, zero])?;
            // Where the exponent is 0 the slope is 0, also at 0 where x^-1 has no end.
            let safe = b.apply(names::WHERE, &[is_zero, one, power])?;
            let less = b.apply(names::SUB, &[safe, one])?;
            let raised = b.apply(names::POW, &[x, less])?;
            b.mul(raised, power)?
        }
    }))
}

fn to_type(b: &mut Builder<'_>, value: ValueId, element: Element) -> Result<ValueId> {
    if b.element(value)? == element {
        return Ok(value);
    }
    b.apply_with(names::CAST, &[value], Attributes::new().with("to", element.to_onnx()))
}
