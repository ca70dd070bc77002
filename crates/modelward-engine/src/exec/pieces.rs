//! Runs of programs on pieces of the inputs.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    Element, Result, Tensor,
    exec::{Program, View, crew::stopped, given::Given, memory::Memory, roles::Role},
    graph::{Graph, ValueId},
};

/// Examples that a sum over the batch takes together.
pub(super) const SUMMED: usize = 8;

/// Gives programs their inputs, and keeps their memory from run to run.
#[derive(Debug)]
pub(super) struct Runner {
    /// Where the inputs of the graph are among those that are given.
    places: Vec<Option<usize>>,
    /// Which of those that are given hold the batch.
    batch: Vec<bool>,
    memories: Mutex<HashMap<usize, Vec<Memory>>>,
}

impl Runner {
    /// For a graph whose inputs are given in this order.
    pub(super) fn new(graph: &Graph, inputs: &[(ValueId, Arc<Tensor>)], batch: &[bool]) -> Self {
        let place = |id: &ValueId| inputs.iter().position(|(known, _)| known == id);
        let places = graph.inputs.iter().map(place).collect();
        Self { places, batch: batch.to_vec(), memories: Mutex::default() }
    }

    /// Run a piece of the batch, or all of it; `give` gets the outputs.
    pub(super) fn write(
        &self,
        program: &Program,
        memory: &mut Memory,
        inputs: &[Arc<Tensor>],
        piece: Option<(usize, usize)>,
        give: &mut dyn FnMut(usize, View<'_>) -> Result<()>,
    ) -> Result<()> {
        let cuts =
            self.places.iter().map(|at| match at.and_then(|at| Some((at, inputs.get(at)?))) {
                None => Ok(Cut::Floats(&[])),
                Some((at, tensor)) => match piece {
                    Some((start, size)) if self.batch[at] => Cut::piece(tensor, start, size),
                    _ => Ok(Cut::Whole(tensor)),
                },
            });
        let cuts = cuts.collect::<Result<Vec<_>>>()?;
        let views = cuts.iter().map(Cut::view).collect::<Vec<_>>();
        program.run(memory, &views, give)
    }

    /// Memory for a program of so many examples.
    pub(super) fn memory(&self, size: usize, program: &Program) -> Memory {
        let kept = self.memories.lock().ok().and_then(|mut kept| kept.get_mut(&size)?.pop());
        kept.unwrap_or_else(|| program.memory())
    }

    /// Keep memory for the next run.
    pub(super) fn give_back(&self, size: usize, memory: Memory) {
        if let Ok(mut kept) = self.memories.lock() {
            kept.entry(size).or_default().push(memory);
        }
    }
}

/// A batch in pieces, that threads take one after the other.
#[derive(Debug)]
pub(super) struct Pieces {
    pub(super) runner: Arc<Runner>,
    /// The first example of each piece, and how many they are.
    pub(super) pieces: Vec<(usize, usize)>,
    pub(super) programs: Vec<Arc<Program>>,
    pub(super) inputs: Vec<Arc<Tensor>>,
    pub(super) examples: usize,
    /// Roles of the outputs.
    pub(super) roles: Vec<Role>,
    pub(super) next: AtomicUsize,
    pub(super) given: Mutex<Given>,
}

impl Pieces {
    /// Run what is left of the pieces.
    ///
    /// # Errors
    /// Where a node refuses its data.
    pub(super) fn work(&self) -> Result<()> {
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let (Some(&piece), Some(program)) = (self.pieces.get(at), self.programs.get(at)) else {
                return Ok(());
            };
            let mut memory = self.runner.memory(piece.1, program);
            let mut sums = Vec::new();
            let types = program.outputs().collect::<Vec<_>>();
            self.runner.write(
                program,
                &mut memory,
                &self.inputs,
                Some(piece),
                &mut |output, view| {
                    if self.roles[output] == Role::Sum {
                        sums.push(view.tensor(types[output])?);
                        return Ok(());
                    }
                    let mut given = self.given.lock().map_err(|_| stopped())?;
                    given.put(output, types[output], view, [piece.0, piece.1, self.examples])
                },
            )?;
            self.runner.give_back(piece.1, memory);
            self.given.lock().map_err(|_| stopped())?.take(at, sums)?;
        }
    }

    /// What they gave.
    ///
    /// # Errors
    /// Where a thread stopped.
    pub(super) fn finish(&self) -> Result<Vec<Tensor>> {
        let mut given = self.given.lock().map_err(|_| stopped())?;
        std::mem::replace(&mut *given, Given::new(&[])).finish()
    }
}

/// An input, or a piece of it.
enum Cut<'a> {
    Floats(&'a [f32]),
    Whole(&'a Tensor),
    Part(Tensor),
}

impl<'a> Cut<'a> {
    /// Some examples of a tensor.
    fn piece(tensor: &'a Tensor, start: usize, size: usize) -> Result<Self> {
        let each = tensor.dims().iter().skip(1).product::<usize>();
        let range = start * each..(start + size) * each;
        if tensor.element() == Element::F32 {
            let floats = tensor.values::<f32>()?.get(range).unwrap_or_default();
            return Ok(Self::Floats(floats));
        }
        let mut dims = tensor.dims().to_vec();
        dims[0] = size;
        Ok(Self::Part(Tensor::new(dims, tensor.data().gather(range))?))
    }

    fn view(&self) -> View<'_> {
        match self {
            Self::Floats(floats) => View::Floats(floats),
            Self::Whole(tensor) => View::of(tensor),
            Self::Part(tensor) => View::of(tensor),
        }
    }
}
