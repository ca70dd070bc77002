//! `LinearRegressor`, `LinearClassifier`: products of rows with weights.
//!
//! All is `f32`. One score of two classes is that of the second; the first gets what is left of 1,
//! or through a logistic that of the negative score.
//!
//! Source: the ONNX-ML operators of these names, set 1; for two classes ONNX Runtime.

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    grad::Gradient,
    graph::{
        Attributes, Domain, Grad, Infer, Operator, Run, ValueId, names,
        ops::labels::Labels,
        ops::rows::{First, both, numeric, products, rows, singles},
    },
    trees::{Transform, largest},
};

pub(super) const OPS: &[&Operator] = &[&LINEAR_REGRESSOR, &LINEAR_CLASSIFIER];

static LINEAR_REGRESSOR: Operator = Operator::new(
    "LinearRegressor",
    &[1],
    |cx| {
        let (kind, _) = linear(cx, targets(cx.attributes())?)?;
        Ok(vec![kind])
    },
    |run| {
        let targets = targets(run.attributes())?;
        let transform = Transform::named(run.attributes().text_or("post_transform", "NONE")?)?;
        let mut scores = multiply(run, targets)?;
        // ONNX Runtime leaves a single score as it is, but for a probit.
        if targets > 1 || transform == Transform::Probit {
            scores.chunks_mut(targets).for_each(|row| transform.apply(row));
        }
        Ok(vec![run.shaped(0, scores)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let targets = targets(&cx.node.attributes)?;
        let probit = cx.node.attributes.text_or("post_transform", "NONE")? == "PROBIT";
        let scores = if targets > 1 || probit { through(cx, flow, 0)? } else { flow };
        into_rows(cx, scores, targets)
    }),
)
.flop(work)
.of(Domain::Ml);

static LINEAR_CLASSIFIER: Operator = Operator::new(
    "LinearClassifier",
    &[1],
    |cx| {
        let shape = Shape::of(cx.attributes())?;
        let (mut kind, count) = linear(cx, shape.targets)?;
        kind.dims[1] = shape.width();
        Ok(vec![Type::new(shape.labels.element(), [count]), kind])
    },
    |run| {
        let shape = Shape::of(run.attributes())?;
        let transform = Transform::named(run.attributes().text_or("post_transform", "NONE")?)?;
        let scores = multiply(run, shape.targets)?;
        let classes = scores.chunks(shape.targets).map(|row| match row {
            [score] => usize::from(*score > 0.0),
            row => largest(row),
        });
        let labels = match shape.labels.len() {
            // Without names the two classes are 0 and 1.
            0 | 1 if shape.targets == 1 => match &shape.labels {
                Labels::Texts(_) => Data::Text(classes.map(|c| c.to_string().into()).collect()),
                Labels::Ints(_) => Data::I64(classes.map(|class| class as i64).collect()),
            },
            _ => shape.labels.at(classes),
        };
        let mut out = Vec::with_capacity(scores.len());
        for row in scores.chunks(shape.targets) {
            if let ([score], 2) = (row, shape.width()) {
                out.extend(both(*score, First::Rest, transform));
            } else {
                let mut row = row.to_vec();
                transform.apply(&mut row);
                out.extend(row);
            }
        }
        let [count, _] = rows(run.input(0)?.dims())?;
        Ok(vec![Tensor::new([count], labels)?, Tensor::new([count, shape.width()], out)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(1) else { return Ok(()) };
        let shape = Shape::of(&cx.node.attributes)?;
        let scores = if shape.targets == shape.width() {
            through(cx, flow, 1)?
        } else {
            second(cx, flow, 1)?
        };
        into_rows(cx, scores, shape.targets)
    }),
)
.flop(work)
.of(Domain::Ml);

/// What a classifier has: scores and labels.
struct Shape {
    targets: usize,
    labels: Labels,
}

impl Shape {
    fn of(attributes: &Attributes) -> Result<Self> {
        let labels = Labels::of(attributes, "classlabels_strings", "classlabels_ints")?;
        let targets = match attributes.floats("intercepts")? {
            Some(intercepts) if !intercepts.is_empty() => intercepts.len(),
            _ => labels.len(),
        };
        if targets == 0 || (targets > 1 && labels.len() != targets) {
            let got = labels.len();
            return Err(Trouble::graph(format!("expected {targets} class labels, got {got}")));
        }
        Ok(Self { targets, labels })
    }

    fn width(&self) -> usize {
        if self.targets == 1 && self.labels.len() == 2 { 2 } else { self.targets }
    }
}

fn targets(attributes: &Attributes) -> Result<usize> {
    let targets = attributes.int_or("targets", 1)?;
    usize::try_from(targets)
        .ok()
        .filter(|&targets| targets > 0)
        .ok_or_else(|| Trouble::graph(format!("expected a number of targets, got {targets}")))
}

/// The type of the scores, and how many rows there are.
fn linear(cx: &Infer<'_>, targets: usize) -> Result<(Type, usize)> {
    numeric(cx)?;
    let [count, features] = rows(cx.dims(0)?)?;
    let weights = cx.attributes().floats("coefficients")?.map_or(0, <[_]>::len);
    if targets.checked_mul(features) != Some(weights) {
        let expected = format!("{targets} x {features}");
        return Err(Trouble::graph(format!("expected {expected} coefficients, got {weights}")));
    }
    let added = cx.attributes().floats("intercepts")?.map_or(0, <[_]>::len);
    if added != 0 && added != targets {
        return Err(Trouble::graph(format!("expected {targets} intercepts, got {added}")));
    }
    Ok((Type::new(Element::F32, [count, targets]), count))
}

fn work(cx: &Infer<'_>, _: &[Type]) -> Result<u64> {
    let [count, _] = rows(cx.dims(0)?)?;
    let weights = cx.attributes().floats("coefficients")?.map_or(0, <[_]>::len);
    Ok((count as u64).saturating_mul(weights as u64).saturating_mul(2))
}

fn multiply(run: &Run<'_>, targets: usize) -> Result<Vec<f32>> {
    let x = run.input(0)?;
    let added = run.attributes().floats("intercepts")?.unwrap_or_default();
    let weights = run.attributes().floats("coefficients")?.unwrap_or_default();
    let added = |target: usize| added.get(target).copied().unwrap_or(0.0);
    Ok(products(&singles(x)?, rows(x.dims())?, weights, targets, added, 1.0))
}

/// What flows into the scores behind a transform of all of them.
pub(super) fn through(cx: &mut Gradient<'_, '_>, flow: ValueId, output: usize) -> Result<ValueId> {
    let z = cx.output(output)?;
    let b = &mut *cx.builder;
    match cx.node.attributes.text_or("post_transform", "NONE")? {
        "NONE" => Ok(flow),
        "LOGISTIC" => {
            let one = b.float(z, 1.0)?;
            let rest = b.apply(names::SUB, &[one, z])?;
            let slope = b.mul(z, rest)?;
            b.mul(flow, slope)
        }
        "SOFTMAX" => {
            let axis = b.ints(vec![1]);
            let weighted = b.mul(flow, z)?;
            let total = b.apply(names::REDUCE_SUM, &[weighted, axis])?;
            let rest = b.apply(names::SUB, &[flow, total])?;
            b.mul(z, rest)
        }
        _ => Err(Trouble::unsupported("the gradient of this post-transform")),
    }
}

/// What flows into the one score of which two were made, `[n, 1]`: the difference, through a
/// logistic with its slope.
pub(super) fn second(cx: &mut Gradient<'_, '_>, flow: ValueId, output: usize) -> Result<ValueId> {
    let logistic = match cx.node.attributes.text_or("post_transform", "NONE")? {
        "LOGISTIC" => true,
        "PROBIT" => return Err(Trouble::unsupported("the gradient of a probit")),
        _ => false,
    };
    let z = cx.output(output)?;
    let b = &mut *cx.builder;
    let signs = b.constant(Tensor::new([2, 1], vec![-1.0_f32, 1.0])?);
    let mut scores = flow;
    if logistic {
        let one = b.float(z, 1.0)?;
        let rest = b.apply(names::SUB, &[one, z])?;
        let slope = b.mul(z, rest)?;
        scores = b.mul(flow, slope)?;
    }
    b.apply(names::MATMUL, &[scores, signs])
}

/// What flows into the rows from scores that are their products with the coefficients.
fn into_rows(cx: &mut Gradient<'_, '_>, scores: ValueId, targets: usize) -> Result<()> {
    let weights = cx.node.attributes.floats("coefficients")?.unwrap_or_default().to_vec();
    let features = weights.len() / targets;
    let weights = cx.builder.constant(Tensor::new([targets, features], weights)?);
    let rows = cx.builder.apply(names::MATMUL, &[scores, weights])?;
    give_rows(cx, rows)
}

/// Give rows of `f32` in the shape and the element type of the first input.
pub(super) fn give_rows(cx: &mut Gradient<'_, '_>, rows: ValueId) -> Result<()> {
    give_rows_of(cx, 0, rows)
}

/// Give rows of `f32` in the shape and the element type of an input.
pub(super) fn give_rows_of(cx: &mut Gradient<'_, '_>, input: usize, rows: ValueId) -> Result<()> {
    let x = cx.input(input)?;
    let mut rows = cx.builder.reshape_like(rows, x)?;
    let element = cx.builder.element(x)?;
    if element != Element::F32 {
        let to = Attributes::new().with("to", element.to_onnx());
        rows = cx.builder.apply_with(names::CAST, &[rows], to)?;
    }
    cx.give(input, rows)
}
