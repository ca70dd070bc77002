//! From the graph of a model to a network of affine layers and curves.

use std::{collections::HashMap, sync::Arc};

use modelward_engine::{
    Data, Element, Limits, Meter, Model, Result, Tensor, Trouble, Type,
    exec::{Cpu, evaluate},
    graph::{Dimension, Graph, Inference, Known, Node, ValueId},
};

use crate::certify::{
    build::{Builder, Held},
    curve::Curve,
    network::{Ending, Network},
};

mod linear;
mod moves;
mod pieces;
mod windows;

/// The network of a model that takes one example, and gives its first output.
///
/// # Errors
/// Where it has several inputs, an operator whose bounds are not known here, or is over the limits.
pub(super) fn network(model: &Model, limits: &Limits) -> Result<Network> {
    let graph = &model.graph;
    let [input] = graph.inputs[..] else {
        let count = graph.inputs.len();
        return Err(Trouble::unsupported(format!("bounds are for one input, got {count}")));
    };
    let kind = input_type(graph, input)?;
    let meter = Meter::new(*limits);
    let known = Inference::of(graph, &[(input, Known { kind: &kind, value: None })], &meter)?;
    let first = graph.outputs.first().copied();
    let output = first.ok_or_else(|| Trouble::graph("the model has no output"))?;
    let (scores, ending) = ending(graph, &known, output)?;
    let mut needed = graph.clone();
    needed.outputs = vec![scores];
    needed.prune();
    let reader = Reader::new(&needed, known, input, &meter)?;
    let network = reader.network(scores, ending)?;
    agrees(&network, graph, (input, &kind), output, limits)?;
    Ok(network)
}

/// The type of an input of one example.
fn input_type(graph: &Graph, input: ValueId) -> Result<Type> {
    let declared = graph.value(input).declared.as_ref();
    let dims = declared.and_then(|declared| Some((declared.element, declared.dims.as_ref()?)));
    let (element, dims) =
        dims.ok_or_else(|| Trouble::unsupported("the model does not declare its input's shape"))?;
    if element != Element::F32 {
        return Err(Trouble::unsupported(format!("bounds are for inputs of F32, got {element}")));
    }
    let sizes = dims.iter().map(|dimension| match dimension {
        Dimension::Fixed(size) => *size,
        Dimension::Named(_) | Dimension::Any => 1,
    });
    Ok(Type::new(element, sizes.collect::<Vec<_>>()))
}

/// What stands after the scores, and where these are.
fn ending(graph: &Graph, known: &Inference, output: ValueId) -> Result<(ValueId, Ending)> {
    let writers = graph.writers();
    let mut at = output;
    while let Some(node) = writers.get(&at).and_then(|writer| graph.nodes().get(*writer)) {
        let Some(input) = node.inputs.first().copied().flatten() else { break };
        match node.operator.name {
            "Identity" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => at = input,
            "Softmax" | "LogSoftmax" => {
                let kind = known.kind(input).ok_or_else(unknown_shape)?;
                let axis = node.attributes.int_or("axis", -1)?;
                let rank = kind.dims.len() as i64;
                let axis = usize::try_from(if axis < 0 { axis + rank } else { axis }).ok();
                let size = axis.and_then(|axis| kind.dims.get(axis)).copied();
                if size != Some(kind.count()?) {
                    return Err(Trouble::unsupported("a softmax over a part of the output")
                        .at(|| node.label(graph)));
                }
                return Ok((input, Ending::Softmax));
            }
            "Sigmoid" => return Ok((output, Ending::Sigmoid)),
            _ => break,
        }
    }
    Ok((output, Ending::Plain))
}

fn unknown_shape() -> Trouble {
    Trouble::unsupported("its shape depends on data")
}

/// Reads a graph node by node.
struct Reader<'a> {
    graph: &'a Graph,
    known: Inference,
    /// Constants that nodes make of constants.
    folded: HashMap<ValueId, Arc<Tensor>>,
    /// What each value that depends on the input is.
    held: HashMap<ValueId, Held>,
    /// How many nodes read each value.
    readers: HashMap<ValueId, usize>,
    builder: Builder,
    meter: &'a Meter,
}

impl<'a> Reader<'a> {
    fn new(graph: &'a Graph, known: Inference, input: ValueId, meter: &'a Meter) -> Result<Self> {
        let mut readers = HashMap::new();
        for id in graph.nodes().iter().flat_map(|node| node.inputs.iter().flatten()) {
            *readers.entry(*id).or_insert(0) += 1;
        }
        let size = known.kind(input).ok_or_else(unknown_shape)?.count()?;
        let mut builder = Builder::new(Cpu::best(), meter.limits().memory);
        let held = Held { layer: builder.input(size)?, alone: false };
        let mut live = HashMap::from([(input, ())]);
        let mut constants = Vec::new();
        for node in graph.nodes() {
            let lives = |id: &ValueId| live.contains_key(id);
            if node.inputs.iter().flatten().any(lives) {
                // What only says shapes is known as soon as the input's is.
                let open = node.outputs.iter().filter(|id| known.shared(**id).is_none());
                live.extend(open.map(|id| (*id, ())).collect::<Vec<_>>());
                let made = node.inputs.iter().flatten().filter(|id| !live.contains_key(id));
                let unknown = made.filter(|id| {
                    known.shared(**id).is_none() && graph.value(**id).constant.is_none()
                });
                constants.extend(unknown.copied().collect::<Vec<_>>());
            }
        }
        let mut folded = HashMap::new();
        if !constants.is_empty() {
            let mut part = graph.clone();
            part.outputs.clone_from(&constants);
            part.prune();
            let values = evaluate(&part, &[], meter)?;
            folded.extend(constants.into_iter().zip(values));
        }
        let held = HashMap::from([(input, held)]);
        Ok(Self { graph, known, folded, held, readers, builder, meter })
    }

    fn network(mut self, output: ValueId, ending: Ending) -> Result<Network> {
        let graph = self.graph;
        for node in graph.nodes() {
            if node.inputs.iter().flatten().any(|id| self.held.contains_key(id)) {
                self.node(node).map_err(|trouble| trouble.at(|| node.label(graph)))?;
            }
        }
        let held = self.held.get(&output);
        let held = held.ok_or_else(|| Trouble::unsupported("the output is a constant"))?;
        Ok(self.builder.finish(held.layer, ending))
    }

    fn node(&mut self, node: &Node) -> Result<()> {
        if node.outputs.iter().all(|id| self.known.shared(*id).is_some()) {
            return Ok(());
        }
        for id in &node.outputs {
            if self.known.kind(*id).is_some_and(|kind| kind.element != Element::F32)
                && self.readers.contains_key(id)
            {
                return Err(Trouble::unsupported("bounds are for values of F32"));
            }
        }
        match node.operator.name {
            "Identity" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Dropout" => {
                let held = self.live(node, 0)?;
                self.put(node.outputs.first().copied(), held)
            }
            "Transpose" | "Slice" | "Gather" | "GatherND" | "GatherElements" | "Pad" | "Concat"
            | "Split" | "Expand" | "Tile" | "DepthToSpace" | "SpaceToDepth" => self.moved(node),
            "Add" | "Sub" | "Sum" | "Neg" | "Mul" | "Div" => self.elements(node),
            "MatMul" | "Gemm" => self.product(node),
            "Conv" => self.convolution(node),
            "BatchNormalization" => self.normalization(node),
            "AveragePool" | "GlobalAveragePool" | "ReduceMean" | "ReduceSum" => self.mean(node),
            "MaxPool" | "GlobalMaxPool" | "ReduceMax" => self.largest(node),
            "Relu" => self.curve(node, Curve::Relu),
            "Sigmoid" => self.curve(node, Curve::Sigmoid),
            "Tanh" => self.curve(node, Curve::Tanh),
            "LeakyRelu" | "PRelu" | "Abs" | "Clip" | "HardSigmoid" | "Max" | "Min" => {
                self.in_pieces(node)
            }
            name => Err(Trouble::unsupported(format!("no bounds are known of `{name}`"))),
        }
    }

    fn curve(&mut self, node: &Node, curve: Curve) -> Result<()> {
        let from = self.live(node, 0)?.layer;
        let layer = self.builder.curve(from, curve)?;
        self.give(node, layer)
    }

    /// A value that depends on the input.
    fn live(&self, node: &Node, input: usize) -> Result<Held> {
        let id = node.inputs.get(input).copied().flatten();
        let held = id.and_then(|id| {
            let held = *self.held.get(&id)?;
            Some(Held { alone: held.alone && self.readers.get(&id) == Some(&1), ..held })
        });
        held.ok_or_else(|| Trouble::unsupported(format!("input {input} is a constant")))
    }

    fn is_live(&self, node: &Node, input: usize) -> bool {
        let id = node.inputs.get(input).copied().flatten();
        id.is_some_and(|id| self.held.contains_key(&id))
    }

    /// A constant; `None` where the input is left out.
    fn constant(&self, node: &Node, input: usize) -> Result<Option<Arc<Tensor>>> {
        let Some(id) = node.inputs.get(input).copied().flatten() else { return Ok(None) };
        let found = self.known.shared(id).or_else(|| self.folded.get(&id)).cloned();
        let found = found.or_else(|| self.graph.value(id).constant.clone());
        found.map(Some).ok_or_else(|| {
            Trouble::unsupported(format!("input {input} depends on the model's input"))
        })
    }

    /// The numbers of a constant, and its shape.
    fn numbers(&self, node: &Node, input: usize) -> Result<Option<(Vec<f64>, Vec<usize>)>> {
        let Some(tensor) = self.constant(node, input)? else { return Ok(None) };
        let values = tensor.floats()?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Trouble::unsupported(format!("input {input} is not finite")));
        }
        Ok(Some((values, tensor.dims().to_vec())))
    }

    /// The shape of an input of a node.
    fn dims(&self, node: &Node, input: usize) -> Result<Vec<usize>> {
        let id = node.inputs.get(input).copied().flatten().ok_or_else(unknown_shape)?;
        Ok(self.known.kind(id).ok_or_else(unknown_shape)?.dims.clone())
    }

    /// The shape of an output of a node.
    fn shape(&self, node: &Node, output: usize) -> Result<Vec<usize>> {
        let id = node.outputs.get(output).ok_or_else(unknown_shape)?;
        Ok(self.known.kind(*id).ok_or_else(unknown_shape)?.dims.clone())
    }

    fn give(&mut self, node: &Node, layer: usize) -> Result<()> {
        self.put(node.outputs.first().copied(), Held { layer, alone: true })
    }

    fn put(&mut self, id: Option<ValueId>, held: Held) -> Result<()> {
        let id = id.ok_or_else(|| Trouble::graph("a node without outputs"))?;
        let kind = self.known.kind(id).ok_or_else(unknown_shape)?;
        let (expected, got) = (kind.count()?, self.builder.size(held.layer));
        if expected != got {
            let why = format!("expected {expected} values as inferred, got {got}");
            return Err(Trouble::unsupported(why));
        }
        self.held.insert(id, held);
        Ok(())
    }
}

/// Refuse a network that computes other numbers than the engine: then it is not this model's.
fn agrees(
    network: &Network,
    graph: &Graph,
    input: (ValueId, &Type),
    output: ValueId,
    limits: &Limits,
) -> Result<()> {
    let at = graph.outputs.iter().position(|id| *id == output).unwrap_or(0);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..3 {
        let numbers = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 24) as f32 - if round == 1 { 0.5 } else { 0.0 }
        });
        let point = numbers.take(network.inputs()).collect::<Vec<_>>();
        let mut ours = network.outputs(&point.iter().copied().map(f64::from).collect::<Vec<_>>());
        let tensor = Tensor::new(input.1.dims.clone(), point)?;
        let meter = Meter::new(*limits);
        let theirs = evaluate(graph, &[(input.0, Arc::new(tensor))], &meter)?;
        let theirs = theirs.get(at).ok_or_else(unknown_shape)?;
        let Data::F32(theirs) = theirs.data() else {
            return Err(Trouble::unsupported("bounds are for outputs of F32"));
        };
        let scale = ours.iter().fold(1.0, |most: f64, value| most.max(value.abs()));
        let mut least = 2e-3 * scale;
        if network.ending == Ending::Softmax {
            let most = ours.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum = ours.iter().map(|value| (value - most).exp()).sum::<f64>();
            let probabilities = theirs.iter().all(|value| *value >= 0.0);
            for value in &mut ours {
                let logarithm = *value - most - sum.ln();
                *value = if probabilities { logarithm.exp() } else { logarithm };
            }
            least = if probabilities { (2e-3 * scale).min(0.02) } else { least };
        }
        let near = |(ours, theirs): (&f64, &f32)| (ours - f64::from(*theirs)).abs() <= least;
        if ours.len() != theirs.len() || !ours.iter().zip(theirs).all(near) {
            return Err(Trouble::unsupported(
                "the layers that bounds are taken of compute something else than the model",
            ));
        }
    }
    Ok(())
}
