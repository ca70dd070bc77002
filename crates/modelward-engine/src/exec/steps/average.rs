//! Pools over rows and columns that take means, and what flows back through them.
//!
//! What flows back is masked on its way out, where the bend of a ReLU or its kin stands behind.

use crate::{
    Element, Result,
    exec::{
        compile::Compiler,
        kernels::{Bend, Cpu, bent, lanes},
        memory::{Memory, Place, Step},
        steps::{
            bend,
            pool::{Windows, apart, blocks, windows},
        },
    },
    graph::{Node, ops::windows::Axis},
};

#[derive(Debug)]
struct AveragePool {
    cpu: Cpu,
    windows: Windows,
    counts: Counts,
    x: Place,
    y: usize,
}

#[derive(Debug)]
struct AveragePoolGrad {
    cpu: Cpu,
    windows: Windows,
    counts: Counts,
    flow: Place,
    mask: Option<(Place, Bend)>,
    y: usize,
}

/// How many elements each mean is of: those of its row times those of its column.
#[derive(Debug)]
struct Counts {
    rows: Vec<f32>,
    columns: Vec<f32>,
}

/// The mean of each plane.
#[derive(Debug)]
struct Means {
    cpu: Cpu,
    plane: usize,
    planes: usize,
    x: Place,
    y: usize,
}

/// The windows of a node over this input, and how many elements a mean is of.
fn counted(compiler: &Compiler<'_>, node: &Node, x: usize) -> Result<Option<(Windows, Counts)>> {
    let Some((windows, pool)) = windows(compiler, node, x)? else { return Ok(None) };
    // The gradient of a pool that adds up.
    let sum = node.attributes.flag("sum")?;
    let counts = |axis: &Axis| {
        let each = 0..axis.output;
        each.map(|at| if sum { 1.0 } else { pool.count_of(axis, at) as f32 }).collect()
    };
    let counts = Counts { rows: counts(&windows.rows), columns: counts(&windows.columns) };
    Ok(Some((windows, counts)))
}

/// Plan an `AveragePool`.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let Some((windows, counts)) = counted(compiler, node, 0)? else { return Ok(false) };
    let Some(Some(x)) = node.inputs.first().copied() else { return Ok(false) };
    let cpu = compiler.cpu;
    let x = compiler.operand(x)?;
    let y = compiler.begin(node.outputs[0])?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        Box::new(AveragePool { cpu, windows, counts, x: place(&x), y })
    });
    Ok(true)
}

/// Plan an `AveragePoolGrad`, with the mask behind it.
pub(super) fn plan_grad(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let Some((windows, counts)) = counted(compiler, node, 1)? else { return Ok(false) };
    let Some(Some(flow)) = node.inputs.first().copied() else { return Ok(false) };
    let mut output = node.outputs[0];
    let mut mask = None;
    if let Some((at, reader)) = compiler.only_reader(output)
        && let [Some(first), Some(gate), ..] = reader.inputs[..]
        && (first == output && gate != output && compiler.is_there(gate))
        && let Some(bend) = bend::back(compiler, reader)?
    {
        (mask, output) = (Some((compiler.operand(gate)?, bend)), reader.outputs[0]);
        compiler.absorb(at);
    }
    let cpu = compiler.cpu;
    let flow = compiler.operand(flow)?;
    let y = compiler.begin(output)?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        let mask = mask.map(|(mask, bend)| (place(&mask), bend));
        Box::new(AveragePoolGrad { cpu, windows, counts, flow: place(&flow), mask, y })
    });
    Ok(true)
}

/// Plan a `GlobalAveragePool`.
pub(super) fn plan_means(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let Some(Some(x)) = node.inputs.first().copied() else { return Ok(false) };
    let kind = compiler.kind(x)?.clone();
    let planes = kind.dims.iter().take(2).product::<usize>();
    let plane = kind.dims.iter().skip(2).product::<usize>();
    if kind.element != Element::F32 || plane == 0 || planes == 0 {
        return Ok(false);
    }
    let cpu = compiler.cpu;
    let x = compiler.operand(x)?;
    let y = compiler.begin(node.outputs[0])?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        Box::new(Means { cpu, plane, planes, x: place(&x), y })
    });
    Ok(true)
}

impl Step for AveragePool {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        memory.write(self.y, |memory, out| {
            let x = memory.read(&self.x);
            if self.windows.is_two_by_two() {
                two_by_two(self.cpu, &self.windows, x, out);
            } else {
                average(self.cpu, &self.windows, &self.counts, x, out);
            }
        });
        Ok(())
    }
}

impl Step for AveragePoolGrad {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        memory.write(self.y, |memory, out| {
            let flow = memory.read(&self.flow);
            let mask = self.mask.as_ref().map(|(mask, bend)| (memory.read(mask), *bend));
            back(self.cpu, &self.windows, &self.counts, flow, mask, out);
        });
        Ok(())
    }
}

impl Step for Means {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let mut y = memory.take(self.y);
        let x = &memory.read(&self.x)[..self.planes * self.plane];
        means(self.cpu, self.plane, x, &mut y.floats_mut()[..self.planes]);
        memory.put(self.y, y);
        Ok(())
    }
}

/// The means of `N` windows of two rows.
#[inline(always)]
fn averaged<const N: usize>(above: &[f32], below: &[f32], out: &mut [f32]) {
    let (a, b) = apart::<N>(above);
    let (c, d) = apart::<N>(below);
    for (at, out) in out[..N].iter_mut().enumerate() {
        *out = (a[at] + b[at] + c[at] + d[at]) / 4.0;
    }
}

/// What flows back into `N` windows of two rows.
#[inline(always)]
fn shared<const N: usize>(flow: &[f32], count: f32, first: &mut [f32], second: &mut [f32]) {
    let (first, second) = (&mut first[..2 * N], &mut second[..2 * N]);
    for (at, flow) in flow[..N].iter().enumerate() {
        let share = flow / count;
        (first[2 * at], first[2 * at + 1]) = (share, share);
        (second[2 * at], second[2 * at + 1]) = (share, share);
    }
}

lanes! {
    fn two_by_two(windows: &Windows, x: &[f32], out: &mut [f32]) {
        let (wide, high) = (windows.columns.output, windows.rows.output);
        let input = windows.columns.input;
        for plane in 0..windows.planes {
            for row in 0..high {
                let at = plane * windows.inputs() + 2 * row * input;
                let (above, below) = (&x[at..][..2 * wide], &x[at + input..][..2 * wide]);
                let out = &mut out[plane * windows.outputs() + row * wide..][..wide];
                macro_rules! all {
                    ($size:literal) => {
                        for at in blocks(wide, $size) {
                            averaged::<$size>(&above[2 * at..], &below[2 * at..], &mut out[at..]);
                        }
                    };
                }
                match wide {
                    16.. => all!(16),
                    8.. => all!(8),
                    4.. => all!(4),
                    _ => all!(1),
                }
            }
        }
    }
}

lanes! {
    fn average(windows: &Windows, counts: &Counts, x: &[f32], out: &mut [f32]) {
        let (rows, columns) = (windows.rows, windows.columns);
        for plane in 0..windows.planes {
            let x = &x[plane * windows.inputs()..][..windows.inputs()];
            let out = &mut out[plane * windows.outputs()..][..windows.outputs()];
            out.fill(0.0);
            for (row, out) in out.chunks_exact_mut(columns.output).enumerate() {
                for tap in rows.taps_of(row) {
                    let line = &x[rows.place(row, tap) * columns.input..][..columns.input];
                    for tap in 0..columns.kernel {
                        let places = columns.outputs_of(tap);
                        if places.is_empty() {
                            continue;
                        }
                        let from = columns.place(places.start, tap);
                        let line = line[from..].iter().step_by(columns.stride);
                        out[places].iter_mut().zip(line).for_each(|(out, x)| *out += x);
                    }
                }
                for (out, count) in out.iter_mut().zip(&counts.columns) {
                    *out /= counts.rows[row] * count;
                }
            }
        }
    }
}

lanes! {
    fn back(
        windows: &Windows,
        counts: &Counts,
        flow: &[f32],
        mask: Option<(&[f32], Bend)>,
        out: &mut [f32],
    ) {
        let two_by_two = windows.is_two_by_two();
        for plane in 0..windows.planes {
            let flow = &flow[plane * windows.outputs()..][..windows.outputs()];
            let (from, size) = (plane * windows.inputs(), windows.inputs());
            let out = &mut out[from..][..size];
            if two_by_two {
                two_by_two_back(windows, counts, flow, out);
            } else {
                spread(windows, counts, flow, out);
            }
            if let Some((gate, bend)) = mask {
                let all = out.iter_mut().zip(&gate[from..][..size]);
                bent!(bend, bend => all.for_each(|(out, gate)| *out = bend.back(*out, *gate)));
            }
        }
    }
}

/// What flows into one plane whose windows have four inputs of their own.
#[inline(always)]
fn two_by_two_back(windows: &Windows, counts: &Counts, flow: &[f32], out: &mut [f32]) {
    let (wide, high) = (windows.columns.output, windows.rows.output);
    let input = windows.columns.input;
    if 2 * wide < input || 2 * high < windows.rows.input {
        out.fill(0.0);
    }
    // All are of as many elements.
    let count = counts.rows[0] * counts.columns[0];
    for (pair, flow) in out.chunks_exact_mut(2 * input).zip(flow.chunks_exact(wide)) {
        let (first, second) = pair.split_at_mut(input);
        macro_rules! all {
            ($size:literal) => {
                for at in blocks(wide, $size) {
                    let (first, second) = (&mut first[2 * at..], &mut second[2 * at..]);
                    shared::<$size>(&flow[at..], count, first, second);
                }
            };
        }
        match wide {
            16.. => all!(16),
            8.. => all!(8),
            4.. => all!(4),
            _ => all!(1),
        }
    }
}

/// What flows into one plane, added window after window.
#[inline(always)]
fn spread(windows: &Windows, counts: &Counts, flow: &[f32], out: &mut [f32]) {
    let (rows, columns) = (windows.rows, windows.columns);
    out.fill(0.0);
    for (row, flow) in flow.chunks_exact(columns.output).enumerate() {
        for tap in rows.taps_of(row) {
            let line = &mut out[rows.place(row, tap) * columns.input..][..columns.input];
            // Backwards, so that an element meets its windows in their order.
            for tap in (0..columns.kernel).rev() {
                let places = columns.outputs_of(tap);
                if places.is_empty() {
                    continue;
                }
                let from = columns.place(places.start, tap);
                let line = line[from..].iter_mut().step_by(columns.stride);
                let shares = flow[places.clone()].iter().zip(&counts.columns[places]);
                for (out, (flow, count)) in line.zip(shares) {
                    *out += flow / (counts.rows[row] * count);
                }
            }
        }
    }
}

lanes! {
    /// The mean of each plane: sixteen chains of sums, added in order.
    fn means(plane: usize, x: &[f32], out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x.chunks_exact(plane)) {
            let mut sums = [0.0_f32; 16];
            for part in x.chunks(16) {
                for (sum, x) in sums.iter_mut().zip(part) {
                    *sum += x;
                }
            }
            *out = sums.iter().sum::<f32>() / plane as f32;
        }
    }
}
