//! Gradients clipped for each example.
//!
//! The gradient by the weights of a fully connected layer is the product of what flowed in and what
//! flows back: for one example its norm is that of the two, and it is never formed. A group of
//! examples is added at once.
//!
//! Source: Abadi et al. 2016, "Deep learning with differential privacy", algorithm 1; Goodfellow
//! 2015, "Efficient per-example gradient computations".

use std::sync::{
    Arc, Condvar, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    Data, Result, Tensor, Type,
    exec::{
        Cpu, Program,
        crew::stopped,
        given::Given,
        kernels::{Buffer, Left, add_scaled, square, unpacked, unpacked_scratch},
        pieces::{Runner, SUMMED},
        roles::Role,
    },
    graph::{Graph, Node, ValueId},
};

/// Groups that are added one after the other; sums of so many are added in a binary tree.
const CHAINED: usize = 64;

/// How the gradient of one example comes out of a program.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// As this output.
    Whole(usize),
    /// As the product of a column and a row: these outputs.
    Outer(usize, usize),
}

/// A graph that gives the parts of its last outputs, which are sums over the batch.
pub(super) fn in_parts(graph: &Graph, count: usize) -> (Graph, Vec<Part>) {
    let mut graph = graph.clone();
    let sums = graph.outputs.split_off(graph.outputs.len().saturating_sub(count));
    let mut parts = Vec::new();
    for sum in sums {
        let at = graph.outputs.len();
        let writer = graph.nodes().iter().find(|node| node.outputs.contains(&sum));
        match writer.and_then(factors) {
            Some(factors) => {
                graph.outputs.extend(factors);
                parts.push(Part::Outer(at, at + 1));
            }
            None => {
                graph.outputs.push(sum);
                parts.push(Part::Whole(at));
            }
        }
    }
    graph.prune();
    (graph, parts)
}

/// What a `Gemm` multiplies that is a sum of products of columns and rows.
fn factors(node: &Node) -> Option<[ValueId; 2]> {
    let attributes = &node.attributes;
    let flag = |name| attributes.flag(name).unwrap_or(true);
    let plain = node.operator.name == "Gemm"
        && flag("transA")
        && !flag("transB")
        && attributes.float_or("alpha", 1.0).is_ok_and(|alpha| alpha == 1.0);
    match node.inputs[..] {
        [Some(a), Some(b)] | [Some(a), Some(b), None] if plain => Some([a, b]),
        _ => None,
    }
}

/// How gradients of one example are taken.
#[derive(Clone, Debug)]
pub(super) struct Clipping {
    pub(super) runner: Arc<Runner>,
    /// For one example.
    pub(super) program: Arc<Program>,
    pub(super) parts: Vec<Part>,
}

/// Examples in groups, that threads take one after the other.
#[derive(Debug)]
pub(super) struct Groups {
    one: Clipping,
    inputs: Vec<Arc<Tensor>>,
    examples: usize,
    /// The largest norm that is left as it is.
    clip: f32,
    cpu: Cpu,
    next: AtomicUsize,
    sums: Mutex<Sums>,
    turned: Condvar,
}

/// What the groups gave so far.
#[derive(Debug)]
struct Sums {
    /// The group that is added next.
    turn: usize,
    /// Whether a thread stopped, so that some group never comes.
    stopped: bool,
    /// Of the groups since the last [`CHAINED`].
    chain: Vec<Tensor>,
    given: Given,
    norms: Vec<f32>,
}

/// What one thread keeps of a group.
struct Group {
    norms: Vec<f32>,
    /// A sum, or two factors whose lines are the examples.
    parts: Vec<[Buffer; 2]>,
    scratch: Vec<f32>,
}

impl Groups {
    /// Of so many examples.
    pub(super) fn new(one: Clipping, inputs: &[Arc<Tensor>], examples: usize, clip: f32) -> Self {
        let given = Given::new(&vec![Role::Sum; one.parts.len()]);
        let norms = vec![0.0; examples];
        let sums = Sums { turn: 0, stopped: false, chain: Vec::new(), given, norms };
        Self {
            cpu: one.program.cpu(),
            one,
            inputs: inputs.to_vec(),
            examples,
            clip,
            next: AtomicUsize::new(0),
            sums: Mutex::new(sums),
            turned: Condvar::new(),
        }
    }

    /// Run what is left of the groups.
    ///
    /// # Errors
    /// Where a node refuses its data.
    pub(super) fn work(&self) -> Result<()> {
        // Whoever waits for this thread's groups hears of it where it stops.
        let mut watch = Watch { groups: self, done: false };
        let types = self.types()?;
        let mut memory = self.one.runner.memory(1, &self.one.program);
        let room = |part: &Part, kind: &Type| match part {
            Part::Whole(_) => Ok([kind.count()?, 0]),
            Part::Outer(..) => Ok([SUMMED * kind.dims[0], SUMMED * kind.dims[1]]),
        };
        let rooms = self.one.parts.iter().zip(&types).map(|(part, kind)| room(part, kind));
        let rooms = rooms.collect::<Result<Vec<[usize; 2]>>>()?;
        let mut kept = Group {
            norms: Vec::new(),
            parts: rooms.iter().map(|room| room.map(Buffer::zeros)).collect(),
            scratch: vec![0.0; unpacked_scratch(self.cpu)],
        };
        loop {
            let group = self.next.fetch_add(1, Ordering::Relaxed);
            let examples = group * SUMMED..((group + 1) * SUMMED).min(self.examples);
            if examples.is_empty() {
                self.one.runner.give_back(1, memory);
                watch.done = true;
                return Ok(());
            }
            kept.norms.clear();
            for [sum, _] in &mut kept.parts {
                sum.floats_mut().fill(0.0);
            }
            for (line, example) in examples.enumerate() {
                let piece = Some((example, 1));
                self.one.runner.write(
                    &self.one.program,
                    &mut memory,
                    &self.inputs,
                    piece,
                    &mut |_, _| Ok(()),
                )?;
                let output = |at: usize| self.one.program.output(&memory, at).unwrap_or_default();
                let square_of = |at: usize| square(self.cpu, output(at));
                let squares = self.one.parts.iter().map(|part| match *part {
                    Part::Whole(at) => square_of(at),
                    Part::Outer(a, b) => square_of(a) * square_of(b),
                });
                let (norm, clip) = (squares.sum::<f64>().sqrt(), f64::from(self.clip));
                let scale = if norm > clip { (clip / norm) as f32 } else { 1.0 };
                kept.norms.push(norm as f32);
                for (part, [first, second]) in self.one.parts.iter().zip(&mut kept.parts) {
                    match *part {
                        Part::Whole(at) => {
                            add_scaled(self.cpu, first.floats_mut(), output(at), scale);
                        }
                        Part::Outer(a, b) => {
                            let (a, b) = (output(a), output(b));
                            first.floats_mut()[line * a.len()..][..a.len()].copy_from_slice(a);
                            let row = &mut second.floats_mut()[line * b.len()..][..b.len()];
                            row.fill(0.0);
                            add_scaled(self.cpu, row, b, scale);
                        }
                    }
                }
            }
            self.add(group, &mut kept, &types)?;
        }
    }

    /// Add a group to the sums, when it is its turn: so the bits do not depend on the threads.
    fn add(&self, group: usize, kept: &mut Group, types: &[Type]) -> Result<()> {
        let mut sums = self.sums.lock().map_err(|_| stopped())?;
        while sums.turn != group {
            if sums.stopped {
                return Err(stopped());
            }
            sums = self.turned.wait(sums).map_err(|_| stopped())?;
        }
        if sums.chain.is_empty() {
            sums.chain = types.iter().map(Tensor::zeros).collect::<Result<_>>()?;
        }
        let examples = kept.norms.len();
        let parts = self.one.parts.iter().zip(&kept.parts);
        for ((part, [first, second]), sum) in parts.zip(&mut sums.chain) {
            let dims = sum.dims().to_vec();
            let Data::F32(sum) = sum.data_mut() else { continue };
            match part {
                Part::Whole(_) => add_scaled(self.cpu, sum, first.floats(), 1.0),
                Part::Outer(..) => {
                    let sizes = [dims[0], examples, dims[1]];
                    let left = Left { step: dims[0], row: 1, add: true };
                    let (a, b) = (first.floats(), second.room_floats());
                    unpacked(self.cpu, sizes, a, left, b, sum, &mut kept.scratch);
                }
            }
        }
        sums.norms[group * SUMMED..][..examples].copy_from_slice(&kept.norms);
        sums.turn += 1;
        if sums.turn.is_multiple_of(CHAINED) || sums.turn * SUMMED >= self.examples {
            let chain = std::mem::take(&mut sums.chain);
            sums.given.take(group / CHAINED, chain)?;
        }
        drop(sums);
        self.turned.notify_all();
        Ok(())
    }

    /// The types of the gradients.
    fn types(&self) -> Result<Vec<Type>> {
        let outputs = self.one.program.outputs().collect::<Vec<_>>();
        let kinds = self.one.parts.iter().map(|part| match *part {
            Part::Whole(at) => Ok(outputs[at].clone()),
            Part::Outer(a, b) => {
                let columns = [outputs[a].count()?, outputs[b].count()?];
                Ok(Type::new(outputs[a].element, columns))
            }
        });
        kinds.collect()
    }

    /// The sums of the gradients, and each example's norm.
    ///
    /// # Errors
    /// Where a thread stopped.
    pub(super) fn finish(&self) -> Result<(Vec<Tensor>, Vec<f32>)> {
        let mut sums = self.sums.lock().map_err(|_| stopped())?;
        let given = std::mem::replace(&mut sums.given, Given::new(&[]));
        Ok((given.finish()?, std::mem::take(&mut sums.norms)))
    }
}

/// A thread at the groups.
struct Watch<'a> {
    groups: &'a Groups,
    done: bool,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.done {
            if let Ok(mut sums) = self.groups.sums.lock() {
                sums.stopped = true;
            }
            self.groups.turned.notify_all();
        }
    }
}
