//! From a graph to steps: constants folded, values that share their elements, products fused with
//! what follows them, and every buffer planned.

use std::{
    any::Any,
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use crate::{
    Data, Element, Limits, Meter, Result, Tensor, Trouble, Type,
    exec::{
        kernels::{Buffer, Cpu},
        memory::{Place, Plan, Step},
        run_node,
    },
    graph::{Graph, Inference, Node, ValueId},
};

/// A graph as steps over planned buffers.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) steps: Vec<Box<dyn Step>>,
    /// Floats of each buffer.
    pub(super) slots: Vec<usize>,
    pub(super) cells: usize,
    /// Floats of the scratch buffer.
    pub(super) scratch: usize,
    /// Bytes of the cells, and of what a step makes and drops.
    tensors: u64,
    /// Where the inputs of the graph go, in order; none where nothing reads one.
    pub(super) inputs: Vec<(Option<Place>, Type)>,
    pub(super) outputs: Vec<(Place, Type)>,
    weights: u64,
    flop: u64,
}

impl Compiled {
    /// What a run takes.
    pub(super) fn plan(&self) -> Plan {
        let values = self.slots.iter().map(|&len| Buffer::bytes_for(len)).sum::<u64>();
        let memory = values.saturating_add(Buffer::bytes_for(self.scratch));
        let memory = memory.saturating_add(self.tensors);
        Plan { memory, values, weights: self.weights, flop: self.flop }
    }
}

/// A value while the graph is compiled.
#[derive(Clone, Debug)]
enum Held {
    /// Not computed yet.
    Nothing,
    /// It never changes.
    Constant(Arc<Tensor>),
    /// Floats, under the number of a buffer that is planned later.
    Floats(usize),
    /// A tensor of another type.
    Cell(usize),
}

/// A buffer before it has a slot: how many floats, and the steps that write it first and read it
/// last.
#[derive(Clone, Copy, Debug)]
struct Life {
    len: usize,
    first: usize,
    last: usize,
}

/// The state of a compilation, for the steps that are made of nodes.
pub(super) struct Compiler<'a> {
    pub(super) graph: &'a Graph,
    known: &'a Inference,
    pub(super) cpu: Cpu,
    meter: Meter,
    held: Vec<Held>,
    lives: Vec<Life>,
    cells: usize,
    /// Bytes of the tensors in them.
    cell_bytes: u64,
    /// Nodes that need no step of their own any more.
    done: Vec<bool>,
    /// The readers of each value, by their place.
    readers: Vec<Vec<usize>>,
    steps: Vec<Pending>,
    weights: &'a Packs,
    /// Constants that are others for another batch.
    varying: HashSet<ValueId>,
    /// Plain weights that are read, by value.
    used: HashMap<ValueId, u64>,
}

/// Weights as the kernels read them. Programs of one graph share them, whatever their batch.
#[derive(Debug, Default)]
pub(super) struct Packs {
    plain: Mutex<HashMap<ValueId, Arc<Buffer>>>,
    packed: Mutex<HashMap<ValueId, Arc<dyn Any + Send + Sync>>>,
}

impl Packs {
    /// What a step packed that writes this value, or what `pack` makes of it now.
    fn packed<T: Any + Send + Sync>(&self, output: ValueId, pack: impl FnOnce() -> T) -> Arc<T> {
        let known = self.packed.lock().ok().and_then(|packed| packed.get(&output).cloned());
        if let Some(known) = known.and_then(|known| known.downcast::<T>().ok()) {
            return known;
        }
        let fresh = Arc::new(pack());
        if let Ok(mut packed) = self.packed.lock() {
            packed.insert(output, fresh.clone());
        }
        fresh
    }

    fn plain(&self, id: ValueId, floats: &[f32]) -> Arc<Buffer> {
        let pack = || {
            let mut buffer = Buffer::zeros(floats.len());
            buffer.floats_mut().copy_from_slice(floats);
            Arc::new(buffer)
        };
        match self.plain.lock() {
            Ok(mut plain) => plain.entry(id).or_insert_with(pack).clone(),
            Err(_) => pack(),
        }
    }
}

/// A step before its buffers have slots.
struct Pending {
    make: Box<Make>,
}

/// Makes a step once it is known where its operands lie.
type Make = dyn FnOnce(&dyn Fn(&Operand) -> Place) -> Box<dyn Step>;

/// What a step reads or writes, before buffers have slots.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    /// A planned buffer.
    Floats(usize),
    /// A tensor that is not planned.
    Cell(usize),
    /// Floats that never change.
    Weight(Arc<Buffer>),
    /// A tensor that never changes.
    Constant(Arc<Tensor>),
}

/// Operators whose output has the elements of their first input, in the same order.
const ALIASES: &[&str] =
    &["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Align"];

impl<'a> Compiler<'a> {
    /// Nothing is compiled yet.
    pub(super) fn new(
        graph: &'a Graph,
        known: &'a Inference,
        weights: &'a Packs,
        limits: &Limits,
        cpu: Cpu,
    ) -> Result<Self> {
        let mut readers = vec![Vec::new(); graph.values.len()];
        for (at, node) in graph.nodes().iter().enumerate() {
            for input in node.inputs.iter().flatten() {
                readers[input.index()].push(at);
            }
        }
        // An output is read when all is done.
        for output in &graph.outputs {
            readers[output.index()].push(usize::MAX);
        }
        let mut compiler = Self {
            graph,
            known,
            cpu,
            meter: Meter::new(*limits),
            held: vec![Held::Nothing; graph.values.len()],
            lives: Vec::new(),
            cells: 0,
            cell_bytes: 0,
            done: vec![false; graph.nodes().len()],
            readers,
            steps: Vec::new(),
            weights,
            varying: HashSet::new(),
            used: HashMap::new(),
        };
        for (id, value) in graph.values() {
            if let Some(tensor) = value.constant.as_ref().or(known.shared(id)) {
                compiler.held[id.index()] = Held::Constant(tensor.clone());
                if value.constant.is_none() {
                    compiler.varying.insert(id);
                }
            }
        }
        for &input in &graph.inputs {
            if matches!(compiler.held[input.index()], Held::Nothing) {
                compiler.begin(input)?;
            }
        }
        Ok(compiler)
    }

    /// The type of a value.
    pub(super) fn kind(&self, id: ValueId) -> Result<&'a Type> {
        self.known.kind(id).ok_or_else(|| {
            let name = &self.graph.value(id).name;
            Trouble::data_dependent(format!("the shape of `{name}` depends on data"))
        })
    }

    /// The elements of a value, where they never change.
    pub(super) fn constant(&self, id: ValueId) -> Option<&Arc<Tensor>> {
        match &self.held[id.index()] {
            Held::Constant(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// The floats of a value, where they never change.
    pub(super) fn constant_floats(&self, id: ValueId) -> Option<&[f32]> {
        match self.constant(id)?.data() {
            Data::F32(floats) => Some(floats),
            _ => None,
        }
    }

    /// Plan a value that is written now.
    pub(super) fn begin(&mut self, id: ValueId) -> Result<Operand> {
        let kind = self.kind(id)?.clone();
        self.meter.admit(&kind)?;
        let held = if kind.element == Element::F32 {
            let step = self.steps.len();
            self.lives.push(Life { len: kind.count()?, first: step, last: step });
            Held::Floats(self.lives.len() - 1)
        } else {
            self.cells += 1;
            self.cell_bytes = self.cell_bytes.saturating_add(kind.bytes()?);
            Held::Cell(self.cells - 1)
        };
        self.held[id.index()] = held;
        self.operand(id)
    }

    /// A value that a step reads or writes.
    pub(super) fn operand(&mut self, id: ValueId) -> Result<Operand> {
        Ok(match self.held[id.index()].clone() {
            Held::Nothing => {
                let name = &self.graph.value(id).name;
                return Err(Trouble::graph(format!("`{name}` is read before it is written")));
            }
            Held::Constant(tensor) => match tensor.data() {
                Data::F32(floats) => {
                    let buffer = match self.varying.contains(&id) {
                        true => Packs::default().plain(id, floats),
                        false => self.weights.plain(id, floats),
                    };
                    self.used.insert(id, Buffer::bytes_for(floats.len()));
                    Operand::Weight(buffer)
                }
                _ => Operand::Constant(tensor),
            },
            Held::Floats(life) => {
                let step = self.steps.len();
                let life_of = &mut self.lives[life];
                life_of.last = life_of.last.max(step);
                Operand::Floats(life)
            }
            Held::Cell(cell) => Operand::Cell(cell),
        })
    }

    /// What a step packs of these weights that writes this value. Programs of other batches share
    /// it, unless the weights are others there.
    pub(super) fn packed<T: Any + Send + Sync>(
        &self,
        output: ValueId,
        weights: ValueId,
        pack: impl FnOnce() -> T,
    ) -> Arc<T> {
        if self.varying.contains(&weights) {
            return Arc::new(pack());
        }
        self.weights.packed(output, pack)
    }

    /// Add a step. Its operands were asked for since the last one.
    pub(super) fn push(
        &mut self,
        make: impl FnOnce(&dyn Fn(&Operand) -> Place) -> Box<dyn Step> + 'static,
    ) {
        self.steps.push(Pending { make: Box::new(make) });
    }

    /// The only reader of a value, if it has one and is no output, and where it stands.
    pub(super) fn only_reader(&self, id: ValueId) -> Option<(usize, &'a Node)> {
        match self.readers[id.index()][..] {
            [at] if at != usize::MAX => Some((at, &self.graph.nodes()[at])),
            _ => None,
        }
    }

    /// Whether a value is there already: a constant, an input, or written by an earlier step.
    pub(super) fn is_there(&self, id: ValueId) -> bool {
        !matches!(self.held[id.index()], Held::Nothing)
    }

    /// A node needs no step of its own: another does its work.
    pub(super) fn absorb(&mut self, at: usize) {
        self.done[at] = true;
    }

    /// Settle a node that needs no step: another does its work, it is constant, or it has the
    /// elements of its input. False where it needs one.
    pub(super) fn settle(&mut self, at: usize) -> Result<bool> {
        if self.done[at] {
            return Ok(true);
        }
        let node = &self.graph.nodes()[at];
        let constants = node.inputs.iter().map(|input| match input {
            None => Some(None),
            Some(id) => self.constant(*id).map(|tensor| Some(tensor.clone())),
        });
        if let Some(constants) = constants.collect::<Option<Vec<_>>>()
            && !node.operator.draws
        {
            let known = node.outputs.iter().map(|&id| self.known.kind(id).cloned());
            if let Some(types) = known.collect::<Option<Vec<_>>>() {
                let inputs = constants.iter().map(Option::as_deref).collect::<Vec<_>>();
                for kind in &types {
                    self.meter.take(kind.bytes()?)?;
                }
                let tensors = run_node(node, &inputs, &types, &self.meter)?;
                let varies = node.inputs.iter().flatten().any(|id| self.varying.contains(id));
                for (&output, tensor) in node.outputs.iter().zip(tensors) {
                    self.held[output.index()] = Held::Constant(Arc::new(tensor));
                    match varies {
                        true => self.varying.insert(output),
                        false => self.varying.remove(&output),
                    };
                }
                return Ok(true);
            }
        }
        // What is known from shapes alone.
        if node.outputs.iter().all(|&id| self.is_there(id)) {
            return Ok(true);
        }
        if ALIASES.contains(&node.operator.name)
            && let (&[output], Some(Some(input))) = (&node.outputs[..], node.inputs.first())
            && self.is_there(*input)
        {
            self.held[output.index()] = self.held[input.index()].clone();
            return Ok(true);
        }
        Ok(false)
    }

    /// Give every buffer its slot, and every step its places.
    pub(super) fn finish(mut self) -> Result<Compiled> {
        let end = self.steps.len();
        let mut outputs = Vec::new();
        for &id in &self.graph.outputs {
            outputs.push((self.operand(id)?, self.kind(id)?.clone()));
        }
        let mut inputs = Vec::new();
        for &id in &self.graph.inputs {
            let held = self.held[id.index()].clone();
            let used = matches!(held, Held::Floats(_) | Held::Cell(_));
            let operand = if used && !self.readers[id.index()].is_empty() {
                // What leads in is not written over before it is read.
                Some(match held {
                    Held::Floats(life) => Operand::Floats(life),
                    Held::Cell(cell) => Operand::Cell(cell),
                    _ => return Err(Trouble::graph("an input that is no value")),
                })
            } else {
                None
            };
            inputs.push((operand, self.kind(id)?.clone()));
        }
        let (slots, of_life) = assign(&self.lives, end);
        let place = |operand: &Operand| match operand {
            Operand::Floats(life) => Place::Slot(of_life[*life]),
            Operand::Cell(cell) => Place::Cell(*cell),
            Operand::Weight(buffer) => Place::Weight(buffer.clone()),
            Operand::Constant(tensor) => Place::Constant(tensor.clone()),
        };
        let steps = self.steps.into_iter().map(|step| (step.make)(&place)).collect::<Vec<_>>();
        let scratch = steps.iter().map(|step| step.scratch()).max().unwrap_or(0);
        let passing = steps.iter().map(|step| step.passing()).max().unwrap_or(0);
        // With the tensors of the graph itself, which stay as they were read.
        let own = self.graph.values.iter().filter_map(|value| value.constant.as_ref());
        let own = own.map(|tensor| tensor.kind().bytes().unwrap_or(0));
        let packed = steps.iter().map(|step| step.weights());
        let weights = packed.chain(self.used.values().copied()).chain(own).sum();
        Ok(Compiled {
            inputs: inputs.into_iter().map(|(o, kind)| (o.as_ref().map(&place), kind)).collect(),
            outputs: outputs.iter().map(|(o, kind)| (place(o), kind.clone())).collect(),
            steps,
            slots,
            cells: self.cells,
            scratch,
            tensors: self.cell_bytes.saturating_add(passing),
            weights,
            flop: self.known.flop,
        })
    }

    /// The limits of the compilation.
    pub(super) fn limits(&self) -> Limits {
        *self.meter.limits()
    }
}

/// Give each buffer a slot: the smallest free one that it fits, else the largest, grown. Buffers
/// that live at the same time never share one.
fn assign(lives: &[Life], end: usize) -> (Vec<usize>, Vec<usize>) {
    let mut slots: Vec<usize> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut of_life = vec![0; lives.len()];
    let mut dying: Vec<(usize, usize)> = Vec::new();
    // Lives are in the order in which they begin.
    for (life, lived) in lives.iter().enumerate() {
        dying.retain(|&(last, slot)| {
            let alive = last >= lived.first;
            if !alive {
                free.push(slot);
            }
            alive
        });
        let fits = free.iter().enumerate().filter(|(_, slot)| slots[**slot] >= lived.len);
        let best = fits.min_by_key(|(_, slot)| slots[**slot]).map(|(at, _)| at);
        let largest =
            || free.iter().enumerate().max_by_key(|(_, slot)| slots[**slot]).map(|(at, _)| at);
        let slot = match best.or_else(largest) {
            Some(at) => free.swap_remove(at),
            None => {
                slots.push(0);
                slots.len() - 1
            }
        };
        slots[slot] = slots[slot].max(lived.len);
        of_life[life] = slot;
        dying.push((lived.last.min(end), slot));
    }
    (slots, of_life)
}
