//! `Gather` of floats at places that never change, and what flows back to them.

use crate::{
    Element, Result,
    exec::{
        compile::Compiler,
        memory::{Memory, Place, Step},
    },
    graph::{Node, ValueId, axis_of, ops::gather::places},
};

/// Slices along the middle of three axes.
#[derive(Debug)]
struct Slices {
    /// Sizes of the whole tensor.
    sizes: [usize; 3],
    indices: Vec<usize>,
    from: Place,
    to: usize,
    /// Whether slices are added to zeros where they were taken from.
    back: bool,
}

/// Plan a `Gather`.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let ([Some(x), Some(indices)], [output]) = (&node.inputs[..], &node.outputs[..]) else {
        return Ok(false);
    };
    slices(compiler, node, [*x, *indices, *x], *output, false)
}

/// Plan a `GatherGrad`.
pub(super) fn plan_grad(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let ([Some(flow), Some(indices), Some(x)], [output]) = (&node.inputs[..], &node.outputs[..])
    else {
        return Ok(false);
    };
    slices(compiler, node, [*flow, *indices, *x], *output, true)
}

fn slices(
    compiler: &mut Compiler<'_>,
    node: &Node,
    [from, indices, whole]: [ValueId; 3],
    output: ValueId,
    back: bool,
) -> Result<bool> {
    let kind = compiler.kind(whole)?.clone();
    let Some(indices) = compiler.constant(indices).cloned() else { return Ok(false) };
    if compiler.kind(from)?.element != Element::F32
        || compiler.kind(output)?.element != Element::F32
    {
        return Ok(false);
    }
    let axis = axis_of(node.attributes.int_or("axis", 0)?, kind.dims.len())?;
    let product = |dims: &[usize]| dims.iter().product::<usize>();
    let sizes = [product(&kind.dims[..axis]), kind.dims[axis], product(&kind.dims[axis + 1..])];
    let indices = places(&indices, sizes[1])?;
    let from = compiler.operand(from)?;
    let to = compiler.begin(output)?;
    compiler.push(move |place| {
        let Place::Slot(to) = place(&to) else { return Box::new(super::Nothing) };
        Box::new(Slices { sizes, indices, from: place(&from), to, back })
    });
    Ok(true)
}

impl Step for Slices {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let [outer, size, inner] = self.sizes;
        memory.write(self.to, |memory, out| {
            let from = memory.read(&self.from);
            if self.back {
                out[..outer * size * inner].fill(0.0);
            }
            for part in 0..outer {
                for (at, index) in self.indices.iter().enumerate() {
                    let whole = (part * size + index) * inner;
                    let slice = (part * self.indices.len() + at) * inner;
                    if self.back {
                        let sums = out[whole..][..inner].iter_mut();
                        sums.zip(&from[slice..][..inner]).for_each(|(sum, flow)| *sum += flow);
                    } else {
                        out[slice..][..inner].copy_from_slice(&from[whole..][..inner]);
                    }
                }
            }
        });
        Ok(())
    }
}
