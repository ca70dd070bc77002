//! `Split` and `Concat` of floats.

use crate::{
    Element, Result,
    exec::{
        compile::Compiler,
        memory::{Memory, Place, Step},
    },
    graph::{Node, axis_of},
};

/// Parts of a tensor along one axis.
#[derive(Debug)]
struct Split {
    x: Place,
    /// Where each goes, and how many of its floats lie beside each other.
    parts: Vec<(usize, usize)>,
    /// The same of the whole, which may have more parts than somebody names.
    whole: usize,
    outer: usize,
}

/// Tensors that become parts of one.
#[derive(Debug)]
struct Concat {
    parts: Vec<(Place, usize)>,
    whole: usize,
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
    for &output in &node.outputs {
        let size = compiler.kind(output)?.dims[axis..].iter().product::<usize>();
        parts.push((compiler.begin(output)?, size));
    }
    let whole = kind.dims[axis..].iter().product();
    compiler.push(move |place| {
        let mut slots = Vec::new();
        for (operand, size) in &parts {
            let Place::Slot(slot) = place(operand) else { return Box::new(super::Nothing) };
            slots.push((slot, *size));
        }
        Box::new(Split { x: place(&x), parts: slots, whole, outer })
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
    let whole = kind.dims[axis..].iter().product();
    let y = compiler.begin(output)?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        let parts = parts.iter().map(|(operand, size)| (place(operand), *size)).collect();
        Box::new(Concat { parts, whole, y, outer })
    });
    Ok(true)
}

impl Step for Split {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let mut from = 0;
        for &(slot, size) in &self.parts {
            memory.write(slot, |memory, out| {
                let x = memory.read(&self.x);
                // A part may be empty.
                for (at, row) in out.chunks_exact_mut(size.max(1)).take(self.outer).enumerate() {
                    row[..size].copy_from_slice(&x[at * self.whole + from..][..size]);
                }
            });
            from += size;
        }
        Ok(())
    }
}

impl Step for Concat {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        memory.write(self.y, |memory, out| {
            let mut to = 0;
            for (part, size) in &self.parts {
                let x = memory.read(part);
                for at in 0..self.outer {
                    out[at * self.whole + to..][..*size].copy_from_slice(&x[at * size..][..*size]);
                }
                to += size;
            }
        });
        Ok(())
    }
}
