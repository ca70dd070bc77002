//! Floats of 32 and of 64 bits by one name, for what is written once for both.

#![allow(clippy::arithmetic_side_effects, reason = "floats do not overflow")]

use std::{
    fmt::Debug,
    ops::{Add, AddAssign, Div, DivAssign, Mul, Neg, Sub},
};

use crate::Scalar;

/// A float that is computed with.
pub trait Real:
    Scalar
    + Copy
    + Debug
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + DivAssign
{
    /// The float nearest to this number.
    fn near(value: f64) -> Self;
    /// The same number with 64 bits.
    fn wide(self) -> f64;
    /// The exponential.
    fn exp(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// A power.
    fn pow(self, exponent: Self) -> Self;
    /// Without its sign.
    fn abs(self) -> Self;
}

macro_rules! real {
    ($($kind:ident),*) => {$(
        impl Real for $kind {
            fn near(value: f64) -> Self {
                value as Self
            }

            fn wide(self) -> f64 {
                f64::from(self)
            }

            fn exp(self) -> Self {
                $kind::exp(self)
            }

            fn ln(self) -> Self {
                $kind::ln(self)
            }

            fn sqrt(self) -> Self {
                $kind::sqrt(self)
            }

            fn tanh(self) -> Self {
                $kind::tanh(self)
            }

            fn pow(self, exponent: Self) -> Self {
                $kind::powf(self, exponent)
            }

            fn abs(self) -> Self {
                $kind::abs(self)
            }
        }
    )*};
}

real!(f32, f64);
