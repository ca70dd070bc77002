//! Functions that are straight but for a bend or two, and what flows back through them: ReLU and its
//! kin.

#![allow(unsafe_code, reason = "vectors of an instruction set that the caller knows is there")]
#![allow(unsafe_op_in_unsafe_fn, reason = "each function is one block of vectors")]

use super::vector::Vector;

/// A function of each float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::exec) enum Bend {
    /// What is below 0 becomes 0.
    Relu,
    /// What is below 0 is scaled.
    Leaky(f32),
    /// Everything is kept between two bounds; where they cross, it becomes the second.
    Clip(f32, f32),
}

impl Bend {
    /// The function; what is no number stays so.
    #[inline(always)]
    pub(in crate::exec) fn of(self, x: f32) -> f32 {
        match self {
            Self::Relu => {
                if x < 0.0 {
                    0.0
                } else {
                    x
                }
            }
            Self::Leaky(slope) => {
                if x < 0.0 {
                    x * slope
                } else {
                    x
                }
            }
            Self::Clip(low, high) => {
                let x = if x < low { low } else { x };
                if x > high { high } else { x }
            }
        }
    }

    /// What flows back, where `gate` says on which side of the bends it is.
    #[inline(always)]
    pub(in crate::exec) fn back(self, flow: f32, gate: f32) -> f32 {
        match self {
            Self::Relu => {
                if gate > 0.0 {
                    flow
                } else {
                    0.0
                }
            }
            Self::Leaky(slope) => {
                if gate > 0.0 {
                    flow
                } else {
                    flow * slope
                }
            }
            Self::Clip(low, high) => {
                let flow = if gate > low { flow } else { 0.0 };
                if high > gate { flow } else { 0.0 }
            }
        }
    }

    /// Whether what is greater stays so, or becomes as great.
    pub(in crate::exec) fn keeps_order(self) -> bool {
        !matches!(self, Self::Leaky(slope) if slope.is_nan() || slope < 0.0)
    }

    /// [`Self::of`] a vector.
    ///
    /// # Safety
    /// The instruction set has to be there. So with the other.
    #[inline(always)]
    pub(super) unsafe fn of_vector<V: Vector>(self, x: V) -> V {
        let zero = V::splat(0.0);
        match self {
            Self::Relu => x.relu(),
            Self::Leaky(slope) => x.mul(V::splat(slope)).choose(x, zero, x),
            Self::Clip(low, high) => x.max(V::splat(low)).min(V::splat(high)),
        }
    }

    /// [`Self::back`] of a vector.
    #[inline(always)]
    pub(super) unsafe fn back_vector<V: Vector>(self, flow: V, gate: V) -> V {
        let zero = V::splat(0.0);
        match self {
            Self::Relu => flow.choose(zero, gate, zero),
            Self::Leaky(slope) => flow.choose(flow.mul(V::splat(slope)), gate, zero),
            Self::Clip(low, high) => {
                let flow = flow.choose(zero, gate, V::splat(low));
                flow.choose(zero, V::splat(high), gate)
            }
        }
    }
}

/// Run a loop with a bend whose kind is known to the compiler, for each kind.
macro_rules! bent {
    ($bend:expr, $known:ident => $body:expr) => {
        match $bend {
            $crate::exec::kernels::Bend::Relu => {
                let $known = $crate::exec::kernels::Bend::Relu;
                $body
            }
            $crate::exec::kernels::Bend::Leaky(slope) => {
                let $known = $crate::exec::kernels::Bend::Leaky(slope);
                $body
            }
            $crate::exec::kernels::Bend::Clip(low, high) => {
                let $known = $crate::exec::kernels::Bend::Clip(low, high);
                $body
            }
        }
    };
}

pub(in crate::exec) use bent;
