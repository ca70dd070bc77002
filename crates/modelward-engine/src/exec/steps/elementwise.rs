//! Steps that treat each float by itself: sums, products, ReLU and its kin with their masks.

use crate::{
    Element, Result,
    exec::{
        compile::Compiler,
        kernels::{Bend, Cpu, bent, lanes},
        memory::{Memory, Place, Step},
        steps::bend,
    },
    graph::Node,
};

/// What is done with each float.
#[derive(Clone, Copy, Debug)]
enum What {
    Bend(Bend),
    /// What flows back where the second operand came out.
    Back(Bend),
    Neg,
    Abs,
    Sign,
    Add,
    Sub,
    Mul,
    Div,
    /// What the second operand is more than it.
    From,
    /// The second operand divided by it.
    Into,
    /// Where it is below 0, it is scaled by the second operand.
    Scale,
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
    let mut what = match node.operator.name {
        "Neg" => What::Neg,
        "Abs" => What::Abs,
        "Sign" => What::Sign,
        "Add" => What::Add,
        "Sub" => What::Sub,
        "Mul" => What::Mul,
        "Div" => What::Div,
        "PRelu" => What::Scale,
        _ => match (bend::of(compiler, node)?, bend::back(compiler, node)?) {
            (Some(bend), _) => What::Bend(bend),
            (_, Some(bend)) => What::Back(bend),
            _ => return Ok(false),
        },
    };
    let output = node.outputs[0];
    let kind = compiler.kind(output)?.clone();
    if kind.element != Element::F32 {
        return Ok(false);
    }
    let Some(Some(mut a)) = node.inputs.first().copied() else { return Ok(false) };
    let mut b = node.inputs.get(1).copied().flatten();
    if matches!(what, What::Bend(_)) {
        b = None;
    }
    if let Some(second) = b
        && compiler.kind(a)?.dims != kind.dims
    {
        what = match what {
            // The order of a sum's or a product's operands changes no bit.
            What::Add | What::Mul => what,
            What::Sub => What::From,
            What::Div => What::Into,
            _ => return Ok(false),
        };
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
            What::Bend(bend) => bend_each(self.cpu, bend, a, out),
            What::Neg | What::Abs | What::Sign => alone(self.cpu, self.what, a, out),
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
    fn bend_each(bend: Bend, a: &[f32], out: &mut [f32]) {
        let all = out.iter_mut().zip(a);
        bent!(bend, bend => all.for_each(|(out, a)| *out = bend.of(*a)));
    }
}

lanes! {
    fn alone(what: What, a: &[f32], out: &mut [f32]) {
        let all = out.iter_mut().zip(a);
        match what {
            What::Neg => all.for_each(|(out, a)| *out = -a),
            What::Abs => all.for_each(|(out, a)| *out = a.abs()),
            _ => all.for_each(|(out, a)| *out = sign(*a)),
        }
    }
}

/// 1, -1, or the number itself where it is 0 or none.
#[inline(always)]
fn sign(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}

/// Run a loop with a function of two floats, of which the compiler knows which it is.
macro_rules! known {
    ($what:expr, $of:ident => $body:expr) => {
        match $what {
            What::Add => known!(@ $of, |a, b| a + b, $body),
            What::Sub => known!(@ $of, |a, b| a - b, $body),
            What::Mul => known!(@ $of, |a, b| a * b, $body),
            What::Div => known!(@ $of, |a, b| a / b, $body),
            What::From => known!(@ $of, |a, b| b - a, $body),
            What::Into => known!(@ $of, |a, b| b / a, $body),
            What::Back(bend) => {
                bent!(bend, bend => known!(@ $of, |a, b| bend.back(a, b), $body));
            }
            _ => known!(@ $of, |a, b| if a < 0.0 { a * b } else { a }, $body),
        }
    };
    (@ $of:ident, $function:expr, $body:expr) => {{
        let $of = $function;
        $body
    }};
}

lanes! {
    fn same(what: What, a: &[f32], b: &[f32], out: &mut [f32]) {
        let all = out.iter_mut().zip(a).zip(b);
        known!(what, of => all.for_each(|((out, a), b)| *out = of(*a, *b)));
    }
}

lanes! {
    fn spread(what: What, a: &[f32], b: &[f32], run: usize, out: &mut [f32]) {
        if run == 1 {
            for (out, a) in out.chunks_exact_mut(b.len()).zip(a.chunks_exact(b.len())) {
                let all = out.iter_mut().zip(a).zip(b);
                known!(what, of => all.for_each(|((out, a), b)| *out = of(*a, *b)));
            }
            return;
        }
        let runs = out.chunks_exact_mut(run).zip(a.chunks_exact(run));
        for ((out, a), b) in runs.zip(b.iter().cycle()) {
            let all = out.iter_mut().zip(a);
            known!(what, of => all.for_each(|(out, a)| *out = of(*a, *b)));
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
