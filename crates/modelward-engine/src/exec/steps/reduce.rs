//! `ReduceSum` and `ReduceMean` of floats along neighbouring axes.

use crate::{
    Element, Result,
    exec::{
        compile::Compiler,
        kernels::{Cpu, sums},
        memory::{Memory, Place, Step},
    },
    graph::{Node, ops::reduce::axes},
};

/// Sums along the middle of three axes.
#[derive(Debug)]
struct Sums {
    cpu: Cpu,
    sizes: [usize; 3],
    /// What sums are multiplied by.
    scale: f32,
    x: Place,
    y: usize,
}

/// Plan a `ReduceSum` or a `ReduceMean`.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let (Some(Some(x)), [output]) = (node.inputs.first(), &node.outputs[..]) else {
        return Ok(false);
    };
    let kind = compiler.kind(*x)?.clone();
    let given = match node.inputs.get(1).copied().flatten() {
        Some(id) => match compiler.constant(id) {
            Some(given) => Some(given.ints()?),
            None => return Ok(false),
        },
        None => None,
    };
    if kind.element != Element::F32 || kind.count()? == 0 {
        return Ok(false);
    }
    let gone = axes(given, &node.attributes, kind.dims.len())?;
    let first = gone.iter().position(|gone| *gone).unwrap_or(0);
    let end = gone.iter().rposition(|gone| *gone).map_or(0, |last| last + 1);
    if !gone[first..end].iter().all(|gone| *gone) {
        return Ok(false);
    }
    let product = |dims: &[usize]| dims.iter().product::<usize>();
    let dims = &kind.dims;
    let sizes = [product(&dims[..first]), product(&dims[first..end]), product(&dims[end..])];
    let scale = if node.operator.name == "ReduceMean" { 1.0 / sizes[1] as f32 } else { 1.0 };
    let cpu = compiler.cpu;
    let x = compiler.operand(*x)?;
    let y = compiler.begin(*output)?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        Box::new(Sums { cpu, sizes, scale, x: place(&x), y })
    });
    Ok(true)
}

impl Step for Sums {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let [outer, size, inner] = self.sizes;
        memory.write(self.y, |memory, out| {
            let x = &memory.read(&self.x)[..outer * size * inner];
            sums(self.cpu, size, inner, self.scale, x, &mut out[..outer * inner]);
        });
        Ok(())
    }
}
