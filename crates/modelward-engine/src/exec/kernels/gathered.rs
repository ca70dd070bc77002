//! Convolutions of images as one product, whose right operand is never written out whole.
//!
//! The weights are the left operand, packed once. Where vectors, or halves or quarters of them, fill
//! the rows of the output well, they are read where they lie in the padded input; under strides its
//! columns are padded in phases, so that neighbours of the output read neighbours there. Elsewhere a
//! panel is `columns` places of the output, across rows and images, against all taps: it is copied in
//! runs of neighbours, a first-cache-sized piece at a time, and all rows of weights pass over it.

#![allow(unsafe_code, reason = "vectors are read and written by pointers; the doors check")]
#![allow(unsafe_op_in_unsafe_fn, reason = "each function is one block of vectors")]

use std::ops::Range;

use super::{
    Buffer, Cpu,
    gemm::{DEEP, Rows},
    lanes::Epilogue,
    out::Out,
    panels::{Segment, finish, gather},
    phases::Phases,
    tile::{Direct, Offsets, Tile, parts, together, width},
    vector::{lesser, vectors},
    window::Window,
};

/// How vectors are read where they lie.
#[derive(Debug)]
struct Places {
    /// Where each weight of a row lies in the padded input.
    offsets: Offsets,
    /// Runs that a vector is made of.
    parts: usize,
}

/// A convolution whose weights are packed.
#[derive(Debug)]
pub(in crate::exec) struct Gathered {
    cpu: Cpu,
    window: Window,
    /// Packed weights, one a group.
    weights: Vec<Rows>,
    /// Where each tap lies in the padded input of one channel.
    taps: Vec<usize>,
    /// If vectors are read where they lie: how.
    direct: Option<Places>,
    /// Columns of the padded input that lie apart as the strides do are brought together: so many
    /// columns of each phase, and which phases are there. One phase where nothing is moved.
    phases: Phases,
    /// How many panels are gathered at once.
    band: usize,
}

impl Gathered {
    /// Pack the weights of a convolution: `of(output channel, input channel of the group, tap)`.
    pub(super) fn new(
        cpu: Cpu,
        window: Window,
        outputs: usize,
        of: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let [_, padded] = window.padded();
        let parts = Self::parts(cpu, &window, outputs / window.groups);
        let count = if parts.is_some() { window.strides[1] } else { 1 };
        let phases = Phases { count, wide: padded.div_ceil(count) };
        let taps = (0..window.kernel[0]).flat_map(|y| {
            (0..window.kernel[1]).map(move |x| {
                y * window.dilations[0] * phases.row() + phases.place(x * window.dilations[1])
            })
        });
        let taps = taps.collect::<Vec<_>>();
        let (channels, rows) = (window.channels / window.groups, outputs / window.groups);
        let k = channels * taps.len();
        let weights = (0..window.groups).map(|group| {
            Rows::pack(cpu, rows, k, |row, at| {
                of(group * rows + row, at / taps.len(), at % taps.len())
            })
        });
        let weights = weights.collect();
        // Large weights are gone through once for several panels.
        let band = if rows * k > 1 << 16 { 8 } else { 1 };
        let direct = parts.map(|parts| {
            let plane = window.padded()[0] * phases.row();
            let offset = |at: usize| at / taps.len() * plane + taps[at % taps.len()];
            Places { offsets: Offsets::new((0..k).map(offset).collect()), parts }
        });
        Self { cpu, window, weights, taps, direct, phases, band }
    }

    /// In how many runs a vector is read where it lies: as few as fill vectors well, or any if hardly
    /// any rows of weights would pass over a panel.
    fn parts(cpu: Cpu, window: &Window, rows: usize) -> Option<usize> {
        let row = window.output[1];
        let lanes = |parts: usize| row.next_multiple_of(width(cpu) / parts);
        let all = parts(cpu).iter().copied();
        let filled = all.clone().find(|&parts| row * 5 >= lanes(parts) * 4);
        filled.or_else(|| all.min_by_key(|&parts| lanes(parts)).filter(|_| rows <= 4))
    }

    /// Bytes that the weights take.
    pub(super) fn bytes(&self) -> u64 {
        self.weights.iter().map(Rows::bytes).sum()
    }

    /// Floats of scratch memory that a run needs.
    pub(super) fn scratch(&self, images: usize) -> usize {
        let Some(rows) = self.weights.first() else { return 0 };
        let wide = self.cpu.columns();
        let tall = rows.m.div_ceil(self.cpu.rows()) * self.cpu.rows();
        let work = match &self.direct {
            Some(_) => VECTORS * width(self.cpu) * tall,
            None => self.band * wide * (DEEP.min(rows.k) + tall),
        };
        self.padded_floats(images) + work + 3 * SLACK
    }

    /// Whether the input is read where it lies.
    fn is_bare(&self) -> bool {
        self.window.is_bare() && self.phases.count == 1
    }

    fn padded_floats(&self, images: usize) -> usize {
        match self.is_bare() {
            true => 0,
            false => images * self.window.channels * self.window.padded()[0] * self.phases.row(),
        }
    }

    /// Whether the largest of each two by two places can be given alone: where pairs of rows go
    /// through together.
    pub(super) fn pools(&self) -> bool {
        let [rows, columns] = self.window.output;
        let Some(places) = &self.direct else { return false };
        let run = width(self.cpu) / places.parts;
        let per_row = columns.div_ceil(run);
        run.is_multiple_of(2)
            && self.window.target == self.window.output
            && self.window.groups == 1
            && rows % 2 == 0
            && columns % 2 == 0
            && (VECTORS * places.parts).is_multiple_of(2 * per_row)
    }

    /// Convolve images `[n, c, h, w]`; gives `[n, m, h, w]` of the target, or where they are pooled
    /// half the rows and columns.
    pub(super) fn run(
        &self,
        images: usize,
        x: &Buffer,
        y: &mut [f32],
        end: Epilogue<'_>,
        scratch: &mut Buffer,
    ) {
        let window = &self.window;
        let plane = window.padded()[0] * self.phases.row();
        let channels = window.channels / window.groups;
        let columns = self.cpu.columns();
        let places = window.output[0] * window.output[1];
        let total = images * places;
        let Some(first) = self.weights.first() else { return };
        let (m, k) = (first.m, first.k);
        let tall = self.cpu.rows();
        let height = m.div_ceil(tall) * tall;
        let target = window.target[0] * window.target[1];
        assert!(x.floats().len() >= images * window.channels * window.input[0] * window.input[1]);
        assert!(
            y.len() >= images * m * window.groups * if end.pooled { target / 4 } else { target }
        );
        assert!(!end.pooled || self.pools());
        assert!(scratch.floats().len() >= self.scratch(images));
        let (padded, rest) = scratch.floats_mut().split_at_mut(self.padded_floats(images) + SLACK);
        let source = match self.is_bare() {
            true => x.room_floats(),
            false => {
                self.phases.pad(self.cpu, window, images, x.floats(), padded);
                &*padded
            }
        };
        if let Some(places) = &self.direct {
            self.run_direct(places, images, source, y, end, rest);
            return;
        }
        let (panels, sums) = rest.split_at_mut(self.band * columns * DEEP.min(k) + SLACK);
        let mut from = vec![Vec::new(); self.band];
        let mut to = vec![Vec::new(); self.band];
        for start in (0..total).step_by(columns * self.band) {
            let count = (total - start).div_ceil(columns).min(self.band);
            for panel in 0..count {
                let first = start + panel * columns;
                let lanes = columns.min(total - first);
                self.segments(first, lanes, &mut from[panel], &mut to[panel], plane, m);
            }
            for group in 0..window.groups {
                let base = group * channels * plane;
                let mut at = 0;
                loop {
                    let deep = DEEP.min(k - at);
                    for panel in 0..count {
                        let into = &mut panels[panel * columns * deep..];
                        gather(
                            self.cpu,
                            &from[panel],
                            window.strides[1],
                            base,
                            plane,
                            &self.taps,
                            at,
                            deep,
                            columns,
                            source,
                            into,
                        );
                    }
                    for block in 0..height / tall {
                        for panel in 0..count {
                            let lanes = columns.min(total - start - panel * columns);
                            let tile = Tile {
                                rows: tall.min(m - block * tall),
                                vectors: lanes.div_ceil(width(self.cpu)),
                                k: deep,
                                a_step: tall,
                                a_row: 1,
                                b_step: columns,
                                c_step: columns,
                                go_on: at > 0,
                            };
                            let sums = &mut sums[(panel * height + block * tall) * columns..];
                            let weights = self.weights[group].block(self.cpu, block, at);
                            tile.run(self.cpu, weights, &panels[panel * columns * deep..], sums);
                        }
                    }
                    at += deep;
                    if at >= k {
                        break;
                    }
                }
                for (panel, to) in to[..count].iter().enumerate() {
                    let sums = &sums[panel * height * columns..];
                    let shift = group * m * target;
                    finish(
                        self.cpu,
                        to,
                        window.spread[1],
                        m,
                        group * m,
                        target,
                        shift,
                        columns,
                        sums,
                        y,
                        end,
                    );
                }
            }
        }
    }

    /// Convolve with vectors that are read where they lie in the padded input.
    fn run_direct(
        &self,
        places: &Places,
        images: usize,
        source: &[f32],
        y: &mut [f32],
        end: Epilogue<'_>,
        sums: &mut [f32],
    ) {
        let (window, wide) = (&self.window, self.phases.row());
        let plane = window.padded()[0] * wide;
        let (vector, parts) = (width(self.cpu), places.parts);
        let (run, runs, step) = (vector / parts, VECTORS * parts, VECTORS * vector);
        let Some(first) = self.weights.first() else { return };
        let (m, k, tall) = (first.m, first.k, self.cpu.rows());
        let target = window.target[0] * window.target[1];
        let channels = window.channels / window.groups;
        let per_row = window.output[1].div_ceil(run);
        let all = images * window.output[0] * per_row;
        let dense = window.spread[1] == 1;
        let mut starts = [0_usize; VECTORS * MOST_PARTS];
        let starts = &mut starts[..runs];
        let mut to: Vec<Segment> = Vec::with_capacity(runs);
        let (mut image, mut row, mut part) = (0, 0, 0);
        for first in (0..all).step_by(runs) {
            to.clear();
            for (slot, start) in starts.iter_mut().enumerate() {
                // Behind the last run nothing is written, whatever is computed.
                if first + slot >= all {
                    *start = 0;
                    continue;
                }
                // The last run of a row ends with it, and its first lanes are known already.
                let column = (part * run).min(window.output[1].saturating_sub(run));
                let skipped = part * run - column;
                *start = image * window.channels * plane + row * window.strides[0] * wide + column;
                let len = run.min(window.output[1] - column) - skipped;
                let lane = slot * run + skipped;
                let from = image * m * window.groups * target
                    + (window.offset[0] + row * window.spread[0]) * window.target[1]
                    + window.offset[1]
                    + (column + skipped) * window.spread[1];
                match to.last_mut() {
                    Some(last)
                        if dense
                            && last.lane + last.len == lane
                            && last.from + last.len == from =>
                    {
                        last.len += len;
                    }
                    _ => to.push(Segment { lane, len, from }),
                }
                part += 1;
                if part == per_row {
                    (part, row) = (0, row + 1);
                }
                if row == window.output[0] {
                    (row, image) = (0, image + 1);
                }
            }
            for group in 0..window.groups {
                let source = &source[group * channels * plane..];
                for at in (0..k).step_by(DEEP) {
                    for row in (0..m).step_by(tall) {
                        let rows = tall.min(m - row);
                        let count = together(self.cpu, rows);
                        let weights = self.weights[group].block(self.cpu, row / tall, at);
                        for (piece, starts) in starts.chunks_exact(count * parts).enumerate() {
                            // Runs of this piece that are all behind the last.
                            if first + piece * count * parts >= all {
                                break;
                            }
                            let tile = Direct {
                                rows,
                                a_step: tall,
                                offsets: &places.offsets,
                                shared: at..k.min(at + DEEP),
                                parts,
                                starts,
                                c_step: step,
                                go_on: at > 0,
                            };
                            let sums = &mut sums[row * step + piece * count * vector..];
                            tile.run(self.cpu, weights, source, sums);
                        }
                    }
                }
                if end.pooled {
                    let lines = first / per_row..(first + runs).min(all) / per_row;
                    finish_pooled(self.cpu, lines, (run, window.output), m, sums, y, end);
                    continue;
                }
                let shift = group * m * target;
                finish(
                    self.cpu,
                    &to,
                    window.spread[1],
                    m,
                    group * m,
                    target,
                    shift,
                    step,
                    sums,
                    y,
                    end,
                );
            }
        }
    }

    /// The runs of a panel: where its places lie in the padded input, and in the output.
    fn segments(
        &self,
        first: usize,
        lanes: usize,
        from: &mut Vec<Segment>,
        to: &mut Vec<Segment>,
        plane: usize,
        m: usize,
    ) {
        let window = &self.window;
        let [rows, columns] = window.output;
        let wide = self.phases.row();
        let dense = window.spread == [1, 1];
        from.clear();
        to.clear();
        let mut lane = 0;
        while lane < lanes {
            let place = first + lane;
            let (image, inside) = (place / (rows * columns), place % (rows * columns));
            let (row, column) = (inside / columns, inside % columns);
            let len = (columns - column).min(lanes - lane);
            from.push(Segment {
                lane,
                len,
                from: image * window.channels * plane
                    + row * window.strides[0] * wide
                    + column * window.strides[1],
            });
            let target = window.target[0] * window.target[1];
            let out = image * m * window.groups * target
                + (window.offset[0] + row * window.spread[0]) * window.target[1]
                + window.offset[1]
                + column * window.spread[1];
            match to.last_mut() {
                // Rows of a dense output are neighbours.
                Some(last) if dense && last.from + last.len == out => last.len += len,
                _ => to.push(Segment { lane, len, from: out }),
            }
            lane += len;
        }
    }
}

/// Most runs of a vector.
const MOST_PARTS: usize = 4;

/// Vectors that go through a convolution at once, where they are read where they lie.
const VECTORS: usize = 8;

/// Floats behind the end that may be copied along.
const SLACK: usize = 32;

vectors! {
    /// Bring the largest of each two by two sums out, of some lines of the output.
    ///
    /// # Safety
    /// The instruction set has to be there, and what [`finish_pooled`] asks for.
    unsafe fn finish_pooled_unchecked<V>(
        lines: Range<usize>,
        sizes: [usize; 2],
        output: [usize; 2],
        channels: usize,
        sums: *const f32,
        out: Out,
    ) {
        // Of a run of a vector, and of the sums of a channel.
        let ([run, step], [rows, columns]) = (sizes, output);
        let per_row = columns.div_ceil(run);
        let count = lesser(run, columns);
        for channel in 0..channels {
            let bias = out.bias::<V>(channel);
            for pair in 0..lines.len() / 2 {
                let line = lines.start + 2 * pair;
                let (image, row) = (line / rows, line % rows);
                let place = ((image * channels + channel) * rows / 2 + row / 2) * (columns / 2);
                for part in 0..per_row {
                    // The last vector of a row ends with it.
                    let column = lesser(part * run, columns - count);
                    let above = sums.add(channel * step + (2 * pair * per_row + part) * run);
                    let rows = [above, above.add(per_row * run)];
                    out.write_pooled(rows, bias, place + column / 2, count / 2);
                }
            }
        }
    }
}

/// Bring the largest of each two by two sums out, of some lines of the output.
fn finish_pooled(
    cpu: Cpu,
    lines: Range<usize>,
    (run, output): (usize, [usize; 2]),
    channels: usize,
    sums: &[f32],
    y: &mut [f32],
    end: Epilogue<'_>,
) {
    let (step, [rows, columns]) = (VECTORS * width(cpu), output);
    assert!(cpu.is_here() && rows % 2 == 0 && columns % 2 == 0 && lines.start.is_multiple_of(2));
    assert!(lines.len() * columns.div_ceil(run) * run <= step && run <= width(cpu), "lines");
    assert!(sums.len() >= channels * step + SLACK, "sums");
    let y = &mut y[..lines.end.div_ceil(rows) * channels * rows * columns / 4];
    let (out, sizes) = (Out::new(y, channels, end), [run, step]);
    // SAFETY: all lines lie in the sums, with two vectors behind them, and in the output.
    unsafe { finish_pooled_unchecked(cpu, lines, sizes, output, channels, sums.as_ptr(), out) }
}
