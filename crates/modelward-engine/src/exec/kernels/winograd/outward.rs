//! Sums at the points brought out, as places of the output.

#![allow(unsafe_code, reason = "vectors are read and written by pointers; the doors check")]
#![allow(unsafe_op_in_unsafe_fn, reason = "each function is one block of vectors")]
#![allow(
    clippy::needless_range_loop,
    reason = "points and places are counted, so they are unrolled"
)]

use super::run::{LANES, POINTS, Run, together};
use crate::exec::kernels::{
    Cpu,
    lanes::Epilogue,
    out::Out,
    vector::{Vector, lesser, vectors},
};

/// The sums at four points, as two places of the output.
#[inline(always)]
unsafe fn backward<V: Vector>([a, b, c, d]: [V; 4]) -> [V; 2] {
    [a.add(b).add(c), b.sub(c).sub(d)]
}

/// Sizes of what is brought from the points to the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Channels of the output.
    pub(super) channels: usize,
    /// Channels, in whole blocks of the tile.
    pub(super) height: usize,
    /// Columns of a panel.
    pub(super) columns: usize,
    /// Floats of a point.
    pub(super) step: usize,
    /// Floats of one channel of the output, and of one of its rows.
    pub(super) plane: usize,
    pub(super) wide: usize,
}

/// One vector, or half a vector from each of two places.
#[inline(always)]
unsafe fn load<V: Vector, const HALVES: bool>(from: [*const f32; 2], at: usize) -> V {
    match HALVES {
        true => V::load_halves(from[0].add(at), from[1].add(at)),
        false => V::load(from[0].add(at)),
    }
}

/// Bring a vector of tiles out, or half a vector of each of two runs, from lane `done` on.
#[inline(always)]
unsafe fn tiles_out<V: Vector, const HALVES: bool>(
    from: [*const f32; 2],
    sizes: Sizes,
    runs: [&Run; 2],
    done: usize,
    bias: V,
    shift: usize,
    out: Out,
) {
    let Sizes { step, wide, .. } = sizes;
    let mut lines = [[V::splat(0.0); 2]; 4];
    for x in 0..4 {
        let mut line = [V::splat(0.0); 4];
        for y in 0..4 {
            line[y] = load::<V, HALVES>(from, (y * 4 + x) * step);
        }
        lines[x] = backward(line);
    }
    let mut places = [[V::splat(0.0); 2]; 2];
    for row in 0..2 {
        places[row] = backward([lines[0][row], lines[1][row], lines[2][row], lines[3][row]]);
    }
    if out.pooled {
        let most = places[0][0].max(places[0][1]).max(places[1][0].max(places[1][1]));
        if HALVES {
            out.write(most, bias, runs[0].to + shift, runs[0].places[1]);
            out.write(most.second_half(), bias, runs[1].to + shift, runs[1].places[1]);
        } else {
            let left = runs[0].places[1].saturating_sub(done);
            let place = runs[0].to + shift + lesser(done, runs[0].places[1]);
            out.write(most, bias, place, lesser(left, V::WIDTH));
        }
        return;
    }
    for row in 0..2 {
        let [near, far] = places[row][0].interleave(places[row][1]);
        let shift = shift + row * wide;
        if row < runs[0].places[0] {
            let left = runs[0].places[1] - done * 2;
            let place = runs[0].to + shift + done * 2;
            out.write(near, bias, place, lesser(left, V::WIDTH));
            if !HALVES && left > V::WIDTH {
                out.write(far, bias, place + V::WIDTH, lesser(left - V::WIDTH, V::WIDTH));
            }
        }
        if HALVES && row < runs[1].places[0] {
            out.write(far, bias, runs[1].to + shift, runs[1].places[1]);
        }
    }
}

vectors! {
    /// Bring the sums at the points of some runs out.
    ///
    /// # Safety
    /// The instruction set has to be there, and for each run what [`bring_out`] asks for.
    unsafe fn bring_out_unchecked<V>(runs: &[Run], from: *const f32, sizes: Sizes, out: Out) {
        let Sizes { channels, height, columns, plane, .. } = sizes;
        for channel in 0..channels {
            let bias = out.bias::<V>(channel);
            let shift = channel * plane;
            let mut at = 0;
            while at < runs.len() {
                let pair = together(runs, at, V::WIDTH);
                let (one, next) = (&runs[at], &runs[at + usize::from(pair)]);
                let from = from.add((one.panel * height + channel) * columns);
                if pair {
                    let from = [from.add(one.lane), from.add(next.lane)];
                    tiles_out::<V, true>(from, sizes, [one, next], 0, bias, shift, out);
                    at += 2;
                } else {
                    for done in (0..one.len).step_by(V::WIDTH) {
                        let from = [from.add(one.lane + done); 2];
                        tiles_out::<V, false>(from, sizes, [one; 2], done, bias, shift, out);
                    }
                    at += 1;
                }
            }
        }
    }
}

/// Bring the sums at the points of some runs out.
pub(super) fn bring_out(
    cpu: Cpu,
    runs: &[Run],
    sums: &[f32],
    sizes: Sizes,
    y: &mut [f32],
    end: Epilogue<'_>,
) {
    let Sizes { channels, height, columns, step, plane, wide } = sizes;
    for run in runs {
        let last = (run.panel * height + channels - 1) * columns + run.lane + LANES;
        assert!((POINTS - 1) * step + last <= sums.len() && run.len <= LANES, "sums");
        let each = if end.pooled { 1 } else { 2 };
        let count = run.len * each;
        assert!(
            (1..=each).contains(&run.places[0]) && (count - 1..=count).contains(&run.places[1])
        );
        let last = run.to + (channels - 1) * plane + wide * (run.places[0] - 1) + run.places[1];
        assert!(last <= y.len(), "output");
    }
    assert!(cpu.is_here());
    let out = Out::new(y, channels, end);
    // SAFETY: the vectors of a run take `LANES` floats from its first lane on, and no place behind
    // those of the run is read or written.
    unsafe { bring_out_unchecked(cpu, runs, sums.as_ptr(), sizes, out) }
}
