//! Many inner products of long rows at once: gradients by the weights of a convolution.
//!
//! Sums are kept in the lanes of vectors and added up at the end, so here each instruction set has
//! a bit pattern of its own. The rows of one example are gone through by themselves, so the bits do
//! not depend on the batch.

#![allow(unsafe_code, reason = "registers are filled from pointers; the door checks the lengths")]
#![allow(unsafe_op_in_unsafe_fn, reason = "each function is one block of intrinsics")]
#![allow(
    clippy::needless_range_loop,
    reason = "rows and columns are counted, so they are unrolled"
)]

use super::Cpu;

/// Floats that rows are padded to with zeros.
pub(in crate::exec) const STEP: usize = 16;

/// Where the rows of both operands begin, for one or several pairs of blocks whose products are
/// added.
#[derive(Clone, Copy, Debug)]
pub(in crate::exec) struct Dots<'a> {
    /// Where each row of the left operand begins in its block.
    pub(in crate::exec) rows: &'a [usize],
    /// Where each row of the right operand begins in its block.
    pub(in crate::exec) columns: &'a [usize],
    /// How long the rows are: a multiple of [`STEP`].
    pub(in crate::exec) len: usize,
    /// How many blocks there are, and how far apart they lie.
    pub(in crate::exec) blocks: usize,
    pub(in crate::exec) a_block: usize,
    pub(in crate::exec) b_block: usize,
}

impl Dots<'_> {
    /// `out[row, column]` is the inner product, added to what is there where `add` says so.
    pub(in crate::exec) fn run(self, cpu: Cpu, a: &[f32], b: &[f32], out: &mut [f32], add: bool) {
        let (rows, columns) = (self.rows.len(), self.columns.len());
        if rows == 0 || columns == 0 || self.blocks == 0 {
            return;
        }
        let last = |starts: &[usize], block: usize| {
            starts.iter().max().copied().unwrap_or(0) + (self.blocks - 1) * block + self.len
        };
        assert!(self.len.is_multiple_of(STEP) && cpu.is_here());
        assert!(last(self.rows, self.a_block) <= a.len(), "left operand");
        assert!(last(self.columns, self.b_block) <= b.len(), "right operand");
        assert!(out.len() >= rows * columns, "products");
        let (tall, wide) = match cpu {
            Cpu::Scalar => (2, 2),
            Cpu::Avx2 => (2, 4),
            Cpu::Avx512 | Cpu::Neon => (4, 6),
        };
        let mut sums = [0.0_f32; 24];
        for (column, starts_b) in self.columns.chunks(wide).enumerate() {
            for (row, starts_a) in self.rows.chunks(tall).enumerate() {
                // SAFETY: every row begins and ends inside its operand, as asserted, and the
                // instruction set is there.
                unsafe { self.tile(cpu, starts_a, starts_b, a.as_ptr(), b.as_ptr(), &mut sums) };
                for (r, sums) in sums.chunks(starts_b.len()).take(starts_a.len()).enumerate() {
                    let at = (row * tall + r) * columns + column * wide;
                    for (out, sum) in out[at..at + starts_b.len()].iter_mut().zip(sums) {
                        *out = if add { *out + sum } else { *sum };
                    }
                }
            }
        }
    }

    unsafe fn tile(
        self,
        cpu: Cpu,
        rows: &[usize],
        columns: &[usize],
        a: *const f32,
        b: *const f32,
        sums: &mut [f32; 24],
    ) {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        macro_rules! four_by_six {
            ($run:path) => {
                sizes!(
                    $run,
                    (1, 1)(1, 2)(1, 3)(1, 4)(1, 5)(1, 6)(2, 1)(2, 2)(2, 3)(2, 4)(2, 5)(2, 6)(3, 1)(
                        3, 2
                    )(3, 3)(3, 4)(3, 5)(3, 6)(4, 1)(4, 2)(4, 3)(4, 4)(4, 5)(4, 6)
                )
            };
        }
        macro_rules! sizes {
            ($run:path, $(($r:literal, $c:literal))*) => {
                match (rows.len(), columns.len()) {
                    $(($r, $c) => {
                        let mut starts = ([0_usize; $r], [0_usize; $c]);
                        starts.0.copy_from_slice(rows);
                        starts.1.copy_from_slice(columns);
                        $run(self, starts.0, starts.1, a, b, sums);
                    })*
                    _ => {}
                }
            };
        }
        match cpu {
            Cpu::Scalar => sizes!(scalar, (1, 1)(1, 2)(2, 1)(2, 2)),
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx2 => sizes!(x86::avx2, (1, 1)(1, 2)(1, 3)(1, 4)(2, 1)(2, 2)(2, 3)(2, 4)),
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx512 => four_by_six!(x86::avx512),
            #[cfg(target_arch = "aarch64")]
            Cpu::Neon => four_by_six!(arm::neon),
            // Another processor's, which the door refuses.
            _ => {}
        }
    }
}

unsafe fn scalar<const R: usize, const C: usize>(
    dots: Dots<'_>,
    rows: [usize; R],
    columns: [usize; C],
    a: *const f32,
    b: *const f32,
    out: &mut [f32; 24],
) {
    for r in 0..R {
        for c in 0..C {
            let mut lanes = [0.0_f32; STEP];
            for block in 0..dots.blocks {
                let a = a.add(rows[r] + block * dots.a_block);
                let b = b.add(columns[c] + block * dots.b_block);
                for at in 0..dots.len {
                    lanes[at % STEP] = (*a.add(at)).mul_add(*b.add(at), lanes[at % STEP]);
                }
            }
            out[r * C + c] = fold(&mut lanes);
        }
    }
}

/// The sum of lanes, by halves.
fn fold(lanes: &mut [f32]) -> f32 {
    let mut half = lanes.len() / 2;
    while half > 0 {
        for at in 0..half {
            lanes[at] += lanes[at + half];
        }
        half /= 2;
    }
    lanes.first().copied().unwrap_or(0.0)
}

/// The kernel of one instruction set, from its name and its operations on vectors.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! kernel {
    (
        $name:ident, $features:literal, $width:literal,
        $zero:ident, $load:ident, $store:ident, $multiply_add:ident
    ) => {
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $name<const R: usize, const C: usize>(
            dots: Dots<'_>,
            rows: [usize; R],
            columns: [usize; C],
            a: *const f32,
            b: *const f32,
            out: &mut [f32; 24],
        ) {
            let mut sums = [[$zero(); C]; R];
            for block in 0..dots.blocks {
                let (a, b) = (a.add(block * dots.a_block), b.add(block * dots.b_block));
                let mut at = 0;
                while at < dots.len {
                    let mut left = [$zero(); R];
                    for r in 0..R {
                        left[r] = $load(a.add(rows[r] + at));
                    }
                    for c in 0..C {
                        let right = $load(b.add(columns[c] + at));
                        for r in 0..R {
                            sums[r][c] = $multiply_add(left[r], right, sums[r][c]);
                        }
                    }
                    at += $width;
                }
            }
            for r in 0..R {
                for c in 0..C {
                    let mut lanes = [0.0_f32; $width];
                    $store(lanes.as_mut_ptr(), sums[r][c]);
                    out[r * C + c] = fold(&mut lanes);
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Dots, fold};

    kernel!(
        avx2,
        "avx2,fma",
        8,
        _mm256_setzero_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_fmadd_ps
    );
    kernel!(
        avx512,
        "avx512f",
        16,
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_fmadd_ps
    );
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::*;

    use super::{Dots, fold};

    #[inline]
    #[target_feature(enable = "neon")]
    fn zero() -> float32x4_t {
        vdupq_n_f32(0.0)
    }

    #[inline]
    #[target_feature(enable = "neon")]
    fn multiply_add(a: float32x4_t, b: float32x4_t, sum: float32x4_t) -> float32x4_t {
        vfmaq_f32(sum, a, b)
    }

    kernel!(neon, "neon", 4, zero, vld1q_f32, vst1q_f32, multiply_add);
}
