//! Tiles of the input brought to the points.

#![allow(unsafe_code, reason = "vectors are read and written by pointers; the doors check")]
#![allow(unsafe_op_in_unsafe_fn, reason = "each function is one block of vectors")]
#![allow(
    clippy::needless_range_loop,
    reason = "points and places are counted, so they are unrolled"
)]

use super::run::{LANES, POINTS, Run, together};
use crate::exec::kernels::{
    Cpu,
    vector::{Vector, vectors},
    window::Window,
};

/// Four numbers in a line of the input, at the four points.
#[inline(always)]
unsafe fn forward<V: Vector>([a, b, c, d]: [V; 4]) -> [V; 4] {
    [a.sub(c), b.add(c), c.sub(b), b.sub(d)]
}

/// A vector of tiles of the input, or half a vector of each of two runs.
#[derive(Clone, Copy)]
struct Tiles<V: Vector> {
    /// Where the two halves of the places of the first row begin in the first channel; in front of
    /// it where places are zeros.
    from: [isize; 2],
    /// Which of the four rows there are, for each half.
    rows: [[bool; 4]; 2],
    /// Which places of a row there are, for each half; and for the places two further on.
    lanes: [[V::Mask; 2]; 2],
    /// Where the two halves of the lanes go at the first point, for the first channel.
    to: [usize; 2],
    halves: bool,
}

impl<V: Vector> Tiles<V> {
    /// The tiles of a run from lane `done` on, or those of two runs.
    #[inline(always)]
    unsafe fn of(
        runs: [&Run; 2],
        done: usize,
        halves: bool,
        window: &Window,
        columns: usize,
    ) -> Self {
        let [high, wide] = window.input.map(|size| size as isize);
        let mut tiles = Self {
            from: [0; 2],
            rows: [[false; 4]; 2],
            lanes: [[V::lanes(0, 0); 2]; 2],
            to: [0; 2],
            halves,
        };
        for half in 0..2 {
            let run = runs[half];
            let row = run.place[0] as isize * 2 - window.pads[0];
            let next = if halves { 0 } else { (half * V::WIDTH) as isize };
            let column = (run.place[1] + done) as isize * 2 - window.pads[1] + next;
            tiles.from[half] =
                (run.image * window.channels) as isize * high * wide + row * wide + column;
            for y in 0..4 {
                tiles.rows[half][y] = (0..high).contains(&(row + y as isize));
            }
            for further in 0..2 {
                let column = column + 2 * further as isize;
                let first = (-column).clamp(0, V::WIDTH as isize) as usize;
                let end = (wide - column).clamp(0, V::WIDTH as isize) as usize;
                tiles.lanes[further][half] = V::lanes(first, end);
            }
            tiles.to[half] = run.panel * window.channels * columns + run.lane + done;
        }
        tiles
    }

    /// Bring them to the points.
    #[inline(always)]
    unsafe fn bring<const HALVES: bool>(
        &self,
        from: *const f32,
        shift: isize,
        wide: isize,
        to: *mut f32,
        step: usize,
    ) {
        let mut places = [[V::splat(0.0); 4]; 4];
        for y in 0..4 {
            for further in 0..2 {
                let mut halves = [V::splat(0.0); 2];
                for half in 0..2 {
                    let at = self.from[half] + shift + y as isize * wide + 2 * further as isize;
                    let none = V::lanes(0, 0);
                    let lanes = if self.rows[half][y] { self.lanes[further][half] } else { none };
                    halves[half] = V::load_lanes(from.wrapping_offset(at), lanes);
                }
                let [even, odd] = halves[0].deinterleave(halves[1]);
                places[2 * further][y] = even;
                places[2 * further + 1][y] = odd;
            }
        }
        let mut lines = [[V::splat(0.0); 4]; 4];
        for x in 0..4 {
            lines[x] = forward(places[x]);
        }
        for y in 0..4 {
            let line = forward([lines[0][y], lines[1][y], lines[2][y], lines[3][y]]);
            for x in 0..4 {
                let at = (y * 4 + x) * step;
                match HALVES {
                    true => line[x].store_halves(to.add(self.to[0] + at), to.add(self.to[1] + at)),
                    false => line[x].store(to.add(self.to[0] + at)),
                }
            }
        }
    }
}

vectors! {
    /// Bring the tiles of some runs to the points: `[point][panel][channel][column]`.
    ///
    /// # Safety
    /// The instruction set has to be there, and for each run what [`bring_in`] asks for.
    unsafe fn bring_in_unchecked<V>(
        runs: &[Run],
        window: &Window,
        from: *const f32,
        columns: usize,
        step: usize,
        to: *mut f32,
    ) {
        let mut all = Vec::with_capacity(LANES);
        let plane = (window.input[0] * window.input[1]) as isize;
        for runs in runs.chunk_by(|one, next| one.panel == next.panel) {
            all.clear();
            let mut at = 0;
            while at < runs.len() {
                let halves = together(runs, at, V::WIDTH);
                let (one, next) = (&runs[at], &runs[at + usize::from(halves)]);
                let width = if halves { one.len } else { V::WIDTH };
                for done in (0..one.len).step_by(width) {
                    all.push(Tiles::<V>::of([one, next], done, halves, window, columns));
                }
                at += 1 + usize::from(halves);
            }
            for channel in 0..window.channels {
                let (shift, to) = (channel as isize * plane, to.add(channel * columns));
                // Whole vectors: what lies behind a run is overwritten by the next one, by the next
                // channel, or by the next panel.
                for tiles in &all {
                    let wide = window.input[1] as isize;
                    match tiles.halves {
                        true => tiles.bring::<true>(from, shift, wide, to, step),
                        false => tiles.bring::<false>(from, shift, wide, to, step),
                    }
                }
            }
        }
    }
}

/// Bring the tiles of some runs to the points.
pub(super) fn bring_in(
    cpu: Cpu,
    runs: &[Run],
    window: &Window,
    x: &[f32],
    columns: usize,
    step: usize,
    to: &mut [f32],
) {
    let channels = window.channels;
    let images = x.len() / (channels * window.input[0] * window.input[1]);
    for run in runs {
        let end = (run.panel * channels + channels - 1) * columns + run.lane + LANES;
        assert!((POINTS - 1) * step + end <= to.len() && run.len <= LANES, "points");
        assert!(run.image < images, "image");
    }
    assert!(cpu.is_here());
    // SAFETY: of the input only places of a channel of an image are read, in its rows and its
    // columns; the vectors of a run take `LANES` floats from its first lane on.
    unsafe { bring_in_unchecked(cpu, runs, window, x.as_ptr(), columns, step, to.as_mut_ptr()) }
}
