//! `Scaler`, `Normalizer`: rows of features brought to a scale, as `f32`.
//!
//! A normalised row whose divisor is 0 stays as it is; `L1` divides by the sum of magnitudes, as
//! libraries do. The largest of a row gives its gradient to the first that is as large.
//!
//! Source: the ONNX-ML operators of these names, set 1.

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    graph::{
        Attributes, Domain, Grad, Infer, Operator, Run, names,
        ops::linear_model,
        ops::rows::{numeric, singles},
    },
};

pub(super) const OPS: &[&Operator] = &[&SCALER, &NORMALIZER];

static SCALER: Operator = Operator::new(
    "Scaler",
    &[1],
    |cx| {
        let kind = singles_of(cx)?;
        for name in ["offset", "scale"] {
            factors(cx.attributes(), name, &kind.dims, 0.0)?;
        }
        Ok(vec![kind])
    },
    |run| {
        let x = run.input(0)?;
        let offset = factors(run.attributes(), "offset", x.dims(), 0.0)?;
        let scale = factors(run.attributes(), "scale", x.dims(), 1.0)?;
        let places = 0..x.count();
        let factors = places.map(|at| (offset[at % offset.len()], scale[at % scale.len()]));
        let data = match x.data() {
            Data::F64(v) => {
                let each = v.iter().zip(factors);
                each.map(|(v, (o, s))| ((v - f64::from(o)) * f64::from(s)) as f32).collect()
            }
            _ => singles(x)?.iter().zip(factors).map(|(v, (o, s))| (v - o) * s).collect::<Vec<_>>(),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let scale = cx.node.attributes.floats("scale")?.unwrap_or(&[1.0]).to_vec();
        let scale = cx.builder.constant(Tensor::list(scale));
        let gradient = cx.builder.mul(flow, scale)?;
        linear_model::give_rows(cx, gradient)
    }),
)
.of(Domain::Ml);

static NORMALIZER: Operator = Operator::new(
    "Normalizer",
    &[1],
    |cx| {
        norm(cx.attributes())?;
        Ok(vec![singles_of(cx)?])
    },
    normalize,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, y, norm) = (cx.input(0)?, cx.output(0)?, norm(&cx.node.attributes)?);
        let b = &mut *cx.builder;
        let axis = b.rank(x)?.min(2) as i64 - 1;
        let axes = b.ints(vec![axis]);
        let mut x = x;
        if b.element(x)? != Element::F32 {
            let to = Attributes::new().with("to", Element::F32.to_onnx());
            x = b.apply_with(names::CAST, &[x], to)?;
        }
        // y = x / d(x), so dx = (flow - d' sum(flow y)) / d, with d' the slope of the divisor.
        let divisor = match norm {
            Norm::Max => b.apply(names::REDUCE_MAX, &[x, axes])?,
            Norm::L1 => {
                let magnitudes = b.apply(names::ABS, &[x])?;
                b.apply(names::REDUCE_SUM, &[magnitudes, axes])?
            }
            Norm::L2 => b.apply(names::REDUCE_L2, &[x, axes])?,
        };
        let zero = b.float(divisor, 0.0)?;
        let one = b.float(divisor, 1.0)?;
        let still = b.apply(names::EQUAL, &[divisor, zero])?;
        let safe = b.apply(names::WHERE, &[still, one, divisor])?;
        let slope = match norm {
            Norm::L1 => b.apply(names::SIGN, &[x])?,
            Norm::L2 => y,
            Norm::Max => {
                // The first that is as large.
                let at = Attributes::new().with("axis", axis);
                let count = b.ints(vec![1]);
                let found = b.apply_all(names::TOP_K, vec![Some(x), Some(count)], at.clone(), 2)?;
                let none = b.float(x, 0.0)?;
                let zeros = b.mul(x, none)?;
                let ones = b.mul(found[0], none)?;
                let unit = b.float(x, 1.0)?;
                let ones = b.add(ones, unit)?;
                b.apply_with(names::SCATTER_ELEMENTS, &[zeros, found[1], ones], at)?
            }
        };
        let weighted = b.mul(flow, y)?;
        let total = b.apply(names::REDUCE_SUM, &[weighted, axes])?;
        let drawn = b.mul(slope, total)?;
        let rest = b.apply(names::SUB, &[flow, drawn])?;
        let scaled = b.apply(names::DIV, &[rest, safe])?;
        let gradient = b.apply(names::WHERE, &[still, flow, scaled])?;
        linear_model::give_rows(cx, gradient)
    }),
)
.of(Domain::Ml);

/// The type of the first input, as `f32`.
fn singles_of(cx: &Infer<'_>) -> Result<Type> {
    numeric(cx)?;
    let dims = cx.dims(0)?;
    if dims.is_empty() {
        return Err(Trouble::graph("expected rows of features, got one number"));
    }
    Ok(Type::new(Element::F32, dims))
}

/// One number, or one for each feature.
fn factors(attributes: &Attributes, name: &str, dims: &[usize], without: f32) -> Result<Vec<f32>> {
    let values = match attributes.floats(name)? {
        Some(values) if !values.is_empty() => values.to_vec(),
        _ => vec![without],
    };
    let features = dims.last().copied().unwrap_or(1);
    if values.len() != 1 && values.len() != features {
        let got = values.len();
        return Err(Trouble::graph(format!(
            "expected 1 or {features} elements in `{name}`, got {got}"
        )));
    }
    Ok(values)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Norm {
    Max,
    L1,
    L2,
}

fn norm(attributes: &Attributes) -> Result<Norm> {
    match attributes.text_or("norm", "MAX")? {
        "MAX" => Ok(Norm::Max),
        "L1" => Ok(Norm::L1),
        "L2" => Ok(Norm::L2),
        other => {
            let other = crate::graph::shorten(other);
            Err(Trouble::graph(format!("no norm is called `{other}`")))
        }
    }
}

fn normalize(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let norm = norm(run.attributes())?;
    let axis = x.dims().len().min(2) - 1;
    let size = x.dims()[axis];
    let inner = x.dims()[axis + 1..].iter().product::<usize>();
    let mut values = singles(x)?;
    for row in 0..values.len().checked_div(size).unwrap_or(0) {
        let start = row / inner * size * inner + row % inner;
        let places = || (0..size).map(|at| start + at * inner);
        let divisor = match norm {
            Norm::Max => places().map(|at| values[at]).fold(f32::NEG_INFINITY, f32::max),
            Norm::L1 => places().map(|at| values[at].abs()).sum(),
            Norm::L2 => places().map(|at| values[at] * values[at]).sum::<f32>(),
        };
        if divisor == 0.0 {
            continue;
        }
        for at in places() {
            let value = values[at];
            values[at] = match norm {
                Norm::Max | Norm::L1 => value / divisor,
                Norm::L2 => (value * value / divisor).sqrt().copysign(value),
            };
        }
    }
    Ok(vec![run.shaped(0, values)?])
}
