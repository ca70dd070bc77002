//! `HannWindow`, `HammingWindow`, `BlackmanWindow`: weights that fade a piece of a signal in and
//! out.
//!
//! A window of one element that is not periodic holds 1.
//!
//! Source: the ONNX operators of these names, set 17; Harris 1978, "On the use of windows for
//! harmonic analysis with the discrete Fourier transform".

use std::f64::consts::TAU;

use crate::{
    Element, Result, Tensor, Trouble, Type,
    graph::{
        Grad, Infer, Operator, Run,
        ops::{elementwise::made, range::whole},
    },
};

pub(super) const OPS: &[&Operator] = &[&HANN, &HAMMING, &BLACKMAN];

static HANN: Operator = window("HannWindow", |run| weights(run, [0.5, 0.5, 0.0]));

static HAMMING: Operator =
    window("HammingWindow", |run| weights(run, [25.0 / 46.0, 21.0 / 46.0, 0.0]));

static BLACKMAN: Operator = window("BlackmanWindow", |run| weights(run, [0.42, 0.5, 0.08]));

const fn window(name: &'static str, run: fn(&Run<'_>) -> Result<Vec<Tensor>>) -> Operator {
    Operator::new(name, &[17], infer, run, Grad::Zero("it does not depend on data"))
}

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let size = whole(cx.value(0)?)?;
    let size = usize::try_from(size)
        .map_err(|_| Trouble::graph(format!("a window of {size} elements")))?;
    Ok(vec![Type::new(element(cx)?, [size])])
}

/// The type of the output.
pub(super) fn element(cx: &Infer<'_>) -> Result<Element> {
    let data_type = cx.attributes().int_or("output_datatype", 1)?;
    let element = Element::of_onnx(data_type).filter(|element| *element != Element::Text);
    element.ok_or_else(|| Trouble::unsupported(format!("outputs of the element type {data_type}")))
}

/// A sum of cosines.
fn weights(run: &Run<'_>, [mean, once, twice]: [f64; 3]) -> Result<Vec<Tensor>> {
    let kind = run.output(0)?;
    let size = kind.count()?;
    let periodic = run.attributes().int_or("periodic", 1)? != 0;
    let period = if periodic { size } else { size.saturating_sub(1) };
    let weight = |at: usize| {
        if period == 0 {
            return 1.0;
        }
        let angle = TAU * at as f64 / period as f64;
        mean - once * angle.cos() + twice * (2.0 * angle).cos()
    };
    Ok(vec![made(kind, weight)?])
}
