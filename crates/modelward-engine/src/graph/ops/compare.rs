//! `Equal`, `Greater`, `Less`, `GreaterOrEqual`, `LessOrEqual`: two tensors compared element by
//! element, with broadcasting.
//!
//! Source: the ONNX operators of these names.

use crate::{
    Data, Result, Tensor, Type,
    graph::{
        Grad, Infer, Operator, Run,
        ops::{
            binary::old_broadcast,
            elementwise::{Places, broadcast_both, of_type, zip},
        },
    },
    numbers,
};

pub(super) const OPS: &[&Operator] = &[&EQUAL, &GREATER, &LESS, &GREATER_OR_EQUAL, &LESS_OR_EQUAL];

static EQUAL: Operator = comparison("Equal", &[1, 7, 11, 13, 19], equal);
static GREATER: Operator = comparison("Greater", &[1, 7, 9, 13], |run| ordered(run, |a, b| a > b));
static LESS: Operator = comparison("Less", &[1, 7, 9, 13], |run| ordered(run, |a, b| a < b));
static GREATER_OR_EQUAL: Operator =
    comparison("GreaterOrEqual", &[12, 16], |run| ordered(run, |a, b| a >= b));
static LESS_OR_EQUAL: Operator =
    comparison("LessOrEqual", &[12, 16], |run| ordered(run, |a, b| a <= b));

const fn comparison(
    name: &'static str,
    since: &'static [i64],
    run: fn(&Run<'_>) -> Result<Vec<Tensor>>,
) -> Operator {
    Operator::new(name, since, truths, run, Grad::Zero("a comparison has no slope"))
        .import(old_broadcast)
}

/// One output of truths, in the shape that all inputs broadcast to.
pub(super) fn truths(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let dims = broadcast_both(cx)?.remove(0).dims;
    Ok(vec![Type::new(crate::Element::Bool, dims)])
}

/// Compare numbers by their order. Through `f64` only where that is exact.
fn ordered(run: &Run<'_>, of: fn(i128, i128) -> bool) -> Result<Vec<Tensor>> {
    let (a, b) = (run.input(0)?, run.input(1)?);
    let to = &run.output(0)?.dims[..];
    // A float's order is that of its place among all floats; NaN has none.
    macro_rules! floats {
        ($v:expr) => {
            zip((a.dims(), $v), (b.dims(), b.values()?), to, |a, b| {
                a.partial_cmp(&b).is_some_and(|order| of(order as i128, 0))
            })
        };
    }
    macro_rules! whole {
        ($v:expr) => {
            zip((a.dims(), $v), (b.dims(), b.values()?), to, |a, b| of(a.into(), b.into()))
        };
    }
    let found = match a.data() {
        Data::F32(v) => floats!(v),
        Data::F64(v) => floats!(v),
        Data::I8(v) => whole!(v),
        Data::I16(v) => whole!(v),
        Data::I32(v) => whole!(v),
        Data::I64(v) => whole!(v),
        Data::U8(v) => whole!(v),
        Data::U16(v) => whole!(v),
        Data::U32(v) => whole!(v),
        Data::U64(v) => whole!(v),
        _ => return Err(of_type(a)),
    };
    Ok(vec![run.shaped(0, found)?])
}

fn equal(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (a, b) = (run.input(0)?, run.input(1)?);
    let to = &run.output(0)?.dims[..];
    let found = match a.data() {
        Data::Bool(v) => zip((a.dims(), v), (b.dims(), b.values()?), to, |a, b| a == b),
        Data::Text(v) => {
            let other = b.values::<std::sync::Arc<str>>()?;
            let places = Places::broadcast(a.dims(), to).zip(Places::broadcast(b.dims(), to));
            places.map(|(at, place)| v[at] == other[place]).collect()
        }
        data => numbers!(
            data,
            v => zip((a.dims(), v), (b.dims(), b.values()?), to, |a, b| a == b),
            _ => return Err(of_type(a))
        ),
    };
    Ok(vec![run.shaped(0, found)?])
}
