//! Vectors of floats, one type an instruction set, for what the compiler makes no vectors of.

#![allow(unsafe_code, reason = "vectors are read and written by pointers")]
#![allow(unsafe_op_in_unsafe_fn, reason = "each function is one intrinsic or two")]

/// As many floats as an instruction set takes at once.
///
/// # Safety
/// The instruction set has to be there, and what pointers point to: `WIDTH` floats, or `count` of
/// them, at most `WIDTH`.
pub(super) unsafe trait Vector: Copy {
    /// How many floats.
    const WIDTH: usize;
    /// Which lanes are read.
    type Mask: Copy;

    /// The lanes from `first` up to `end`.
    unsafe fn lanes(first: usize, end: usize) -> Self::Mask;
    /// These lanes; zeros in the others, which are not read.
    unsafe fn load_lanes(from: *const f32, lanes: Self::Mask) -> Self;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// The first floats; zeros behind them.
    unsafe fn load_some(from: *const f32, count: usize) -> Self;
    /// The first floats alone.
    unsafe fn store_some(self, to: *mut f32, count: usize);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// Zeros for what is below zero.
    unsafe fn relu(self) -> Self;
    /// These where `gate` is above `edge`; the others elsewhere.
    unsafe fn choose(self, other: Self, gate: Self, edge: Self) -> Self;
    /// The greater; `self` where neither is.
    unsafe fn max(self, other: Self) -> Self;
    /// The lesser; `self` where neither is.
    unsafe fn min(self, other: Self) -> Self;
    /// One of these, one of the others, in turn.
    unsafe fn interleave(self, other: Self) -> [Self; 2];
    /// The first, third, ... of these and the others; and the second, fourth, ...
    unsafe fn deinterleave(self, other: Self) -> [Self; 2];
    /// Half of it from each of two places.
    unsafe fn load_halves(first: *const f32, second: *const f32) -> Self;
    /// Half of it to each of two places, the first first.
    unsafe fn store_halves(self, first: *mut f32, second: *mut f32);
    /// The second half, in the place of the first.
    unsafe fn second_half(self) -> Self;
}

// SAFETY: one float is one float.
unsafe impl Vector for f32 {
    const WIDTH: usize = 1;
    type Mask = bool;

    #[inline(always)]
    unsafe fn lanes(first: usize, end: usize) -> bool {
        first == 0 && end > 0
    }

    #[inline(always)]
    unsafe fn load_lanes(from: *const f32, lanes: bool) -> Self {
        if lanes { *from } else { 0.0 }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        value
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        *from
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        *to = self;
    }

    #[inline(always)]
    unsafe fn load_some(from: *const f32, count: usize) -> Self {
        if count == 0 { 0.0 } else { *from }
    }

    #[inline(always)]
    unsafe fn store_some(self, to: *mut f32, count: usize) {
        if count > 0 {
            *to = self;
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self * other
    }

    #[inline(always)]
    unsafe fn relu(self) -> Self {
        if self < 0.0 { 0.0 } else { self }
    }

    #[inline(always)]
    unsafe fn choose(self, other: Self, gate: Self, edge: Self) -> Self {
        if gate > edge { self } else { other }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        if other < self { other } else { self }
    }

    #[inline(always)]
    unsafe fn interleave(self, other: Self) -> [Self; 2] {
        [self, other]
    }

    #[inline(always)]
    unsafe fn deinterleave(self, other: Self) -> [Self; 2] {
        [self, other]
    }

    #[inline(always)]
    unsafe fn load_halves(first: *const f32, _: *const f32) -> Self {
        *first
    }

    #[inline(always)]
    unsafe fn store_halves(self, first: *mut f32, _: *mut f32) {
        *first = self;
    }

    #[inline(always)]
    unsafe fn second_half(self) -> Self {
        self
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    // SAFETY: each method is the intrinsic of its name, on as many floats as it says.
    unsafe impl Vector for __m256 {
        const WIDTH: usize = 8;
        type Mask = __m256i;

        #[inline(always)]
        unsafe fn lanes(first: usize, end: usize) -> __m256i {
            _mm256_andnot_si256(front(first), front(end))
        }

        #[inline(always)]
        unsafe fn load_lanes(from: *const f32, lanes: __m256i) -> Self {
            _mm256_maskload_ps(from, lanes)
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            _mm256_set1_ps(value)
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            _mm256_loadu_ps(from)
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            _mm256_storeu_ps(to, self);
        }

        #[inline(always)]
        unsafe fn load_some(from: *const f32, count: usize) -> Self {
            _mm256_maskload_ps(from, front(count))
        }

        #[inline(always)]
        unsafe fn store_some(self, to: *mut f32, count: usize) {
            _mm256_maskstore_ps(to, front(count), self);
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            _mm256_add_ps(self, other)
        }

        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            _mm256_sub_ps(self, other)
        }

        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            _mm256_mul_ps(self, other)
        }

        #[inline(always)]
        unsafe fn relu(self) -> Self {
            // The second operand comes out where either is no number or both are zeros.
            _mm256_max_ps(_mm256_setzero_ps(), self)
        }

        #[inline(always)]
        unsafe fn choose(self, other: Self, gate: Self, edge: Self) -> Self {
            _mm256_blendv_ps(other, self, _mm256_cmp_ps::<_CMP_GT_OQ>(gate, edge))
        }

        #[inline(always)]
        unsafe fn interleave(self, other: Self) -> [Self; 2] {
            let (low, high) = (_mm256_unpacklo_ps(self, other), _mm256_unpackhi_ps(self, other));
            [_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high)]
        }

        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            _mm256_max_ps(other, self)
        }

        #[inline(always)]
        unsafe fn min(self, other: Self) -> Self {
            _mm256_min_ps(other, self)
        }

        #[inline(always)]
        unsafe fn deinterleave(self, other: Self) -> [Self; 2] {
            let even = _mm256_castps_pd(_mm256_shuffle_ps::<0x88>(self, other));
            let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0xdd>(self, other));
            let (even, odd) =
                (_mm256_permute4x64_pd::<0xd8>(even), _mm256_permute4x64_pd::<0xd8>(odd));
            [_mm256_castpd_ps(even), _mm256_castpd_ps(odd)]
        }

        #[inline(always)]
        unsafe fn load_halves(first: *const f32, second: *const f32) -> Self {
            _mm256_loadu2_m128(second, first)
        }

        #[inline(always)]
        unsafe fn store_halves(self, first: *mut f32, second: *mut f32) {
            _mm_storeu_ps(first, _mm256_castps256_ps128(self));
            _mm_storeu_ps(second, _mm256_extractf128_ps::<1>(self));
        }

        #[inline(always)]
        unsafe fn second_half(self) -> Self {
            _mm256_permute2f128_ps::<0x11>(self, self)
        }
    }

    /// All bits of the first lanes.
    #[inline(always)]
    unsafe fn front(count: usize) -> __m256i {
        static BITS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        let from = BITS.as_ptr().wrapping_add(8_usize.saturating_sub(count));
        _mm256_loadu_si256(from.cast())
    }

    // SAFETY: as above.
    unsafe impl Vector for __m512 {
        const WIDTH: usize = 16;
        type Mask = __mmask16;

        #[inline(always)]
        unsafe fn lanes(first: usize, end: usize) -> __mmask16 {
            lanes(end) & !lanes(first)
        }

        #[inline(always)]
        unsafe fn load_lanes(from: *const f32, lanes: __mmask16) -> Self {
            _mm512_maskz_loadu_ps(lanes, from)
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            _mm512_set1_ps(value)
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            _mm512_loadu_ps(from)
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            _mm512_storeu_ps(to, self);
        }

        #[inline(always)]
        unsafe fn load_some(from: *const f32, count: usize) -> Self {
            _mm512_maskz_loadu_ps(lanes(count), from)
        }

        #[inline(always)]
        unsafe fn store_some(self, to: *mut f32, count: usize) {
            _mm512_mask_storeu_ps(to, lanes(count), self);
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            _mm512_add_ps(self, other)
        }

        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            _mm512_sub_ps(self, other)
        }

        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            _mm512_mul_ps(self, other)
        }

        #[inline(always)]
        unsafe fn relu(self) -> Self {
            _mm512_max_ps(_mm512_setzero_ps(), self)
        }

        #[inline(always)]
        unsafe fn choose(self, other: Self, gate: Self, edge: Self) -> Self {
            _mm512_mask_mov_ps(other, _mm512_cmp_ps_mask::<_CMP_GT_OQ>(gate, edge), self)
        }

        #[inline(always)]
        unsafe fn interleave(self, other: Self) -> [Self; 2] {
            let low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
            let high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
            [_mm512_permutex2var_ps(self, low, other), _mm512_permutex2var_ps(self, high, other)]
        }

        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            _mm512_max_ps(other, self)
        }

        #[inline(always)]
        unsafe fn min(self, other: Self) -> Self {
            _mm512_min_ps(other, self)
        }

        #[inline(always)]
        unsafe fn deinterleave(self, other: Self) -> [Self; 2] {
            let even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
            let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
            [_mm512_permutex2var_ps(self, even, other), _mm512_permutex2var_ps(self, odd, other)]
        }

        #[inline(always)]
        unsafe fn load_halves(first: *const f32, second: *const f32) -> Self {
            let first = _mm512_castps256_ps512(_mm256_loadu_ps(first));
            _mm512_insertf32x8::<1>(first, _mm256_loadu_ps(second))
        }

        #[inline(always)]
        unsafe fn store_halves(self, first: *mut f32, second: *mut f32) {
            _mm256_storeu_ps(first, _mm512_castps512_ps256(self));
            _mm256_storeu_ps(second, _mm512_extractf32x8_ps::<1>(self));
        }

        #[inline(always)]
        unsafe fn second_half(self) -> Self {
            _mm512_shuffle_f32x4::<0b1110>(self, self)
        }
    }

    /// The first lanes.
    fn lanes(count: usize) -> __mmask16 {
        if count >= 16 { __mmask16::MAX } else { (1 << count) - 1 }
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::*;

    use super::Vector;

    // SAFETY: each method is the intrinsic of its name, on as many floats as it says.
    unsafe impl Vector for float32x4_t {
        const WIDTH: usize = 4;
        type Mask = (usize, usize);

        #[inline(always)]
        unsafe fn lanes(first: usize, end: usize) -> (usize, usize) {
            (first.min(4), end.min(4))
        }

        #[inline(always)]
        unsafe fn load_lanes(from: *const f32, (first, end): (usize, usize)) -> Self {
            let mut some = [0.0; 4];
            for lane in first..end {
                some[lane] = *from.wrapping_add(lane);
            }
            vld1q_f32(some.as_ptr())
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            vdupq_n_f32(value)
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            vld1q_f32(from)
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            vst1q_f32(to, self);
        }

        #[inline(always)]
        unsafe fn load_some(from: *const f32, count: usize) -> Self {
            let mut some = [0.0; 4];
            std::ptr::copy_nonoverlapping(from, some.as_mut_ptr(), count.min(4));
            vld1q_f32(some.as_ptr())
        }

        #[inline(always)]
        unsafe fn store_some(self, to: *mut f32, count: usize) {
            let mut some = [0.0; 4];
            vst1q_f32(some.as_mut_ptr(), self);
            std::ptr::copy_nonoverlapping(some.as_ptr(), to, count.min(4));
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            vaddq_f32(self, other)
        }

        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            vsubq_f32(self, other)
        }

        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            vmulq_f32(self, other)
        }

        #[inline(always)]
        unsafe fn relu(self) -> Self {
            vbslq_f32(vcltzq_f32(self), vdupq_n_f32(0.0), self)
        }

        #[inline(always)]
        unsafe fn choose(self, other: Self, gate: Self, edge: Self) -> Self {
            vbslq_f32(vcgtq_f32(gate, edge), self, other)
        }

        #[inline(always)]
        unsafe fn interleave(self, other: Self) -> [Self; 2] {
            [vzip1q_f32(self, other), vzip2q_f32(self, other)]
        }

        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            vbslq_f32(vcgtq_f32(other, self), other, self)
        }

        #[inline(always)]
        unsafe fn min(self, other: Self) -> Self {
            vbslq_f32(vcltq_f32(other, self), other, self)
        }

        #[inline(always)]
        unsafe fn deinterleave(self, other: Self) -> [Self; 2] {
            [vuzp1q_f32(self, other), vuzp2q_f32(self, other)]
        }

        #[inline(always)]
        unsafe fn load_halves(first: *const f32, second: *const f32) -> Self {
            vcombine_f32(vld1_f32(first), vld1_f32(second))
        }

        #[inline(always)]
        unsafe fn store_halves(self, first: *mut f32, second: *mut f32) {
            vst1_f32(first, vget_low_f32(self));
            vst1_f32(second, vget_high_f32(self));
        }

        #[inline(always)]
        unsafe fn second_half(self) -> Self {
            vcombine_f32(vget_high_f32(self), vget_high_f32(self))
        }
    }
}

/// The lesser of two, inlined into functions of any instruction set.
#[inline(always)]
pub(super) fn lesser(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

/// Write a function once over a kind of [`Vector`], and compile it for each instruction set; the
/// first argument says which.
macro_rules! vectors {
    (
        $(#[$meta:meta])* unsafe fn $name:ident<$v:ident>($($arg:ident: $kind:ty),* $(,)?)
        $body:block
    ) => {
        $(#[$meta])*
        unsafe fn $name(cpu: $crate::exec::kernels::Cpu, $($arg: $kind),*) {
            #[inline(always)]
            unsafe fn plain<$v: $crate::exec::kernels::vector::Vector>($($arg: $kind),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($arg: $kind),*) {
                plain::<std::arch::x86_64::__m256>($($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
            unsafe fn avx512($($arg: $kind),*) {
                plain::<std::arch::x86_64::__m512>($($arg),*);
            }

            match cpu {
                #[cfg(target_arch = "aarch64")]
                $crate::exec::kernels::Cpu::Neon => {
                    plain::<std::arch::aarch64::float32x4_t>($($arg),*);
                }
                #[cfg(target_arch = "x86_64")]
                $crate::exec::kernels::Cpu::Avx2 => avx2($($arg),*),
                #[cfg(target_arch = "x86_64")]
                $crate::exec::kernels::Cpu::Avx512 => avx512($($arg),*),
                _ => plain::<f32>($($arg),*),
            }
        }
    };
}

pub(super) use vectors;
