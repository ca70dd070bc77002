//! Convolutions with weights, and what flows back through them.
//!
//! The gradient by the input is again a convolution: of what flows, with the kernel turned around
//! and the channels exchanged. Where the kernel moves by more than one place, each phase of the
//! input has a small dense convolution of its own, and no zeros are inserted. With few input
//! channels the product is taken the other way: all taps at once, added where they belong.

use std::sync::Arc;

use crate::{
    Data, Element, Result,
    exec::{
        compile::Compiler,
        kernels::{Bend, Conv, Window},
        memory::{Memory, Place, Step},
        steps::{
            pool,
            product::{End, Tail},
        },
    },
    graph::{Node, ops::conv::Geometry},
};

/// One convolution, or several that write their own places of one output.
#[derive(Debug)]
struct Convolution {
    images: usize,
    x: Place,
    y: usize,
    /// Whether some places are written by none, and are zeros.
    sparse: bool,
    parts: Arc<Vec<Conv>>,
    end: End,
}

/// Sizes along two axes of a geometry of at most two; a missing first axis is one row.
fn two(geometry: &Geometry, of: impl Fn(&crate::graph::ops::windows::Axis) -> usize) -> [usize; 2] {
    let spatial = geometry.spatial();
    match spatial {
        [] => [1, 1],
        [only] => [of(&crate::graph::ops::windows::Axis::UNIT), of(only)],
        [rows, columns, ..] => [of(rows), of(columns)],
    }
}

/// The geometry of a convolution that these kernels run: floats, constant weights, at most two axes.
fn geometry(
    compiler: &Compiler<'_>,
    node: &Node,
    x: usize,
    w: usize,
) -> Result<Option<(Geometry, Arc<crate::Tensor>)>> {
    let (Some(Some(x)), Some(Some(w))) = (node.inputs.get(x), node.inputs.get(w)) else {
        return Ok(None);
    };
    let Some(weights) = compiler.constant(*w).cloned() else { return Ok(None) };
    if weights.element() != Element::F32 {
        return Ok(None);
    }
    let geometry = Geometry::of(&node.attributes, &compiler.kind(*x)?.dims, weights.dims())?;
    let empty = compiler.kind(*x)?.count()? == 0 || weights.count() == 0;
    Ok((geometry.spatial().len() <= 2 && !empty).then_some((geometry, weights)))
}

/// Plan a `Conv`.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let Some((geometry, weights)) = geometry(compiler, node, 0, 1)? else { return Ok(false) };
    let [Some(x), Some(w), ..] = node.inputs[..] else { return Ok(false) };
    if compiler.constant(x).is_some() {
        return Ok(false);
    }
    let output = node.outputs[0];
    if compiler.kind(output)?.count()? == 0 {
        return Ok(false);
    }
    let bias = node.inputs.get(2).copied().flatten();
    let mut tail = Tail::of(compiler, output, bias, 1)?;
    let sizes = two(&geometry, |axis| axis.output);
    let window = Window {
        channels: geometry.channels_in(),
        groups: geometry.groups,
        input: two(&geometry, |axis| axis.input),
        kernel: two(&geometry, |axis| axis.kernel),
        strides: two(&geometry, |axis| axis.stride),
        dilations: two(&geometry, |axis| axis.dilation),
        pads: two(&geometry, |axis| axis.before).map(|size| size as isize),
        output: sizes,
        target: sizes,
        offset: [0, 0],
        spread: [1, 1],
    };
    let Data::F32(values) = weights.data() else { return Ok(false) };
    let (inner, taps) = (geometry.from, window.kernel[0] * window.kernel[1]);
    let cpu = compiler.cpu;
    let parts = compiler.packed(output, w, || {
        vec![Conv::new(cpu, window, geometry.channels_out(), |out, channel, tap| {
            values[(out * inner + channel) * taps + tap]
        })]
    });
    if parts.iter().all(Conv::pools)
        && tail.add.is_none()
        && tail.mask.is_none()
        && tail.bend.is_none_or(Bend::keeps_order)
        && let Some((at, reader)) = compiler.only_reader(tail.output)
        && pool::is_two_by_two(compiler, reader)?
    {
        (tail.pooled, tail.output) = (true, reader.outputs[0]);
        tail.nodes.push(at);
    }
    step(compiler, geometry.batch, x, tail, parts, false)
}

/// Plan the gradient of a convolution by its input.
pub(super) fn plan_input_grad(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let Some((geometry, weights)) = geometry(compiler, node, 2, 1)? else { return Ok(false) };
    let [Some(flow), Some(w), ..] = node.inputs[..] else { return Ok(false) };
    if compiler.constant(flow).is_some() || compiler.kind(flow)?.count()? == 0 {
        return Ok(false);
    }
    let Data::F32(values) = weights.data() else { return Ok(false) };
    let target = two(&geometry, |axis| axis.input);
    let kernel = two(&geometry, |axis| axis.kernel);
    let strides = two(&geometry, |axis| axis.stride);
    let dilations = two(&geometry, |axis| axis.dilation);
    let before = two(&geometry, |axis| axis.before);
    let (inner, outer) = (geometry.from, geometry.to);
    let taps = kernel[0] * kernel[1];
    // The taps that reach places of one phase, along one axis: where they begin and how many.
    let phase = |axis: usize, at: usize| {
        let (stride, dilation) = (strides[axis], dilations[axis]);
        let reach = (0..kernel[axis])
            .filter(|tap| (at + before[axis]) % stride == (tap * dilation) % stride);
        reach.collect::<Vec<_>>()
    };
    let mut phases = Vec::new();
    let mut sparse = false;
    for row in 0..strides[0].min(target[0]) {
        for column in 0..strides[1].min(target[1]) {
            let reach = [phase(0, row), phase(1, column)];
            if reach.iter().any(Vec::is_empty) {
                sparse = true;
                continue;
            }
            // Taps of one phase lie evenly: tap `t` reaches output (place + before - t*dilation)/stride.
            let step = |axis: usize| match reach[axis][..] {
                [first, second, ..] => (second - first) * dilations[axis] / strides[axis],
                _ => 1,
            };
            let at = [row, column];
            let count = [0, 1].map(|axis| (target[axis] - at[axis]).div_ceil(strides[axis]));
            // Gone through backwards, so that they go forwards in what flows.
            let last = [0, 1].map(|axis| reach[axis][reach[axis].len() - 1]);
            let first_read = [0, 1].map(|axis| {
                ((at[axis] + before[axis]) as isize - (last[axis] * dilations[axis]) as isize)
                    / strides[axis] as isize
            });
            let window = Window {
                channels: outer * geometry.groups,
                groups: geometry.groups,
                input: two(&geometry, |axis| axis.output),
                kernel: [reach[0].len(), reach[1].len()],
                strides: [1, 1],
                dilations: [step(0), step(1)],
                pads: first_read.map(|read| -read),
                output: count,
                target,
                offset: at,
                spread: strides,
            };
            phases.push((window, reach));
        }
    }
    let cpu = compiler.cpu;
    let pack = |(window, reach): (Window, [Vec<usize>; 2])| {
        let columns = reach[1].len();
        Conv::new(cpu, window, inner * geometry.groups, |out, channel, tap| {
            let (group, from) = (out / inner, out % inner);
            let back = |axis: usize, at: usize| reach[axis][reach[axis].len() - 1 - at];
            let tap = back(0, tap / columns) * kernel[1] + back(1, tap % columns);
            values[((group * outer + channel) * inner + from) * taps + tap]
        })
    };
    let parts =
        compiler.packed(node.outputs[0], w, || phases.into_iter().map(pack).collect::<Vec<_>>());
    // Places that no phase writes would miss what is fused behind.
    let tail = match sparse {
        true => Tail { output: node.outputs[0], ..Tail::default() },
        false => Tail::of(compiler, node.outputs[0], None, 1)?,
    };
    step(compiler, geometry.batch, flow, tail, parts, sparse)
}

fn step(
    compiler: &mut Compiler<'_>,
    images: usize,
    x: crate::graph::ValueId,
    tail: Tail,
    parts: Arc<Vec<Conv>>,
    sparse: bool,
) -> Result<bool> {
    let x = compiler.operand(x)?;
    let operands = tail.operands(compiler)?;
    let y = compiler.begin(tail.output)?;
    tail.absorb(compiler);
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        Box::new(Convolution { images, x: place(&x), y, sparse, parts, end: operands.end(place) })
    });
    Ok(true)
}

impl Step for Convolution {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let mut y = memory.take(self.y);
        let mut scratch = std::mem::take(&mut memory.scratch);
        if self.sparse {
            y.floats_mut().fill(0.0);
        }
        let end = self.end.epilogue(memory);
        let x = memory.buffer(&self.x);
        for part in self.parts.iter() {
            part.run(self.images, x, y.floats_mut(), end, &mut scratch);
        }
        memory.scratch = scratch;
        memory.put(self.y, y);
        Ok(())
    }

    fn scratch(&self) -> usize {
        self.parts.iter().map(|part| part.scratch(self.images)).max().unwrap_or(0)
    }

    fn weights(&self) -> u64 {
        self.parts.iter().map(Conv::bytes).sum()
    }
}
