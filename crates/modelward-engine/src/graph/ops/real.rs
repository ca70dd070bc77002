//! What is written once for floats of 32 and of 64 bits.

pub(super) use crate::real::Real;

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
