//! Loops over floats, compiled once for each instruction set: the compiler makes the vectors, and
//! no sum is reordered, so the bits are the same for all.

/// Write a function once, and compile it for each instruction set; the first argument says which.
macro_rules! lanes {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code, reason = "compiled for an instruction set, called where it is there")]
        #[allow(clippy::too_many_arguments, reason = "the sizes of a loop")]
        $vis fn $name(cpu: $crate::exec::kernels::Cpu, $($arg: $kind),*) {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, reason = "the sizes of a loop")]
            fn plain($($arg: $kind),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments, reason = "the sizes of a loop")]
            fn avx2($($arg: $kind),*) {
                plain($($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
            #[allow(clippy::too_many_arguments, reason = "the sizes of a loop")]
            fn avx512($($arg: $kind),*) {
                plain($($arg),*);
            }

            match cpu {
                #[cfg(target_arch = "x86_64")]
                $crate::exec::kernels::Cpu::Avx2 => {
                    assert!(cpu.is_here());
                    // SAFETY: the instruction set is there.
                    unsafe { avx2($($arg),*) }
                }
                #[cfg(target_arch = "x86_64")]
                $crate::exec::kernels::Cpu::Avx512 => {
                    assert!(cpu.is_here());
                    // SAFETY: the instruction set is there.
                    unsafe { avx512($($arg),*) }
                }
                _ => plain($($arg),*),
            }
        }
    };
}

pub(in crate::exec) use lanes;

use super::bend::{Bend, bent};

/// What happens to the sums of a product on their way out.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::exec) struct Epilogue<'a> {
    /// One number a row or a column, added.
    pub(in crate::exec) bias: Option<&'a [f32]>,
    /// A tensor of the shape of the output, added.
    pub(in crate::exec) add: Option<&'a [f32]>,
    /// What the sums are bent by.
    pub(in crate::exec) bend: Option<Bend>,
    /// A tensor of the shape of the output: the sums are what flows back through a bend where it
    /// came out.
    pub(in crate::exec) mask: Option<(&'a [f32], Bend)>,
    /// Of a convolution: only the largest of each two by two places is written.
    pub(in crate::exec) pooled: bool,
}

/// What of an epilogue looks at the place in the output.
#[inline(always)]
pub(super) fn tail(out: &mut [f32], place: usize, end: Epilogue<'_>) {
    if let Some(add) = end.add {
        let add = &add[place..][..out.len()];
        for (out, add) in out.iter_mut().zip(add) {
            *out += add;
        }
    }
    if let Some(bend) = end.bend {
        bent!(bend, bend => out.iter_mut().for_each(|out| *out = bend.of(*out)));
    }
    if let Some((mask, bend)) = end.mask {
        let all = out.iter_mut().zip(&mask[place..]);
        bent!(bend, bend => all.for_each(|(out, mask)| *out = bend.back(*out, *mask)));
    }
}

/// The sum of squares, in the precision of `f64`, of sixteen chains that are added in order.
pub(in crate::exec) fn square(cpu: super::Cpu, values: &[f32]) -> f64 {
    let mut sums = [0.0_f64; 16];
    squares(cpu, values, &mut sums);
    sums.iter().sum()
}

lanes! {
    fn squares(values: &[f32], sums: &mut [f64; 16]) {
        for values in values.chunks(16) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += f64::from(*value) * f64::from(*value);
            }
        }
    }
}

lanes! {
    /// Add floats times a factor.
    pub(in crate::exec) fn add_scaled(sums: &mut [f32], values: &[f32], factor: f32) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += factor * value;
        }
    }
}
