//! The arithmetic that has to be fast, for each instruction set; the only place with `unsafe`.
//!
//! A product is made of tiles: `mr` rows of one operand against `nr` columns of the other, all sums
//! kept in registers. Each sum is a chain of fused multiply-adds in the order of the shared index,
//! begun anew every [`gemm::DEEP`] of them and added up, whatever the size of the tile: so an example
//! gets the same bits in any batch, on any number of threads, with any instruction set.

use std::sync::LazyLock;

mod bend;
mod buffer;
mod conv;
mod dots;
mod doubles;
mod functions;
mod gathered;
mod gemm;
mod lanes;
mod out;
mod panels;
mod phases;
mod pool;
mod tile;
mod vector;
mod window;
mod winograd;

pub use self::doubles::add_product;
pub(super) use self::{
    bend::{Bend, bent},
    buffer::Buffer,
    conv::Conv,
    dots::{Dots, STEP as DOT_STEP},
    functions::{Function, apply, normalize, normalize_back, softmax, sums},
    gemm::{Left, Panels, multiply, scratch as multiply_scratch, unpacked, unpacked_scratch},
    lanes::{Epilogue, add_scaled, lanes, square},
    pool::Pair,
    window::Window,
};

/// An instruction set that the kernels are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cpu {
    /// None: plain Rust, the judge of the others.
    Scalar,
    /// AVX2 with FMA.
    Avx2,
    /// AVX-512F.
    Avx512,
    /// NEON, of 64-bit Arm.
    Neon,
}

impl Cpu {
    /// The best that this machine has.
    pub fn best() -> Self {
        static BEST: LazyLock<Cpu> = LazyLock::new(|| {
            let all = [Cpu::Avx512, Cpu::Avx2, Cpu::Neon];
            all.into_iter().find(|cpu| cpu.is_here()).unwrap_or(Cpu::Scalar)
        });
        *BEST
    }

    /// Whether this machine has it.
    pub fn is_here(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && Self::Avx2.is_here()
            }
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            _ => false,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }

    /// Rows of a tile.
    pub(super) fn rows(self) -> usize {
        match self {
            Self::Scalar => 4,
            Self::Avx2 => 6,
            Self::Avx512 | Self::Neon => 12,
        }
    }

    /// Columns of a tile.
    pub(super) fn columns(self) -> usize {
        match self {
            Self::Scalar | Self::Neon => 8,
            Self::Avx2 => 16,
            Self::Avx512 => 32,
        }
    }
}

/// While it lives, floats below the smallest normal number count as 0 on this thread: near 0 they
/// make a processor ten times slower. It changes the last bits of such numbers.
#[derive(Debug)]
pub(super) struct FlushDenormals(
    #[cfg(target_arch = "x86_64")] u32,
    #[cfg(target_arch = "aarch64")] u64,
);

impl FlushDenormals {
    /// From now on.
    #[allow(unsafe_code, deprecated, reason = "the control register of this thread alone")]
    pub(super) fn on() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_mm_getcsr, _mm_setcsr};
            // SAFETY: SSE is part of x86-64. Bits 15 and 6, flush to zero and denormals are zero,
            // change no exception mask, and the register is put back when this is dropped.
            unsafe {
                let before = _mm_getcsr();
                _mm_setcsr(before | 0x8040);
                Self(before)
            }
        }
        #[cfg(target_arch = "aarch64")]
        {
            let before: u64;
            // SAFETY: the register is this thread's own. Bit 24, flush to zero, changes no exception
            // mask, and the register is put back when this is dropped.
            unsafe {
                std::arch::asm!("mrs {}, fpcr", out(reg) before, options(nomem, nostack));
                std::arch::asm!("msr fpcr, {}", in(reg) before | 1 << 24, options(nomem, nostack));
            }
            Self(before)
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        Self()
    }
}

impl Drop for FlushDenormals {
    #[allow(unsafe_code, deprecated, reason = "the control register of this thread alone")]
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the value that the register had.
        unsafe {
            std::arch::x86_64::_mm_setcsr(self.0);
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: the value that the register had.
        unsafe {
            std::arch::asm!("msr fpcr, {}", in(reg) self.0, options(nomem, nostack));
        }
    }
}

#[cfg(test)]
mod tests;
