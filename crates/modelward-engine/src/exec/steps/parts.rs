//! `Split` and `Concat` of floats.

use crate::{
    Element, Result,
    exec::{
        compile::Compiler,
        memory::{Memory, Place, Step},
    },
    graph::{Node, axis_of},
};

/// Parts of a tensor along one axis, and how many floats of each lie beside each other.
#[derive(Debug)]
struct Split {
    x: Place,
    parts: Vec<(usize, usize)>,
    outer: usize,
}

#[derive(Debug)]
struct Concat {
    parts: Vec<(Place, usize)>,
    y: usize,
    outer: usize,
}

/// Plan a `Split`.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let Some(Some(x)) = node.inputs.first() else { return Ok(false) };
    let kind = compiler.kind(*x)?.clone();
    if kind.element != Element::F32 {
        return Ok(false);
    }
    let axis = axis_of(node.attributes.int_or("axis", 0)?, kind.dims.len())?;
    let outer = kind.dims[..axis].iter().product();
    let x = compiler.operand(*x)?;
    let mut parts = Vec::new();
    let mut whole = 0;
    for &output in &node.outputs {
        let size = compiler.kind(output)?.dims[axis..].iter().product::<usize>();
        whole += size;
        parts.push((compiler.begin(output)?, size));
    }
    // Parts that nobody names are not there, but their floats are.
    let rest = kind.dims[axis..].iter().product::<usize>().saturating_sub(whole);
    compiler.push(move |place| {
        let part = |(operand, size): &(_, usize)| match place(operand) {
            Place::Slot(slot) => Some((slot, *size)),
            _ => None,
        };
        let mut parts = parts.iter().filter_map(part).collect::<Vec<_>>();
        if rest > 0 {
            parts.push((usize::MAX, rest));
        }
        Box::new(Split { x: place(&x), parts, outer })
    });
    Ok(true)
}

/// Plan a `Concat`.
pub(super) fn plan_concat(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let [output] = node.outputs[..] else { return Ok(false) };
    let kind = compiler.kind(output)?.clone();
    if kind.element != Element::F32 {
        return Ok(false);
    }
    let axis = axis_of(node.attributes.int_or("axis", 1)?, kind.dims.len())?;
    let outer = kind.dims[..axis].iter().product();
    let mut parts = Vec::new();
    for &input in node.inputs.iter().flatten() {
        let size = compiler.kind(input)?.dims[axis..].iter().product::<usize>();
        parts.push((compiler.operand(input)?, size));
    }
    let y = compiler.begin(output)?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        let parts = parts.iter().map(|(operand, size)| (place(operand), *size)).collect();
        Box::new(Concat { parts, y, outer })
    });
    Ok(true)
}

impl Step for Split {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let whole = self.parts.iter().map(|(_, size)| size).sum::<usize>();
        let mut from = 0;
        for &(slot, size) in &self.parts {
            if slot != usize::MAX && size > 0 {
                let mut y = memory.take(slot);
                let x = memory.read(&self.x);
                let rows = y.floats_mut().chunks_exact_mut(size).take(self.outer);
                for (at, row) in rows.enumerate() {
                    row.copy_from_slice(&x[at * whole + from..][..size]);
                }
                memory.put(slot, y);
            }
            from += size;
        }
        Ok(())
    }
}

impl Step for Concat {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let mut y = memory.take(self.y);
        let whole = self.parts.iter().map(|(_, size)| size).sum::<usize>();
        let mut to = 0;
        for (part, size) in &self.parts {
            let x = memory.read(part);
            for at in 0..self.outer {
                y.floats_mut()[at * whole + to..][..*size]
                    .copy_from_slice(&x[at * size..][..*size]);
            }
            to += size;
        }
        memory.put(self.y, y);
        Ok(())
    }
}
