//! Gradients by weights: of convolutions, and products of two values whose rows are examples.

use crate::{
    Element, Result,
    exec::{
        compile::Compiler,
        kernels::{Cpu, DOT_STEP, Dots, Left, unpacked, unpacked_scratch},
        memory::{Memory, Place, Step},
    },
    graph::{
        Node,
        ops::{conv::Geometry, windows::Axis},
    },
};

/// The gradient of a convolution by its weight: inner products of what flows with the shifted
/// input. Both are laid out with the same distance between rows, zeros between, so that each is one
/// long row.
#[derive(Debug)]
struct ConvWeight {
    cpu: Cpu,
    images: usize,
    /// Images whose products are added before the lanes are.
    together: usize,
    groups: usize,
    /// Channels of a group: of the input, and of what flows.
    channels: [usize; 2],
    rows: Axis,
    columns: Axis,
    flow: Place,
    x: Place,
    y: usize,
}

/// `y[m, n] = a[k, m]^T * b[k, n]`.
#[derive(Debug)]
struct Outer {
    cpu: Cpu,
    sizes: [usize; 3],
    a: Place,
    b: Place,
    y: usize,
}

/// Plan a `ConvWeightGrad`.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let [Some(flow), Some(x), Some(w)] = node.inputs[..] else { return Ok(false) };
    let (x_kind, w_kind) = (compiler.kind(x)?.clone(), compiler.kind(w)?.clone());
    if x_kind.element != Element::F32
        || x_kind.dims.len() > 4
        || x_kind.count()? == 0
        || w_kind.count()? == 0
    {
        return Ok(false);
    }
    let geometry = Geometry::of(&node.attributes, &x_kind.dims, &w_kind.dims)?;
    let [_, rows, columns] = geometry.axes;
    if rows.output == 0 || columns.output == 0 {
        return Ok(false);
    }
    let (cpu, images, groups) = (compiler.cpu, geometry.batch, geometry.groups);
    let channels = [geometry.from, geometry.to];
    let (flow, x) = (compiler.operand(flow)?, compiler.operand(x)?);
    let y = compiler.begin(node.outputs[0])?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        let (flow, x) = (place(&flow), place(&x));
        let step =
            ConvWeight { cpu, images, together: 1, groups, channels, rows, columns, flow, x, y };
        // Short rows are worth their last additions only for several images.
        let together = (512 / step.len().max(1)).clamp(1, images.max(1));
        Box::new(ConvWeight { together, ..step })
    });
    Ok(true)
}

/// Plan a `Gemm` whose left operand is turned, and neither constant.
pub(super) fn plan_outer(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let attributes = &node.attributes;
    let (Some(Some(a)), Some(Some(b))) = (node.inputs.first(), node.inputs.get(1)) else {
        return Ok(false);
    };
    let plain = attributes.flag("transA")?
        && !attributes.flag("transB")?
        && attributes.float_or("alpha", 1.0)? == 1.0
        && node.inputs.get(2).copied().flatten().is_none();
    let (a_kind, b_kind) = (compiler.kind(*a)?, compiler.kind(*b)?);
    let (&[k, m], &[_, n]) = (&a_kind.dims[..], &b_kind.dims[..]) else { return Ok(false) };
    if !plain || a_kind.element != Element::F32 || k * m * n == 0 {
        return Ok(false);
    }
    let cpu = compiler.cpu;
    let (a, b) = (compiler.operand(*a)?, compiler.operand(*b)?);
    let y = compiler.begin(node.outputs[0])?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        Box::new(Outer { cpu, sizes: [m, k, n], a: place(&a), b: place(&b), y })
    });
    Ok(true)
}

impl Step for Outer {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let mut y = memory.take(self.y);
        let mut scratch = std::mem::take(&mut memory.scratch);
        let (a, b) = (memory.read(&self.a), memory.buffer(&self.b));
        // The left operand lies turned.
        let left = Left { step: self.sizes[0], row: 1, add: false };
        let b = b.room_floats();
        unpacked(self.cpu, self.sizes, a, left, b, y.floats_mut(), scratch.floats_mut());
        memory.scratch = scratch;
        memory.put(self.y, y);
        Ok(())
    }

    fn scratch(&self) -> usize {
        unpacked_scratch(self.cpu)
    }
}

impl ConvWeight {
    /// Floats between two rows of the padded input.
    fn pitch(&self) -> usize {
        (self.columns.output - 1) * self.columns.stride + self.columns.extent()
    }

    /// Rows of the padded input.
    fn high(&self) -> usize {
        (self.rows.output - 1) * self.rows.stride + self.rows.extent()
    }

    /// How long what flows is in one channel, laid out as the input is.
    fn len(&self) -> usize {
        let last = (self.rows.output - 1) * self.rows.stride * self.pitch()
            + (self.columns.output - 1) * self.columns.stride
            + 1;
        last.next_multiple_of(DOT_STEP)
    }

    /// Floats of the padded input of one channel.
    fn plane(&self) -> usize {
        self.high() * self.pitch()
    }

    fn floats(&self) -> [usize; 2] {
        let [inputs, outputs] = self.channels;
        [inputs * self.groups * self.plane(), outputs * self.groups * self.len()]
    }

    fn lay_out(
        &self,
        image: usize,
        flow: &[f32],
        x: &[f32],
        flows: &mut [f32],
        inputs: &mut [f32],
    ) {
        let (rows, columns) = (self.rows, self.columns);
        let pitch = self.pitch();
        let places = rows.output * columns.output;
        let channels = self.channels[1] * self.groups;
        let flow = &flow[image * channels * places..][..channels * places];
        for (from, to) in flow.chunks_exact(places).zip(flows.chunks_exact_mut(self.len())) {
            for (row, from) in from.chunks_exact(columns.output).enumerate() {
                let to = &mut to[row * rows.stride * pitch..];
                if columns.stride == 1 {
                    to[..from.len()].copy_from_slice(from);
                } else {
                    for (to, from) in to.iter_mut().step_by(columns.stride).zip(from) {
                        *to = *from;
                    }
                }
            }
        }
        let channels = self.channels[0] * self.groups;
        let plane = rows.input * columns.input;
        let x = &x[image * channels * plane..][..channels * plane];
        let len = columns.input.min(pitch - columns.before.min(pitch));
        for (from, to) in x.chunks_exact(plane).zip(inputs.chunks_exact_mut(self.plane())) {
            for (row, from) in from.chunks_exact(columns.input).enumerate() {
                if row + rows.before < self.high() {
                    let at = (row + rows.before) * pitch + columns.before;
                    to[at..at + len].copy_from_slice(&from[..len]);
                }
            }
        }
    }
}

impl Step for ConvWeight {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let mut y = memory.take(self.y);
        let mut scratch = std::mem::take(&mut memory.scratch);
        let (flow, x) = (memory.read(&self.flow), memory.read(&self.x));
        let [input_floats, flow_floats] = self.floats();
        let [inputs, outputs] = self.channels;
        let taps = self.rows.kernel * self.columns.kernel;
        let pitch = self.pitch();
        let (flows, padded) = scratch.floats_mut().split_at_mut(self.together * flow_floats);
        flows.fill(0.0);
        padded.fill(0.0);
        let starts = (0..outputs).map(|row| row * self.len()).collect::<Vec<_>>();
        let shifts = (0..inputs * taps).map(|column| {
            let (channel, tap) = (column / taps, column % taps);
            let (row, column) = (tap / self.columns.kernel, tap % self.columns.kernel);
            channel * self.plane()
                + row * self.rows.dilation * pitch
                + column * self.columns.dilation
        });
        let shifts = shifts.collect::<Vec<_>>();
        for first in (0..self.images).step_by(self.together) {
            let blocks = self.together.min(self.images - first);
            for block in 0..blocks {
                let flows = &mut flows[block * flow_floats..][..flow_floats];
                let padded = &mut padded[block * input_floats..][..input_floats];
                self.lay_out(first + block, flow, x, flows, padded);
            }
            for group in 0..self.groups {
                let dots = Dots {
                    rows: &starts,
                    columns: &shifts,
                    len: self.len(),
                    blocks,
                    a_block: flow_floats,
                    b_block: input_floats,
                };
                let out = &mut y.floats_mut()[group * outputs * inputs * taps..];
                let flows = &flows[group * outputs * self.len()..];
                dots.run(self.cpu, flows, &padded[group * inputs * self.plane()..], out, first > 0);
            }
        }
        memory.scratch = scratch;
        memory.put(self.y, y);
        Ok(())
    }

    fn scratch(&self) -> usize {
        let [inputs, flows] = self.floats();
        // The last row may be read along past its end.
        self.together * (inputs + flows) + self.plane() + self.len()
    }
}
