//! What operators of ONNX-ML share: rows of features, and the scores that are made of them.

use crate::{
    Data, Element, Result, Tensor, Trouble,
    graph::Infer,
    trees::{Transform, logistic},
};

/// How many rows and features a shape has; without a batch it is one row.
pub(super) fn rows(dims: &[usize]) -> Result<[usize; 2]> {
    match *dims {
        [features] => Ok([1, features]),
        [rows, features] => Ok([rows, features]),
        _ => Err(Trouble::graph(format!("expected rows of features, got the shape {dims:?}"))),
    }
}

/// Refuse elements that operators of ONNX-ML do not read.
pub(super) fn numeric(cx: &Infer<'_>) -> Result<()> {
    let element = cx.element(0)?;
    let read = element.is_float()
        || matches!(element, Element::I32 | Element::I64 | Element::U8 | Element::I8);
    if read { Ok(()) } else { Err(Trouble::graph(format!("it does not compute on {element}"))) }
}

/// The elements as `f32`, as these operators compute whatever they are given.
pub(super) fn singles(x: &Tensor) -> Result<Vec<f32>> {
    match x.data() {
        Data::F32(values) => Ok(values.clone()),
        _ => x.cast(Element::F32)?.values::<f32>().map(<[f32]>::to_vec),
    }
}

/// Products of rows with weights that lie row by row: `x [n, f]`, `weights [t, f]`, `added [t]`.
pub(super) fn products(
    x: &[f32],
    [rows, features]: [usize; 2],
    weights: &[f32],
    targets: usize,
    added: impl Fn(usize) -> f32,
    scale: f32,
) -> Vec<f32> {
    let mut out = Vec::with_capacity(rows * targets);
    for row in 0..rows {
        let x = &x[row * features..][..features];
        for target in 0..targets {
            let weights = &weights[target * features..][..features];
            let sum = x.iter().zip(weights).map(|(a, b)| a * b).sum::<f32>();
            out.push(scale * sum + added(target));
        }
    }
    out
}

/// The scores of two classes where there is one score, of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// What is left of 1.
    Rest,
    /// The negative.
    Negative,
}

/// Two scores of one. Through a logistic both are: ONNX Runtime does it so, and no other transform.
pub(super) fn both(score: f32, first: First, transform: Transform) -> [f32; 2] {
    match (transform, first) {
        (Transform::Logistic, _) => [logistic(-score), logistic(score)],
        (Transform::Probit, _) => {
            let mut row = [score];
            transform.apply(&mut row);
            [1.0 - row[0], row[0]]
        }
        (_, First::Rest) => [1.0 - score, score],
        (_, First::Negative) => [-score, score],
    }
}
