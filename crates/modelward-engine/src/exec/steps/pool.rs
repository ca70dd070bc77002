//! Pools over rows and columns that take the largest element, and what flows back through it.
//!
//! Where the ReLU's mask behind a gradient is the pooled tensor itself, as it is when a ReLU stands
//! in front of a pool, both are done in one pass.

use crate::{
    Element, Result,
    exec::{
        compile::Compiler,
        kernels::{Bend, Cpu, Pair, lanes},
        memory::{Memory, Place, Step},
        steps::bend,
    },
    graph::{
        Node,
        ops::{pool::Pool, windows::Axis},
    },
};

/// Windows over planes of rows and columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    pub(super) planes: usize,
    pub(super) rows: Axis,
    pub(super) columns: Axis,
}

impl Windows {
    pub(super) fn inputs(&self) -> usize {
        self.rows.input * self.columns.input
    }

    pub(super) fn outputs(&self) -> usize {
        self.rows.output * self.columns.output
    }

    /// Whether each output has four inputs of its own.
    pub(super) fn is_two_by_two(&self) -> bool {
        let two = |axis: &Axis| {
            (axis.kernel, axis.stride, axis.dilation, axis.before) == (2, 2, 1, 0)
                && axis.output * 2 <= axis.input
        };
        two(&self.rows) && two(&self.columns)
    }
}

#[derive(Debug)]
struct MaxPool {
    cpu: Cpu,
    windows: Windows,
    x: Place,
    y: usize,
}

#[derive(Debug)]
struct MaxPoolGrad {
    cpu: Cpu,
    windows: Windows,
    flow: Place,
    x: Place,
    /// Whether nothing flows into what is not above 0.
    masked: bool,
    y: usize,
}

/// The windows of a pool over this input of a node, and how they lie, where these loops take them.
pub(super) fn windows(
    compiler: &Compiler<'_>,
    node: &Node,
    x: usize,
) -> Result<Option<(Windows, Pool)>> {
    let Some(Some(x)) = node.inputs.get(x) else { return Ok(None) };
    let kind = compiler.kind(*x)?;
    if kind.element != Element::F32 || kind.dims.len() > 4 || kind.count()? == 0 {
        return Ok(None);
    }
    let pool = Pool::of(&node.attributes, &kind.dims)?;
    let [depth, rows, columns] = pool.axes;
    let flat = depth.output == 1 && depth.kernel == 1 && depth.input == 1;
    let windows = Windows { planes: pool.planes, rows, columns };
    Ok((flat && windows.outputs() > 0).then_some((windows, pool)))
}

/// Whether a node takes the largest of each two by two places, and of no others.
pub(super) fn is_two_by_two(compiler: &Compiler<'_>, node: &Node) -> Result<bool> {
    if node.operator.name != "MaxPool" || node.outputs.len() != 1 {
        return Ok(false);
    }
    Ok(windows(compiler, node, 0)?.is_some_and(|(windows, _)| windows.is_two_by_two()))
}

/// Plan a `MaxPool` whose indices nobody reads.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let Some((windows, _)) = windows(compiler, node, 0)? else { return Ok(false) };
    let (Some(Some(x)), &[output]) = (node.inputs.first().copied(), &node.outputs[..]) else {
        return Ok(false);
    };
    let cpu = compiler.cpu;
    let x = compiler.operand(x)?;
    let y = compiler.begin(output)?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        Box::new(MaxPool { cpu, windows, x: place(&x), y })
    });
    Ok(true)
}

/// Plan a `MaxPoolGrad`, with the mask behind it.
pub(super) fn plan_grad(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let Some((windows, _)) = windows(compiler, node, 1)? else { return Ok(false) };
    let [Some(flow), Some(x)] = node.inputs[..] else { return Ok(false) };
    let mut output = node.outputs[0];
    let mut masked = false;
    if let Some((at, reader)) = compiler.only_reader(output)
        && bend::back(compiler, reader)? == Some(Bend::Relu)
        && reader.inputs[..] == [Some(output), Some(x)]
    {
        (masked, output) = (true, reader.outputs[0]);
        compiler.absorb(at);
    }
    let cpu = compiler.cpu;
    let (flow, x) = (compiler.operand(flow)?, compiler.operand(x)?);
    let y = compiler.begin(output)?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        Box::new(MaxPoolGrad { cpu, windows, flow: place(&flow), x: place(&x), masked, y })
    });
    Ok(true)
}

impl Step for MaxPool {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let mut y = memory.take(self.y);
        let x = memory.read(&self.x);
        let out = y.floats_mut();
        if self.windows.is_two_by_two() {
            two_by_two(self.cpu, &self.windows, x, out);
        } else {
            largest(self.cpu, &self.windows, x, out);
        }
        memory.put(self.y, y);
        Ok(())
    }
}

impl Step for MaxPoolGrad {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let mut y = memory.take(self.y);
        let (flow, x) = (memory.read(&self.flow), memory.read(&self.x));
        let out = y.floats_mut();
        let least = if self.masked { 0.0 } else { f32::NEG_INFINITY };
        if self.windows.is_two_by_two() {
            two_by_two_back(self.cpu, self.cpu, &self.windows, flow, x, least, out);
        } else {
            back(self.cpu, &self.windows, flow, x, least, out);
        }
        memory.put(self.y, y);
        Ok(())
    }
}

/// The larger of two, the first where they are equal.
#[inline(always)]
fn most(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// Pairs of neighbours, apart.
#[inline(always)]
pub(super) fn apart<const N: usize>(pairs: &[f32]) -> ([f32; N], [f32; N]) {
    let pairs = &pairs[..2 * N];
    (std::array::from_fn(|at| pairs[2 * at]), std::array::from_fn(|at| pairs[2 * at + 1]))
}

/// `N` windows of two rows.
#[inline(always)]
fn pooled<const N: usize>(above: &[f32], below: &[f32], out: &mut [f32]) {
    let (a, b) = apart::<N>(above);
    let (c, d) = apart::<N>(below);
    for (at, out) in out[..N].iter_mut().enumerate() {
        *out = most(most(most(most(f32::NEG_INFINITY, a[at]), b[at]), c[at]), d[at]);
    }
}

/// What flows back into `N` windows of two rows.
#[inline(always)]
fn unpooled<const N: usize>(
    above: &[f32],
    below: &[f32],
    flow: &[f32],
    least: f32,
    first: &mut [f32],
    second: &mut [f32],
) {
    let (a, b) = apart::<N>(above);
    let (c, d) = apart::<N>(below);
    let mut back = [[0.0_f32; N]; 4];
    for at in 0..N {
        // The first of equal elements, in the order of rows.
        let (top, bottom) = (most(a[at], b[at]), most(c[at], d[at]));
        let flow = if most(top, bottom) > least { flow[at] } else { 0.0 };
        let lower = bottom > top;
        let (above, below) = if lower { (0.0, flow) } else { (flow, 0.0) };
        let (right_above, right_below) = (b[at] > a[at], d[at] > c[at]);
        back[0][at] = if right_above { 0.0 } else { above };
        back[1][at] = if right_above { above } else { 0.0 };
        back[2][at] = if right_below { 0.0 } else { below };
        back[3][at] = if right_below { below } else { 0.0 };
    }
    let (first, second) = (&mut first[..2 * N], &mut second[..2 * N]);
    for at in 0..N {
        (first[2 * at], first[2 * at + 1]) = (back[0][at], back[1][at]);
        (second[2 * at], second[2 * at + 1]) = (back[2][at], back[3][at]);
    }
}

/// Where blocks of `size` begin in a row of `wide`: the last ends with the row, over the one before.
#[inline(always)]
pub(super) fn blocks(wide: usize, size: usize) -> impl Iterator<Item = usize> {
    (0..wide).step_by(size).map(move |at| at.min(wide - size))
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
                match wide {
                    16.. => blocks(wide, 16).for_each(|at| pooled::<16>(&above[2 * at..], &below[2 * at..], &mut out[at..])),
                    8.. => blocks(wide, 8).for_each(|at| pooled::<8>(&above[2 * at..], &below[2 * at..], &mut out[at..])),
                    4.. => blocks(wide, 4).for_each(|at| pooled::<4>(&above[2 * at..], &below[2 * at..], &mut out[at..])),
                    _ => blocks(wide, 1).for_each(|at| pooled::<1>(&above[2 * at..], &below[2 * at..], &mut out[at..])),
                }
            }
        }
    }
}

lanes! {
    fn two_by_two_back(
        own: Cpu,
        windows: &Windows,
        flow: &[f32],
        x: &[f32],
        least: f32,
        out: &mut [f32],
    ) {
        let (wide, high) = (windows.columns.output, windows.rows.output);
        let input = windows.columns.input;
        if 2 * wide < input || 2 * high < windows.rows.input {
            out[..windows.planes * windows.inputs()].fill(0.0);
        }
        for plane in 0..windows.planes {
            for row in 0..high {
                let at = plane * windows.inputs() + 2 * row * input;
                let (above, below) = (&x[at..][..2 * wide], &x[at + input..][..2 * wide]);
                let flow = &flow[plane * windows.outputs() + row * wide..][..wide];
                let (first, second) = out[at..].split_at_mut(input);
                if (Pair { above, below, flow, least }).back(own, first, second) {
                    continue;
                }
                macro_rules! all {
                    ($size:literal) => {
                        for at in blocks(wide, $size) {
                            let (above, below) = (&above[2 * at..], &below[2 * at..]);
                            let (first, second) = (&mut first[2 * at..], &mut second[2 * at..]);
                            unpooled::<$size>(above, below, &flow[at..], least, first, second);
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
    fn largest(windows: &Windows, x: &[f32], out: &mut [f32]) {
        let (rows, columns) = (windows.rows, windows.columns);
        for plane in 0..windows.planes {
            let x = &x[plane * windows.inputs()..][..windows.inputs()];
            let out = &mut out[plane * windows.outputs()..][..windows.outputs()];
            out.fill(f32::NEG_INFINITY);
            for row in 0..rows.output {
                for tap in rows.taps_of(row) {
                    let line = &x[rows.place(row, tap) * columns.input..][..columns.input];
                    for tap in 0..columns.kernel {
                        let places = columns.outputs_of(tap);
                        if places.is_empty() {
                            continue;
                        }
                        let from = columns.place(places.start, tap);
                        let out = &mut out[row * columns.output..][places];
                        for (out, x) in out.iter_mut().zip(line[from..].iter().step_by(columns.stride)) {
                            *out = if *x > *out { *x } else { *out };
                        }
                    }
                }
            }
        }
    }
}

lanes! {
    fn back(windows: &Windows, flow: &[f32], x: &[f32], least: f32, out: &mut [f32]) {
        let (rows, columns) = (windows.rows, windows.columns);
        out[..windows.planes * windows.inputs()].fill(0.0);
        for plane in 0..windows.planes {
            let x = &x[plane * windows.inputs()..][..windows.inputs()];
            let flow = &flow[plane * windows.outputs()..][..windows.outputs()];
            let out = &mut out[plane * windows.inputs()..][..windows.inputs()];
            for row in 0..rows.output {
                for column in 0..columns.output {
                    let mut most = f32::NEG_INFINITY;
                    let mut found = None;
                    for tap in rows.taps_of(row) {
                        let line = rows.place(row, tap) * columns.input;
                        for tap in columns.taps_of(column) {
                            let at = line + columns.place(column, tap);
                            if x[at] > most || found.is_none() {
                                (most, found) = (x[at], Some(at));
                            }
                        }
                    }
                    if let Some(at) = found
                        && most > least
                    {
                        out[at] += flow[row * columns.output + column];
                    }
                }
            }
        }
    }
}
