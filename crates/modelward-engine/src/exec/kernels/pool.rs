//! What flows back through pools of two by two, sixteen at a time.

#![allow(unsafe_code, reason = "registers are filled from pointers; the door checks the lengths")]

use super::Cpu;

/// Two rows of a tensor, and what flows into the windows over them.
#[derive(Clone, Copy, Debug)]
pub(in crate::exec) struct Pair<'a> {
    pub(in crate::exec) above: &'a [f32],
    pub(in crate::exec) below: &'a [f32],
    pub(in crate::exec) flow: &'a [f32],
    /// Nothing flows into a largest element that is not above this.
    pub(in crate::exec) least: f32,
}

impl Pair<'_> {
    /// Write what flows back, where this processor has a way of its own; false where not.
    #[inline]
    pub(in crate::exec) fn back(self, cpu: Cpu, first: &mut [f32], second: &mut [f32]) -> bool {
        let wide = self.flow.len();
        if cpu != Cpu::Avx512 {
            return false;
        }
        assert!(self.above.len() >= 2 * wide && self.below.len() >= 2 * wide);
        assert!(first.len() >= 2 * wide && second.len() >= 2 * wide && cpu.is_here());
        #[cfg(not(target_arch = "x86_64"))]
        let _ = self.least;
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the rows are as long as asserted, and AVX-512 is there.
        unsafe {
            x86::back(self, first.as_mut_ptr(), second.as_mut_ptr());
        }
        cfg!(target_arch = "x86_64")
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #![allow(unsafe_op_in_unsafe_fn, reason = "one block of intrinsics")]

    use std::arch::x86_64::*;

    use super::Pair;

    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn back(pair: Pair<'_>, first: *mut f32, second: *mut f32) {
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
        let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        let least = _mm512_set1_ps(pair.least);
        let wide = pair.flow.len();
        for at in (0..wide).step_by(16) {
            let count = (wide - at).min(16);
            let outputs = ((1_u32 << count) - 1) as __mmask16;
            let inputs = (1_u64 << (2 * count)) - 1;
            let (left, right) = (inputs as __mmask16, (inputs >> 16) as __mmask16);
            let pairs = |row: *const f32| {
                let near = _mm512_maskz_loadu_ps(left, row.wrapping_add(2 * at));
                let far = _mm512_maskz_loadu_ps(right, row.wrapping_add(2 * at + 16));
                (_mm512_permutex2var_ps(near, even, far), _mm512_permutex2var_ps(near, odd, far))
            };
            let (a, b) = pairs(pair.above.as_ptr());
            let (c, d) = pairs(pair.below.as_ptr());
            let above = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(b, a);
            let below = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(d, c);
            let top = _mm512_mask_mov_ps(a, above, b);
            let bottom = _mm512_mask_mov_ps(c, below, d);
            let lower = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(bottom, top);
            let most = _mm512_mask_mov_ps(top, lower, bottom);
            let live = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(most, least) & outputs;
            let flow = _mm512_maskz_loadu_ps(live, pair.flow.as_ptr().wrapping_add(at));
            let kept = |mask: __mmask16| _mm512_maskz_mov_ps(mask, flow);
            for (row, x, y) in [
                (first, kept(!lower & !above), kept(!lower & above)),
                (second, kept(lower & !below), kept(lower & below)),
            ] {
                let near = _mm512_permutex2var_ps(x, low, y);
                let far = _mm512_permutex2var_ps(x, high, y);
                _mm512_mask_storeu_ps(row.wrapping_add(2 * at), left, near);
                _mm512_mask_storeu_ps(row.wrapping_add(2 * at + 16), right, far);
            }
        }
    }
}
