//! Floats of 32 and of 64 bits by one name, for what is written once for both.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use crate::Scalar;

/// A float that is computed with.
pub(super) trait Real:
    Scalar
    + Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
{
    /// The float nearest to this number.
    fn near(value: f64) -> Self;
    /// The same number with 64 bits.
    fn wide(self) -> f64;
    /// The exponential.
    fn exp(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
}

macro_rules! reals {
    ($($kind:ty),*) => {$(
        impl Real for $kind {
            fn near(value: f64) -> Self {
                value as Self
            }

            fn wide(self) -> f64 {
                self.into()
            }

            fn exp(self) -> Self {
                self.exp()
            }

            fn tanh(self) -> Self {
                self.tanh()
            }
        }
    )*};
}

reals!(f32, f64);

/// Call a function for the floats that a tensor has.
macro_rules! of_reals {
    ($x:expr, $of:ident($($arguments:expr),* $(,)?)) => {
        match $x.element() {
            $crate::Element::F32 => $of::<f32>($($arguments),*),
            $crate::Element::F64 => $of::<f64>($($arguments),*),
            _ => Err($crate::graph::ops::elementwise::of_type($x)),
        }
    };
}

pub(super) use of_reals;
