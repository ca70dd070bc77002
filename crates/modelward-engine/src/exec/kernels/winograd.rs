//! Convolutions with kernels of 3 x 3 by minimal filtering: F(2 x 2, 3 x 3).
//!
//! Two by two places of the output share four by four of the input. Both kernel and input are brought
//! to sixteen points where a convolution is a product of numbers: 16 products a channel take the
//! place of 36. The factors are 1 and 1/2, so hardly any accuracy is lost. What is no number at one
//! place (an infinity) spoils the two by two places that share it.
//!
//! Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", section 4.1;
//! Winograd 1980, "Arithmetic complexity of computations".

use super::{
    Buffer, Cpu,
    gemm::{DEEP, Rows},
    lanes::Epilogue,
    tile::{Tile, width},
    window::Window,
};

mod inward;
mod outward;
mod run;

use self::{
    inward::bring_in,
    outward::{Sizes, bring_out},
    run::{LANES, POINTS, Run},
};

/// A convolution whose weights are transformed and packed.
#[derive(Debug)]
pub(in crate::exec) struct Winograd {
    cpu: Cpu,
    window: Window,
    /// Weights at each point.
    weights: Vec<Rows>,
    /// Tiles along the rows and the columns of the output.
    tiles: [usize; 2],
    outputs: usize,
    /// Panels of tiles that go through together.
    band: usize,
}

impl Winograd {
    /// Whether a convolution can be done so, and gains by it. It does not depend on how many images
    /// there are, so that each gets the same bits in any batch.
    pub(super) fn fits(window: &Window, outputs: usize) -> bool {
        let places = window.output[0] * window.output[1];
        window.kernel == [3, 3]
            && window.strides == [1, 1]
            && window.dilations == [1, 1]
            && window.groups == 1
            && window.spread == [1, 1]
            && window.offset == [0, 0]
            && window.target == window.output
            // Transforms cost as many operations a channel as so many products.
            && window.channels >= 16
            && outputs >= 16
            // Weights at sixteen points are larger, and would be read for hardly any tiles.
            && places > 16
    }

    /// Transform and pack the weights: `of(output channel, input channel, tap)`.
    pub(super) fn new(
        cpu: Cpu,
        window: Window,
        outputs: usize,
        of: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let at_point = |point: usize, out: usize, channel: usize| {
            let (y, x) = (point / 4, point % 4);
            let line = |row: usize| {
                let taps = [0, 1, 2].map(|tap| of(out, channel, row * 3 + tap));
                filtered(x, taps)
            };
            filtered(y, [line(0), line(1), line(2)])
        };
        let weights = (0..POINTS).map(|point| {
            Rows::pack(cpu, outputs, window.channels, |out, channel| at_point(point, out, channel))
        });
        // Inputs and sums of the tiles of a band stay in the second cache.
        let panel = POINTS * (window.channels + outputs) * cpu.columns();
        let band = ((1 << 17) / panel.max(1)).clamp(1, 8);
        let tiles = window.output.map(|size| size.div_ceil(2));
        Self { cpu, window, weights: weights.collect(), tiles, outputs, band }
    }

    /// Bytes that the weights take.
    pub(super) fn bytes(&self) -> u64 {
        self.weights.iter().map(Rows::bytes).sum()
    }

    /// Floats of scratch memory that a run needs.
    pub(super) fn scratch(&self) -> usize {
        POINTS * (self.input_floats() + self.sum_floats()) + LANES
    }

    /// Floats of a band at one point. A line more keeps the points out of each other's place in the
    /// cache.
    fn input_floats(&self) -> usize {
        self.band * self.window.channels * self.cpu.columns() + LANES
    }

    /// Floats of the sums of a band at one point.
    fn sum_floats(&self) -> usize {
        self.band * self.height() * self.cpu.columns() + LANES
    }

    /// Output channels, in whole blocks.
    fn height(&self) -> usize {
        self.outputs.div_ceil(self.cpu.rows()) * self.cpu.rows()
    }

    /// Whether the largest of each two by two places can be given alone.
    pub(super) fn pools(&self) -> bool {
        self.window.output == self.tiles.map(|tiles| tiles * 2)
    }

    /// Convolve images `[n, c, h, w]`; gives `[n, m, h, w]`, or where they are pooled half the rows
    /// and columns.
    pub(super) fn run(
        &self,
        images: usize,
        x: &[f32],
        y: &mut [f32],
        end: Epilogue<'_>,
        scratch: &mut Buffer,
    ) {
        let window = &self.window;
        let columns = self.cpu.columns();
        let output = if end.pooled { self.tiles } else { window.output };
        let target = output[0] * output[1];
        assert!(!end.pooled || self.pools());
        let x = &x[..images * window.channels * window.input[0] * window.input[1]];
        let y = &mut y[..images * self.outputs * target];
        assert!(scratch.floats().len() >= self.scratch());
        let (inputs, sums) = scratch.floats_mut().split_at_mut(POINTS * self.input_floats());
        let all = images * self.tiles[0] * self.tiles[1];
        let mut runs = Vec::new();
        for first in (0..all).step_by(columns * self.band) {
            let count = (columns * self.band).min(all - first);
            self.runs(first, count, end.pooled, &mut runs);
            bring_in(self.cpu, &runs, window, x, columns, self.input_floats(), inputs);
            self.products(count, inputs, sums);
            let sizes = Sizes {
                channels: self.outputs,
                height: self.height(),
                columns,
                step: self.sum_floats(),
                plane: target,
                wide: output[1],
            };
            bring_out(self.cpu, &runs, sums, sizes, y, end);
        }
    }

    /// The products at all points.
    fn products(&self, tiles: usize, inputs: &[f32], sums: &mut [f32]) {
        let (columns, tall, k) = (self.cpu.columns(), self.cpu.rows(), self.window.channels);
        for (point, weights) in self.weights.iter().enumerate() {
            let inputs = &inputs[point * self.input_floats()..];
            let sums = &mut sums[point * self.sum_floats()..];
            for at in (0..k).step_by(DEEP) {
                for block in 0..self.height() / tall {
                    let weights = weights.block(self.cpu, block, at);
                    for panel in 0..tiles.div_ceil(columns) {
                        let tile = Tile {
                            rows: tall.min(self.outputs - block * tall),
                            vectors: columns.min(tiles - panel * columns).div_ceil(width(self.cpu)),
                            k: DEEP.min(k - at),
                            a_step: tall,
                            a_row: 1,
                            b_step: columns,
                            c_step: columns,
                            go_on: at > 0,
                        };
                        let inputs = &inputs[(panel * k + at) * columns..];
                        let sums = &mut sums[(panel * self.height() + block * tall) * columns..];
                        tile.run(self.cpu, weights, inputs, sums);
                    }
                }
            }
        }
    }

    /// The tiles of a band, in runs of neighbours.
    fn runs(&self, first: usize, count: usize, pooled: bool, runs: &mut Vec<Run>) {
        runs.clear();
        let (window, [high, wide]) = (&self.window, self.tiles);
        let columns = self.cpu.columns();
        let mut done = 0;
        while done < count {
            let tile = first + done;
            let (image, row, column) = (tile / (high * wide), tile / wide % high, tile % wide);
            let (panel, lane) = (done / columns, done % columns);
            let len = (wide - column).min(count - done).min(columns - lane).min(LANES);
            let (to, places) = if pooled {
                (image * self.outputs * high * wide + row * wide + column, [1, len])
            } else {
                let [rows, columns] = window.output;
                let to = (image * self.outputs * rows + row * 2) * columns + column * 2;
                (to, [(rows - row * 2).min(2), (columns - column * 2).min(len * 2)])
            };
            runs.push(Run { panel, lane, len, image, place: [row, column], to, places });
            done += len;
        }
    }
}

/// A line of three taps at one of four points.
fn filtered(point: usize, [a, b, c]: [f32; 3]) -> f32 {
    match point {
        0 => a,
        1 => (a + b + c) * 0.5,
        2 => (a - b + c) * 0.5,
        _ => c,
    }
}
