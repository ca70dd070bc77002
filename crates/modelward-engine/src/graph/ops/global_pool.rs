//! `GlobalMaxPool`, `GlobalAveragePool`: one number for each channel.
//!
//! The gradient of a largest element goes to the first that is as large.
//!
//! Source: ONNX operators of these names, sets 1 and 22.

use crate::{
    Data, Result, Tensor, Type,
    grad::{Builder, Dim},
    graph::{
        Attributes, Grad, Infer, Operator, ValueId, names,
        ops::{elementwise::of_type, pool::Window, windows},
    },
};

pub(super) const OPS: &[&Operator] = &[&GLOBAL_MAX_POOL, &GLOBAL_AVERAGE_POOL];

static GLOBAL_MAX_POOL: Operator = Operator::new(
    "GlobalMaxPool",
    &[1, 22],
    global_type,
    |run| {
        let x = run.input(0)?;
        macro_rules! largest {
            ($v:expr) => {
                planes(x, $v, |plane| {
                    let window = Window::all(plane.len());
                    window.first_largest(plane).map(|at| plane[at]).unwrap_or_default()
                })
                .into()
            };
        }
        let data: Data = match x.data() {
            Data::F32(v) => largest!(v),
            Data::F64(v) => largest!(v),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let axes = (2..cx.builder.rank(x)? as i64).collect();
        let axes = cx.builder.ints(axes);
        let gradient = cx.builder.apply(names::REDUCE_EXTREME_GRAD, &[flow, x, y, axes])?;
        cx.give(0, gradient)
    }),
)
.flop(global_flop);

static GLOBAL_AVERAGE_POOL: Operator = Operator::new(
    "GlobalAveragePool",
    &[1, 22],
    global_type,
    |run| {
        let x = run.input(0)?;
        let data: Data = match x.data() {
            Data::F32(v) => {
                planes(x, v, |plane| plane.iter().sum::<f32>() / plane.len() as f32).into()
            }
            Data::F64(v) => {
                planes(x, v, |plane| plane.iter().sum::<f64>() / plane.len() as f64).into()
            }
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let builder = &mut *cx.builder;
        let count = count_each(builder, x, y)?;
        let share = builder.apply(names::DIV, &[flow, count])?;
        let shape = builder.shape_of(x)?;
        let gradient = builder.apply(names::EXPAND, &[share, shape])?;
        cx.give(0, gradient)
    }),
)
.flop(global_flop);

pub(super) fn global_type(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let x = cx.kind(0)?;
    let (batch, channels, spatial) = windows::split(&x.dims)?;
    let ones = spatial.iter().map(|_| 1);
    Ok(vec![Type::new(x.element, [batch, channels].into_iter().chain(ones).collect::<Vec<_>>())])
}

pub(super) fn global_flop(cx: &Infer<'_>, _: &[Type]) -> Result<u64> {
    Ok(cx.kind(0)?.count()? as u64)
}

/// One number for all elements of each channel.
pub(super) fn planes<T: Copy>(x: &Tensor, values: &[T], of: impl Fn(&[T]) -> T) -> Vec<T> {
    let plane = x.dims()[2..].iter().product::<usize>();
    let planes = x.dims()[..2].iter().product::<usize>();
    (0..planes).map(|at| of(&values[at * plane..][..plane])).collect()
}

/// How many elements of one value each of another stands for, as a float.
fn count_each(builder: &mut Builder<'_>, of: ValueId, each: ValueId) -> Result<ValueId> {
    let dims = builder.dims(of)?;
    let spatial = dims.iter().skip(2).map(|dim| match dim {
        Dim::Fixed(size) => Some(*size as f64),
        Dim::Varies => None,
    });
    if let Some(count) = spatial.product::<Option<f64>>() {
        return builder.float(of, count);
    }
    let (all, some) = (builder.apply(names::SIZE, &[of])?, builder.apply(names::SIZE, &[each])?);
    let count = builder.apply(names::DIV, &[all, some])?;
    let to = Attributes::new().with("to", builder.element(of)?.to_onnx());
    builder.apply_with(names::CAST, &[count], to)
}
