//! Steps that treat each float by itself: sums, products, ReLU and its mask.

use crate::{
    Element, Result,
    exec::{
        compile::Compiler,
        kernels::{Cpu, lanes},
        memory::{Memory, Place, Step},
    },
    graph::Node,
};

/// What is done with each float.
#[derive(Clone, Copy, Debug)]
enum What {
    Relu,
    Neg,
    Mask,
    Add,
    Sub,
    Mul,
    Div,
    /// The second operand alone, repeated.
    Repeat,
}

/// One float, or two of the same place; a second operand may be repeated: each of its floats
/// `run` times, and all of them again and again.
#[derive(Debug)]
struct Elementwise {
    cpu: Cpu,
    what: What,
    a: Place,
    b: Option<Place>,
    count: usize,
    /// Floats of the second operand, and how often each stands beside the other.
    repeat: (usize, usize),
    y: usize,
}

/// Plan an elementwise node whose operands are floats of shapes that these loops take.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let what = match node.operator.name {
        "Relu" => What::Relu,
        "Neg" => What::Neg,
        "ReluGrad" => What::Mask,
        "Add" => What::Add,
        "Sub" => What::Sub,
        "Mul" => What::Mul,
        "Div" => What::Div,
        _ => return Ok(false),
    };
    let output = node.outputs[0];
    let kind = compiler.kind(output)?.clone();
    if kind.element != Element::F32 {
        return Ok(false);
    }
    let Some(Some(mut a)) = node.inputs.first().copied() else { return Ok(false) };
    let mut b = node.inputs.get(1).copied().flatten();
    if let Some(second) = b
        && compiler.kind(a)?.dims != kind.dims
        && matches!(what, What::Add | What::Mul)
    {
        // The order of a sum's or a product's operands changes no bit.
        b = Some(std::mem::replace(&mut a, second));
    }
    if compiler.kind(a)?.dims != kind.dims {
        return Ok(false);
    }
    let repeat = match b {
        Some(b) => match repeated(&compiler.kind(b)?.dims, &kind.dims) {
            Some(repeat) => repeat,
            None => return Ok(false),
        },
        None => (1, 1),
    };
    let cpu = compiler.cpu;
    let a = compiler.operand(a)?;
    let b = b.map(|b| compiler.operand(b)).transpose()?;
    let y = compiler.begin(output)?;
    let count = kind.count()?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        let b = b.as_ref().map(place);
        Box::new(Elementwise { cpu, what, a: place(&a), b, count, repeat, y })
    });
    Ok(true)
}

/// Plan an `Expand` of floats.
pub(super) fn plan_expand(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let Some(Some(x)) = node.inputs.first().copied() else { return Ok(false) };
    let output = node.outputs[0];
    let kind = compiler.kind(output)?.clone();
    let repeat = repeated(&compiler.kind(x)?.dims, &kind.dims);
    let (Some(repeat), Element::F32) = (repeat, kind.element) else { return Ok(false) };
    let cpu = compiler.cpu;
    let x = compiler.operand(x)?;
    let y = compiler.begin(output)?;
    let count = kind.count()?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        let b = Some(place(&x));
        Box::new(Elementwise { cpu, what: What::Repeat, a: place(&x), b, count, repeat, y })
    });
    Ok(true)
}

/// How a shape repeats within another: its floats, and how often each stands beside the other.
/// `None` where its dimensions of 1 lie on both sides of others.
fn repeated(small: &[usize], large: &[usize]) -> Option<(usize, usize)> {
    let added = large.len().checked_sub(small.len())?;
    let own = (0..large.len()).map(|axis| axis.checked_sub(added).map_or(1, |axis| small[axis]));
    let own = own.collect::<Vec<_>>();
    let full = |axis: &usize| own[*axis] == large[*axis];
    // One float stands beside itself everywhere.
    let first = (0..large.len()).find(|axis| own[*axis] != 1).unwrap_or(0);
    let last = (0..large.len()).rev().find(|axis| own[*axis] != 1).map_or(first, |axis| axis + 1);
    (first..last)
        .all(|axis| full(&axis))
        .then(|| (large[first..last].iter().product(), large[last..].iter().product()))
}

impl Step for Elementwise {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let mut y = memory.take(self.y);
        let out = &mut y.floats_mut()[..self.count];
        if matches!(self.what, What::Repeat) {
            let (count, run) = self.repeat;
            if count * run > 0 {
                repeat(self.cpu, &memory.read(&self.a)[..count], run, out);
            }
            memory.put(self.y, y);
            return Ok(());
        }
        let a = &memory.read(&self.a)[..self.count];
        let b = self.b.as_ref().map(|b| memory.read(b)).unwrap_or_default();
        match self.what {
            What::Relu => relu(self.cpu, a, out),
            What::Neg => negate(self.cpu, a, out),
            _ if self.repeat == (self.count, 1) => {
                same(self.cpu, self.what, a, &b[..self.count], out);
            }
            _ => {
                let (count, run) = self.repeat;
                if count * run > 0 {
                    spread(self.cpu, self.what, a, &b[..count], run, out);
                }
            }
        }
        memory.put(self.y, y);
        Ok(())
    }
}

lanes! {
    fn relu(a: &[f32], out: &mut [f32]) {
        for (out, a) in out.iter_mut().zip(a) {
            *out = if *a < 0.0 { 0.0 } else { *a };
        }
    }
}

lanes! {
    fn negate(a: &[f32], out: &mut [f32]) {
        for (out, a) in out.iter_mut().zip(a) {
            *out = -a;
        }
    }
}

lanes! {
    fn same(what: What, a: &[f32], b: &[f32], out: &mut [f32]) {
        let all = out.iter_mut().zip(a).zip(b);
        match what {
            What::Add => all.for_each(|((out, a), b)| *out = a + b),
            What::Sub => all.for_each(|((out, a), b)| *out = a - b),
            What::Mul => all.for_each(|((out, a), b)| *out = a * b),
            What::Div => all.for_each(|((out, a), b)| *out = a / b),
            _ => all.for_each(|((out, a), b)| *out = if *b > 0.0 { *a } else { 0.0 }),
        }
    }
}

lanes! {
    fn spread(what: What, a: &[f32], b: &[f32], run: usize, out: &mut [f32]) {
        if run == 1 {
            for (out, a) in out.chunks_exact_mut(b.len()).zip(a.chunks_exact(b.len())) {
                let all = out.iter_mut().zip(a).zip(b);
                match what {
                    What::Add => all.for_each(|((out, a), b)| *out = a + b),
                    What::Sub => all.for_each(|((out, a), b)| *out = a - b),
                    What::Mul => all.for_each(|((out, a), b)| *out = a * b),
                    What::Div => all.for_each(|((out, a), b)| *out = a / b),
                    _ => all.for_each(|((out, a), b)| *out = if *b > 0.0 { *a } else { 0.0 }),
                }
            }
            return;
        }
        let runs = out.chunks_exact_mut(run).zip(a.chunks_exact(run));
        for ((out, a), b) in runs.zip(b.iter().cycle()) {
            let all = out.iter_mut().zip(a);
            match what {
                What::Add => all.for_each(|(out, a)| *out = a + b),
                What::Sub => all.for_each(|(out, a)| *out = a - b),
                What::Mul => all.for_each(|(out, a)| *out = a * b),
                What::Div => all.for_each(|(out, a)| *out = a / b),
                _ => all.for_each(|(out, a)| *out = if *b > 0.0 { *a } else { 0.0 }),
            }
        }
    }
}

lanes! {
    /// Each float `run` times, and all of them again and again.
    fn repeat(from: &[f32], run: usize, out: &mut [f32]) {
        if run == 1 {
            for out in out.chunks_exact_mut(from.len()) {
                out.copy_from_slice(from);
            }
            return;
        }
        for (out, from) in out.chunks_exact_mut(run).zip(from.iter().cycle()) {
            out.fill(*from);
        }
    }
}
