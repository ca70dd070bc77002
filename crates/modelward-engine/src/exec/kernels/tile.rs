//! One tile of a product: up to `mr` rows against up to `nr` columns, sums in registers.

#![allow(unsafe_code, reason = "registers are filled from pointers; the door checks the lengths")]
#![allow(unsafe_op_in_unsafe_fn, reason = "each function is one block of intrinsics")]
#![allow(
    clippy::needless_range_loop,
    reason = "rows and vectors are counted, so they are unrolled"
)]

use std::ops::Range;

use super::Cpu;

/// Add `k` products to a tile, or begin it anew.
///
/// Row `r` of the left operand at index `k` is `a[k * a_step + r * a_row]`, column `c` of the right one is
/// `b[k * b_step + c]`, the sum is `c[r * c_step + c]`. Columns are whole vectors: `vectors` of 16, 8
/// or 4 floats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    pub(super) rows: usize,
    pub(super) vectors: usize,
    pub(super) k: usize,
    pub(super) a_step: usize,
    pub(super) a_row: usize,
    pub(super) b_step: usize,
    pub(super) c_step: usize,
    /// Whether the sums are added to what is there.
    pub(super) go_on: bool,
}

/// Floats of one vector.
pub(super) fn width(cpu: Cpu) -> usize {
    cpu.columns() / 2
}

impl Tile {
    /// Run the tile.
    pub(super) fn run(self, cpu: Cpu, a: &[f32], b: &[f32], c: &mut [f32]) {
        let columns = self.vectors * width(cpu);
        if self.k > 0 {
            let last = (self.k - 1) * self.a_step + (self.rows.max(1) - 1) * self.a_row;
            assert!(a.len() > last, "left operand");
            assert!(b.len() >= (self.k - 1) * self.b_step + columns, "right operand");
        }
        assert!(c.len() >= (self.rows.max(1) - 1) * self.c_step + columns, "sums");
        assert!((1..=2).contains(&self.vectors) && self.rows <= cpu.rows() && cpu.is_here());
        let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
        // SAFETY: the assertions hold every index that the kernels make inside the slices, and the
        // instruction set is there.
        unsafe { self.run_unchecked(cpu, a, b, c) }
    }

    /// Run the tile on pointers.
    ///
    /// # Safety
    /// The slices that [`Tile::run`] would ask for must be there, and the instruction set too.
    pub(super) unsafe fn run_unchecked(self, cpu: Cpu, a: *const f32, b: *const f32, c: *mut f32) {
        macro_rules! rows {
            ($run:path, $v:literal, $($r:literal)*) => {
                match self.rows {
                    $($r => $run(self, a, b, c, Size::<$r, $v>),)*
                    _ => {}
                }
            };
        }
        match (cpu, self.vectors) {
            (Cpu::Scalar, 1) => rows!(scalar, 1, 1 2 3 4),
            (Cpu::Scalar, _) => rows!(scalar, 2, 1 2 3 4),
            #[cfg(target_arch = "x86_64")]
            (Cpu::Avx2, 1) => rows!(x86::avx2, 1, 1 2 3 4 5 6),
            #[cfg(target_arch = "x86_64")]
            (Cpu::Avx2, _) => rows!(x86::avx2, 2, 1 2 3 4 5 6),
            #[cfg(target_arch = "x86_64")]
            (Cpu::Avx512, 1) => rows!(x86::avx512, 1, 1 2 3 4 5 6 7 8 9 10 11 12),
            #[cfg(target_arch = "x86_64")]
            (Cpu::Avx512, _) => rows!(x86::avx512, 2, 1 2 3 4 5 6 7 8 9 10 11 12),
            #[cfg(target_arch = "aarch64")]
            (Cpu::Neon, 1) => rows!(arm::neon, 1, 1 2 3 4 5 6 7 8 9 10 11 12),
            #[cfg(target_arch = "aarch64")]
            (Cpu::Neon, _) => rows!(arm::neon, 2, 1 2 3 4 5 6 7 8 9 10 11 12),
            // Another processor's, which the door refuses.
            _ => {}
        }
    }
}

/// How far from its start each index of a right operand lies, and the furthest of them.
#[derive(Debug)]
pub(super) struct Offsets {
    all: Vec<usize>,
    furthest: usize,
}

impl Offsets {
    /// Keep them.
    pub(super) fn new(all: Vec<usize>) -> Self {
        let furthest = all.iter().max().copied().unwrap_or(0);
        Self { all, furthest }
    }
}

/// Add products to several vectors that are read where they lie: the right operand at index `k` is
/// a vector of `parts` runs, and run `p` of vector `v` lies at `starts[v * parts + p] + offsets[k]`.
#[derive(Clone, Debug)]
pub(super) struct Direct<'a> {
    pub(super) rows: usize,
    /// How far apart the shared indices of the left operand lie.
    pub(super) a_step: usize,
    pub(super) offsets: &'a Offsets,
    /// The shared indices.
    pub(super) shared: Range<usize>,
    /// Runs of a vector: one of those that [`parts`] gives.
    pub(super) parts: usize,
    /// Where the runs begin: of as many vectors as [`together`] says for these rows.
    pub(super) starts: &'a [usize],
    pub(super) c_step: usize,
    /// Whether the sums are added to what is there.
    pub(super) go_on: bool,
}

/// In how many runs a vector can be read.
pub(super) fn parts(cpu: Cpu) -> &'static [usize] {
    match cpu {
        Cpu::Avx512 => &[1, 2, 4],
        Cpu::Avx2 => &[1, 2],
        Cpu::Scalar | Cpu::Neon => &[1],
    }
}

/// How many vectors go together against so many rows.
pub(super) fn together(cpu: Cpu, rows: usize) -> usize {
    match (cpu, rows) {
        (Cpu::Avx512, 1..=3) => 8,
        (Cpu::Avx512, 4..=6) => 4,
        (Cpu::Avx2, 1) => 8,
        (Cpu::Avx2, 2..=3) => 4,
        (Cpu::Neon, 1..=2) => 8,
        (Cpu::Neon, 3..=6) => 4,
        _ => 2,
    }
}

impl Direct<'_> {
    /// Run the tile.
    pub(super) fn run(&self, cpu: Cpu, a: &[f32], b: &[f32], c: &mut [f32]) {
        let run = width(cpu) / self.parts;
        let offsets = &self.offsets.all[self.shared.clone()];
        if let Some(k) = offsets.len().checked_sub(1) {
            assert!(a.len() >= k * self.a_step + self.rows, "left operand");
            let last = self.starts.iter().fold(0, |last, &start| last.max(start));
            assert!(b.len() >= self.offsets.furthest + last + run, "right operand");
        }
        let vectors = together(cpu, self.rows);
        let columns = vectors * width(cpu);
        assert!(c.len() >= (self.rows.max(1) - 1) * self.c_step + columns, "sums");
        assert!(self.starts.len() == vectors * self.parts && self.rows <= cpu.rows());
        assert!(parts(cpu).contains(&self.parts) && cpu.is_here());
        let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
        macro_rules! sizes {
            ($run:path, $p:literal, $($r:literal x $v:literal),*) => {
                match self.rows {
                    // SAFETY: the assertions hold every index that the kernels make inside the
                    // slices, and the instruction set is there.
                    $($r => unsafe { $run(self, offsets, a, b, c, Runs::<$r, $v, $p>) },)*
                    _ => {}
                }
            };
        }
        #[cfg(target_arch = "x86_64")]
        macro_rules! avx2 {
            ($p:literal) => {
                sizes!(x86::direct_avx2, $p, 1 x 8, 2 x 4, 3 x 4, 4 x 2, 5 x 2, 6 x 2)
            };
        }
        #[cfg(target_arch = "x86_64")]
        macro_rules! avx512 {
            ($p:literal) => {
                sizes!(
                    x86::direct_avx512, $p,
                    1 x 8, 2 x 8, 3 x 8, 4 x 4, 5 x 4, 6 x 4,
                    7 x 2, 8 x 2, 9 x 2, 10 x 2, 11 x 2, 12 x 2
                )
            };
        }
        match (cpu, self.parts) {
            (Cpu::Scalar, _) => sizes!(direct_scalar, 1, 1 x 2, 2 x 2, 3 x 2, 4 x 2),
            #[cfg(target_arch = "x86_64")]
            (Cpu::Avx2, 1) => avx2!(1),
            #[cfg(target_arch = "x86_64")]
            (Cpu::Avx2, _) => avx2!(2),
            #[cfg(target_arch = "x86_64")]
            (Cpu::Avx512, 1) => avx512!(1),
            #[cfg(target_arch = "x86_64")]
            (Cpu::Avx512, 2) => avx512!(2),
            #[cfg(target_arch = "x86_64")]
            (Cpu::Avx512, _) => avx512!(4),
            #[cfg(target_arch = "aarch64")]
            (Cpu::Neon, _) => sizes!(
                arm::direct_neon, 1,
                1 x 8, 2 x 8, 3 x 4, 4 x 4, 5 x 4, 6 x 4, 7 x 2, 8 x 2, 9 x 2, 10 x 2, 11 x 2, 12 x 2
            ),
            // Another processor's, which the door refuses.
            _ => {}
        }
    }
}

unsafe fn direct_scalar<const R: usize, const V: usize, const P: usize>(
    tile: &Direct<'_>,
    offsets: &[usize],
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    _: Runs<R, V, P>,
) {
    for r in 0..R {
        for v in 0..V {
            for lane in 0..4 {
                let mut sum = 0.0_f32;
                for (k, offset) in offsets.iter().enumerate() {
                    let factor = *a.add(k * tile.a_step + r);
                    sum = factor.mul_add(*b.add(tile.starts[v] + offset + lane), sum);
                }
                let c = c.add(r * tile.c_step + v * 4 + lane);
                *c = if tile.go_on { *c + sum } else { sum };
            }
        }
    }
}

/// Rows, vectors and runs of a vector, known to the compiler.
struct Runs<const R: usize, const V: usize, const P: usize>;

/// Rows and vectors of a tile, known to the compiler.
struct Size<const R: usize, const V: usize>;

unsafe fn scalar<const R: usize, const V: usize>(
    tile: Tile,
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    _: Size<R, V>,
) {
    let mut sums = [[[0.0_f32; 4]; V]; R];
    for k in 0..tile.k {
        for (r, row) in sums.iter_mut().enumerate() {
            let factor = *a.add(k * tile.a_step + r * tile.a_row);
            for (v, sum) in row.iter_mut().enumerate() {
                for (at, sum) in sum.iter_mut().enumerate() {
                    *sum = factor.mul_add(*b.add(k * tile.b_step + v * 4 + at), *sum);
                }
            }
        }
    }
    for (r, row) in sums.iter().enumerate() {
        for (v, sum) in row.iter().enumerate() {
            for (at, sum) in sum.iter().enumerate() {
                let c = c.add(r * tile.c_step + v * 4 + at);
                *c = if tile.go_on { *c + *sum } else { *sum };
            }
        }
    }
}

/// The kernels of one instruction set, from its name and its operations on vectors.
macro_rules! kernels {
    (
        $tile:ident, $direct:ident, $features:literal, $width:literal,
        $zero:ident, $load:ident, $load_runs:ident, $store:ident, $splat:ident, $multiply_add:ident, $add:ident,
        $fetch:ident
    ) => {
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $tile<const R: usize, const V: usize>(
            tile: Tile,
            mut a: *const f32,
            mut b: *const f32,
            c: *mut f32,
            _: Size<R, V>,
        ) {
            let mut sums = [[$zero(); V]; R];
            macro_rules! step {
                (|$r:ident| $factor:expr) => {
                    let mut columns = [$zero(); V];
                    for v in 0..V {
                        columns[v] = $load(b.add(v * $width));
                    }
                    for $r in 0..R {
                        let factor = $splat($factor);
                        for v in 0..V {
                            sums[$r][v] = $multiply_add(factor, columns[v], sums[$r][v]);
                        }
                    }
                };
            }
            let (a_step, b_step, row) = (tile.a_step, tile.b_step, tile.a_row);
            if row == 1 {
                for _ in 0..tile.k {
                    // Packed weights are gone through once, from far away.
                    $fetch(a.wrapping_add(AHEAD));
                    step!(|r| *a.add(r));
                    a = a.wrapping_add(a_step);
                    b = b.wrapping_add(b_step);
                }
            } else {
                // Four pointers reach twelve rows by the addressing of the processor.
                let mut second = a.wrapping_add(row.wrapping_mul(3));
                let mut third = a.wrapping_add(row.wrapping_mul(6));
                let mut fourth = a.wrapping_add(row.wrapping_mul(9));
                for _ in 0..tile.k {
                    step!(|r| {
                        let base = match r {
                            0..3 => a,
                            3..6 => second,
                            6..9 => third,
                            _ => fourth,
                        };
                        *base.wrapping_add((r % 3).wrapping_mul(row))
                    });
                    a = a.wrapping_add(a_step);
                    second = second.wrapping_add(a_step);
                    third = third.wrapping_add(a_step);
                    fourth = fourth.wrapping_add(a_step);
                    b = b.wrapping_add(b_step);
                }
            }
            for r in 0..R {
                for v in 0..V {
                    let c = c.add(r * tile.c_step + v * $width);
                    let sum = sums[r][v];
                    $store(c, if tile.go_on { $add($load(c), sum) } else { sum });
                }
            }
        }

        #[target_feature(enable = $features)]
        pub(super) unsafe fn $direct<const R: usize, const V: usize, const P: usize>(
            tile: &Direct<'_>,
            offsets: &[usize],
            mut a: *const f32,
            b: *const f32,
            c: *mut f32,
            _: Runs<R, V, P>,
        ) {
            let mut sums = [[$zero(); V]; R];
            let mut starts = [[b; P]; V];
            for v in 0..V {
                for p in 0..P {
                    starts[v][p] = b.add(*tile.starts.get_unchecked(v * P + p));
                }
            }
            let a_step = tile.a_step;
            for &offset in offsets {
                let mut columns = [$zero(); V];
                for v in 0..V {
                    columns[v] = $load_runs(&starts[v], offset);
                }
                for r in 0..R {
                    let factor = $splat(*a.add(r));
                    for v in 0..V {
                        sums[r][v] = $multiply_add(factor, columns[v], sums[r][v]);
                    }
                }
                a = a.wrapping_add(a_step);
            }
            for r in 0..R {
                for v in 0..V {
                    let c = c.add(r * tile.c_step + v * $width);
                    let sum = sums[r][v];
                    $store(c, if tile.go_on { $add($load(c), sum) } else { sum });
                }
            }
        }
    };
}

/// How many floats ahead packed weights are asked for.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const AHEAD: usize = 384;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{AHEAD, Direct, Runs, Size, Tile};

    #[inline(always)]
    fn fetch(at: *const f32) {
        // SAFETY: a hint, which reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx")]
    unsafe fn halves(low: *const f32, high: *const f32) -> __m256 {
        let low = _mm256_castps128_ps256(_mm_loadu_ps(low));
        _mm256_insertf128_ps::<1>(low, _mm_loadu_ps(high))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load_runs_256<const P: usize>(runs: &[*const f32; P], offset: usize) -> __m256 {
        match P {
            1 => _mm256_loadu_ps(runs[0].add(offset)),
            _ => halves(runs[0].add(offset), runs[1].add(offset)),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    unsafe fn load_runs_512<const P: usize>(runs: &[*const f32; P], offset: usize) -> __m512 {
        let [low, high] = match P {
            1 => return _mm512_loadu_ps(runs[0].add(offset)),
            2 => [0, 1].map(|p| _mm256_loadu_ps(runs[p].add(offset))),
            _ => [0, 2].map(|p| halves(runs[p].add(offset), runs[p + 1].add(offset))),
        };
        _mm512_insertf32x8::<1>(_mm512_castps256_ps512(low), high)
    }

    kernels!(
        avx2,
        direct_avx2,
        "avx2,fma",
        8,
        _mm256_setzero_ps,
        _mm256_loadu_ps,
        load_runs_256,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_fmadd_ps,
        _mm256_add_ps,
        fetch
    );
    kernels!(
        avx512,
        direct_avx512,
        "avx512f,avx512dq",
        16,
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        load_runs_512,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_fmadd_ps,
        _mm512_add_ps,
        fetch
    );
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::{aarch64::*, asm};

    use super::{AHEAD, Direct, Runs, Size, Tile};

    #[inline(always)]
    fn fetch(at: *const f32) {
        // SAFETY: a hint, which reads nothing that anyone sees.
        unsafe { asm!("prfm pldl1keep, [{}]", in(reg) at, options(nostack, readonly)) }
    }

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

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn load_runs<const P: usize>(runs: &[*const f32; P], offset: usize) -> float32x4_t {
        vld1q_f32(runs[0].add(offset))
    }

    kernels!(
        neon,
        direct_neon,
        "neon",
        4,
        zero,
        vld1q_f32,
        load_runs,
        vst1q_f32,
        vdupq_n_f32,
        multiply_add,
        vaddq_f32,
        fetch
    );
}
