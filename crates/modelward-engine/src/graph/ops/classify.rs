//! `IsNaN`, `IsInf`: what floats are no numbers, or without end.
//!
//! Source: ONNX `IsNaN`, sets 9, 13 and 20; `IsInf`, sets 10 and 20.

use crate::{
    Data, Element, Result, Tensor, Type,
    graph::{Grad, Infer, Operator, Run, ops::elementwise::of_type},
};

pub(super) const OPS: &[&Operator] = &[&IS_NAN, &IS_INF];

static IS_NAN: Operator = Operator::new(
    "IsNaN",
    &[9, 13, 20],
    truths,
    |run| test(run, f64::is_nan),
    Grad::Zero("a test has no slope"),
);

static IS_INF: Operator = Operator::new(
    "IsInf",
    &[10, 20],
    truths,
    |run| {
        let negative = run.attributes().int_or("detect_negative", 1)? != 0;
        let positive = run.attributes().int_or("detect_positive", 1)? != 0;
        test(run, |x| (negative && x == f64::NEG_INFINITY) || (positive && x == f64::INFINITY))
    },
    Grad::Zero("a test has no slope"),
);

fn truths(cx: &Infer<'_>) -> Result<Vec<Type>> {
    Ok(vec![Type::new(Element::Bool, cx.dims(0)?)])
}

fn test(run: &Run<'_>, of: impl Fn(f64) -> bool) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let found: Vec<bool> = match x.data() {
        Data::F32(v) => v.iter().map(|&x| of(x.into())).collect(),
        Data::F64(v) => v.iter().map(|&x| of(x)).collect(),
        _ => return Err(of_type(x)),
    };
    Ok(vec![run.shaped(0, found)?])
}
