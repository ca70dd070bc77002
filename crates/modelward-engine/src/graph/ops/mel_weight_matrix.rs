//! `MelWeightMatrix`: from the bins of a spectrum to bands as an ear hears them.
//!
//! Source: ONNX `MelWeightMatrix`, set 17, and its reference implementation.

use crate::{
    Result, Tensor, Trouble, Type,
    graph::{
        Grad, Infer, Operator, Run,
        ops::{
            elementwise::made,
            range::{float, whole},
            taper::element,
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&MEL_WEIGHT_MATRIX];

static MEL_WEIGHT_MATRIX: Operator = Operator::new(
    "MelWeightMatrix",
    &[17],
    infer,
    run,
    Grad::Zero("the edges of its bands are whole numbers"),
);

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let (bands, length) = (whole(cx.value(0)?)?, whole(cx.value(1)?)?);
    let sizes = usize::try_from(bands).ok().zip(usize::try_from(length).ok());
    let (bands, length) = sizes.ok_or_else(|| {
        Trouble::graph(format!("{bands} bands of a transform of {length} elements"))
    })?;
    Ok(vec![Type::new(element(cx)?, [length / 2 + 1, bands])])
}

fn run(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let kind = run.output(0)?;
    let [_, bands] = kind.dims[..] else { return Err(Trouble::graph("no matrix")) };
    let (length, rate) = (whole(run.input(1)?)? as f64, whole(run.input(2)?)? as f64);
    // Hertz as mel, and back.
    let mel = |hertz: f64| 2595.0 * (hertz / 700.0).ln_1p() / std::f64::consts::LN_10;
    let hertz = |mel: f64| 700.0 * (mel / 2595.0 * std::f64::consts::LN_10).exp_m1();
    let (low, high) = (mel(float(run.input(3)?)?), mel(float(run.input(4)?)?));
    let step = (high - low) / (bands as f64 + 2.0);
    let edge = |at: usize| {
        let bin = ((length + 1.0) * hertz(at as f64 * step + low) / rate).floor();
        // What no spectrum reaches is cut off.
        bin.clamp(-1e15, 1e15) as i64
    };
    let edges = (0..bands.saturating_add(2)).map(edge).collect::<Vec<_>>();
    let weight = |place: usize| {
        let (at, band) = ((place / bands) as i64, place % bands);
        let (left, center, right) = (edges[band], edges[band + 1], edges[band + 2]);
        if (center..right).contains(&at) {
            (right - at) as f64 / (right - center) as f64
        } else if left == center && at == center {
            1.0
        } else if left < center && (left..=center).contains(&at) {
            (at - left) as f64 / (center - left) as f64
        } else {
            0.0
        }
    };
    Ok(vec![made(kind, weight)?])
}
