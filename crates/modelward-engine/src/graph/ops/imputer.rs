//! `Imputer`, `Binarizer`: elements replaced by others, each by itself.
//!
//! NaN is replaced where the value to replace is NaN. The gradient of an imputer passes where
//! nothing was replaced; where the two are equal it cannot be told apart, and it passes there too.
//!
//! Source: the ONNX-ML operators of these names, set 1.

use crate::{
    Data, Result, Tensor, Trouble,
    graph::{
        Attributes, Domain, Grad, Operator, Run, names,
        ops::{
            elementwise::{of_type, same},
            rows::numeric,
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&IMPUTER, &BINARIZER];

static IMPUTER: Operator = Operator::new(
    "Imputer",
    &[1],
    |cx| {
        numeric(cx)?;
        let features = cx.dims(0)?.last().copied().unwrap_or(1);
        let name = match cx.element(0)?.is_float() {
            true => "imputed_value_floats",
            false => "imputed_value_int64s",
        };
        let got = match cx.element(0)?.is_float() {
            true => cx.attributes().floats(name)?.map_or(0, <[_]>::len),
            false => cx.attributes().ints(name)?.map_or(0, <[_]>::len),
        };
        if got == 0 || (got != 1 && got != features) {
            return Err(Trouble::graph(format!(
                "expected 1 or {features} elements in `{name}`, got {got}"
            )));
        }
        same(cx)
    },
    impute,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let kept = cx.builder.apply(names::EQUAL, &[x, y])?;
        let zero = cx.builder.float(x, 0.0)?;
        let gradient = cx.builder.apply(names::WHERE, &[kept, flow, zero])?;
        cx.give(0, gradient)
    }),
)
.of(Domain::Ml);

static BINARIZER: Operator = Operator::new(
    "Binarizer",
    &[1],
    |cx| {
        numeric(cx)?;
        same(cx)
    },
    |run| {
        let x = run.input(0)?;
        let threshold = run.attributes().float_or("threshold", 0.0)?;
        let wide = f64::from(threshold);
        let data: Data = match x.data() {
            Data::F32(v) => v.iter().map(|&v| f32::from(v > threshold)).collect::<Vec<_>>().into(),
            Data::F64(v) => v.iter().map(|&v| f64::from(v > wide)).collect::<Vec<_>>().into(),
            Data::I32(v) => {
                v.iter().map(|&v| i32::from(f64::from(v) > wide)).collect::<Vec<_>>().into()
            }
            Data::I64(v) => {
                v.iter().map(|&v| i64::from(v as f64 > wide)).collect::<Vec<_>>().into()
            }
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Zero("it is 0 or 1"),
)
.of(Domain::Ml);

fn impute(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let attributes: &Attributes = run.attributes();
    let float = attributes.float_or("replaced_value_float", 0.0)?;
    let whole = attributes.int_or("replaced_value_int64", 0)?;
    let floats = attributes.floats("imputed_value_floats")?.unwrap_or_default();
    let wholes = attributes.ints("imputed_value_int64s")?.unwrap_or_default();
    let is = |v: f64| v == f64::from(float) || (v.is_nan() && float.is_nan());
    let data: Data = match x.data() {
        Data::F32(v) => {
            let each = v.iter().zip(floats.iter().cycle());
            each.map(|(&v, &other)| if is(v.into()) { other } else { v }).collect::<Vec<_>>().into()
        }
        Data::F64(v) => {
            let each = v.iter().zip(floats.iter().cycle());
            each.map(|(&v, &other)| if is(v) { other.into() } else { v }).collect::<Vec<_>>().into()
        }
        Data::I64(v) => {
            let each = v.iter().zip(wholes.iter().cycle());
            each.map(|(&v, &other)| if v == whole { other } else { v }).collect::<Vec<_>>().into()
        }
        Data::I32(v) => {
            let each = v.iter().zip(wholes.iter().cycle());
            let replaced =
                each.map(|(&v, &other)| if i64::from(v) == whole { other as i32 } else { v });
            replaced.collect::<Vec<_>>().into()
        }
        _ => return Err(of_type(x)),
    };
    Ok(vec![run.shaped(0, data)?])
}
