//! Linear maps between the values of two layers: forward, backward, and by their absolute weights.

use modelward_engine::exec::{Cpu, add_product};

/// A linear map.
#[derive(Debug)]
pub(super) enum Map {
    /// Every value leads to every other.
    Dense(Dense),
    /// A convolution of two axes.
    Conv(Conv),
    /// A few weights a row.
    Sparse(Sparse),
}

/// Weights of a full matrix, and its transpose.
#[derive(Debug)]
pub(super) struct Dense {
    rows: usize,
    columns: usize,
    weights: Vec<f64>,
    transposed: Vec<f64>,
}

/// Weights row by row.
#[derive(Debug)]
pub(super) struct Sparse {
    columns: usize,
    /// Where each row begins, and where the last ends.
    begins: Vec<usize>,
    entries: Vec<(usize, f64)>,
}

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// How many groups of channels there are.
    pub(super) groups: usize,
    /// Channels of the input and of the output.
    pub(super) channels: [usize; 2],
    /// Rows and columns of the input.
    pub(super) input: [usize; 2],
    /// Of the output.
    pub(super) output: [usize; 2],
    /// Of the kernel.
    pub(super) kernel: [usize; 2],
    /// Steps from one place to the next.
    pub(super) strides: [usize; 2],
    /// Steps from one tap to the next.
    pub(super) dilations: [usize; 2],
    /// Padding before the first row and column.
    pub(super) pads: [usize; 2],
}

/// A convolution.
#[derive(Debug)]
pub(super) struct Conv {
    window: Window,
    /// For each group: output channels, then input channels and taps.
    weights: Vec<f64>,
    /// For each group: input channels and taps, then output channels.
    transposed: Vec<f64>,
}

impl Map {
    /// A full matrix in row-major order.
    pub(super) fn dense(rows: usize, columns: usize, weights: Vec<f64>) -> Self {
        let transposed = transposed(rows, columns, &weights);
        Self::Dense(Dense { rows, columns, weights, transposed })
    }

    /// A map of a few weights a row.
    pub(super) fn sparse(columns: usize, rows: impl Iterator<Item = Vec<(usize, f64)>>) -> Self {
        let (mut begins, mut entries) = (vec![0], Vec::new());
        for row in rows {
            entries.extend(row);
            begins.push(entries.len());
        }
        Self::Sparse(Sparse { columns, begins, entries })
    }

    /// What does nothing to so many values.
    pub(super) fn identity(size: usize) -> Self {
        Self::sparse(size, (0..size).map(|at| vec![(at, 1.0)]))
    }

    /// A convolution; weights as ONNX has them.
    pub(super) fn conv(window: Window, weights: Vec<f64>) -> Self {
        let (rows, columns) = window.group();
        let transposed =
            weights.chunks(rows * columns).flat_map(|group| transposed(rows, columns, group));
        let transposed = transposed.collect();
        Self::Conv(Conv { window, weights, transposed })
    }

    /// How many values it gives.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.rows,
            Self::Conv(conv) => conv.window.channels[1] * conv.window.places(),
            Self::Sparse(sparse) => sparse.begins.len() - 1,
        }
    }

    /// How many it takes.
    pub(super) fn columns(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.columns,
            Self::Conv(conv) => conv.window.size(),
            Self::Sparse(sparse) => sparse.columns,
        }
    }

    /// The most products of one row.
    pub(super) fn terms(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.columns,
            Self::Conv(conv) => conv.window.group().1,
            Self::Sparse(sparse) => {
                sparse.begins.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
            }
        }
    }

    /// Whether every row has one entry at most.
    pub(super) fn is_diagonal(&self) -> bool {
        matches!(self, Self::Sparse(_)) && self.terms() <= 1
    }

    /// Multiply each row's weights by a factor.
    pub(super) fn scale(&mut self, factors: &[f64]) {
        match self {
            Self::Dense(dense) => {
                for (row, factor) in dense.weights.chunks_mut(dense.columns.max(1)).zip(factors) {
                    row.iter_mut().for_each(|weight| *weight *= factor);
                }
                dense.transposed = transposed(dense.rows, dense.columns, &dense.weights);
            }
            Self::Conv(conv) => {
                let (rows, columns) = conv.window.group();
                let places = conv.window.places();
                // One factor a channel: the caller has seen that they are equal.
                let factors = factors.iter().step_by(places.max(1));
                for (row, factor) in conv.weights.chunks_mut(columns.max(1)).zip(factors) {
                    row.iter_mut().for_each(|weight| *weight *= factor);
                }
                let groups = conv.weights.chunks(rows * columns);
                conv.transposed =
                    groups.flat_map(|group| transposed(rows, columns, group)).collect();
            }
            Self::Sparse(sparse) => {
                for (pair, factor) in sparse.begins.windows(2).zip(factors) {
                    for (_, weight) in &mut sparse.entries[pair[0]..pair[1]] {
                        *weight *= factor;
                    }
                }
            }
        }
    }

    /// Whether rows can be scaled so.
    pub(super) fn can_scale(&self, factors: &[f64]) -> bool {
        match self {
            Self::Dense(_) | Self::Sparse(_) => true,
            Self::Conv(conv) => {
                let mut channels = factors.chunks(conv.window.places().max(1));
                channels.all(|channel| channel.iter().all(|factor| *factor == channel[0]))
            }
        }
    }

    /// Add its values at points, one a row of `x`, to `out`.
    pub(super) fn forward(&self, cpu: Cpu, x: &[f64], out: &mut [f64]) {
        match self {
            Self::Dense(dense) => {
                let [k, n] = [dense.columns, dense.rows];
                add_product(cpu, [x.len() / k.max(1), k, n], x, &dense.transposed, out);
            }
            Self::Conv(conv) => conv.forward(cpu, x, out, &conv.weights),
            Self::Sparse(sparse) => {
                let sizes = (sparse.columns.max(1), self.rows().max(1));
                for (x, out) in x.chunks(sizes.0).zip(out.chunks_mut(sizes.1)) {
                    for (pair, out) in sparse.begins.windows(2).zip(out) {
                        let entries = &sparse.entries[pair[0]..pair[1]];
                        *out += entries.iter().map(|(at, weight)| weight * x[*at]).sum::<f64>();
                    }
                }
            }
        }
    }

    /// Add the values at one point by the absolute weights.
    pub(super) fn forward_absolute(&self, cpu: Cpu, x: &[f64], out: &mut [f64]) {
        match self {
            Self::Dense(dense) => {
                for (x, row) in x.iter().zip(dense.transposed.chunks(dense.rows.max(1))) {
                    if *x != 0.0 {
                        for (out, weight) in out.iter_mut().zip(row) {
                            *out += weight.abs() * x;
                        }
                    }
                }
            }
            Self::Conv(conv) => {
                let weights = conv.weights.iter().map(|weight| weight.abs()).collect::<Vec<_>>();
                conv.forward(cpu, x, out, &weights);
            }
            Self::Sparse(sparse) => {
                for (pair, out) in sparse.begins.windows(2).zip(out) {
                    let entries = &sparse.entries[pair[0]..pair[1]];
                    *out += entries.iter().map(|(at, weight)| weight.abs() * x[*at]).sum::<f64>();
                }
            }
        }
    }

    /// Linear functions of its output, one a row of `a`, as functions of its input, added to `out`.
    pub(super) fn back(&self, cpu: Cpu, a: &[f64], out: &mut [f64]) {
        match self {
            Self::Dense(dense) => {
                let [k, n] = [dense.rows, dense.columns];
                add_product(cpu, [a.len() / k.max(1), k, n], a, &dense.weights, out);
            }
            Self::Conv(conv) => conv.back(cpu, a, out),
            Self::Sparse(sparse) => {
                let sizes = (self.rows().max(1), sparse.columns.max(1));
                for (a, out) in a.chunks(sizes.0).zip(out.chunks_mut(sizes.1)) {
                    for (pair, a) in sparse.begins.windows(2).zip(a) {
                        if *a != 0.0 {
                            for (at, weight) in &sparse.entries[pair[0]..pair[1]] {
                                out[*at] += a * weight;
                            }
                        }
                    }
                }
            }
        }
    }

    /// What an element of the output may be near in a fast algorithm: for a convolution that may be
    /// computed by minimal filtering, the largest of the inputs around each place.
    pub(super) fn spread(&self, magnitudes: &[f64]) -> Option<Vec<f64>> {
        match self {
            Self::Conv(conv) if conv.window.may_be_filtered() => {
                Some(conv.window.largest_around(magnitudes))
            }
            _ => None,
        }
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> u64 {
        let count = match self {
            Self::Dense(dense) => dense.weights.len(),
            Self::Conv(conv) => conv.weights.len(),
            Self::Sparse(sparse) => sparse.entries.len(),
        };
        16 * count as u64
    }
}

fn transposed(rows: usize, columns: usize, weights: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; weights.len()];
    for row in 0..rows {
        for column in 0..columns {
            out[column * rows + row] = weights[row * columns + column];
        }
    }
    out
}

impl Window {
    /// How many values it takes.
    pub(super) fn size(&self) -> usize {
        self.channels[0] * self.input[0] * self.input[1]
    }

    /// How many places its output has.
    pub(super) fn places(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Output channels of a group, and its input channels times taps.
    pub(super) fn group(&self) -> (usize, usize) {
        let groups = self.groups.max(1);
        let taps = self.kernel[0] * self.kernel[1];
        (self.channels[1] / groups, self.channels[0] / groups * taps)
    }

    /// Whether an engine may compute it by minimal filtering.
    fn may_be_filtered(&self) -> bool {
        self.kernel == [3, 3]
            && self.strides == [1, 1]
            && self.dilations == [1, 1]
            && self.groups == 1
    }

    /// The place of the input under a tap.
    pub(super) fn under(&self, axis: usize, place: usize, tap: usize) -> Option<usize> {
        let at = place * self.strides[axis] + tap * self.dilations[axis];
        at.checked_sub(self.pads[axis]).filter(|at| *at < self.input[axis])
    }

    /// Visit what lies under each tap of one channel: tap, place of the output, place of the input.
    fn taps(&self, mut visit: impl FnMut(usize, usize, usize)) {
        for (row, column) in
            (0..self.kernel[0]).flat_map(|row| (0..self.kernel[1]).map(move |column| (row, column)))
        {
            let tap = row * self.kernel[1] + column;
            for y in 0..self.output[0] {
                let Some(from_y) = self.under(0, y, row) else { continue };
                for x in 0..self.output[1] {
                    if let Some(from_x) = self.under(1, x, column) {
                        visit(tap, y * self.output[1] + x, from_y * self.input[1] + from_x);
                    }
                }
            }
        }
    }

    /// The largest within two places to each side, channel by channel: a tile of 4 x 4 that gives
    /// 2 x 2 places reaches no farther from what a place sees.
    fn largest_around(&self, values: &[f64]) -> Vec<f64> {
        let [height, width] = self.input;
        let mut out = values.to_vec();
        for (values, out) in
            values.chunks(height * width).zip(out.chunks_mut((height * width).max(1)))
        {
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                let rows = y.saturating_sub(2)..(y + 3).min(height);
                let near = rows.flat_map(|row| {
                    let columns = x.saturating_sub(2)..(x + 3).min(width);
                    &values[row * width + columns.start..row * width + columns.end]
                });
                out[y * width + x] = near.copied().fold(0.0, f64::max);
            }
        }
        out
    }
}

impl Conv {
    fn forward(&self, cpu: Cpu, x: &[f64], out: &mut [f64], weights: &[f64]) {
        let window = &self.window;
        let ((rows, columns), places) = (window.group(), window.places());
        let (taps, pixels) =
            (window.kernel[0] * window.kernel[1], window.input[0] * window.input[1]);
        let mut lines = vec![0.0; columns * places];
        for (x, out) in
            x.chunks(window.size().max(1)).zip(out.chunks_mut((window.channels[1] * places).max(1)))
        {
            let groups =
                x.chunks(columns / taps.max(1) * pixels).zip(weights.chunks(rows * columns));
            for ((x, weights), out) in groups.zip(out.chunks_mut(rows * places)) {
                for (channel, x) in x.chunks(pixels).enumerate() {
                    window.taps(|tap, place, from| {
                        lines[(channel * taps + tap) * places + place] = x[from];
                    });
                }
                add_product(cpu, [rows, columns, places], weights, &lines, out);
            }
        }
    }

    fn back(&self, cpu: Cpu, a: &[f64], out: &mut [f64]) {
        let window = &self.window;
        let ((rows, columns), places) = (window.group(), window.places());
        let (taps, pixels) =
            (window.kernel[0] * window.kernel[1], window.input[0] * window.input[1]);
        let mut lines = vec![0.0; columns * places];
        for (a, out) in
            a.chunks((window.channels[1] * places).max(1)).zip(out.chunks_mut(window.size().max(1)))
        {
            let groups = a.chunks(rows * places).zip(self.transposed.chunks(rows * columns));
            for ((a, weights), out) in groups.zip(out.chunks_mut(columns / taps.max(1) * pixels)) {
                let filled = a.iter().filter(|a| **a != 0.0).count();
                if filled == 0 {
                    continue;
                }
                if filled * 16 < a.len() {
                    self.scatter(a, weights, out);
                    continue;
                }
                lines.fill(0.0);
                add_product(cpu, [columns, rows, places], weights, a, &mut lines);
                for (channel, out) in out.chunks_mut(pixels).enumerate() {
                    window.taps(|tap, place, to| {
                        out[to] += lines[(channel * taps + tap) * places + place];
                    });
                }
            }
        }
    }

    /// Back from the few places of one group that are not 0.
    fn scatter(&self, a: &[f64], weights: &[f64], out: &mut [f64]) {
        let window = &self.window;
        let ((rows, columns), places) = (window.group(), window.places());
        let (taps, pixels) =
            (window.kernel[0] * window.kernel[1], window.input[0] * window.input[1]);
        for (at, a) in a.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            let (row, place) = (at / places, at % places);
            let (y, x) = (place / window.output[1], place % window.output[1]);
            for tap in 0..taps {
                let (Some(to_y), Some(to_x)) = (
                    window.under(0, y, tap / window.kernel[1]),
                    window.under(1, x, tap % window.kernel[1]),
                ) else {
                    continue;
                };
                for channel in 0..columns / taps {
                    let weight = weights[(channel * taps + tap) * rows + row];
                    out[channel * pixels + to_y * window.input[1] + to_x] += a * weight;
                }
            }
        }
    }
}
