//! What is made of the raw scores of a model: the post-transforms of ONNX-ML, and the inverse link
//! functions of libraries.
//!
//! Source: ONNX-ML, `post_transform`, with the approximation of `PROBIT` that ONNX Runtime has;
//! `src/common/math.h` of XGBoost and `objective/*.hpp` of LightGBM for the others.

#![allow(clippy::arithmetic_side_effects, reason = "floats do not overflow")]

use crate::{Result, Trouble, real::Real};

/// What is made of a row of raw scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Transform {
    /// Nothing.
    None,
    /// Each by the logistic function.
    Logistic,
    /// Shares of their exponentials.
    Softmax,
    /// Shares of their exponentials; zeros stay zero.
    SoftmaxZero,
    /// Each by the inverse of the normal distribution, approximately.
    Probit,
    /// `1 / (1 + exp(-k x))`, with this `k`.
    Sigmoid(f64),
    /// `exp(x)`.
    Exp,
    /// 1 above zero, else 0.
    Step,
    /// The place of the largest.
    Largest,
    /// The square with the sign of the score.
    SignedSquare,
    /// `ln(1 + exp(x))`.
    Softplus,
}

impl Transform {
    /// By the name of ONNX-ML.
    ///
    /// # Errors
    /// Where there is none of this name.
    pub(crate) fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "NONE" => Self::None,
            "LOGISTIC" => Self::Logistic,
            "SOFTMAX" => Self::Softmax,
            "SOFTMAX_ZERO" => Self::SoftmaxZero,
            "PROBIT" => Self::Probit,
            _ => {
                let name = crate::graph::shorten(name);
                return Err(Trouble::graph(format!("no post-transform is called `{name}`")));
            }
        })
    }

    /// How many numbers it makes of a row of so many.
    pub(crate) fn width(self, scores: usize) -> usize {
        if self == Self::Largest { 1 } else { scores }
    }

    /// Change a row of scores in place. Of [`Transform::Largest`] the first number is the answer.
    pub(crate) fn apply<T: Real>(self, row: &mut [T]) {
        let (zero, one) = (T::near(0.0), T::near(1.0));
        let each = |row: &mut [T], of: &dyn Fn(T) -> T| row.iter_mut().for_each(|v| *v = of(*v));
        match self {
            Self::None => {}
            Self::Logistic => each(row, &logistic),
            Self::Softmax => softmax(row),
            Self::SoftmaxZero => softmax_zero(row),
            Self::Probit => each(row, &probit),
            Self::Sigmoid(scale) => {
                let scale = T::near(scale);
                each(row, &|v| one / (one + (-(scale * v)).exp()));
            }
            Self::Exp => each(row, &T::exp),
            Self::Step => each(row, &|v| if v > zero { one } else { zero }),
            Self::Largest => {
                let at = largest(row);
                if let Some(first) = row.first_mut() {
                    *first = T::near(at as f64);
                }
            }
            Self::SignedSquare => each(row, &|v| if v < zero { -(v * v) } else { v * v }),
            Self::Softplus => each(row, &|v| T::near(v.exp().wide().ln_1p())),
        }
    }
}

/// Where the largest lies, the first of equals.
pub(crate) fn largest<T: PartialOrd>(row: &[T]) -> usize {
    let mut best = 0;
    for (at, value) in row.iter().enumerate() {
        if row.get(best).is_some_and(|most| value > most) {
            best = at;
        }
    }
    best
}

/// The logistic function without an overflow on either side.
pub(crate) fn logistic<T: Real>(value: T) -> T {
    let one = T::near(1.0);
    let upper = one / (one + (-value.abs()).exp());
    if value < T::near(0.0) { one - upper } else { upper }
}

/// The sum is `f64`, and rounded, as XGBoost has it.
fn softmax<T: Real>(row: &mut [T]) {
    let most = most(row);
    let mut total = 0.0;
    for value in row.iter_mut() {
        *value = (*value - most).exp();
        total += value.wide();
    }
    row.iter_mut().for_each(|value| *value /= T::near(total));
}

fn softmax_zero<T: Real>(row: &mut [T]) {
    let near = T::near(1e-7);
    let most = most(row);
    let mut total = 0.0;
    for value in row.iter_mut() {
        if value.abs() > near {
            *value = (*value - most).exp();
            total += value.wide();
        } else {
            *value = *value * (-most).exp();
        }
    }
    row.iter_mut().for_each(|value| *value /= T::near(total));
}

fn most<T: Real>(row: &[T]) -> T {
    let least = T::near(f64::NEG_INFINITY);
    row.iter().copied().fold(least, |a, b| if b > a { b } else { a })
}

/// Winitzki's approximation of the inverse error function, with the constants of ONNX Runtime.
#[expect(clippy::approx_constant, reason = "the approximation is made with these")]
fn probit<T: Real>(value: T) -> T {
    let (one, two) = (T::near(1.0), T::near(2.0));
    let a = T::near(0.147);
    let x = two * value - one;
    let log = ((one - x) * (one + x)).ln();
    let v = two / (T::near(3.14159) * a) + T::near(0.5) * log;
    let root = (-v + (v * v - one / a * log).sqrt()).sqrt();
    let inverse = if x < T::near(0.0) { -root } else { root };
    T::near(1.414_213_56) * inverse
}
