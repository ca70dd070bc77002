//! What a program writes while it runs, and the steps that write it.

use std::{fmt, sync::Arc};

use crate::{Result, Tensor, Trouble, Type, exec::kernels::Buffer};

/// What running a program takes, known before anything is allocated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Bytes of everything that one run writes.
    pub memory: u64,
    /// Bytes of the values among it: of what one step writes and others read.
    pub values: u64,
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

    /// Bytes of tensors that it makes and drops while it runs.
    fn passing(&self) -> u64 {
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

    /// Write the floats of a slot, while others are read.
    pub(super) fn write(&mut self, slot: usize, of: impl FnOnce(&Self, &mut [f32])) {
        let mut buffer = self.take(slot);
        of(self, buffer.floats_mut());
        self.put(slot, buffer);
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
