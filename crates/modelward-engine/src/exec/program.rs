//! A graph compiled for inputs of fixed shapes: steps over buffers that were planned before.

use std::sync::Arc;

use crate::{
    Data, Element, Kind, Limits, Meter, Result, Tensor, Trouble, Type,
    exec::{
        compile::{Compiled, Compiler, Packs},
        kernels::{Buffer, Cpu, FlushDenormals},
        memory::{Memory, Place, Plan},
        steps,
    },
    graph::{Graph, Inference},
};

/// A compiled graph. Cheap to share; what it writes lies in a [`Memory`].
#[derive(Debug)]
pub struct Program {
    compiled: Compiled,
    cpu: Cpu,
}

impl Program {
    /// Compile a graph for the shapes that `known` was inferred for.
    ///
    /// # Errors
    /// Where a shape depends on data, or the plan is over the limits: then nothing was allocated.
    pub(super) fn compile(
        graph: &Graph,
        known: &Inference,
        packs: &Packs,
        limits: &Limits,
        cpu: Cpu,
    ) -> Result<Self> {
        // First, since what is constant is computed while the graph is compiled.
        Meter::new(*limits).work(known.flop)?;
        let mut compiler = Compiler::new(graph, known, packs, limits, cpu)?;
        for (at, node) in graph.nodes().iter().enumerate() {
            let label = |trouble: Trouble| trouble.at(|| node.label(graph));
            if !compiler.settle(at).map_err(label)? {
                steps::plan(&mut compiler, node).map_err(label)?;
            }
        }
        let compiled = compiler.finish()?;
        let plan = compiled.plan();
        let need = plan.memory.saturating_add(plan.weights);
        if need > limits.memory {
            let (need, limit) = (super::size(need), super::size(limits.memory));
            return Err(Trouble::limit(format!("it needs {need}, over the limit of {limit}"))
                .help("raise the limit with `--max-memory` if you mean it"));
        }
        Ok(Self { compiled, cpu })
    }

    /// What a run takes.
    pub fn plan(&self) -> Plan {
        self.compiled.plan()
    }

    /// The instruction set that it was compiled for.
    pub fn cpu(&self) -> Cpu {
        self.cpu
    }

    /// The memory that runs of this program share, one after the other.
    pub fn memory(&self) -> Memory {
        Memory {
            slots: self.compiled.slots.iter().map(|&len| Buffer::zeros(len)).collect(),
            cells: vec![None; self.compiled.cells],
            scratch: Buffer::zeros(self.compiled.scratch),
        }
    }

    /// Run on inputs in the order of the graph's; `give` gets the outputs, in order.
    ///
    /// # Errors
    /// Where an input is of another type, or a node refuses its data.
    pub fn run(
        &self,
        memory: &mut Memory,
        inputs: &[View<'_>],
        give: &mut dyn FnMut(usize, View<'_>) -> Result<()>,
    ) -> Result<()> {
        for ((place, kind), input) in self.compiled.inputs.iter().zip(inputs) {
            let Some(place) = place else { continue };
            if kind.element != input.element() || kind.count()? != input.count() {
                let why =
                    format!("expected {kind}, got {} {} elements", input.count(), input.element());
                return Err(Trouble::new(Kind::Input, why));
            }
            match (place, input) {
                (Place::Slot(slot), View::Floats(floats)) => {
                    memory.slots[*slot].floats_mut()[..floats.len()].copy_from_slice(floats);
                }
                (Place::Cell(cell), View::Tensor(tensor)) => {
                    memory.cells[*cell] = Some(Arc::new(Tensor::clone(tensor)));
                }
                _ => return Err(Trouble::new(Kind::Input, format!("expected {kind}"))),
            }
        }
        let denormals = FlushDenormals::on();
        for step in &self.compiled.steps {
            step.run(memory)?;
        }
        drop(denormals);
        for (at, (place, kind)) in self.compiled.outputs.iter().enumerate() {
            match place {
                Place::Slot(_) | Place::Weight(_) => {
                    give(at, View::Floats(&memory.read(place)[..kind.count()?]))?;
                }
                Place::Cell(_) | Place::Constant(_) => {
                    let tensor = memory.tensor(place, kind)?;
                    give(at, View::Tensor(&tensor))?;
                }
            }
        }
        Ok(())
    }

    /// An output that the last run left in memory.
    pub(super) fn output<'m>(&'m self, memory: &'m Memory, at: usize) -> Option<&'m [f32]> {
        let (place, kind) = self.compiled.outputs.get(at)?;
        memory.read(place).get(..kind.count().ok()?)
    }

    /// The types of the outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &Type> {
        self.compiled.outputs.iter().map(|(_, kind)| kind)
    }
}

/// Elements that go into a program or come out of it.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// Floats of 32 bits in row-major order.
    Floats(&'a [f32]),
    /// A tensor of another type.
    Tensor(&'a Tensor),
}

impl<'a> View<'a> {
    /// Of a tensor.
    pub fn of(tensor: &'a Tensor) -> Self {
        match tensor.data() {
            Data::F32(floats) => Self::Floats(floats),
            _ => Self::Tensor(tensor),
        }
    }

    /// The type of the elements.
    pub fn element(&self) -> Element {
        match self {
            Self::Floats(_) => Element::F32,
            Self::Tensor(tensor) => tensor.element(),
        }
    }

    /// As a tensor of this type.
    ///
    /// # Errors
    /// Where the type has more or fewer elements.
    pub fn tensor(&self, kind: &Type) -> Result<Tensor> {
        match self {
            Self::Floats(floats) => Tensor::new(kind.dims.clone(), floats.to_vec()),
            Self::Tensor(tensor) => Ok(Tensor::clone(tensor)),
        }
    }

    /// How many elements there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Floats(floats) => floats.len(),
            Self::Tensor(tensor) => tensor.count(),
        }
    }
}
