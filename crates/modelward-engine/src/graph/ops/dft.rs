//! `DFT`, `STFT`: the discrete Fourier transform of any length, whole or frame by frame.
//!
//! Real and imaginary parts stand in the last axis. Both are linear; their gradients, `DFTGrad` and
//! `STFTGrad`, are the adjoint transforms. Computed in 64 bits.
//!
//! Source: ONNX `DFT`, sets 17 and 20; `STFT`, set 17; Cooley and Tukey 1965.

use std::f64::consts::TAU;

use crate::{
    Result, Tensor, Trouble, Type,
    graph::{Attributes, Grad, Infer, Operator, Run, axis_of, names, ops::along::check_flow},
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[&DFT, &DFT_GRAD, &STFT, &STFT_GRAD];

static DFT: Operator = Operator::new(
    "DFT",
    &[17, 20],
    |cx| {
        let x = cx.kind(0)?;
        Ok(vec![Type::new(x.element, Lines::inferred(cx, &x.dims, 1)?.dims(true))])
    },
    |run| {
        let x = run.input(0)?;
        let lines = Lines::given(run, x.dims(), 1)?;
        let values = lines.each(&x.floats()?, true);
        Ok(vec![run.shaped(0, values)?.cast(x.element())?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let mut inputs = vec![Some(flow), Some(cx.input(0)?)];
        inputs.extend(cx.node.inputs.iter().skip(1));
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_all(names::DFT_GRAD, inputs, attributes, 1)?[0];
        cx.give(0, gradient)
    }),
)
.flop(|cx, _| Lines::inferred(cx, cx.dims(0)?, 1)?.flop())
.import(|import| {
    if import.version < 20 {
        let axis = import.attributes.int_or("axis", 1)?;
        import.attributes.take("axis");
        let axis = import.constant(Tensor::scalar(axis));
        import.set_input(2, axis);
    }
    Ok(())
});

/// What flows into a transform, to its input: flow, the input, whose shape alone is looked at, length,
/// axis.
static DFT_GRAD: Operator = Operator::own(
    "DFTGrad",
    |cx| {
        let (flow, dims) = (cx.kind(0)?, cx.dims(1)?);
        check_flow(flow, &Lines::inferred(cx, dims, 2)?.dims(true))?;
        Ok(vec![Type::new(flow.element, dims)])
    },
    |run| {
        let flow = run.input(0)?;
        let lines = Lines::given(run, run.input(1)?.dims(), 2)?;
        let values = lines.each(&flow.floats()?, false);
        Ok(vec![run.shaped(0, values)?.cast(flow.element())?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let mut inputs = vec![Some(flow)];
        inputs.extend(cx.node.inputs.iter().skip(2));
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_all(names::DFT, inputs, attributes, 1)?[0];
        cx.give(0, gradient)
    }),
    |_, _| Err(Trouble::unsupported("the gradient of a DFT, as plain ONNX")),
)
.flop(|cx, _| Lines::inferred(cx, cx.dims(1)?, 2)?.flop());

static STFT: Operator = Operator::new(
    "STFT",
    &[17],
    |cx| {
        let x = cx.kind(0)?;
        Ok(vec![Type::new(x.element, Frames::inferred(cx, &x.dims, 1)?.dims())])
    },
    |run| {
        let x = run.input(0)?;
        let frames = Frames::given(run, x.dims(), 1)?;
        let window = frames.window(run.optional(2))?;
        let values = frames.forward(&x.floats()?, &window);
        Ok(vec![run.shaped(0, values)?.cast(x.element())?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        if cx.wants(2) {
            return Err(Trouble::unsupported("the gradient of an STFT by its window"));
        }
        let mut inputs = vec![Some(flow), Some(cx.input(0)?)];
        inputs.extend(cx.node.inputs.iter().skip(1));
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_all(names::STFT_GRAD, inputs, attributes, 1)?[0];
        cx.give(0, gradient)
    }),
)
.flop(|cx, _| Frames::inferred(cx, cx.dims(0)?, 1)?.flop());

/// What flows into frames, to the signal: flow, the signal, whose shape alone is looked at, step,
/// window, length.
static STFT_GRAD: Operator = Operator::own(
    "STFTGrad",
    |cx| {
        let (flow, dims) = (cx.kind(0)?, cx.dims(1)?);
        check_flow(flow, &Frames::inferred(cx, dims, 2)?.dims())?;
        Ok(vec![Type::new(flow.element, dims)])
    },
    |run| {
        let flow = run.input(0)?;
        let frames = Frames::given(run, run.input(1)?.dims(), 2)?;
        let window = frames.window(run.optional(3))?;
        let values = frames.back(&flow.floats()?, &window);
        Ok(vec![run.shaped(0, values)?.cast(flow.element())?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let mut inputs = vec![Some(flow)];
        inputs.extend(cx.node.inputs.iter().skip(2));
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_all(names::STFT, inputs, attributes, 1)?[0];
        cx.give(0, gradient)
    }),
    |_, _| Err(Trouble::unsupported("the gradient of an STFT, as plain ONNX")),
)
.flop(|cx, _| Frames::inferred(cx, cx.dims(1)?, 2)?.flop());

/// Real and imaginary part.
type Complex = [f64; 2];

/// A transform of one length.
#[derive(Clone, Debug)]
struct Transform {
    length: usize,
    /// The roots of one, backwards: `exp(-2 pi i k / length)`.
    roots: Vec<Complex>,
}

impl Transform {
    fn new(length: usize) -> Self {
        let root = |at: usize| {
            let angle = -TAU * at as f64 / length as f64;
            [angle.cos(), angle.sin()]
        };
        Self { length, roots: (0..length).map(root).collect() }
    }

    /// The sums over all elements, with the angles negative, or positive where `back` says so.
    fn run(&self, x: &[Complex], back: bool) -> Vec<Complex> {
        self.part(x, 0, 1, self.length, back)
    }

    /// The transform of every `step`-th element.
    fn part(&self, x: &[Complex], at: usize, step: usize, size: usize, back: bool) -> Vec<Complex> {
        if size == 1 {
            return vec![x[at]];
        }
        let prime = smallest_factor(size);
        let rest = size / prime;
        let parts = (0..prime).map(|part| self.part(x, at + part * step, step * prime, rest, back));
        let parts = parts.collect::<Vec<_>>();
        let turn = self.length / size;
        let sum = |k: usize| {
            let terms = parts.iter().enumerate().map(|(part, values)| {
                let [cos, sin] = self.roots[part * k % size * turn];
                let sin = if back { -sin } else { sin };
                let [re, im] = values[k % rest];
                [re * cos - im * sin, re * sin + im * cos]
            });
            terms.fold([0.0, 0.0], |[a, b], [re, im]| [a + re, b + im])
        };
        (0..size).map(sum).collect()
    }
}

fn smallest_factor(size: usize) -> usize {
    let mut factor = 2;
    while factor * factor <= size {
        if size.is_multiple_of(factor) {
            return factor;
        }
        factor += 1;
    }
    size
}

/// Operations of a transform an element: the sum of its prime factors, as far as it matters.
fn cost(length: usize) -> u64 {
    // Finding the factors of what is too large to be run anyway would take long.
    const MOST: usize = 1 << 32;
    if length > MOST {
        return u64::MAX;
    }
    let (mut rest, mut total) = (length.max(1), 1_u64);
    while rest > 1 {
        let factor = smallest_factor(rest);
        total = total.saturating_add(factor as u64);
        rest /= factor;
    }
    total.saturating_mul(8)
}

/// The lines of a tensor along an axis, and how each is transformed.
#[derive(Clone, Debug)]
struct Lines {
    from: Vec<usize>,
    axis: usize,
    length: usize,
    inverse: bool,
    onesided: bool,
}

impl Lines {
    fn of(
        attributes: &Attributes,
        dims: &[usize],
        length: Option<Vec<i64>>,
        axis: Option<Vec<i64>>,
    ) -> Result<Self> {
        let (inverse, onesided) = (attributes.flag("inverse")?, attributes.flag("onesided")?);
        let parts = dims.last().copied().unwrap_or(0);
        let axis = match axis.as_deref() {
            None => -2,
            Some([axis]) => *axis,
            Some(_) => return Err(Trouble::graph("expected one axis")),
        };
        let axis = axis_of(axis, dims.len())?;
        if axis + 1 == dims.len() || !(parts == 1 || parts == 2) {
            return Err(Trouble::graph(format!(
                "expected real numbers or pairs in the last axis of {dims:?}, and another axis"
            )));
        }
        if onesided && (parts == 2) != inverse {
            return Err(Trouble::graph("a one-sided transform is between real numbers and pairs"));
        }
        let length = match length.as_deref() {
            None if inverse && onesided => dims[axis].saturating_sub(1).checked_mul(2),
            None => Some(dims[axis]),
            Some([length]) => usize::try_from(*length).ok(),
            Some(_) => None,
        };
        let length = length
            .filter(|&length| length > 0)
            .ok_or_else(|| Trouble::graph("expected a length of the transform above 0"))?;
        let lines = Self { from: dims.to_vec(), axis, length, inverse, onesided };
        count(&lines.dims(true))?;
        Ok(lines)
    }

    fn inferred(cx: &Infer<'_>, dims: &[usize], first: usize) -> Result<Self> {
        Self::of(cx.attributes(), dims, cx.ints(first)?, cx.ints(first + 1)?)
    }

    fn given(run: &Run<'_>, dims: &[usize], first: usize) -> Result<Self> {
        let ints = |input: usize| run.optional(input).map(Tensor::ints).transpose();
        Self::of(run.attributes(), dims, ints(first)?, ints(first + 1)?)
    }

    /// The shape behind the transform, or in front of it.
    fn dims(&self, behind: bool) -> Vec<usize> {
        let mut dims = self.from.clone();
        if behind {
            dims[self.axis] =
                if self.onesided && !self.inverse { self.length / 2 + 1 } else { self.length };
            if let Some(parts) = dims.last_mut() {
                *parts = if self.onesided && self.inverse { 1 } else { 2 };
            }
        }
        dims
    }

    fn flop(&self) -> Result<u64> {
        let mut dims = self.from.clone();
        dims[self.axis] = self.length;
        Ok((count(&dims)? as u64).saturating_mul(cost(self.length)))
    }

    /// Transform each line, or go back through the transform.
    fn each(&self, values: &[f64], forward: bool) -> Vec<f64> {
        let (from, to) = (self.dims(!forward), self.dims(forward));
        let last = from.len() - 1;
        let inner = from[self.axis + 1..last].iter().product::<usize>();
        let outer = from[..self.axis].iter().product::<usize>();
        let transform = Transform::new(self.length);
        let mut out = vec![0.0; to.iter().product()];
        for outer in 0..outer {
            for inner_at in 0..inner {
                let place = |dims: &[usize], at: usize| {
                    ((outer * dims[self.axis] + at) * inner + inner_at) * dims[last]
                };
                let mut line = vec![[0.0; 2]; self.length];
                for (at, value) in line.iter_mut().enumerate().take(from[self.axis]) {
                    let at = place(&from, at);
                    value[..from[last]].copy_from_slice(&values[at..][..from[last]]);
                }
                let line = if forward {
                    self.forward(&transform, line)
                } else {
                    self.back(&transform, line)
                };
                for (at, value) in line.iter().enumerate().take(to[self.axis]) {
                    let at = place(&to, at);
                    out[at..][..to[last]].copy_from_slice(&value[..to[last]]);
                }
            }
        }
        out
    }

    fn forward(&self, transform: &Transform, mut line: Vec<Complex>) -> Vec<Complex> {
        if !self.inverse {
            return transform.run(&line, false);
        }
        if self.onesided {
            // The other side is the conjugate; the ends have no imaginary part.
            let length = self.length;
            line[0][1] = 0.0;
            for at in 1..length.div_ceil(2) {
                line[length - at] = [line[at][0], -line[at][1]];
            }
            if length.is_multiple_of(2) {
                line[length / 2][1] = 0.0;
            }
        }
        scaled(transform.run(&line, true), 1.0 / self.length as f64)
    }

    /// The adjoint of `forward`.
    fn back(&self, transform: &Transform, line: Vec<Complex>) -> Vec<Complex> {
        if !self.inverse {
            return transform.run(&line, true);
        }
        let mut line = scaled(transform.run(&line, false), 1.0 / self.length as f64);
        if self.onesided {
            // Each that has a mirrored one counts twice; the mirrored are not read.
            for (at, value) in line.iter_mut().enumerate().skip(1) {
                let twice = if 2 * at < self.length { 2.0 } else { 1.0 };
                let read = if 2 * at <= self.length { 1.0 } else { 0.0 };
                *value = value.map(|part| part * twice * read);
            }
        }
        line
    }
}

fn scaled(mut line: Vec<Complex>, by: f64) -> Vec<Complex> {
    for value in &mut line {
        *value = value.map(|part| part * by);
    }
    line
}

/// The frames of signals, each transformed.
#[derive(Clone, Debug)]
struct Frames {
    batch: usize,
    signal: usize,
    parts: usize,
    step: usize,
    length: usize,
    count: usize,
    bins: usize,
}

impl Frames {
    fn of(
        attributes: &Attributes,
        dims: &[usize],
        step: &[i64],
        window: Option<&[usize]>,
        length: Option<Vec<i64>>,
    ) -> Result<Self> {
        let (batch, signal, parts) = match *dims {
            [batch, signal] => (batch, signal, 1),
            [batch, signal, parts @ (1 | 2)] => (batch, signal, parts),
            _ => {
                return Err(Trouble::graph(format!(
                    "expected signals N,L,1 or N,L,2, got {dims:?}"
                )));
            }
        };
        let window = match window {
            None => None,
            Some(&[size]) => Some(size),
            Some(other) => return Err(Trouble::graph(format!("a window of shape {other:?}"))),
        };
        let length = match length.as_deref() {
            None => Some(window.unwrap_or(signal)),
            Some([length]) => usize::try_from(*length).ok(),
            Some(_) => None,
        };
        let length = length.filter(|&length| {
            length > 0 && length <= signal && window.is_none_or(|window| window == length)
        });
        let length = length.ok_or_else(|| {
            Trouble::graph(format!("expected frames of the window's size, up to {signal} long"))
        })?;
        let step = match step {
            [step] => usize::try_from(*step).ok().filter(|&step| step > 0),
            _ => None,
        };
        let step = step.ok_or_else(|| Trouble::graph("expected a step of 1 or more"))?;
        let bins = if attributes.int_or("onesided", 1)? != 0 { length / 2 + 1 } else { length };
        let count_of = (signal - length) / step + 1;
        let frames = Self { batch, signal, parts, step, length, count: count_of, bins };
        count(&frames.dims())?;
        Ok(frames)
    }

    fn inferred(cx: &Infer<'_>, dims: &[usize], first: usize) -> Result<Self> {
        let step = cx.value(first)?.ints()?;
        let window = if cx.has(first + 1) { Some(cx.dims(first + 1)?) } else { None };
        Self::of(cx.attributes(), dims, &step, window, cx.ints(first + 2)?)
    }

    fn given(run: &Run<'_>, dims: &[usize], first: usize) -> Result<Self> {
        let step = run.input(first)?.ints()?;
        let window = run.optional(first + 1).map(Tensor::dims);
        let length = run.optional(first + 2).map(Tensor::ints).transpose()?;
        Self::of(run.attributes(), dims, &step, window, length)
    }

    fn dims(&self) -> Vec<usize> {
        vec![self.batch, self.count, self.bins, 2]
    }

    fn flop(&self) -> Result<u64> {
        let all = count(&[self.batch, self.count, self.length])? as u64;
        Ok(all.saturating_mul(cost(self.length)))
    }

    fn window(&self, window: Option<&Tensor>) -> Result<Vec<f64>> {
        window.map_or_else(|| Ok(vec![1.0; self.length]), Tensor::floats)
    }

    fn forward(&self, values: &[f64], window: &[f64]) -> Vec<f64> {
        let transform = Transform::new(self.length);
        let mut out = Vec::with_capacity(self.batch * self.count * self.bins * 2);
        for example in 0..self.batch {
            for frame in 0..self.count {
                let start = example * self.signal + frame * self.step;
                let line = (0..self.length).map(|at| {
                    let mut value = [0.0; 2];
                    for (part, value) in value.iter_mut().enumerate().take(self.parts) {
                        *value = values[(start + at) * self.parts + part] * window[at];
                    }
                    value
                });
                let line = transform.run(&line.collect::<Vec<_>>(), false);
                out.extend(line[..self.bins].iter().flatten());
            }
        }
        out
    }

    /// The adjoint of `forward`.
    fn back(&self, flow: &[f64], window: &[f64]) -> Vec<f64> {
        let transform = Transform::new(self.length);
        let mut out = vec![0.0; self.batch * self.signal * self.parts];
        for example in 0..self.batch {
            for frame in 0..self.count {
                let from = (example * self.count + frame) * self.bins * 2;
                let mut line = vec![[0.0; 2]; self.length];
                for (bin, value) in line.iter_mut().enumerate().take(self.bins) {
                    *value = [flow[from + 2 * bin], flow[from + 2 * bin + 1]];
                }
                let start = example * self.signal + frame * self.step;
                for (at, value) in transform.run(&line, true).iter().enumerate() {
                    for (part, value) in value.iter().enumerate().take(self.parts) {
                        out[(start + at) * self.parts + part] += value * window[at];
                    }
                }
            }
        }
        out
    }
}
