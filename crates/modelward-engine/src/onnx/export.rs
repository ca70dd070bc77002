//! A gradient graph as an ONNX file.
//!
//! What is this engine's own is written as plain ONNX, so that other runtimes differentiate a model
//! by running a file. The nodes are in the form of the newest operator set; the file imports the
//! oldest one that has all of these forms, and no older one than the model's.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use modelward_formats::onnx;

use crate::{
    Element, Kind, Limits, Meter, Model, Result, Trouble,
    feed::Derivative,
    grad::Builder,
    graph::{
        Body, Declared, Dimension, Domain, Graph, Inference, Node, ValueId, names, ops, shorten,
    },
    onnx::{
        encode::{self, Message},
        forms,
    },
};

impl Model {
    /// Write the graph of a gradient as plain ONNX: inputs and outputs of the model, `y1h` or seeds
    /// as inputs behind its own, gradients `grad_<name>` as outputs behind its own.
    ///
    /// # Errors
    /// Where an operator of it has no plain form, two values would have one name, the file would
    /// be of 2 GiB or more, or it cannot be written.
    pub fn export(&self, derivative: &Derivative, path: &Path, limits: &Limits) -> Result<()> {
        let message = self.exported(derivative, None, limits)?;
        encode::save(path, message.length(), |out| message.write(out))
    }

    /// The file of [`Model::export`] as bytes, with the losses as one more output of this name.
    ///
    /// # Errors
    /// As [`Model::export`], but for what comes of writing.
    pub fn export_bytes(
        &self,
        derivative: &Derivative,
        losses: &str,
        limits: &Limits,
    ) -> Result<Vec<u8>> {
        let message = self.exported(derivative, Some(losses), limits)?;
        encode::bytes(message.length(), |out| message.write(out))
    }

    fn exported(
        &self,
        derivative: &Derivative,
        losses: Option<&str>,
        limits: &Limits,
    ) -> Result<Message> {
        let meter = Meter::new(*limits);
        let file = onnx::read(self.bytes(), &onnx::Limits::default())?;
        let file_graph = file.graph.unwrap_or_default();
        let leads = self.graph.outputs.iter().map(|&id| Lead {
            id,
            name: self.graph.value(id).name.clone(),
            declared: file_graph
                .outputs
                .iter()
                .find(|output| *output.name == *self.graph.value(id).name)
                .and_then(|output| declared(&output.kind)),
        });
        let mut leads = leads.collect::<Vec<_>>();
        if let (Some(id), Some(name)) = (derivative.losses, losses) {
            leads.push(Lead { id, name: name.into(), declared: None });
        }
        for (name, id) in &derivative.gradients {
            let by = self.graph.named(name).and_then(|by| self.graph.value(by).declared.clone());
            let name: Arc<str> = format!("grad_{name}").into();
            if !leads.iter().any(|lead| lead.id == *id && lead.name == name) {
                leads.push(Lead { id: *id, name, declared: by });
            }
        }
        let (mut graph, known) = plain(derivative, &mut leads, &meter)?;
        share_places(&mut graph);
        let opset = graph.nodes.iter().map(forms::needed).fold(self.opset, i64::max);
        let opset = opset.max(forms::OLDEST);
        let mut exporter = Exporter { opset, ..Exporter::default() };
        let name = if file_graph.name.is_empty() { "gradient" } else { &file_graph.name };
        let body = exporter.main(&graph, &leads, &Shapes::of(&graph, &known), name)?;
        let mut message = Message::default();
        message.int(1, representation(opset));
        message.text(2, "modelward");
        message.text(3, env!("CARGO_PKG_VERSION"));
        message.message(7, body);
        let mut imports = vec![("", opset)];
        for domain in exporter.domains {
            let own = file.opsets.iter().find(|(name, _)| name == domain.name());
            imports.push((domain.name(), own.map_or(1, |(_, version)| *version)));
        }
        for (domain, version) in imports {
            let mut import = Message::default();
            import.text(1, domain);
            import.int(2, version);
            message.message(8, import);
        }
        Ok(message)
    }
}

/// What leads out of the file.
#[derive(Debug)]
struct Lead {
    id: ValueId,
    name: Arc<str>,
    declared: Option<Declared>,
}

/// Version of the representation that came with an operator set, and no older one than has
/// weights apart from inputs.
fn representation(opset: i64) -> i64 {
    match opset {
        ..=18 => 8,
        19 | 20 => 9,
        // What came later are types of elements that are not written.
        _ => 10,
    }
}

/// The type that the file declares.
fn declared(kind: &onnx::Type) -> Option<Declared> {
    let onnx::Type::Tensor(kind) = kind else { return None };
    let dims = kind.shape.as_ref().map(|shape| {
        let dims = shape.iter().map(|dimension| match dimension {
            onnx::Dimension::Size(size) => match usize::try_from(*size) {
                Ok(size) if size > 0 => Dimension::Fixed(size),
                _ => Dimension::Any,
            },
            onnx::Dimension::Symbol(name) => Dimension::Named((**name).into()),
            onnx::Dimension::Unknown => Dimension::Any,
        });
        dims.collect()
    });
    Some(Declared { element: Element::of_onnx(kind.data_type)?, dims })
}

/// The graph of a gradient without operators of this engine's own, and what is known of it.
fn plain(
    derivative: &Derivative,
    leads: &mut [Lead],
    meter: &Meter,
) -> Result<(Graph, Vec<Inference>)> {
    let mut graph = derivative.graph.clone();
    graph.outputs = leads.iter().map(|lead| lead.id).collect();
    graph.prune();
    let mut left = std::mem::take(&mut graph.nodes);
    left.reverse();
    let mut builder = Builder::new(graph, derivative.known.clone(), meter, ops::named);
    // What stands for what own operators wrote. A stand may be written by one itself.
    let mut stands: HashMap<ValueId, ValueId> = HashMap::new();
    let stand = |stands: &HashMap<ValueId, ValueId>, mut id: ValueId| {
        while let Some(other) = stands.get(&id) {
            id = *other;
        }
        id
    };
    while let Some(mut node) = left.pop() {
        for input in node.inputs.iter_mut().flatten() {
            *input = stand(&stands, *input);
        }
        let Some(lower) = node.operator.lower else {
            builder.graph.nodes.push(node);
            continue;
        };
        meter.step()?;
        let before = builder.graph.nodes.len();
        let written = lower(&mut builder, &node);
        let written = written.map_err(|trouble| trouble.at(|| node.label(&builder.graph)))?;
        left.extend(builder.graph.nodes.drain(before..).rev());
        for (output, written) in node.outputs.iter().zip(written) {
            if *output != written {
                stands.insert(*output, written);
            }
        }
    }
    for lead in leads.iter_mut() {
        lead.id = stand(&stands, lead.id);
    }
    let (mut graph, known) = builder.finish();
    graph.outputs = leads.iter().map(|lead| lead.id).collect();
    graph.prune();
    Ok((graph, known))
}

/// A `MaxPool` that is there for its indices alone leaves them to the one that the model has.
fn share_places(graph: &mut Graph) {
    let mut pools: HashMap<Option<ValueId>, Vec<usize>> = HashMap::new();
    let mut stands: HashMap<ValueId, ValueId> = HashMap::new();
    let mut kept: Vec<Node> = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut graph.nodes) {
        for input in node.inputs.iter_mut().flatten() {
            if let Some(stand) = stands.get(input) {
                *input = *stand;
            }
        }
        if node.operator.name == "MaxPool" && node.bodies.is_empty() {
            let input = node.inputs.first().copied().flatten();
            let plain = |node: &Node| {
                let mut attributes = node.attributes.clone();
                if attributes.int_or("storage_order", 0) == Ok(0) {
                    attributes.take("storage_order");
                }
                attributes
            };
            let same = pools.entry(input).or_default();
            let twin = same
                .iter()
                .copied()
                .find(|&at| kept.get(at).is_some_and(|other| plain(other) == plain(&node)));
            if let Some(twin) = twin.and_then(|at| kept.get_mut(at)) {
                for (at, &output) in node.outputs.iter().enumerate() {
                    match twin.outputs.get(at) {
                        Some(&other) => _ = stands.insert(output, other),
                        None => twin.outputs.push(output),
                    }
                }
                continue;
            }
            same.push(kept.len());
        }
        kept.push(node);
    }
    graph.nodes = kept;
}

/// Shapes with the names of free dimensions.
struct Shapes<'a> {
    known: &'a [Inference],
    /// Names by the sizes that a dimension has been tried with; none where two have the same.
    symbols: HashMap<Vec<usize>, Option<Arc<str>>>,
}

impl<'a> Shapes<'a> {
    fn of(graph: &Graph, known: &'a [Inference]) -> Self {
        let mut shapes = Self { known, symbols: HashMap::new() };
        for &id in &graph.inputs {
            let declared = graph.value(id).declared.as_ref();
            let dims = declared.and_then(|declared| declared.dims.as_ref());
            for (axis, dimension) in dims.into_iter().flatten().enumerate() {
                let (Dimension::Named(name), Some(sizes)) = (dimension, shapes.sizes(id, axis))
                else {
                    continue;
                };
                // The labels' own name stands only where the model has none.
                let symbol = shapes.symbols.entry(sizes).or_insert_with(|| Some(name.clone()));
                let labels = &*graph.value(id).name == crate::feed::LABELS;
                if symbol.as_ref() != Some(name) && !labels {
                    *symbol = None;
                }
            }
        }
        shapes
    }

    /// The sizes of an axis that is free.
    fn sizes(&self, id: ValueId, axis: usize) -> Option<Vec<usize>> {
        let sizes = self.known.iter().map(|one| one.kind(id)?.dims.get(axis).copied());
        let sizes = sizes.collect::<Option<Vec<_>>>()?;
        sizes.iter().any(|size| Some(size) != sizes.first()).then_some(sizes)
    }

    fn declared(&self, id: ValueId) -> Option<Declared> {
        let kind = self.known.first()?.kind(id)?;
        let rank = kind.dims.len();
        if self.known.iter().any(|one| one.kind(id).is_none_or(|kind| kind.dims.len() != rank)) {
            return Some(Declared { element: kind.element, dims: None });
        }
        let dims = kind.dims.iter().enumerate().map(|(axis, &size)| {
            let Some(sizes) = self.sizes(id, axis) else { return Dimension::Fixed(size) };
            match self.symbols.get(&sizes) {
                Some(Some(name)) => Dimension::Named(name.clone()),
                _ => Dimension::Any,
            }
        });
        Some(Declared { element: kind.element, dims: Some(dims.collect()) })
    }
}

/// What is said of the file while it is written.
#[derive(Debug, Default)]
struct Exporter {
    opset: i64,
    /// Every name that is given, in all graphs: an inner one may not hide an outer one.
    taken: HashSet<Arc<str>>,
    /// How often a name was asked for that was taken.
    again: HashMap<Arc<str>, u64>,
    /// Names of nodes, which runtimes want to be different.
    nodes: HashSet<Arc<str>>,
    /// Domains of the nodes, but for ONNX.
    domains: Vec<Domain>,
}

/// The names of a graph's values; empty where there is none yet.
type Called = Vec<Arc<str>>;

impl Exporter {
    /// The graph of the file.
    fn main(
        &mut self,
        graph: &Graph,
        leads: &[Lead],
        shapes: &Shapes<'_>,
        name: &str,
    ) -> Result<Message> {
        let mut called: Called = vec![Arc::default(); graph.values.len()];
        let twice = |name: &str| {
            let name = shorten(name);
            let why = format!("two inputs or outputs of the file would be called `{name}`");
            Trouble::new(Kind::Input, why).help("rename the one that the model has")
        };
        for &id in &graph.inputs {
            let name = graph.value(id).name.clone();
            if !self.taken.insert(name.clone()) {
                return Err(twice(&name));
            }
            set(&mut called, id, name);
        }
        let mut copies = Vec::new();
        for lead in leads {
            let known = call(&called, lead.id);
            if known == lead.name {
                continue;
            }
            if !self.taken.insert(lead.name.clone()) {
                return Err(twice(&lead.name));
            }
            if known.is_empty() && graph.value(lead.id).constant.is_none() {
                set(&mut called, lead.id, lead.name.clone());
            } else {
                copies.push((lead.id, lead.name.clone()));
            }
        }
        let mut message = Message::default();
        self.content(graph, &mut called, &copies, &mut message)?;
        message.text(2, name);
        for &id in &graph.inputs {
            let value = graph.value(id);
            // What was added takes its shape from what it belongs to.
            let own = value
                .declared
                .clone()
                .filter(|declared| declared.dims.is_some() && &*value.name != crate::feed::LABELS);
            let declared = own.or_else(|| shapes.declared(id)).or_else(|| value.declared.clone());
            message.message(11, value_info(&call(&called, id), declared.as_ref()));
        }
        for lead in leads {
            let declared = lead.declared.clone().or_else(|| shapes.declared(lead.id));
            message.message(12, value_info(&lead.name, declared.as_ref()));
        }
        Ok(message)
    }

    /// A graph inside a node. `outer` are the names of what it reads of the graph around it.
    fn body(&mut self, body: &Body, outer: &[Arc<str>]) -> Result<Message> {
        let graph = &*body.graph;
        let mut called: Called = vec![Arc::default(); graph.values.len()];
        let formal = graph.inputs.len().saturating_sub(outer.len());
        let mut message = Message::default();
        let (own, captured) = graph.inputs.split_at(formal);
        for &id in own {
            let name = self.fresh(&graph.value(id).name, "input");
            message.message(11, value_info(&name, graph.value(id).declared.as_ref()));
            set(&mut called, id, name);
        }
        for (&id, name) in captured.iter().zip(outer) {
            set(&mut called, id, name.clone());
        }
        let mut copies: Vec<(ValueId, Arc<str>)> = Vec::new();
        let mut outputs = Vec::new();
        for &id in &graph.outputs {
            let name = self.fresh(&graph.value(id).name, "output");
            // What leads out has to be written inside.
            if call(&called, id).is_empty() && graph.value(id).constant.is_none() {
                set(&mut called, id, name.clone());
            } else {
                copies.push((id, name.clone()));
            }
            outputs.push(name);
        }
        self.content(graph, &mut called, &copies, &mut message)?;
        message.text(2, body.name);
        for name in outputs {
            message.message(12, value_info(&name, None));
        }
        Ok(message)
    }

    /// Nodes and constants of a graph, and copies of values under these names.
    fn content(
        &mut self,
        graph: &Graph,
        called: &mut Called,
        copies: &[(ValueId, Arc<str>)],
        message: &mut Message,
    ) -> Result<()> {
        let mut read = vec![false; graph.values.len()];
        let readers = graph.nodes.iter().flat_map(|node| node.inputs.iter().copied().flatten());
        for id in readers.chain(graph.outputs.iter().copied()) {
            if let Some(read) = read.get_mut(id.index()) {
                *read = true;
            }
        }
        let mut constants = Vec::new();
        let mut constant = |exporter: &mut Self, called: &mut Called, id: ValueId| {
            let value = graph.value(id);
            if let (Some(tensor), true) = (&value.constant, call(called, id).is_empty()) {
                let name = exporter.fresh(&value.name, "constant");
                constants.push((tensor.clone(), name.clone()));
                set(called, id, name);
            }
        };
        for node in &graph.nodes {
            for &id in node.inputs.iter().flatten() {
                constant(self, called, id);
            }
            for (at, &id) in node.outputs.iter().enumerate() {
                let value = graph.value(id);
                let unread =
                    value.name.is_empty() && !read.get(id.index()).is_some_and(|read| *read);
                let left_out = unread && optional(node.operator.name, at);
                if call(called, id).is_empty() && !left_out {
                    let name = self.fresh(&value.name, node.operator.name);
                    set(called, id, name);
                }
            }
            let node =
                self.node(node, called).map_err(|trouble| trouble.at(|| node.label(graph)))?;
            message.message(1, node);
        }
        for (id, name) in copies {
            constant(self, called, *id);
            let mut copy = Message::default();
            copy.text(1, &call(called, *id));
            copy.text(2, name);
            copy.text(4, names::IDENTITY.name);
            message.message(1, copy);
        }
        for (tensor, name) in constants {
            message.message(5, encode::tensor(&tensor, &name));
        }
        Ok(())
    }

    fn node(&mut self, node: &Node, called: &Called) -> Result<Message> {
        let domain = node.operator.domain;
        match domain {
            Domain::Onnx => {}
            Domain::Own => return Err(Trouble::unsupported("it cannot be written as plain ONNX")),
            other if self.domains.contains(&other) => {}
            other => self.domains.push(other),
        }
        // A form that no set after 8 has.
        if node.operator.name == "Scan" && node.attributes.find("batched").is_some() {
            return Err(Trouble::unsupported("a scan of operator set 8 in a newer file"));
        }
        let captured = node.bodies.iter().flat_map(|body| body.captured.iter().copied());
        let captured = captured.collect::<HashSet<_>>();
        let own = node.inputs.iter().enumerate().filter(|(at, _)| !captured.contains(at));
        let mut inputs = own.map(|(_, &input)| input).collect::<Vec<_>>();
        while inputs.last() == Some(&None) {
            inputs.pop();
        }
        let mut message = Message::default();
        for input in inputs {
            message.text(1, &input.map(|id| call(called, id)).unwrap_or_default());
        }
        let mut outputs = node.outputs.iter().map(|&id| call(called, id)).collect::<Vec<_>>();
        while outputs.len() > 1 && outputs.last().is_some_and(|name| name.is_empty()) {
            outputs.pop();
        }
        for name in &outputs {
            message.text(2, name);
        }
        // A function that is called twice leaves two nodes of one name: the second has none.
        if self.nodes.insert(node.name.clone()) {
            message.some_text(3, &node.name);
        }
        message.text(4, node.operator.name);
        for (name, value) in node.attributes.iter() {
            if node.bodies.iter().any(|body| body.name == name) {
                continue;
            }
            let attribute = encode::attribute(name, value).ok_or_else(|| {
                let name = shorten(name);
                Trouble::unsupported(format!("the attribute `{name}` cannot be written"))
            })?;
            message.message(5, attribute);
        }
        let split = node.operator.name == "Split" && domain == Domain::Onnx;
        let halves = node.inputs.get(1).copied().flatten().is_none();
        if split && halves && self.opset >= 18 && node.attributes.find("num_outputs").is_none() {
            let count = i64::try_from(node.outputs.len()).unwrap_or(i64::MAX);
            let count = encode::attribute("num_outputs", &count.into());
            count.into_iter().for_each(|count| message.message(5, count));
        }
        for body in &node.bodies {
            let outer = body.captured.iter().map(|&at| {
                let id = node.inputs.get(at).copied().flatten();
                id.map(|id| call(called, id)).unwrap_or_default()
            });
            let graph = self.body(body, &outer.collect::<Vec<_>>())?;
            let mut attribute = Message::default();
            attribute.text(1, body.name);
            attribute.message(6, graph);
            attribute.int(20, 5);
            message.message(5, attribute);
        }
        message.some_text(7, domain.name());
        Ok(message)
    }

    /// A name that nothing has yet: this one if it can be.
    fn fresh(&mut self, name: &Arc<str>, otherwise: &str) -> Arc<str> {
        let base = if name.is_empty() { otherwise.into() } else { name.clone() };
        if !name.is_empty() && self.taken.insert(base.clone()) {
            return base;
        }
        let again = self.again.entry(base.clone()).or_default();
        loop {
            *again = again.saturating_add(1);
            let name: Arc<str> = format!("{base}_{again}").into();
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// Whether an output may be left out: to name it may cost its computing.
fn optional(operator: &str, output: usize) -> bool {
    const ALL: [&str; 3] = ["GRU", "LSTM", "RNN"];
    const BEHIND: [&str; 6] = [
        "Attention",
        "BatchNormalization",
        "Dropout",
        "LayerNormalization",
        "MaxPool",
        "SoftmaxCrossEntropyLoss",
    ];
    ALL.contains(&operator) || output > 0 && BEHIND.contains(&operator)
}

fn call(called: &Called, id: ValueId) -> Arc<str> {
    called.get(id.index()).cloned().unwrap_or_default()
}

fn set(called: &mut Called, id: ValueId, name: Arc<str>) {
    if let Some(place) = called.get_mut(id.index()) {
        *place = name;
    }
}

/// `ValueInfoProto`.
fn value_info(name: &str, declared: Option<&Declared>) -> Message {
    let mut message = Message::default();
    message.text(1, name);
    let Some(declared) = declared else { return message };
    let mut tensor = Message::default();
    tensor.int(1, declared.element.to_onnx());
    if let Some(dims) = &declared.dims {
        let mut shape = Message::default();
        for dimension in dims {
            let mut one = Message::default();
            match dimension {
                Dimension::Fixed(size) => one.int(1, i64::try_from(*size).unwrap_or(i64::MAX)),
                Dimension::Named(name) => one.text(2, name),
                Dimension::Any => {}
            }
            shape.message(1, one);
        }
        tensor.message(2, shape);
    }
    let mut kind = Message::default();
    kind.message(1, tensor);
    message.message(2, kind);
    message
}
