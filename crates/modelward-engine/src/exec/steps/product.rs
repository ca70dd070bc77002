//! Products with weights, fused with the bias, the residual, the ReLU (or its kin) or the mask behind
//! them.

use std::sync::Arc;

use crate::{
    Result,
    exec::{
        compile::{Compiler, Operand},
        kernels::{Bend, Cpu, Epilogue, Panels, multiply, multiply_scratch},
        memory::{Memory, Place, Step},
        steps::bend,
    },
    graph::{Node, ValueId},
};

/// `y = x * weights`, with what is fused behind it.
#[derive(Debug)]
struct Product {
    cpu: Cpu,
    rows: usize,
    x: Place,
    y: usize,
    panels: Arc<Panels>,
    end: End,
}

/// What is fused behind a product.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    /// One number a column or a channel.
    pub(super) bias: Option<ValueId>,
    /// A tensor that is added.
    pub(super) add: Option<ValueId>,
    pub(super) bend: Option<Bend>,
    /// A tensor that says what flows back through a bend.
    pub(super) mask: Option<(ValueId, Bend)>,
    /// Of a convolution: whether only the largest of each two by two places comes out.
    pub(super) pooled: bool,
    /// The value that comes out in the end.
    pub(super) output: ValueId,
    pub(super) nodes: Vec<usize>,
}

/// A tail whose operands have places.
#[derive(Debug, Default)]
pub(super) struct End {
    bias: Option<Place>,
    add: Option<Place>,
    bend: Option<Bend>,
    mask: Option<(Place, Bend)>,
    pooled: bool,
}

impl End {
    /// For a kernel.
    pub(super) fn epilogue<'m>(&'m self, memory: &'m Memory) -> Epilogue<'m> {
        let read = |place: &'m Option<Place>| place.as_ref().map(|place| memory.read(place));
        Epilogue {
            bias: read(&self.bias),
            add: read(&self.add),
            bend: self.bend,
            mask: self.mask.as_ref().map(|(mask, bend)| (memory.read(mask), *bend)),
            pooled: self.pooled,
        }
    }
}

/// Operands of a tail before they have places.
#[derive(Debug)]
pub(super) struct TailOperands {
    bias: Option<Operand>,
    add: Option<Operand>,
    bend: Option<Bend>,
    mask: Option<(Operand, Bend)>,
    pooled: bool,
}

impl TailOperands {
    /// With places.
    pub(super) fn end(self, place: &dyn Fn(&Operand) -> Place) -> End {
        End {
            bias: self.bias.as_ref().map(place),
            add: self.add.as_ref().map(place),
            bend: self.bend,
            mask: self.mask.as_ref().map(|(mask, bend)| (place(mask), *bend)),
            pooled: self.pooled,
        }
    }
}

impl Tail {
    /// What follows a product that writes `output`, as far as it can be fused: a bias of `columns`
    /// numbers along `axis`, then a sum, a bend and a mask.
    pub(super) fn of(
        compiler: &Compiler<'_>,
        output: ValueId,
        bias: Option<ValueId>,
        axis: usize,
    ) -> Result<Self> {
        let mut tail = Self { bias, output, ..Self::default() };
        let kind = compiler.kind(output)?;
        while let Some((at, node)) = compiler.only_reader(tail.output) {
            let other = |side: usize| node.inputs.get(side).copied().flatten();
            let is_late = tail.bend.is_some() || tail.mask.is_some();
            match node.operator.name {
                "Add" if !is_late => {
                    let (a, b) = (other(0), other(1));
                    let other = if a == Some(tail.output) { b } else { a };
                    let Some(other) = other.filter(|&id| id != tail.output) else { break };
                    if !compiler.is_there(other) {
                        break;
                    }
                    let dims = &compiler.kind(other)?.dims;
                    let from_end = kind.dims.len() - axis;
                    let along = |(at, &size): (usize, &usize)| {
                        size == if dims.len() - at == from_end { kind.dims[axis] } else { 1 }
                    };
                    let is_bias = tail.bias.is_none()
                        && tail.add.is_none()
                        && compiler.constant_floats(other).is_some()
                        && dims.len() >= from_end
                        && dims.len() <= kind.dims.len()
                        && dims.iter().enumerate().all(along);
                    if is_bias {
                        tail.bias = Some(other);
                    } else if *dims == kind.dims && tail.add.is_none() {
                        tail.add = Some(other);
                    } else {
                        break;
                    }
                }
                _ if other(0) != Some(tail.output) => break,
                _ => {
                    let gate = other(1).filter(|&id| compiler.is_there(id) && id != tail.output);
                    if let (false, Some(bend)) = (is_late, bend::of(compiler, node)?) {
                        tail.bend = Some(bend);
                    } else if let (None, Some(gate), Some(bend)) =
                        (tail.mask, gate, bend::back(compiler, node)?)
                    {
                        tail.mask = Some((gate, bend));
                    } else {
                        break;
                    }
                }
            }
            tail.nodes.push(at);
            let Some(&output) = node.outputs.first() else { break };
            tail.output = output;
        }
        Ok(tail)
    }

    /// The nodes need no steps of their own any more.
    pub(super) fn absorb(&self, compiler: &mut Compiler<'_>) {
        for &at in &self.nodes {
            compiler.absorb(at);
        }
    }

    /// What the step reads.
    pub(super) fn operands(&self, compiler: &mut Compiler<'_>) -> Result<TailOperands> {
        let mut operand = |id: Option<ValueId>| id.map(|id| compiler.operand(id)).transpose();
        let mask = match self.mask {
            Some((mask, bend)) => operand(Some(mask))?.map(|mask| (mask, bend)),
            None => None,
        };
        Ok(TailOperands {
            bias: operand(self.bias)?,
            add: operand(self.add)?,
            bend: self.bend,
            mask,
            pooled: self.pooled,
        })
    }
}

/// Plan a `Gemm` or a `MatMul` whose right operand never changes.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let (Some(Some(x)), Some(Some(w))) = (node.inputs.first(), node.inputs.get(1)) else {
        return Ok(false);
    };
    let (x, w) = (*x, *w);
    let attributes = &node.attributes;
    let is_gemm = node.operator.name == "Gemm";
    let x_kind = compiler.kind(x)?;
    if x_kind.element != crate::Element::F32
        || x_kind.dims.len() < 2
        || compiler.constant(x).is_some()
    {
        return Ok(false);
    }
    let (alpha, beta) = (attributes.float_or("alpha", 1.0)?, attributes.float_or("beta", 1.0)?);
    let turned = is_gemm && attributes.flag("transB")?;
    if is_gemm && (attributes.flag("transA")? || alpha != 1.0 || beta != 1.0) {
        return Ok(false);
    }
    let Some(weights) = compiler.constant(w).cloned() else { return Ok(false) };
    let (&[rows, columns], crate::Data::F32(values)) = (weights.dims(), weights.data()) else {
        return Ok(false);
    };
    let (k, n) = if turned { (columns, rows) } else { (rows, columns) };
    let output = node.outputs[0];
    let kind = compiler.kind(output)?;
    if n == 0 || k == 0 {
        return Ok(false);
    }
    let bias = node.inputs.get(2).copied().flatten();
    // A bias of another shape than one number a column stays a step of its own.
    if let Some(bias) = bias
        && (compiler.kind(bias)?.count()? != n || compiler.kind(bias)?.dims.last() != Some(&n))
    {
        return Ok(false);
    }
    let tail = Tail::of(compiler, output, bias, kind.dims.len() - 1)?;
    let cpu = compiler.cpu;
    let panels = compiler.packed(output, w, || {
        Panels::pack(cpu, k, n, |at, column| {
            values[if turned { column * k + at } else { at * n + column }]
        })
    });
    let rows = kind.count()? / n;
    let x = compiler.operand(x)?;
    let operands = tail.operands(compiler)?;
    let y = compiler.begin(tail.output)?;
    tail.absorb(compiler);
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        Box::new(Product { cpu, rows, x: place(&x), y, panels, end: operands.end(place) })
    });
    Ok(true)
}

impl Step for Product {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let mut y = memory.take(self.y);
        let mut scratch = std::mem::take(&mut memory.scratch);
        let end = self.end.epilogue(memory);
        let x = memory.read(&self.x);
        multiply(self.cpu, self.rows, x, &self.panels, y.floats_mut(), end, scratch.floats_mut());
        memory.scratch = scratch;
        memory.put(self.y, y);
        Ok(())
    }

    fn scratch(&self) -> usize {
        multiply_scratch(self.cpu, self.rows)
    }

    fn weights(&self) -> u64 {
        self.panels.bytes()
    }
}
