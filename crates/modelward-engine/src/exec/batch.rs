//! Running a graph over a batch: in pieces of the batch, one program and one memory a thread.
//!
//! Each example gets the same bits whatever the pieces are, for every number is one chain of
//! operations of its own. A sum over the batch is made of pieces of [`SUMMED`] examples that are
//! added in a fixed binary tree, so it does not depend on the number of threads either.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, atomic::AtomicUsize},
};

use crate::{
    Kind, Limits, Meter, Result, Tensor, Trouble,
    exec::{
        Cpu, Plan, Program,
        compile::Packs,
        crew::Crew,
        evaluate,
        given::Given,
        groups::{Clipping, Groups, in_parts},
        pieces::{Pieces, Runner, SUMMED},
        roles::{Role, roles},
    },
    graph::{Dimension, Graph, Inference, Known, ValueId},
};

/// How a graph is run.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// What it may cost.
    pub limits: Limits,
    /// With which instructions.
    pub cpu: Cpu,
    /// On how many threads.
    pub threads: usize,
}

impl How {
    /// With the best instructions of this machine, on one thread.
    pub fn new(limits: Limits) -> Self {
        Self { limits, cpu: Cpu::best(), threads: 1 }
    }
}

/// Bytes of values that one piece may write: what stays in the second cache of a core.
const NEAR: u64 = 1 << 20;

/// The most examples of one piece.
const MOST: usize = 128;

/// A graph that is run again and again, over batches of any size.
#[derive(Debug)]
pub struct Session {
    graph: Arc<Graph>,
    how: How,
    inputs: Vec<(ValueId, Arc<Tensor>)>,
    /// Inputs that hold the batch, by their place among the inputs.
    batch: Vec<bool>,
    /// The roles of the outputs, where the graph may be split.
    outputs: Option<Vec<Role>>,
    programs: HashMap<usize, Arc<Program>>,
    /// How so many gradients of one example are taken.
    clipping: Option<(usize, Clipping)>,
    packs: Packs,
    runner: Arc<Runner>,
    crew: Crew,
    /// Outputs of an earlier run, to be written again.
    spare: Vec<Tensor>,
}

impl Session {
    /// For a graph and inputs like these: of their types, and of any number of examples.
    ///
    /// # Errors
    /// Where the graph refuses their shapes.
    pub fn new(graph: Arc<Graph>, inputs: &[(ValueId, Arc<Tensor>)], how: How) -> Result<Self> {
        let batch = holding_batch(&graph, inputs);
        let lead = inputs.iter().zip(&batch).find(|(_, batch)| **batch);
        let lead = lead.and_then(|((_, tensor), _)| tensor.dims().first().copied());
        let runner = Runner::new(&graph, inputs, &batch);
        let mut session = Self {
            graph,
            how,
            inputs: inputs.to_vec(),
            batch,
            outputs: None,
            programs: HashMap::new(),
            clipping: None,
            packs: Packs::default(),
            runner: Arc::new(runner),
            crew: Crew::default(),
            spare: Vec::new(),
        };
        session.outputs = session.split(lead.unwrap_or(0))?;
        Ok(session)
    }

    /// Whether pieces of the batch may be run by themselves.
    fn split(&self, examples: usize) -> Result<Option<Vec<Role>>> {
        if examples == 0 {
            return Ok(None);
        }
        let sizes = (examples + 1, examples + 2);
        let (Ok(one), Ok(two)) =
            (self.infer(&self.graph, sizes.0), self.infer(&self.graph, sizes.1))
        else {
            return Ok(None);
        };
        let batch = self.inputs.iter().zip(&self.batch).filter(|(_, batch)| **batch);
        let batch = batch.map(|((id, _), _)| *id).collect::<HashSet<_>>();
        let roles = roles(&self.graph, &batch, &one, &two, sizes)?;
        Ok(roles.map(|roles| self.graph.outputs.iter().map(|id| roles[id.index()]).collect()))
    }

    /// What is known of a graph of these inputs for a number of examples.
    fn infer(&self, graph: &Graph, examples: usize) -> Result<Inference> {
        let meter = Meter::new(self.how.limits);
        let kinds = self.inputs.iter().zip(&self.batch).map(|((_, tensor), batch)| {
            let mut kind = tensor.kind();
            if *batch {
                kind.dims[0] = examples;
            }
            kind
        });
        let kinds = kinds.collect::<Vec<_>>();
        let known =
            self.inputs.iter().zip(&kinds).zip(&self.batch).map(|(((id, tensor), kind), batch)| {
                // Whole numbers may say shapes: then they are part of the plan.
                let small = !batch && says_shapes(tensor);
                (*id, Known { kind, value: small.then_some(&**tensor) })
            });
        Inference::of(graph, &known.collect::<Vec<_>>(), &meter)
    }

    /// The program for a number of examples.
    fn program(&mut self, examples: usize) -> Result<Arc<Program>> {
        if let Some(program) = self.programs.get(&examples) {
            return Ok(program.clone());
        }
        let program = Arc::new(self.compile(&self.graph, examples)?);
        self.programs.insert(examples, program.clone());
        Ok(program)
    }

    fn compile(&self, graph: &Graph, examples: usize) -> Result<Program> {
        let known = self.infer(graph, examples)?;
        Program::compile(graph, &known, &self.packs, &self.how.limits, self.how.cpu)
    }

    /// How many examples go together, of a batch of so many.
    fn piece(&mut self, examples: usize) -> Result<usize> {
        let Some(roles) = &self.outputs else { return Ok(examples) };
        if roles.contains(&Role::Sum) {
            return Ok(SUMMED.min(examples.max(1)));
        }
        let one = self.program(1)?.plan();
        // Heavy weights are worth more examples each time they are gone through.
        let near = NEAR.max((one.weights / 4).min(32 * NEAR));
        let near = (near / one.values.max(1)).clamp(1, MOST as u64);
        let mut piece = usize::try_from(near).unwrap_or(1);
        piece = 1 << piece.ilog2();
        // Every thread gets its share.
        while piece > 1 && piece.saturating_mul(self.how.threads) > examples {
            piece /= 2;
        }
        Ok(piece)
    }

    /// What a run over so many examples takes.
    ///
    /// # Errors
    /// Where the graph has no plan, because its shapes depend on data.
    pub fn plan(&mut self, examples: usize) -> Result<(Plan, usize)> {
        let piece = self.piece(examples)?;
        let program = self.program(piece.max(1))?;
        let mut plan = program.plan();
        let threads = self.threads(&program, examples.div_ceil(piece.max(1)));
        plan.memory = plan.memory.saturating_mul(threads as u64);
        plan.flop = (plan.flop as f64 / piece.max(1) as f64 * examples as f64) as u64;
        Ok((plan, piece))
    }

    /// Run over inputs in the order of the graph's.
    ///
    /// # Errors
    /// Where an input does not fit, a node refuses its data, or a limit is reached.
    pub fn run(&mut self, inputs: &[Arc<Tensor>]) -> Result<Vec<Tensor>> {
        let lead = inputs.iter().zip(&self.batch).find(|(_, batch)| **batch);
        let examples = lead.and_then(|(tensor, _)| tensor.dims().first().copied()).unwrap_or(0);
        self.take_shapes(inputs)?;
        for (tensor, batch) in inputs.iter().zip(&self.batch) {
            if *batch && tensor.dims().first() != Some(&examples) {
                let got = tensor.kind();
                return Err(Trouble::new(
                    Kind::Input,
                    format!("expected {examples} examples, got {got}"),
                ));
            }
        }
        let piece = match self.piece(examples) {
            Ok(piece) => piece,
            Err(trouble) if trouble.kind == Kind::DataDependent => return self.interpret(inputs),
            Err(trouble) => return Err(trouble),
        };
        if self.outputs.is_none() {
            return match self.program(examples) {
                Ok(program) => self.whole(&program, examples, inputs),
                Err(trouble) if trouble.kind == Kind::DataDependent => self.interpret(inputs),
                Err(trouble) => Err(trouble),
            };
        }
        // The rest of the batch in pieces of powers of two, or for a sum as it is.
        let sums = self.outputs.iter().flatten().any(|role| *role == Role::Sum);
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < examples {
            let left = examples - at;
            let size = if left >= piece {
                piece
            } else if sums {
                left
            } else {
                1 << left.ilog2()
            };
            pieces.push((at, size));
            at += size;
        }
        let mut programs = Vec::with_capacity(pieces.len());
        for &(_, size) in &pieces {
            programs.push(self.program(size)?);
        }
        let meter = Meter::new(self.how.limits);
        for program in &programs {
            meter.work(program.plan().flop)?;
        }
        self.pieces(pieces, programs, examples, inputs)
    }

    /// Whole numbers that are part of the plan are those of this run: where they are others than
    /// before, everything is planned anew.
    fn take_shapes(&mut self, inputs: &[Arc<Tensor>]) -> Result<()> {
        let mut changed = false;
        for (((_, known), given), batch) in self.inputs.iter_mut().zip(inputs).zip(&self.batch) {
            if !batch && says_shapes(known) && known != given {
                *known = given.clone();
                changed = true;
            }
        }
        if changed {
            let lead = inputs.iter().zip(&self.batch).find(|(_, batch)| **batch);
            let examples = lead.and_then(|(tensor, _)| tensor.dims().first().copied());
            self.programs.clear();
            self.clipping = None;
            self.packs = Packs::default();
            self.runner = Arc::new(Runner::new(&self.graph, &self.inputs, &self.batch));
            self.outputs = self.split(examples.unwrap_or(0))?;
        }
        Ok(())
    }

    /// On how many threads programs of this size may run at once within the memory that there may
    /// be: fewer threads change no bit.
    fn threads(&self, program: &Program, pieces: usize) -> usize {
        let Plan { memory, weights, .. } = program.plan();
        let left = self.how.limits.memory.saturating_sub(weights);
        let fit = usize::try_from(left / memory.max(1)).unwrap_or(usize::MAX);
        self.how.threads.min(pieces).min(fit).max(1)
    }

    /// Node by node: shapes depend on data.
    fn interpret(&self, inputs: &[Arc<Tensor>]) -> Result<Vec<Tensor>> {
        let ids = self.inputs.iter().map(|(id, _)| *id);
        let fed = ids.zip(inputs.iter().cloned()).collect::<Vec<_>>();
        let outputs = evaluate(&self.graph, &fed, &Meter::new(self.how.limits))?;
        Ok(outputs.into_iter().map(|tensor| Tensor::clone(&tensor)).collect())
    }

    /// All at once.
    fn whole(
        &self,
        program: &Program,
        examples: usize,
        inputs: &[Arc<Tensor>],
    ) -> Result<Vec<Tensor>> {
        let mut memory = self.runner.memory(examples, program);
        let types = program.outputs().collect::<Vec<_>>();
        let mut outputs = Vec::with_capacity(types.len());
        self.runner.write(program, &mut memory, inputs, None, &mut |at, view| {
            outputs.push(view.tensor(types[at])?);
            Ok(())
        })?;
        self.runner.give_back(examples, memory);
        Ok(outputs)
    }

    /// Run the pieces on the threads, and put together what they give.
    fn pieces(
        &mut self,
        pieces: Vec<(usize, usize)>,
        programs: Vec<Arc<Program>>,
        examples: usize,
        inputs: &[Arc<Tensor>],
    ) -> Result<Vec<Tensor>> {
        let largest = programs.iter().max_by_key(|program| program.plan().memory);
        let threads = largest.map_or(1, |program| self.threads(program, pieces.len()));
        let roles = self.outputs.clone().unwrap_or_default();
        let spare = std::mem::take(&mut self.spare);
        let pieces = Arc::new(Pieces {
            runner: self.runner.clone(),
            pieces,
            programs,
            inputs: inputs.to_vec(),
            examples,
            given: Mutex::new(Given::new(&roles).into(spare)),
            roles,
            next: AtomicUsize::new(0),
        });
        let all = pieces.clone();
        self.crew.run(threads, move || all.work())?;
        pieces.finish()
    }

    /// Tensors that an earlier run gave: the next one writes its outputs there where they fit.
    pub fn reuse(&mut self, outputs: Vec<Tensor>) {
        self.spare = outputs;
    }

    /// Gradients clipped for each example: the last `count` outputs, which have to be sums over the
    /// batch. Each example's are scaled by `min(1, clip / norm)`, the norm over all of them, and
    /// added. Memory is that of one example's gradients a thread, without those of fully connected
    /// layers, and of the sums.
    ///
    /// # Errors
    /// As [`Session::run`], and where the graph cannot be run example by example.
    pub fn clipped(&mut self, inputs: &[Arc<Tensor>], count: usize, clip: f32) -> Result<Clipped> {
        if !self.is_summed(count) {
            return Err(Trouble::unsupported("this graph does not go example by example"));
        }
        self.take_shapes(inputs)?;
        let examples = inputs.iter().zip(&self.batch).find(|(_, batch)| **batch);
        let examples = examples.and_then(|(tensor, _)| tensor.dims().first().copied()).unwrap_or(0);
        let one = self.clipping(count)?;
        let threads = self.threads(&one.program, examples.div_ceil(SUMMED));
        let all = Arc::new(Groups::new(one, inputs, examples, clip));
        let groups = all.clone();
        self.crew.run(threads, move || groups.work())?;
        let (gradients, norms) = all.finish()?;
        Ok(Clipped { gradients, norms })
    }

    /// How the last `count` outputs are taken for one example.
    fn clipping(&mut self, count: usize) -> Result<Clipping> {
        if let Some((known, clipping)) = &self.clipping
            && *known == count
        {
            return Ok(clipping.clone());
        }
        let (graph, parts) = in_parts(&self.graph, count);
        let program = Arc::new(self.compile(&graph, 1)?);
        // Its memory is that of another program than the session's for one example.
        let runner = Arc::new(Runner::new(&graph, &self.inputs, &self.batch));
        let clipping = Clipping { runner, program, parts };
        self.clipping = Some((count, clipping.clone()));
        Ok(clipping)
    }

    /// Whether the last `count` outputs are sums over the examples, so that [`Session::clipped`] can
    /// take them one example at a time.
    pub fn is_summed(&self, count: usize) -> bool {
        let first = self.graph.outputs.len().saturating_sub(count);
        let roles = self.outputs.as_ref().and_then(|roles| roles.get(first..));
        roles.is_some_and(|roles| roles.iter().all(|role| *role == Role::Sum))
    }
}

/// Gradients that were clipped for each example.
#[derive(Debug)]
pub struct Clipped {
    /// Their sums.
    pub gradients: Vec<Tensor>,
    /// The norm of each example's gradients before it was clipped.
    pub norms: Vec<f32>,
}

/// Whether an input may say a shape: a few whole numbers.
pub(crate) fn says_shapes(tensor: &Tensor) -> bool {
    !tensor.element().is_float() && tensor.count() <= 64
}

/// Which inputs hold the batch along their first axis: those that are as long there as the first
/// float input, or without one the first, and whose model does not say that they always are.
pub(crate) fn holding_batch(graph: &Graph, inputs: &[(ValueId, Arc<Tensor>)]) -> Vec<bool> {
    let size = |tensor: &Tensor| tensor.dims().first().copied();
    let free = |id: ValueId, tensor: &Tensor| {
        let declared =
            graph.value(id).declared.as_ref().and_then(|declared| declared.dims.as_ref());
        let fixed = declared.and_then(|dims| dims.first()).cloned();
        !tensor.dims().is_empty() && fixed != size(tensor).map(Dimension::Fixed)
    };
    let all = || inputs.iter().filter(|(id, tensor)| free(*id, tensor));
    let lead = all().find(|(_, tensor)| tensor.element().is_float()).or_else(|| all().next());
    let lead = lead.and_then(|(_, tensor)| size(tensor));
    let holds = |(id, tensor): &(ValueId, Arc<Tensor>)| free(*id, tensor) && size(tensor) == lead;
    inputs.iter().map(holds).collect()
}

/// Run a graph once on these inputs, by a plan where that can be made.
///
/// # Errors
/// As [`Session::run`].
pub fn run(graph: &Graph, inputs: &[(ValueId, Arc<Tensor>)], how: How) -> Result<Vec<Tensor>> {
    let mut session = Session::new(Arc::new(graph.clone()), inputs, how)?;
    let tensors = inputs.iter().map(|(_, tensor)| tensor.clone()).collect::<Vec<_>>();
    session.run(&tensors)
}
