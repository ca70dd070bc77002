//! A graph compiled for inputs of fixed shapes: steps over buffers that were planned before.

use std::{fmt, sync::Arc};

use crate::{
    Data, Element, Kind, Limits, Meter, Result, Tensor, Trouble, Type,
    exec::{
        compile::{Compiled, Packs},
        kernels::{Buffer, Cpu},
    },
    graph::{Graph, Inference},
};

/// A compiled graph. Cheap to share; what it writes lies in a [`Memory`].
#[derive(Debug)]
pub struct Program {
    compiled: Compiled,
    cpu: Cpu,
}

/// What running a program takes, known before anything is allocated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Bytes of everything that one run writes.
    pub memory: u64,
    /// Bytes of the weights, packed as the kernels read them, with those that are used as they are.
    pub weights: u64,
    /// Floating-point operations of one run.
    pub flop: u64,
}

/// Where a value lies while a program runs.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Floats in a buffer.
    Slot(usize),
    /// Floats that never change.
    Weight(Arc<Buffer>),
    /// A tensor of another type, or of a shape that is not planned.
    Cell(usize),
    /// A tensor that never changes.
    Constant(Arc<Tensor>),
}

/// What a program writes while it runs.
#[derive(Debug, Default)]
pub struct Memory {
    pub(super) slots: Vec<Buffer>,
    pub(super) cells: Vec<Option<Arc<Tensor>>>,
    pub(super) scratch: Buffer,
}

/// One step of a program.
pub(super) trait Step: fmt::Debug + Send + Sync {
    /// Run it.
    fn run(&self, memory: &mut Memory) -> Result<()>;

    /// Floats of scratch memory that it needs.
    fn scratch(&self) -> usize {
        0
    }

    /// Bytes of weights that it keeps.
    fn weights(&self) -> u64 {
        0
    }
}

impl Memory {
    /// The floats of a value.
    pub(super) fn read<'m>(&'m self, place: &'m Place) -> &'m [f32] {
        self.buffer(place).floats()
    }

    /// The buffer of a value.
    pub(super) fn buffer<'m>(&'m self, place: &'m Place) -> &'m Buffer {
        const EMPTY: &Buffer = &Buffer::EMPTY;
        match place {
            Place::Slot(slot) => &self.slots[*slot],
            Place::Weight(buffer) => buffer,
            Place::Cell(_) | Place::Constant(_) => EMPTY,
        }
    }

    /// Take the buffer of a slot out, to write it while others are read.
    pub(super) fn take(&mut self, slot: usize) -> Buffer {
        std::mem::take(&mut self.slots[slot])
    }

    /// Put the buffer of a slot back.
    pub(super) fn put(&mut self, slot: usize, buffer: Buffer) {
        self.slots[slot] = buffer;
    }

    /// A value as a tensor.
    pub(super) fn tensor(&self, place: &Place, kind: &Type) -> Result<Arc<Tensor>> {
        Ok(match place {
            Place::Slot(_) | Place::Weight(_) => {
                let floats = self.read(place)[..kind.count()?].to_vec();
                Arc::new(Tensor::new(kind.dims.clone(), floats)?)
            }
            Place::Cell(cell) => {
                let tensor =
                    self.cells[*cell].clone().ok_or_else(|| Trouble::graph("not computed"))?;
                if tensor.dims() == kind.dims {
                    tensor
                } else {
                    Arc::new(Tensor::clone(&tensor).reshaped(kind.dims.clone())?)
                }
            }
            Place::Constant(tensor) if tensor.dims() == kind.dims => tensor.clone(),
            Place::Constant(tensor) => Arc::new(Tensor::clone(tensor).reshaped(kind.dims.clone())?),
        })
    }
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
        let compiled = Compiled::of(graph, known, packs, limits, cpu)?;
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
        for step in &self.compiled.steps {
            step.run(memory)?;
        }
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

    /// How many elements there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Floats(floats) => floats.len(),
            Self::Tensor(tensor) => tensor.count(),
        }
    }
}
