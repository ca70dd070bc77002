//! `MatMul` of matrices that are both computed.

use crate::{
    Element, Result,
    exec::{
        compile::Compiler,
        kernels::{Cpu, Left, unpacked, unpacked_scratch},
        memory::{Memory, Place, Step},
    },
    graph::Node,
};

/// Products of pairs of matrices.
#[derive(Debug)]
struct Matrices {
    cpu: Cpu,
    /// How many products.
    batch: usize,
    /// Rows, shared size and columns of each.
    sizes: [usize; 3],
    /// Floats from one matrix to the next: none where all products share it.
    steps: [usize; 2],
    a: Place,
    b: Place,
    y: usize,
}

/// Plan a `MatMul` whose operands have the same dimensions in front, or one of them none.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let ([Some(a), Some(b)], [output]) = (&node.inputs[..], &node.outputs[..]) else {
        return Ok(false);
    };
    let (a_kind, b_kind) = (compiler.kind(*a)?.clone(), compiler.kind(*b)?.clone());
    let kind = compiler.kind(*output)?.clone();
    let ([front_a @ .., m, k], [front_b @ .., _, n]) = (&a_kind.dims[..], &b_kind.dims[..]) else {
        return Ok(false);
    };
    if kind.element != Element::F32 || kind.count()? == 0 || *k == 0 {
        return Ok(false);
    }
    let sizes = [*m, *k, *n];
    let (each_a, each_b) = (front_a.iter().product::<usize>(), front_b.iter().product::<usize>());
    let steps = match (each_a, each_b) {
        _ if front_a == front_b => [m * k, k * n],
        (1, _) => [0, k * n],
        (_, 1) => [m * k, 0],
        _ => return Ok(false),
    };
    let (cpu, batch) = (compiler.cpu, each_a.max(each_b));
    let (a, b) = (compiler.operand(*a)?, compiler.operand(*b)?);
    let y = compiler.begin(*output)?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        Box::new(Matrices { cpu, batch, sizes, steps, a: place(&a), b: place(&b), y })
    });
    Ok(true)
}

impl Step for Matrices {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let mut y = memory.take(self.y);
        let mut scratch = std::mem::take(&mut memory.scratch);
        let [m, k, n] = self.sizes;
        let left = Left { step: 1, row: k, add: false };
        let (a, b) = (memory.read(&self.a), memory.buffer(&self.b).room_floats());
        for (at, y) in y.floats_mut().chunks_exact_mut(m * n).take(self.batch).enumerate() {
            let (a, b) = (&a[at * self.steps[0]..], &b[at * self.steps[1]..]);
            unpacked(self.cpu, self.sizes, a, left, b, y, scratch.floats_mut());
        }
        memory.scratch = scratch;
        memory.put(self.y, y);
        Ok(())
    }

    fn scratch(&self) -> usize {
        unpacked_scratch(self.cpu)
    }
}
