//! Convolutions of images as one product, whose right operand is never written out whole.
//!
//! The weights are the left operand, packed once. Where vectors fill the rows of the output well,
//! they are read where they lie in the padded input. Elsewhere a panel is `columns` places of the
//! output, across rows and images, against all taps: it is copied in runs of neighbours, a
//! first-cache-sized piece at a time, and all rows of weights pass over it.

#![allow(unsafe_code, reason = "vectors are read and written by pointers; the doors check")]
#![allow(unsafe_op_in_unsafe_fn, reason = "each function is one block of vectors")]

use std::ops::Range;

use super::{
    Buffer, Cpu,
    bend::bent,
    gemm::{DEEP, Rows},
    lanes::{Epilogue, lanes},
    out::Out,
    tile::{Direct, Tile, together, width},
    vector::{lesser, vectors},
    window::Window,
};

/// A run of columns of a panel whose places are neighbours.
#[derive(Clone, Copy, Debug)]
struct Segment {
    lane: usize,
    len: usize,
    from: usize,
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
    /// Where each weight of a row lies in the padded input, if vectors are read where they lie.
    direct: Option<Vec<usize>>,
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
        let [_, wide] = window.padded();
        let taps = (0..window.kernel[0]).flat_map(|y| {
            (0..window.kernel[1])
                .map(move |x| y * window.dilations[0] * wide + x * window.dilations[1])
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
        // Whole rows are read where they lie if vectors fill them well, or if hardly any rows of
        // weights would pass over a panel.
        let (row, vector) = (window.output[1], width(cpu));
        let filled = row * 5 >= row.div_ceil(vector) * vector * 4;
        let direct = (window.strides[1] == 1 && (filled || rows <= 4)).then(|| {
            let plane = window.padded().iter().product::<usize>();
            let offset = |at: usize| at / taps.len() * plane + taps[at % taps.len()];
            (0..k).map(offset).collect()
        });
        Self { cpu, window, weights, taps, direct, band }
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

    fn padded_floats(&self, images: usize) -> usize {
        match self.window.is_bare() {
            true => 0,
            false => {
                let [high, wide] = self.window.padded();
                images * self.window.channels * high * wide
            }
        }
    }

    /// Whether the largest of each two by two places can be given alone: where pairs of rows go
    /// through together.
    pub(super) fn pools(&self) -> bool {
        let [rows, columns] = self.window.output;
        let per_row = columns.div_ceil(width(self.cpu));
        self.direct.is_some()
            && self.window.target == self.window.output
            && self.window.groups == 1
            && rows % 2 == 0
            && columns % 2 == 0
            && VECTORS.is_multiple_of(2 * per_row)
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
        let [high, wide] = window.padded();
        let plane = high * wide;
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
        let source = match window.is_bare() {
            true => x.room_floats(),
            false => {
                self.pad(images, x.floats(), padded);
                &*padded
            }
        };
        if let Some(offsets) = &self.direct {
            self.run_direct(offsets, images, source, y, end, rest);
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
        offsets: &[usize],
        images: usize,
        source: &[f32],
        y: &mut [f32],
        end: Epilogue<'_>,
        sums: &mut [f32],
    ) {
        let window = &self.window;
        let [high, wide] = window.padded();
        let plane = high * wide;
        let vector = width(self.cpu);
        let step = VECTORS * vector;
        let Some(first) = self.weights.first() else { return };
        let (m, k, tall) = (first.m, first.k, self.cpu.rows());
        let target = window.target[0] * window.target[1];
        let channels = window.channels / window.groups;
        let per_row = window.output[1].div_ceil(vector);
        let all = images * window.output[0] * per_row;
        let mut starts = [0_usize; VECTORS];
        let mut to = Vec::with_capacity(VECTORS);
        for first in (0..all).step_by(VECTORS) {
            to.clear();
            for (slot, start) in starts.iter_mut().enumerate() {
                // Behind the last vector it is computed again, and not written.
                let at = (first + slot).min(all - 1);
                let (line, part) = (at / per_row, at % per_row);
                let (image, row) = (line / window.output[0], line % window.output[0]);
                // The last vector of a row ends with it, and its first lanes are known already.
                let column = (part * vector).min(window.output[1].saturating_sub(vector));
                let skipped = part * vector - column;
                *start = image * window.channels * plane + row * window.strides[0] * wide + column;
                if first + slot < all {
                    let len = vector.min(window.output[1] - column) - skipped;
                    let from = image * m * window.groups * target
                        + (window.offset[0] + row * window.spread[0]) * window.target[1]
                        + window.offset[1]
                        + (column + skipped) * window.spread[1];
                    to.push(Segment { lane: slot * vector + skipped, len, from });
                }
            }
            for group in 0..window.groups {
                let source = &source[group * channels * plane..];
                for at in (0..k).step_by(DEEP) {
                    let offsets = &offsets[at..k.min(at + DEEP)];
                    for row in (0..m).step_by(tall) {
                        let rows = tall.min(m - row);
                        let count = together(self.cpu, rows);
                        let weights = self.weights[group].block(self.cpu, row / tall, at);
                        for (part, starts) in starts.chunks_exact(count).enumerate() {
                            // Vectors of this piece that are all known already.
                            if part > 0 && first + part * count >= all {
                                break;
                            }
                            let tile = Direct {
                                rows,
                                a_step: tall,
                                offsets,
                                starts,
                                c_step: step,
                                go_on: at > 0,
                            };
                            let sums = &mut sums[row * step + part * count * vector..];
                            tile.run(self.cpu, weights, source, sums);
                        }
                    }
                }
                if end.pooled {
                    let lines = first / per_row..(first + VECTORS).min(all) / per_row;
                    finish_pooled(self.cpu, lines, window.output, m, sums, y, end);
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

    /// Copy the input between its zeros.
    fn pad(&self, images: usize, x: &[f32], padded: &mut [f32]) {
        let window = &self.window;
        let [high, wide] = window.padded();
        let [rows, columns] = window.input;
        padded.fill(0.0);
        for (plane, into) in x
            .chunks_exact((rows * columns).max(1))
            .take(images * window.channels)
            .zip(padded.chunks_exact_mut((high * wide).max(1)))
        {
            for row in 0..high {
                let Some(from) = row.checked_add_signed(-window.pads[0]).filter(|&r| r < rows)
                else {
                    continue;
                };
                // Columns of the padded row that the input fills.
                let left = usize::try_from(window.pads[1]).unwrap_or(0);
                let cut = usize::try_from(-window.pads[1]).unwrap_or(0);
                let len = columns.saturating_sub(cut).min(wide.saturating_sub(left));
                into[row * wide + left..][..len]
                    .copy_from_slice(&plane[from * columns + cut..][..len]);
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
        let wide = window.padded()[1];
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

/// Vectors that go through a convolution at once, where they are read where they lie.
const VECTORS: usize = 8;

/// Floats behind the end that may be copied along.
const SLACK: usize = 32;

lanes! {
    /// Copy the columns of a panel, from a shared index on.
    fn gather(
        segments: &[Segment],
        stride: usize,
        base: usize,
        plane: usize,
        taps: &[usize],
        at: usize,
        deep: usize,
        columns: usize,
        source: &[f32],
        into: &mut [f32],
    ) {
        let (mut channel, mut tap) = (at / taps.len(), at % taps.len());
        for line in 0..deep {
            let shift = base + channel * plane + taps[tap];
            if stride == 1 {
                for segment in segments {
                    // Whole vectors: what lies behind a run is overwritten by the next one.
                    let mut copied = 0;
                    while copied < segment.len {
                        let from = shift + segment.from + copied;
                        let to = line * columns + segment.lane + copied;
                        let run: &[f32; 16] = source[from..][..16].try_into().unwrap_or(&[0.0; 16]);
                        into[to..][..16].copy_from_slice(run);
                        copied += 16;
                    }
                }
            } else {
                for segment in segments {
                    let from = &source[shift + segment.from..];
                    let to = &mut into[line * columns + segment.lane..][..segment.len];
                    for (to, from) in to.iter_mut().zip(from.iter().step_by(stride)) {
                        *to = *from;
                    }
                }
            }
            tap += 1;
            if tap == taps.len() {
                (tap, channel) = (0, channel + 1);
            }
        }
    }
}

lanes! {
    /// Bring the sums of a panel out.
    fn finish(
        segments: &[Segment],
        spread: usize,
        rows: usize,
        first_row: usize,
        target: usize,
        shift: usize,
        columns: usize,
        sums: &[f32],
        y: &mut [f32],
        end: Epilogue<'_>,
    ) {
        for row in 0..rows {
            let bias = end.bias.map_or(0.0, |bias| bias[first_row + row]);
            for segment in segments {
                let sums = &sums[row * columns + segment.lane..][..segment.len];
                let place = shift + row * target + segment.from;
                if spread == 1 {
                    let out = &mut y[place..][..segment.len];
                    let all = out.iter_mut().zip(sums);
                    match end {
                        Epilogue { add: None, mask: None, bend: Some(bend), .. } => {
                            bent!(bend, bend => all.for_each(|(out, sum)| *out = bend.of(sum + bias)));
                        }
                        Epilogue { add: None, mask: Some((mask, bend)), bend: None, .. } => {
                            let all = all.zip(&mask[place..][..segment.len]);
                            bent!(bend, bend => all.for_each(|((out, sum), mask)| {
                                *out = bend.back(sum + bias, *mask);
                            }));
                        }
                        _ => {
                            all.for_each(|(out, sum)| *out = sum + bias);
                            super::lanes::tail(out, place, end);
                        }
                    }
                } else {
                    for (at, sum) in sums.iter().enumerate() {
                        let place = place + at * spread;
                        y[place] = sum + bias;
                        super::lanes::tail(&mut y[place..=place], place, end);
                    }
                }
            }
        }
    }
}

vectors! {
    /// Bring the largest of each two by two sums out, of some lines of the output.
    ///
    /// # Safety
    /// The instruction set has to be there, and what [`finish_pooled`] asks for.
    unsafe fn finish_pooled_unchecked<V>(
        lines: Range<usize>,
        vector: usize,
        output: [usize; 2],
        channels: usize,
        sums: *const f32,
        out: Out,
    ) {
        let [rows, columns] = output;
        let (per_row, step) = (columns.div_ceil(vector), VECTORS * vector);
        let count = lesser(vector, columns);
        for channel in 0..channels {
            let bias = out.bias::<V>(channel);
            for pair in 0..lines.len() / 2 {
                let line = lines.start + 2 * pair;
                let (image, row) = (line / rows, line % rows);
                let place = ((image * channels + channel) * rows / 2 + row / 2) * (columns / 2);
                for part in 0..per_row {
                    // The last vector of a row ends with it.
                    let column = lesser(part * vector, columns - count);
                    let above = sums.add(channel * step + (2 * pair * per_row + part) * vector);
                    let rows = [above, above.add(per_row * vector)];
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
    output: [usize; 2],
    channels: usize,
    sums: &[f32],
    y: &mut [f32],
    end: Epilogue<'_>,
) {
    let (vector, [rows, columns]) = (width(cpu), output);
    assert!(cpu.is_here() && rows % 2 == 0 && columns % 2 == 0 && lines.start.is_multiple_of(2));
    assert!(lines.len() * columns.div_ceil(vector) <= VECTORS, "lines");
    assert!(sums.len() >= channels * VECTORS * vector + SLACK, "sums");
    let y = &mut y[..lines.end.div_ceil(rows) * channels * rows * columns / 4];
    let out = Out::new(y, channels, end);
    // SAFETY: all lines lie in the sums, with two vectors behind them, and in the output.
    unsafe { finish_pooled_unchecked(cpu, lines, vector, output, channels, sums.as_ptr(), out) }
}
