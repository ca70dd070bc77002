//! `Transpose` of floats.

use crate::{
    Element, Result,
    exec::{
        compile::Compiler,
        memory::{Memory, Place, Step},
    },
    graph::{Node, ops::transpose::order},
};

/// Floats in another order of axes.
#[derive(Debug)]
struct Transpose {
    /// Sizes of the axes of the output, and how far apart their places lie in the input.
    axes: Vec<(usize, usize)>,
    x: Place,
    y: usize,
}

/// Plan a `Transpose`.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let ([Some(x)], [output]) = (&node.inputs[..], &node.outputs[..]) else { return Ok(false) };
    let kind = compiler.kind(*x)?.clone();
    let rank = kind.dims.len();
    if kind.element != Element::F32 || kind.count()? == 0 || rank < 2 {
        return Ok(false);
    }
    let step = |axis: usize| kind.dims[axis + 1..].iter().product::<usize>();
    let mut axes: Vec<(usize, usize)> = Vec::new();
    for axis in order(&node.attributes, rank)? {
        let (size, step) = (kind.dims[axis], step(axis));
        match axes.last_mut() {
            _ if size == 1 => {}
            // Neighbours that stay so are one axis.
            Some(last) if last.1 == size * step => *last = (last.0 * size, step),
            _ => axes.push((size, step)),
        }
    }
    let x = compiler.operand(*x)?;
    let y = compiler.begin(*output)?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        Box::new(Transpose { axes, x: place(&x), y })
    });
    Ok(true)
}

impl Step for Transpose {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let (outer, (size, step)) = match self.axes.split_last() {
            Some((last, outer)) => (outer, *last),
            None => (&[][..], (1, 1)),
        };
        let rows = outer.iter().map(|(size, _)| size).product::<usize>();
        memory.write(self.y, |memory, out| {
            let x = memory.read(&self.x);
            let mut at = vec![0; outer.len()];
            let mut from = 0;
            for row in out.chunks_exact_mut(size).take(rows) {
                if step == 1 {
                    row.copy_from_slice(&x[from..][..size]);
                } else {
                    for (to, from) in row.iter_mut().zip(x[from..].iter().step_by(step)) {
                        *to = *from;
                    }
                }
                // The next row: the last axis first.
                for (at, (size, step)) in at.iter_mut().zip(outer).rev() {
                    *at += 1;
                    from += step;
                    if *at < *size {
                        break;
                    }
                    from -= *at * step;
                    *at = 0;
                }
            }
        });
        Ok(())
    }
}
