//! `ReduceSum`, `ReduceMean`, `ReduceMax`, ...: one number for the elements along some axes.
//!
//! Without axes all are meant, unless `noop_with_empty_axes` says otherwise. The axes were an
//! attribute before set 13 (`ReduceSum`) and 18 (the others). The gradient of a largest element goes
//! to the first in row-major order that is as large.
//!
//! Source: the ONNX operators of these names.

use crate::{
    Data, Result, Tensor, Trouble, Type,
    grad::{Builder, Gradient},
    graph::{
        Attributes, Grad, Infer, Operator, Run, ValueId, axis_of, names,
        ops::elementwise::{Places, of_type, strides},
    },
};

pub(super) const OPS: &[&Operator] = &[
    &REDUCE_SUM,
    &REDUCE_MEAN,
    &REDUCE_MAX,
    &REDUCE_MIN,
    &REDUCE_PROD,
    &REDUCE_L1,
    &REDUCE_L2,
    &REDUCE_SUM_SQUARE,
    &REDUCE_LOG_SUM,
    &REDUCE_LOG_SUM_EXP,
    &REDUCE_EXTREME_GRAD,
];

static REDUCE_SUM: Operator = reduction(
    "ReduceSum",
    &[1, 11, 13],
    |run| fold(run, Fold::Sum),
    |cx| spread(cx, |_, f, _, _| Ok(f)),
);

static REDUCE_MEAN: Operator = reduction(
    "ReduceMean",
    &[1, 11, 13, 18],
    |run| fold(run, Fold::Mean),
    |cx| {
        spread(cx, |b, flow, x, y| {
            // How many elements each mean is of.
            let (all, means) = (b.apply(names::SIZE, &[x])?, b.apply(names::SIZE, &[y])?);
            let count = b.apply(names::DIV, &[all, means])?;
            let to = Attributes::new().with("to", b.element(x)?.to_onnx());
            let count = b.apply_with(names::CAST, &[count], to)?;
            b.apply(names::DIV, &[flow, count])
        })
    },
);

static REDUCE_MAX: Operator =
    reduction("ReduceMax", &[1, 11, 12, 13, 18, 20], |run| fold(run, Fold::Max), extreme);

static REDUCE_MIN: Operator =
    reduction("ReduceMin", &[1, 11, 12, 13, 18, 20], |run| fold(run, Fold::Min), extreme);

static REDUCE_PROD: Operator =
    reduction("ReduceProd", &[1, 11, 13, 18], |run| fold(run, Fold::Product), product_of_others);

static REDUCE_L1: Operator = reduction(
    "ReduceL1",
    &[1, 11, 13, 18],
    |run| fold(run, Fold::L1),
    |cx| scaled(cx, |b, x, _| b.apply(names::SIGN, &[x])),
);

static REDUCE_L2: Operator = reduction(
    "ReduceL2",
    &[1, 11, 13, 18],
    |run| fold(run, Fold::L2),
    |cx| {
        // At 0 the norm has a kink: its gradient there is 0.
        scaled(cx, |b, x, y| {
            let zero = b.float(y, 0.0)?;
            let one = b.float(y, 1.0)?;
            let positive = b.apply(names::GREATER, &[y, zero])?;
            let norm = b.apply(names::WHERE, &[positive, y, one])?;
            b.apply(names::DIV, &[x, norm])
        })
    },
);

static REDUCE_SUM_SQUARE: Operator = reduction(
    "ReduceSumSquare",
    &[1, 11, 13, 18],
    |run| fold(run, Fold::Squares),
    |cx| scaled(cx, |b, x, _| b.add(x, x)),
);

static REDUCE_LOG_SUM: Operator = reduction(
    "ReduceLogSum",
    &[1, 11, 13, 18],
    |run| fold(run, Fold::LogSum),
    |cx| {
        spread(cx, |b, flow, _, y| {
            let negative = b.apply(names::NEG, &[y])?;
            let slope = b.apply(names::EXP, &[negative])?;
            b.mul(flow, slope)
        })
    },
);

static REDUCE_LOG_SUM_EXP: Operator = reduction(
    "ReduceLogSumExp",
    &[1, 11, 13, 18],
    |run| fold(run, Fold::LogSumExp),
    |cx| {
        scaled(cx, |b, x, y| {
            let below = b.apply(names::SUB, &[x, y])?;
            b.apply(names::EXP, &[below])
        })
    },
);

/// What flows into a largest or smallest element, at the first place of it: flow, input, output,
/// and the axes.
static REDUCE_EXTREME_GRAD: Operator = Operator::own(
    "ReduceExtremeGrad",
    |cx: &Infer<'_>| Ok(vec![cx.kind(1)?.clone()]),
    first_places,
    Grad::None("the second derivative of a largest element is not written"),
    |builder, node| {
        let (Some(flow), Some(x), Some(y)) = (node.inputs[0], node.inputs[1], node.inputs[2])
        else {
            return Err(Trouble::graph("expected three inputs"));
        };
        let is = builder.apply(names::EQUAL, &[x, y])?;
        let to = Attributes::new().with("to", builder.element(x)?.to_onnx());
        let is = builder.apply_with(names::CAST, &[is], to)?;
        let axes = node.inputs.get(3).copied().flatten();
        if let Some(axis) = one_axis(builder, x, axes, &node.attributes)? {
            return Ok(vec![first_along(builder, is, flow, x, axis)?]);
        }
        // Else plain ONNX shares the gradient between equal elements by their number.
        let inputs = vec![Some(is), axes];
        let count = builder.apply_all(names::REDUCE_SUM, inputs, node.attributes.clone(), 1)?[0];
        let share = builder.apply(names::DIV, &[flow, count])?;
        Ok(vec![builder.mul(is, share)?])
    },
);

/// Where axes are one, or the last ones, which a `Reshape` makes one.
#[derive(Clone, Copy)]
enum Along {
    One(usize),
    From(usize),
}

fn one_axis(
    builder: &Builder<'_>,
    x: ValueId,
    axes_of: Option<ValueId>,
    attributes: &Attributes,
) -> Result<Option<Along>> {
    let rank = builder.rank(x)?;
    let given = match axes_of {
        Some(id) => match builder.known(id) {
            Some(tensor) => Some(tensor.ints()?),
            None => return Ok(None),
        },
        None => None,
    };
    let reduced = axes(given, attributes, rank)?;
    let Some(first) = reduced.iter().position(|reduced| *reduced) else { return Ok(None) };
    let count = reduced.iter().filter(|reduced| **reduced).count();
    Ok(match count {
        1 => Some(Along::One(first)),
        _ if first + count == rank => Some(Along::From(first)),
        _ => None,
    })
}

/// What flows, at the first place along an axis where the mask is 1.
fn first_along(
    builder: &mut Builder<'_>,
    mask: ValueId,
    flow: ValueId,
    x: ValueId,
    along: Along,
) -> Result<ValueId> {
    let (axis, mut mask, mut flow) = match along {
        Along::One(axis) | Along::From(axis) => (axis, mask, flow),
    };
    if let Along::From(_) = along {
        let shape = builder.ints([vec![0; axis], vec![-1]].concat());
        mask = builder.apply(names::RESHAPE, &[mask, shape])?;
        flow = builder.apply(names::RESHAPE, &[flow, shape])?;
    }
    let along_axis = Attributes::new().with("axis", axis as i64);
    let first = builder.apply_with(names::ARG_MAX, &[mask], along_axis.clone())?;
    let zero = builder.float(x, 0.0)?;
    let shape = builder.shape_of(mask)?;
    let zeros = builder.apply(names::EXPAND, &[zero, shape])?;
    let found = builder.apply_with(names::SCATTER_ELEMENTS, &[zeros, first, flow], along_axis)?;
    match along {
        Along::One(_) => Ok(found),
        Along::From(_) => builder.reshape_like(found, x),
    }
}

const fn reduction(
    name: &'static str,
    since: &'static [i64],
    run: fn(&Run<'_>) -> Result<Vec<Tensor>>,
    grad: fn(&mut Gradient<'_, '_>) -> Result<()>,
) -> Operator {
    Operator::new(name, since, infer, run, Grad::Rule(grad))
        .import(|import| import.ints_to_input("axes", 1))
        .flop(|cx, _| Ok(cx.kind(0)?.count()? as u64))
}

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let x = cx.kind(0)?;
    let reduced = axes(cx.ints(1)?, cx.attributes(), x.dims.len())?;
    let keep = cx.attributes().int_or("keepdims", 1)? != 0;
    let dims = x.dims.iter().zip(&reduced).filter_map(|(&size, &reduced)| match reduced {
        false => Some(size),
        true => keep.then_some(1),
    });
    Ok(vec![Type::new(x.element, dims.collect::<Vec<_>>())])
}

/// Which axes are reduced.
pub(crate) fn axes(
    given: Option<Vec<i64>>,
    attributes: &Attributes,
    rank: usize,
) -> Result<Vec<bool>> {
    let given = given.unwrap_or_default();
    if given.is_empty() {
        return Ok(vec![!attributes.flag("noop_with_empty_axes")?; rank]);
    }
    let mut reduced = vec![false; rank];
    for axis in given {
        reduced[axis_of(axis, rank)?] = true;
    }
    Ok(reduced)
}

#[derive(Clone, Copy, PartialEq)]
enum Fold {
    Sum,
    Mean,
    Max,
    Min,
    Product,
    L1,
    L2,
    Squares,
    LogSum,
    LogSumExp,
}

/// The elements of each group, one group an element of the output.
pub(super) fn groups(dims: &[usize], reduced: &[bool]) -> (Places, Vec<usize>) {
    let own = strides(dims);
    let pick = |wanted: bool| {
        let axes = (0..dims.len()).filter(|&axis| reduced[axis] == wanted);
        axes.map(|axis| (dims[axis], own[axis])).unzip::<_, _, Vec<_>, Vec<_>>()
    };
    let (kept, kept_strides) = pick(false);
    let (inner, inner_strides) = pick(true);
    (Places::new(0, kept, kept_strides), Places::new(0, inner, inner_strides).collect())
}

fn fold(run: &Run<'_>, how: Fold) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let given = run.optional(1).map(Tensor::ints).transpose()?;
    let reduced = axes(given, run.attributes(), x.dims().len())?;
    let (outer, inner) = groups(x.dims(), &reduced);
    macro_rules! floats {
        ($v:expr, $kind:ty) => {{
            let v = $v;
            let count = inner.len() as $kind;
            outer
                .map(|start| {
                    let all = inner.iter().map(|at| v[start + at]);
                    match how {
                        Fold::Sum => all.sum::<$kind>(),
                        Fold::Mean => all.sum::<$kind>() / count,
                        Fold::Max => {
                            all.fold(
                                <$kind>::NEG_INFINITY,
                                |a, b| if b > a || b.is_nan() { b } else { a },
                            )
                        }
                        Fold::Min => {
                            all.fold(
                                <$kind>::INFINITY,
                                |a, b| if b < a || b.is_nan() { b } else { a },
                            )
                        }
                        Fold::Product => all.product::<$kind>(),
                        Fold::L1 => all.map(<$kind>::abs).sum::<$kind>(),
                        Fold::L2 => all.map(|x| x * x).sum::<$kind>().sqrt(),
                        Fold::Squares => all.map(|x| x * x).sum::<$kind>(),
                        Fold::LogSum => all.sum::<$kind>().ln(),
                        Fold::LogSumExp => {
                            let most = all.clone().fold(<$kind>::NEG_INFINITY, <$kind>::max);
                            if most.is_infinite() {
                                all.map(<$kind>::exp).sum::<$kind>().ln()
                            } else {
                                all.map(|x| (x - most).exp()).sum::<$kind>().ln() + most
                            }
                        }
                    }
                })
                .collect::<Vec<_>>()
                .into()
        }};
    }
    macro_rules! whole {
        ($v:expr, $kind:ty) => {{
            let v = $v;
            outer
                .map(|start| {
                    let all = inner.iter().map(|at| v[start + at]);
                    let float = |value: f64| value as $kind;
                    match how {
                        Fold::Sum => all.fold(0, <$kind>::wrapping_add),
                        Fold::Mean => {
                            let total = all.map(|x| x as i128).sum::<i128>();
                            total.checked_div(inner.len() as i128).unwrap_or(0) as $kind
                        }
                        Fold::Max => all.fold(<$kind>::MIN, <$kind>::max),
                        Fold::Min => all.fold(<$kind>::MAX, <$kind>::min),
                        Fold::Product => all.fold(1, <$kind>::wrapping_mul),
                        Fold::L1 => all.fold(0, |a: $kind, b| {
                            a.wrapping_add(if (b as i128) < 0 {
                                (0 as $kind).wrapping_sub(b)
                            } else {
                                b
                            })
                        }),
                        Fold::Squares => {
                            all.fold(0, |a: $kind, b| a.wrapping_add(b.wrapping_mul(b)))
                        }
                        Fold::L2 => float(all.map(|x| x as f64 * x as f64).sum::<f64>().sqrt()),
                        Fold::LogSum => float(all.map(|x| x as f64).sum::<f64>().ln()),
                        Fold::LogSumExp => float(all.map(|x| (x as f64).exp()).sum::<f64>().ln()),
                    }
                })
                .collect::<Vec<_>>()
                .into()
        }};
    }
    let data: Data = match x.data() {
        Data::F32(v) => floats!(v, f32),
        Data::F64(v) => floats!(v, f64),
        Data::I8(v) => whole!(v, i8),
        Data::I16(v) => whole!(v, i16),
        Data::I32(v) => whole!(v, i32),
        Data::I64(v) => whole!(v, i64),
        Data::U8(v) => whole!(v, u8),
        Data::U16(v) => whole!(v, u16),
        Data::U32(v) => whole!(v, u32),
        Data::U64(v) => whole!(v, u64),
        Data::Bool(v) if how == Fold::Max => {
            outer.map(|start| inner.iter().any(|at| v[start + at])).collect::<Vec<_>>().into()
        }
        Data::Bool(v) if how == Fold::Min => {
            outer.map(|start| inner.iter().all(|at| v[start + at])).collect::<Vec<_>>().into()
        }
        _ => return Err(of_type(x)),
    };
    Ok(vec![run.shaped(0, data)?])
}

/// What flows and the output, with the reduced axes kept, so that they broadcast to the input.
fn kept(cx: &mut Gradient<'_, '_>) -> Result<Option<(ValueId, ValueId)>> {
    let Some(flow) = cx.flow(0) else { return Ok(None) };
    let y = cx.output(0)?;
    if cx.node.attributes.int_or("keepdims", 1)? != 0 {
        return Ok(Some((flow, y)));
    }
    let x = cx.input(0)?;
    let given = match cx.node.inputs.get(1).copied().flatten() {
        Some(axes) => match cx.builder.known(axes) {
            Some(axes) => Some(axes.ints()?),
            None => return Err(Trouble::data_dependent("the axes depend on data")),
        },
        None => None,
    };
    let reduced = axes(given, &cx.node.attributes, cx.builder.rank(x)?)?;
    let axes = (0..reduced.len()).filter(|&axis| reduced[axis]).map(|axis| axis as i64);
    let axes = cx.builder.ints(axes.collect());
    let flow = cx.builder.apply(names::UNSQUEEZE, &[flow, axes])?;
    let y = cx.builder.apply(names::UNSQUEEZE, &[y, axes])?;
    Ok(Some((flow, y)))
}

/// What `of` writes from flow, input and output, spread to the shape of the input.
fn spread(
    cx: &mut Gradient<'_, '_>,
    of: fn(&mut Builder<'_>, ValueId, ValueId, ValueId) -> Result<ValueId>,
) -> Result<()> {
    let Some((flow, y)) = kept(cx)? else { return Ok(()) };
    let x = cx.input(0)?;
    let each = of(cx.builder, flow, x, y)?;
    let shape = cx.builder.apply(names::SHAPE, &[x])?;
    let gradient = cx.builder.apply(names::EXPAND, &[each, shape])?;
    cx.give(0, gradient)
}

/// What flows, times a derivative that `of` writes from input and output.
fn scaled(
    cx: &mut Gradient<'_, '_>,
    of: fn(&mut Builder<'_>, ValueId, ValueId) -> Result<ValueId>,
) -> Result<()> {
    let Some((flow, y)) = kept(cx)? else { return Ok(()) };
    let x = cx.input(0)?;
    let slope = of(cx.builder, x, y)?;
    let gradient = cx.builder.mul(slope, flow)?;
    cx.give(0, gradient)
}

/// The slope of a product: the product of the other elements, also where some are 0.
fn product_of_others(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let Some((flow, _)) = kept(cx)? else { return Ok(()) };
    let x = cx.input(0)?;
    let attributes = cx.node.attributes.clone().with("keepdims", 1);
    let axes = cx.node.inputs.get(1).copied().flatten();
    let b = &mut *cx.builder;
    let reduce = |b: &mut Builder<'_>, operator, of| {
        let inputs = [Some(of)].into_iter().chain(axes.map(Some)).collect();
        Ok::<_, Trouble>(b.apply_all(operator, inputs, attributes.clone(), 1)?[0])
    };
    let (zero, one) = (b.float(x, 0.0)?, b.float(x, 1.0)?);
    let is_zero = b.apply(names::EQUAL, &[x, zero])?;
    let zeros = b.apply(names::WHERE, &[is_zero, one, zero])?;
    let factors = b.apply(names::WHERE, &[is_zero, one, x])?;
    let (count, product) =
        (reduce(b, names::REDUCE_SUM, zeros)?, reduce(b, names::REDUCE_PROD, factors)?);
    let others = b.apply(names::DIV, &[product, factors])?;
    // Another element is 0 where there are more zeros than the element itself.
    let alone = b.apply(names::EQUAL, &[count, zeros])?;
    let slope = b.apply(names::WHERE, &[alone, others, zero])?;
    let gradient = b.mul(slope, flow)?;
    cx.give(0, gradient)
}

fn extreme(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let Some((flow, y)) = kept(cx)? else { return Ok(()) };
    let x = cx.input(0)?;
    let mut inputs = vec![Some(flow), Some(x), Some(y)];
    inputs.extend(cx.node.inputs.get(1));
    let mut attributes = Attributes::new();
    if let Some(noop) = cx.node.attributes.int("noop_with_empty_axes")? {
        attributes.set("noop_with_empty_axes", noop);
    }
    let gradient = cx.builder.apply_all(names::REDUCE_EXTREME_GRAD, inputs, attributes, 1)?[0];
    cx.give(0, gradient)
}

fn first_places(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (flow, x, y) = (run.input(0)?, run.input(1)?, run.input(2)?);
    let given = run.optional(3).map(Tensor::ints).transpose()?;
    let reduced = axes(given, run.attributes(), x.dims().len())?;
    let (outer, inner) = groups(x.dims(), &reduced);
    macro_rules! first {
        ($v:expr, $kind:ty) => {{
            let (flow, y) = (flow.values::<$kind>()?, y.values::<$kind>()?);
            let mut out: Vec<$kind> = vec![0.0; $v.len()];
            for (group, start) in outer.enumerate() {
                if let Some(at) = inner.iter().find(|&&at| $v[start + at] == y[group]) {
                    out[start + at] = flow[group];
                }
            }
            out.into()
        }};
    }
    let data: Data = match x.data() {
        Data::F32(v) => first!(v, f32),
        Data::F64(v) => first!(v, f64),
        _ => return Err(of_type(x)),
    };
    Ok(vec![run.shaped(0, data)?])
}
