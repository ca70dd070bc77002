//! `NegativeLogLikelihoodLoss`, `SoftmaxCrossEntropyLoss`: what a classifier loses on the classes
//! that are right.
//!
//! Classes may be weighted, and one left out (`ignore_index`); the mean is then one of weights. A
//! class that does not exist is refused, unless it is the one left out.
//!
//! Source: ONNX `NegativeLogLikelihoodLoss`, sets 12, 13 and 22; `SoftmaxCrossEntropyLoss`, sets 12
//! and 13.

use crate::{
    Data, Result, Tensor, Trouble, Type,
    grad::{Dim, Gradient},
    graph::{
        Attributes, Grad, Infer, Operator, Run, ValueId, names, ops::elementwise::of_type, shorten,
    },
};

pub(super) const OPS: &[&Operator] = &[&NEGATIVE_LOG_LIKELIHOOD_LOSS, &SOFTMAX_CROSS_ENTROPY_LOSS];

static NEGATIVE_LOG_LIKELIHOOD_LOSS: Operator = Operator::new(
    "NegativeLogLikelihoodLoss",
    &[12, 13, 22],
    |cx| Ok(vec![loss(cx)?]),
    |run| {
        let x = run.input(0)?;
        let loss = match x.data() {
            Data::F32(v) => losses(run, v, |x| x as f32)?,
            Data::F64(v) => losses(run, v, |x| x)?,
            _ => return Err(of_type(x)),
        };
        Ok(vec![loss])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let gradient = by_scores(cx, flow)?;
        cx.give(0, gradient)
    }),
);

static SOFTMAX_CROSS_ENTROPY_LOSS: Operator = Operator::new(
    "SoftmaxCrossEntropyLoss",
    &[12, 13],
    |cx| Ok(vec![loss(cx)?, cx.kind(0)?.clone()]),
    |run| {
        let x = run.input(0)?;
        let shares = logarithms(x)?;
        let loss = match shares.data() {
            Data::F32(v) => losses(run, v, |x| x as f32)?,
            Data::F64(v) => losses(run, v, |x| x)?,
            _ => return Err(of_type(x)),
        };
        Ok(vec![loss, shares])
    },
    Grad::Rule(|cx| {
        // The gradient of the logarithms of the shares, and through their softmax.
        let mut flow = match cx.flow(0) {
            Some(flow) => Some(by_scores(cx, flow)?),
            None => None,
        };
        if let Some(direct) = cx.flow(1) {
            flow = Some(match flow {
                Some(flow) => cx.builder.add(flow, direct)?,
                None => direct,
            });
        }
        let Some(flow) = flow else { return Ok(()) };
        let x = cx.input(0)?;
        let axis = cx.builder.ints(vec![1]);
        let total = cx.builder.apply(names::REDUCE_SUM, &[flow, axis])?;
        let along = Attributes::new().with("axis", 1);
        let shares = cx.builder.apply_with(names::SOFTMAX, &[x], along)?;
        let spread = cx.builder.mul(shares, total)?;
        let gradient = cx.builder.apply(names::SUB, &[flow, spread])?;
        cx.give(0, gradient)
    }),
)
.flop(|cx, _| Ok((cx.kind(0)?.count()? as u64).saturating_mul(4)));

#[derive(Clone, Copy, PartialEq)]
enum Reduction {
    None,
    Sum,
    Mean,
}

fn reduction(attributes: &Attributes) -> Result<Reduction> {
    match attributes.text_or("reduction", "mean")? {
        "none" => Ok(Reduction::None),
        "sum" => Ok(Reduction::Sum),
        "mean" => Ok(Reduction::Mean),
        other => {
            let other = shorten(other);
            let why = format!("expected `none`, `sum` or `mean` in `reduction`, got `{other}`");
            Err(Trouble::graph(why))
        }
    }
}

/// The type of the loss.
fn loss(cx: &Infer<'_>) -> Result<Type> {
    let (x, classes) = (cx.kind(0)?, cx.kind(1)?);
    let [batch, count, rest @ ..] = &x.dims[..] else {
        return Err(Trouble::graph(format!("expected a batch of scores, got {x}")));
    };
    let expected = [&[*batch], rest].concat();
    if classes.dims != expected || classes.element.is_float() {
        return Err(Trouble::graph(format!(
            "expected classes of shape {expected:?}, got {classes}"
        )));
    }
    if cx.has(2) {
        let weights = cx.kind(2)?;
        if weights.dims != [*count] || weights.element != x.element {
            return Err(Trouble::graph(format!("expected {count} weights, got {weights}")));
        }
    }
    let dims = match reduction(cx.attributes())? {
        Reduction::None => expected,
        Reduction::Sum | Reduction::Mean => Vec::new(),
    };
    Ok(Type::new(x.element, dims))
}

/// The losses, of the logarithms of the shares.
fn losses<T: crate::Scalar + Copy>(
    run: &Run<'_>,
    scores: &[T],
    narrow: fn(f64) -> T,
) -> Result<Tensor>
where
    f64: From<T>,
{
    let dims = run.input(0)?.dims();
    let [_, count, rest @ ..] = dims else { return Err(Trouble::graph("expected scores")) };
    let inner = rest.iter().product::<usize>();
    let ignored = run.attributes().int("ignore_index")?;
    let weights = run.optional(2).map(Tensor::values::<T>).transpose()?;
    let classes = run.input(1)?.ints()?;
    let (mut total, mut weight_total) = (0.0, 0.0);
    let mut each = Vec::with_capacity(classes.len());
    for (at, &class) in classes.iter().enumerate() {
        let (mut loss, mut weight) = (0.0, 0.0);
        if Some(class) != ignored {
            let class = usize::try_from(class).ok().filter(|class| class < count);
            let class = class.ok_or_else(|| {
                Trouble::graph(format!("expected a class of {count}, got {}", classes[at]))
            })?;
            weight = weights.map_or(1.0, |weights| f64::from(weights[class]));
            let place = (at / inner * count + class) * inner + at % inner;
            loss = -f64::from(scores[place]) * weight;
        }
        total += loss;
        weight_total += weight;
        each.push(narrow(loss));
    }
    match reduction(run.attributes())? {
        Reduction::None => run.shaped(0, T::into_data(each)),
        Reduction::Sum => run.shaped(0, T::into_data(vec![narrow(total)])),
        Reduction::Mean => run.shaped(0, T::into_data(vec![narrow(total / weight_total)])),
    }
}

/// The logarithm of the softmax, along axis 1.
fn logarithms(x: &Tensor) -> Result<Tensor> {
    let [batch, count, rest @ ..] = x.dims() else { return Err(Trouble::graph("expected scores")) };
    let inner = rest.iter().product::<usize>();
    macro_rules! rows {
        ($v:expr, $kind:ty) => {{
            let mut out = $v.clone();
            for row in 0..batch * inner {
                let start = row / inner * count * inner + row % inner;
                let places = || (0..*count).map(|class| start + class * inner);
                let most = places().map(|at| out[at]).fold(<$kind>::NEG_INFINITY, <$kind>::max);
                let total = places().map(|at| (out[at] - most).exp()).sum::<$kind>().ln();
                for at in places() {
                    out[at] = out[at] - most - total;
                }
            }
            out.into()
        }};
    }
    let data: Data = match x.data() {
        Data::F32(v) => rows!(v, f32),
        Data::F64(v) => rows!(v, f64),
        _ => return Err(of_type(x)),
    };
    Tensor::new(x.dims(), data)
}

/// The gradient by the logarithms of the shares: at the class that is right what flows, times its
/// weight, turned; 0 elsewhere.
fn by_scores(cx: &mut Gradient<'_, '_>, flow: ValueId) -> Result<ValueId> {
    if cx.wants(2) {
        return Err(Trouble::unsupported("the gradient of a loss by the weights of its classes"));
    }
    let reduction = reduction(&cx.node.attributes)?;
    let ignored = cx.node.attributes.int("ignore_index")?;
    let (x, mut classes) = (cx.input(0)?, cx.input(1)?);
    let weights = cx.node.inputs.get(2).copied().flatten();
    let b = &mut *cx.builder;
    let Some(Dim::Fixed(count)) = b.dims(x)?.get(1).copied() else {
        return Err(Trouble::unsupported("the gradient of a loss over a free number of classes"));
    };
    let element = b.element(x)?;
    let mut kept = None;
    if let Some(ignored) = ignored {
        let whole = b.element(classes)?;
        let ignored = b.constant(Tensor::scalar(ignored).cast(whole)?);
        let zero = b.constant(Tensor::scalar(0_i64).cast(whole)?);
        let is = b.apply(names::EQUAL, &[classes, ignored])?;
        classes = b.apply(names::WHERE, &[is, zero, classes])?;
        let (zero, one) = (b.float(x, 0.0)?, b.float(x, 1.0)?);
        kept = Some(b.apply(names::WHERE, &[is, zero, one])?);
    }
    let mut weight = kept;
    if let Some(weights) = weights {
        let own = b.apply(names::GATHER, &[weights, classes])?;
        weight = Some(match kept {
            Some(kept) => b.mul(own, kept)?,
            None => own,
        });
    }
    let mut flow = flow;
    if reduction == Reduction::Mean {
        let total = match weight {
            Some(weight) => {
                let scalar = Attributes::new().with("keepdims", 0);
                b.apply_with(names::REDUCE_SUM, &[weight], scalar)?
            }
            None => {
                let size = b.apply(names::SIZE, &[classes])?;
                let to = Attributes::new().with("to", element.to_onnx());
                b.apply_with(names::CAST, &[size], to)?
            }
        };
        flow = b.apply(names::DIV, &[flow, total])?;
    }
    if let Some(weight) = weight {
        flow = b.mul(flow, weight)?;
    }
    if b.rank(flow)? > 0 {
        let axis = b.ints(vec![1]);
        flow = b.apply(names::UNSQUEEZE, &[flow, axis])?;
    }
    let depth = b.constant(Tensor::scalar(count as i64));
    let values = b.constant(Tensor::list(vec![0.0, -1.0]).cast(element)?);
    let along = Attributes::new().with("axis", 1);
    let marks = b.apply_with(names::ONE_HOT, &[classes, depth, values], along)?;
    b.mul(marks, flow)
}
