//! `If`, `Loop`, `Scan`: graphs inside a node, run as data says.
//!
//! A loop whose condition is always true is refused before it runs if its trips alone are over the
//! limit of nodes that run, and as soon as what it carries grows so that its last trip would be over
//! the limit of memory.
//!
//! Source: ONNX `If`, `Loop`, sets 1 to 25; `Scan`, sets 8 to 25.

use std::sync::Arc;

use crate::{
    Data, Meter, Result, Tensor, Trouble, Type, alike, exec,
    graph::{
        Body, Graph, Inference, Known, Operator, Run, ValueId, axis_of,
        ops::elementwise::{like, strides},
    },
};

pub(super) const OPS: &[&Operator] = &[&IF, &LOOP, &SCAN];

const WHY: &str = "what runs depends on data";

static IF: Operator =
    Operator::dynamic("If", &[1, 11, 13, 16, 19, 21, 23, 24, 25], branch, WHY).moves();

static LOOP: Operator =
    Operator::dynamic("Loop", &[1, 11, 13, 16, 19, 21, 23, 24, 25], repeat, WHY).moves();

static SCAN: Operator = Operator::dynamic("Scan", &[8, 9, 11, 16, 19, 21, 23, 24, 25], scan, WHY)
    .moves()
    .import(|import| {
        // Set 8 has a batch in front of everything, and lengths as the first input.
        if import.version < 9 {
            import.attributes.set("batched", 1);
        }
        Ok(())
    });

/// A graph inside a node, ready to run.
struct Inner<'a> {
    graph: &'a Graph,
    captured: Vec<Arc<Tensor>>,
    /// How many inputs are the node's to give.
    formal: usize,
    meter: &'a Meter,
}

impl<'a> Inner<'a> {
    fn of(run: &Run<'a>, name: &str) -> Result<Self> {
        let body = run.node.bodies.iter().find(|body| body.name == name);
        let body: &Body =
            body.ok_or_else(|| Trouble::graph(format!("expected a graph `{name}`, got none")))?;
        let captured = body.captured.iter().map(|&at| run.input(at).map(|t| Arc::new(t.clone())));
        let captured = captured.collect::<Result<Vec<_>>>()?;
        let formal = body.graph.inputs.len().saturating_sub(captured.len());
        Ok(Self { graph: &body.graph, captured, formal, meter: run.meter })
    }

    fn inputs(&self, given: &[Arc<Tensor>]) -> Result<Vec<(ValueId, Arc<Tensor>)>> {
        if given.len() != self.formal {
            let (expected, got) = (given.len(), self.formal);
            return Err(Trouble::graph(format!(
                "expected {expected} inputs of the inner graph, got {got}"
            )));
        }
        let all = given.iter().chain(&self.captured).cloned();
        Ok(self.graph.inputs.iter().copied().zip(all).collect())
    }

    /// Run it. What it gives counts as memory only once the caller takes it.
    fn run(&self, given: &[Arc<Tensor>]) -> Result<Vec<Arc<Tensor>>> {
        let inputs = self.inputs(given)?;
        let live = self.meter.live();
        let bytes = inputs.iter().map(|(_, tensor)| tensor.kind().bytes());
        self.meter.take(bytes.sum::<Result<u64>>()?)?;
        let outputs = exec::evaluate(self.graph, &inputs, self.meter);
        self.meter.restore(live);
        outputs
    }

    /// The types of its outputs, without running it.
    fn kinds(&self, given: &[Arc<Tensor>]) -> Result<Vec<Option<Type>>> {
        let inputs = self.inputs(given)?;
        let kinds = inputs.iter().map(|(id, tensor)| (*id, tensor.kind())).collect::<Vec<_>>();
        let known = kinds.iter().map(|(id, kind)| (*id, Known { kind, value: None }));
        let known = known.collect::<Vec<_>>();
        let inferred = Inference::of(self.graph, &known, self.meter)?;
        Ok(self.graph.outputs.iter().map(|&id| inferred.kind(id).cloned()).collect())
    }

    /// Refuse so many runs before the first, where they alone are over the limit.
    fn admit(&self, trips: u64) -> Result<()> {
        let nodes = trips.saturating_mul(self.graph.nodes.len().max(1) as u64);
        let limit = self.meter.limits().nodes.saturating_mul(4);
        if nodes > limit {
            return Err(Trouble::limit(format!(
                "{trips} trips of the inner graph, more than the limit of {limit} nodes that run"
            )));
        }
        Ok(())
    }
}

fn branch(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let name = if truth(run.input(0)?)? { "then_branch" } else { "else_branch" };
    let outputs = Inner::of(run, name)?.run(&[])?;
    Ok(outputs.into_iter().map(owned).collect())
}

fn owned(tensor: Arc<Tensor>) -> Tensor {
    Arc::try_unwrap(tensor).unwrap_or_else(|shared| (*shared).clone())
}

/// The one truth value of a condition.
fn truth(tensor: &Tensor) -> Result<bool> {
    match tensor.values::<bool>()? {
        [one] => Ok(*one),
        other => Err(Trouble::graph(format!("expected one condition, got {}", other.len()))),
    }
}

fn repeat(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let inner = Inner::of(run, "body")?;
    let own = run.inputs.len().saturating_sub(inner.captured.len());
    let trips = match run.optional(0).filter(|_| own > 0).map(Tensor::ints).transpose()? {
        None => None,
        Some(trips) => match trips[..] {
            [trips] => Some(trips.max(0) as u64),
            _ => return Err(Trouble::graph("expected one number of trips")),
        },
    };
    let mut on = run.optional(1).filter(|_| own > 1).map(truth).transpose()?.unwrap_or(true);
    let carried = (2..own).map(|at| run.input(at).map(|tensor| Arc::new(tensor.clone())));
    let mut carried = carried.collect::<Result<Vec<_>>>()?;
    let count = carried.len();
    if inner.graph.outputs.len() < 1 + count {
        return Err(Trouble::graph("the inner graph does not give all that the loop carries"));
    }
    // What always goes on is judged by its trips.
    let endless = on && always(inner.graph);
    if endless {
        inner.admit(trips.unwrap_or(u64::MAX))?;
    }
    let mut scanned = Stacks::new(inner.graph.outputs.len() - 1 - count);
    let live = run.meter.live();
    let mut growth = Growth::default();
    let mut trip = 0_u64;
    while on && trips.is_none_or(|trips| trip < trips) {
        run.meter.step()?;
        let given = [Arc::new(Tensor::scalar(trip as i64)), Arc::new(Tensor::scalar(on))];
        let given = given.into_iter().chain(carried.iter().cloned()).collect::<Vec<_>>();
        let mut outputs = inner.run(&given)?.into_iter();
        on = outputs.next().map_or(Ok(false), |on| truth(&on))?;
        carried = outputs.by_ref().take(count).collect();
        scanned.push(outputs)?;
        trip += 1;
        let bytes = carried.iter().map(|tensor| tensor.kind().bytes()).sum::<Result<u64>>()?;
        let bytes = bytes.saturating_add(scanned.bytes);
        if endless {
            let left = trips.map_or(u64::MAX, |trips| trips - trip);
            growth.judge(bytes, left, run.meter)?;
        }
        run.meter.restore(live);
        run.meter.take(bytes)?;
    }
    run.meter.restore(live);
    let empty = |at: usize| {
        let given = [Arc::new(Tensor::scalar(0_i64)), Arc::new(Tensor::scalar(true))];
        let given = given.into_iter().chain(carried.iter().cloned()).collect::<Vec<_>>();
        Ok(inner.kinds(&given)?.into_iter().nth(1 + count + at).flatten())
    };
    let rest = scanned.finish(&[], &[], empty)?;
    Ok(carried.iter().cloned().map(owned).chain(rest).collect())
}

/// Whether the condition that a loop's graph gives is always true, as far as is seen.
fn always(graph: &Graph) -> bool {
    let Some(&on) = graph.outputs.first() else { return false };
    let mut at = on;
    // Through what only passes it on.
    for _ in 0..graph.nodes.len() {
        let writer = graph.nodes.iter().find(|node| node.outputs.contains(&at));
        match writer.map(|node| (node.operator.name, &node.inputs[..])) {
            Some(("Identity" | "Cast", [Some(from), ..])) => at = *from,
            _ => break,
        }
    }
    let constant = graph.value(at).constant.as_ref().and_then(|constant| truth(constant).ok());
    constant == Some(true) || graph.inputs.get(1) == Some(&at)
}

/// How what a loop carries grows.
#[derive(Debug, Default)]
struct Growth {
    bytes: u64,
    added: u64,
    times: u32,
}

impl Growth {
    /// Refuse a loop that grows by as much or more each time, if it will be over the limit.
    fn judge(&mut self, bytes: u64, left: u64, meter: &Meter) -> Result<()> {
        const SURE: u32 = 8;
        let added = bytes.saturating_sub(self.bytes);
        self.times = if added > 0 && added >= self.added { self.times + 1 } else { 0 };
        (self.bytes, self.added) = (bytes, added);
        let last = bytes.saturating_add(added.saturating_mul(left));
        if self.times > SURE && last > meter.limits().memory {
            let (last, limit) = (exec::size(last), exec::size(meter.limits().memory));
            return Err(Trouble::limit(format!(
                "what the loop carries grows to {last} and more, over the limit of {limit}"
            )));
        }
        Ok(())
    }
}

/// What the trips give, stacked.
struct Stacks {
    all: Vec<Vec<Arc<Tensor>>>,
    bytes: u64,
}

impl Stacks {
    fn new(count: usize) -> Self {
        Self { all: vec![Vec::new(); count], bytes: 0 }
    }

    fn push(&mut self, outputs: impl Iterator<Item = Arc<Tensor>>) -> Result<()> {
        for (stack, output) in self.all.iter_mut().zip(outputs) {
            if stack.first().is_some_and(|first| first.kind() != output.kind()) {
                let (expected, got) = (stack[0].kind(), output.kind());
                return Err(Trouble::graph(format!("expected {expected} of each trip, got {got}")));
            }
            self.bytes = self.bytes.saturating_add(output.kind().bytes()?);
            stack.push(output);
        }
        Ok(())
    }

    /// Each stack as a tensor, along an axis, backwards where the direction is 1.
    fn finish(
        self,
        axes: &[i64],
        directions: &[i64],
        empty: impl Fn(usize) -> Result<Option<Type>>,
    ) -> Result<Vec<Tensor>> {
        let mut tensors = Vec::with_capacity(self.all.len());
        for (at, mut stack) in self.all.into_iter().enumerate() {
            if directions.get(at) == Some(&1) {
                stack.reverse();
            }
            let axis = axes.get(at).copied().unwrap_or(0);
            if let Some(first) = stack.first() {
                let axis = axis_of(axis, first.dims().len() + 1)?;
                tensors.push(stacked(&stack, axis)?);
                continue;
            }
            let kind = empty(at)?.ok_or_else(|| {
                Trouble::data_dependent("a loop without trips, whose outputs depend on data")
            })?;
            let axis = axis_of(axis, kind.dims.len() + 1)?;
            let mut dims = kind.dims;
            dims.insert(axis, 0);
            tensors.push(Tensor::zeros(&Type::new(kind.element, dims))?);
        }
        Ok(tensors)
    }
}

/// Tensors of one type along a new axis.
fn stacked(parts: &[Arc<Tensor>], axis: usize) -> Result<Tensor> {
    let Some(first) = parts.first() else { return Err(Trouble::graph("nothing to stack")) };
    let mut dims = first.dims().to_vec();
    dims.insert(axis, parts.len());
    if first.count() == 0 {
        return Tensor::zeros(&Type::new(first.element(), dims));
    }
    let outer = first.dims()[..axis].iter().product::<usize>();
    let block = first.dims()[axis..].iter().product::<usize>();
    let data: Data = alike!(first.data(), v => {
        let mut out = Vec::with_capacity(v.len() * parts.len());
        for outer in 0..outer {
            for part in parts {
                out.extend_from_slice(&like(v, part)?[outer * block..][..block]);
            }
        }
        out
    });
    Tensor::new(dims, data)
}

/// The part of a tensor at a place along an axis, without that axis.
fn part(x: &Tensor, axis: usize, index: usize) -> Result<Tensor> {
    let mut dims = x.dims().to_vec();
    dims.remove(axis);
    if x.count() == 0 {
        return Tensor::zeros(&Type::new(x.element(), dims));
    }
    let step = strides(x.dims())[axis];
    let outer = x.dims()[..axis].iter().product::<usize>();
    let size = x.dims()[axis];
    let from = (0..outer).flat_map(|outer| {
        let start = (outer * size + index) * step;
        start..start + step
    });
    Tensor::new(dims, x.data().gather(from))
}

fn scan(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let inner = Inner::of(run, "body")?;
    let attributes = run.attributes();
    let batched = attributes.flag("batched")?;
    let own = run.inputs.len().saturating_sub(inner.captured.len());
    let first = usize::from(batched);
    let inputs = (first..own).map(|at| run.input(at)).collect::<Result<Vec<_>>>()?;
    let scanned = usize::try_from(attributes.int_or("num_scan_inputs", 0)?).unwrap_or(0);
    let states = inputs.len().checked_sub(scanned).filter(|_| scanned > 0);
    let states = states.ok_or_else(|| Trouble::graph("expected an input to scan, got none"))?;
    let list = |name: &str| attributes.ints(name).map(Option::unwrap_or_default);
    if !batched {
        let outputs = Scan {
            inner: &inner,
            states: inputs[..states].iter().map(|&tensor| Arc::new(tensor.clone())).collect(),
            scanned: &inputs[states..],
            axes: list("scan_input_axes")?,
            directions: list("scan_input_directions")?,
            output_axes: list("scan_output_axes")?,
            output_directions: list("scan_output_directions")?,
            length: None,
        };
        return outputs.run();
    }
    // Set 8: each example by itself.
    let batch = inputs.first().and_then(|tensor| tensor.dims().first()).copied().unwrap_or(0);
    if batch == 0 || inputs.iter().any(|tensor| tensor.dims().first() != Some(&batch)) {
        return Err(Trouble::graph("expected the same batch in front of every input"));
    }
    let lengths = run.optional(0).map(Tensor::ints).transpose()?;
    let mut columns: Vec<Vec<Arc<Tensor>>> = Vec::new();
    for example in 0..batch {
        let parts = inputs.iter().map(|tensor| part(tensor, 0, example));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let length = match lengths.as_ref().map(|lengths| lengths.get(example)) {
            None => None,
            Some(length) => Some(
                length
                    .and_then(|&length| usize::try_from(length).ok())
                    .ok_or_else(|| Trouble::graph("expected a length of each example"))?,
            ),
        };
        let outputs = Scan {
            inner: &inner,
            states: parts[..states].iter().cloned().map(Arc::new).collect(),
            scanned: &parts[states..].iter().collect::<Vec<_>>(),
            axes: &[],
            directions: list("directions")?,
            output_axes: &[],
            output_directions: &[],
            length,
        };
        let outputs = outputs.run()?;
        columns.resize(outputs.len(), Vec::new());
        for (column, output) in columns.iter_mut().zip(outputs) {
            column.push(Arc::new(output));
        }
    }
    for column in &columns {
        if column.iter().any(|other| other.kind() != column[0].kind()) {
            return Err(Trouble::unsupported("a scan of examples of several lengths"));
        }
    }
    columns.iter().map(|column| stacked(column, 0)).collect()
}

/// A scan of one example.
struct Scan<'a> {
    inner: &'a Inner<'a>,
    states: Vec<Arc<Tensor>>,
    scanned: &'a [&'a Tensor],
    axes: &'a [i64],
    directions: &'a [i64],
    output_axes: &'a [i64],
    output_directions: &'a [i64],
    length: Option<usize>,
}

impl Scan<'_> {
    fn run(self) -> Result<Vec<Tensor>> {
        let meter = self.inner.meter;
        let axis = |at: usize| {
            axis_of(self.axes.get(at).copied().unwrap_or(0), self.scanned[at].dims().len())
        };
        let axes = (0..self.scanned.len()).map(axis).collect::<Result<Vec<_>>>()?;
        let sizes = self.scanned.iter().zip(&axes).map(|(tensor, &axis)| tensor.dims()[axis]);
        let sizes = sizes.collect::<Vec<_>>();
        let size = sizes.first().copied().unwrap_or(0);
        if sizes.iter().any(|&other| other != size) {
            return Err(Trouble::graph(format!("inputs of several lengths to scan: {sizes:?}")));
        }
        let length = self.length.unwrap_or(size);
        if length > size {
            return Err(Trouble::graph(format!("expected a length up to {size}, got {length}")));
        }
        self.inner.admit(length as u64)?;
        let count = self.states.len();
        let outputs = self.inner.graph.outputs.len();
        let given = outputs.checked_sub(count);
        let given =
            given.ok_or_else(|| Trouble::graph("the inner graph does not give all states"))?;
        let mut stacks = Stacks::new(given);
        let mut states = self.states;
        let live = meter.live();
        for step in 0..length {
            let mut given = states.clone();
            for (at, (&tensor, &axis)) in self.scanned.iter().zip(&axes).enumerate() {
                let back = self.directions.get(at) == Some(&1);
                let index = if back { size - 1 - step } else { step };
                given.push(Arc::new(part(tensor, axis, index)?));
            }
            let mut outputs = self.inner.run(&given)?.into_iter();
            states = outputs.by_ref().take(count).collect();
            stacks.push(outputs)?;
            let bytes = states.iter().map(|tensor| tensor.kind().bytes()).sum::<Result<u64>>()?;
            meter.restore(live);
            meter.take(bytes.saturating_add(stacks.bytes))?;
        }
        meter.restore(live);
        let empty = |at: usize| {
            let mut given = states.clone();
            for (&tensor, &axis) in self.scanned.iter().zip(&axes) {
                let mut dims = tensor.dims().to_vec();
                dims.remove(axis);
                given.push(Arc::new(Tensor::zeros(&Type::new(tensor.element(), dims))?));
            }
            Ok(self.inner.kinds(&given)?.into_iter().nth(count + at).flatten())
        };
        let rest = stacks.finish(self.output_axes, self.output_directions, empty)?;
        Ok(states.iter().cloned().map(owned).chain(rest).collect())
    }
}
