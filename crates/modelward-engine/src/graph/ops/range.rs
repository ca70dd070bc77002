//! `Range`: numbers from a first on, up to a limit, at equal steps.
//!
//! Floats are computed in `f64`.
//!
//! Source: ONNX `Range`, sets 11 and 27.

use crate::{
    Data, Result, Tensor, Trouble, Type,
    graph::{Grad, Infer, Operator, Run, ops::elementwise::of_type},
};

pub(super) const OPS: &[&Operator] = &[&RANGE];

static RANGE: Operator = Operator::new(
    "Range",
    &[11, 27],
    infer,
    run,
    Grad::None("how many numbers there are depends on its inputs"),
);

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let (start, limit, step) = (cx.value(0)?, cx.value(1)?, cx.value(2)?);
    let kinds = [start, limit, step].map(Tensor::element);
    if kinds.iter().any(|element| *element != start.element()) {
        let [start, limit, step] = kinds;
        return Err(Trouble::graph(format!("inputs of types {start}, {limit} and {step}")));
    }
    Ok(vec![Type::new(start.element(), [steps(start, limit, step)?])])
}

/// How many numbers there are.
fn steps(start: &Tensor, limit: &Tensor, step: &Tensor) -> Result<usize> {
    if start.element().is_float() {
        let [start, limit, step] = [float(start)?, float(limit)?, float(step)?];
        let steps = ((limit - start) / step).ceil();
        if step == 0.0 || steps.is_nan() {
            return Err(Trouble::graph(format!("a range from {start} to {limit} by {step}")));
        }
        // Beyond this floats do not count every number.
        const MOST: f64 = 9_007_199_254_740_992.0;
        if steps > MOST {
            return Err(Trouble::limit(format!("a range of {steps:.1e} numbers")));
        }
        return Ok(steps.max(0.0) as usize);
    }
    let [start, limit, step] = [whole(start)?, whole(limit)?, whole(step)?].map(i128::from);
    if step == 0 {
        return Err(Trouble::graph(format!("a range from {start} to {limit} by 0")));
    }
    // Rounded up; what lies the wrong way has no numbers.
    let span = limit - start;
    let steps = span / step + i128::from(span % step != 0);
    let steps = if (span < 0) == (step < 0) { steps } else { 0 };
    let most = || Trouble::limit(format!("a range of {steps} numbers"));
    usize::try_from(steps).map_err(|_| most())
}

fn run(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (start, step) = (run.input(0)?, run.input(2)?);
    let count = run.output(0)?.count()?;
    macro_rules! floats {
        ($kind:ty) => {{
            let (start, step) = (float(start)?, float(step)?);
            (0..count).map(|at| (start + at as f64 * step) as $kind).collect::<Vec<_>>().into()
        }};
    }
    macro_rules! whole {
        ($kind:ty) => {{
            let (start, step) = (whole(start)?, whole(step)?);
            let number = |at: usize| start.wrapping_add((at as i64).wrapping_mul(step)) as $kind;
            (0..count).map(number).collect::<Vec<_>>().into()
        }};
    }
    let data: Data = match start.data() {
        Data::F32(_) => floats!(f32),
        Data::F64(_) => floats!(f64),
        Data::I8(_) => whole!(i8),
        Data::I16(_) => whole!(i16),
        Data::I32(_) => whole!(i32),
        Data::I64(_) => whole!(i64),
        Data::U8(_) => whole!(u8),
        Data::U16(_) => whole!(u16),
        Data::U32(_) => whole!(u32),
        _ => return Err(of_type(start)),
    };
    Ok(vec![run.shaped(0, data)?])
}

fn one(tensor: &Tensor) -> Result<&Tensor> {
    match tensor.count() {
        1 => Ok(tensor),
        count => Err(Trouble::graph(format!("expected one number, got {count}"))),
    }
}

pub(super) fn float(tensor: &Tensor) -> Result<f64> {
    Ok(one(tensor)?.floats()?[0])
}

pub(super) fn whole(tensor: &Tensor) -> Result<i64> {
    Ok(one(tensor)?.ints()?[0])
}
