//! From the file's names to a graph: scopes, functions, older forms, and what is missing.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use modelward_formats::{Bytes, onnx};

use crate::{
    Element, Limits, Result, Tensor, Trouble,
    exec::size,
    graph::{
        Attribute, Attributes, Body, Declared, Dimension, Domain, Graph, Node, Operator, Value,
        ValueId, ops, shorten,
    },
    onnx::tensors::Tensors,
};

/// What is made of a file.
pub(super) struct Imported {
    pub(super) graph: Graph,
    pub(super) weights: Vec<ValueId>,
    pub(super) opset: i64,
    pub(super) nodes: usize,
}

/// The newest operator sets that were read.
const NEWEST: [(Domain, i64); 3] = [(Domain::Onnx, 28), (Domain::Ml, 5), (Domain::Microsoft, 1)];

/// How deep functions may call each other.
const DEEPEST: usize = 64;

/// The oldest operator set of ONNX that is read.
const OLDEST: i64 = 6;

/// Make a graph of a file.
pub(super) fn model(
    file: &onnx::Model,
    bytes: &Bytes,
    folder: Option<&Path>,
    limits: &Limits,
) -> Result<Imported> {
    let graph = file.graph.as_ref().ok_or_else(|| Trouble::graph("the model has no graph"))?;
    let opsets = Opsets::of(&file.opsets)?;
    if file.opsets.is_empty() {
        return Err(Trouble::graph("the model imports no operator set"));
    }
    let functions = Functions::of(&file.functions)?;
    functions.expand(&graph.nodes, limits)?;
    let mut missing = Missing::default();
    missing.look(&graph.nodes, &opsets, &functions);
    for function in &file.functions {
        missing.look(&function.nodes, &Opsets::of(&function.opsets)?, &functions);
    }
    missing.report()?;
    let tensors = Tensors { bytes, folder, limits, read: 0 };
    let mut importer = Importer {
        tensors,
        functions: &functions,
        frames: Vec::new(),
        floor: 0,
        nodes: 0,
        calls: 0,
    };
    importer.frames.push(Frame::default());
    importer.open(graph)?;
    importer.nodes(&graph.nodes, &opsets)?;
    importer.close(graph)?;
    let frame = importer.frames.pop().unwrap_or_default();
    let weights = graph.initializers.iter().filter_map(|tensor| {
        let id = frame.scope.get(&*tensor.name)?;
        let constant = frame.graph.value(*id).constant.as_ref()?;
        constant.element().is_float().then_some(*id)
    });
    let weights = weights.collect();
    frame.graph.check_order()?;
    Ok(Imported { weights, opset: opsets.onnx(), nodes: importer.nodes, graph: frame.graph })
}

/// Versions of operator sets by domain.
#[derive(Clone, Debug, Default)]
struct Opsets(BTreeMap<String, i64>);

impl Opsets {
    fn of(imports: &[(String, i64)]) -> Result<Self> {
        let mut versions = BTreeMap::new();
        for (domain, version) in imports {
            let domain = canonical(domain);
            if *version < 1 {
                let why = format!("an operator set of version {version}");
                return Err(Trouble::graph(why));
            }
            if versions.insert(domain.to_owned(), *version).is_some_and(|old| old != *version) {
                let domain = shorten(domain);
                return Err(Trouble::graph(format!("two versions of the operators `{domain}`")));
            }
            let newest = NEWEST.iter().find(|(known, _)| known.name() == domain);
            if let Some((_, newest)) = newest
                && version > newest
            {
                let name = if domain.is_empty() { "ai.onnx" } else { domain };
                return Err(Trouble::unsupported(format!(
                    "operator set {version} of {name}, newer than {newest}"
                )));
            }
        }
        Ok(Self(versions))
    }

    fn onnx(&self) -> i64 {
        self.0.get("").copied().unwrap_or(0)
    }

    fn version(&self, domain: &str) -> Option<i64> {
        self.0.get(domain).copied()
    }
}

/// A domain as this engine calls it.
fn canonical(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

/// The functions of the model.
#[derive(Debug, Default)]
struct Functions<'a>(HashMap<(&'a str, &'a str), (&'a onnx::Function, Opsets)>);

impl<'a> Functions<'a> {
    fn of(functions: &'a [onnx::Function]) -> Result<Self> {
        let mut known = HashMap::new();
        for function in functions {
            let opsets = Opsets::of(&function.opsets)?;
            let key = (canonical(&function.domain), &*function.name);
            if known.insert(key, (function, opsets)).is_some() {
                let name = shorten(&function.name);
                return Err(Trouble::graph(format!("the function `{name}` stands twice")));
            }
        }
        Ok(Self(known))
    }

    fn find<'f>(&'f self, node: &'f onnx::Node) -> Option<&'f (&'a onnx::Function, Opsets)> {
        let key: (&'f str, &'f str) = (canonical(&node.domain), &node.operator);
        self.0.get(&key)
    }
}

impl Functions<'_> {
    /// Refuse what its functions make too large, before any of it is written out.
    fn expand(&self, nodes: &[onnx::Node], limits: &Limits) -> Result<()> {
        let (nodes, bytes) = self.size(nodes, 0, &mut HashMap::new())?;
        if nodes > limits.nodes {
            let limit = limits.nodes;
            let why =
                format!("{nodes} nodes with those of its functions, over the limit of {limit}");
            return Err(Trouble::limit(why));
        }
        if bytes > limits.memory {
            let (bytes, limit) = (size(bytes), size(limits.memory));
            let why = format!("{bytes} of attributes in its functions, over the limit of {limit}");
            return Err(Trouble::limit(why));
        }
        Ok(())
    }

    /// Nodes and bytes of attributes, with those of functions as often as they are called.
    fn size<'f>(
        &'f self,
        nodes: &'f [onnx::Node],
        calls: usize,
        known: &mut HashMap<(&'f str, &'f str), (u64, u64)>,
    ) -> Result<(u64, u64)> {
        if calls > DEEPEST {
            return Err(Trouble::graph(format!(
                "functions call each other more than {DEEPEST} deep, or themselves"
            )));
        }
        let (mut all, mut bytes) = (0_u64, 0_u64);
        let mut left = vec![nodes];
        while let Some(nodes) = left.pop() {
            for node in nodes {
                all = all.saturating_add(1);
                for attribute in &node.attributes {
                    let length = match &attribute.value {
                        onnx::AttributeValue::Graph(graph) => {
                            left.push(&graph.nodes);
                            0
                        }
                        onnx::AttributeValue::Text(text) => text.len(),
                        onnx::AttributeValue::Texts(texts) => texts.iter().map(Vec::len).sum(),
                        onnx::AttributeValue::Floats(values) => values.len().saturating_mul(4),
                        onnx::AttributeValue::Ints(values) => values.len().saturating_mul(8),
                        _ => 0,
                    };
                    bytes = bytes.saturating_add(length as u64);
                }
                let Some((function, _)) = self.find(node) else { continue };
                let key = (canonical(&node.domain), &*node.operator);
                let (inner, attributes) = match known.get(&key) {
                    Some(size) => *size,
                    None => {
                        let size = self.size(&function.nodes, calls.saturating_add(1), known)?;
                        known.insert(key, size);
                        size
                    }
                };
                all = all.saturating_add(inner);
                bytes = bytes.saturating_add(attributes);
            }
        }
        Ok((all, bytes))
    }
}

/// The operators that are not run: how often, and where first.
#[derive(Debug, Default)]
struct Missing(BTreeMap<String, (u64, String)>);

impl Missing {
    fn look(&mut self, nodes: &[onnx::Node], opsets: &Opsets, functions: &Functions<'_>) {
        let mut left: Vec<&[onnx::Node]> = vec![nodes];
        while let Some(nodes) = left.pop() {
            for node in nodes {
                for attribute in &node.attributes {
                    match &attribute.value {
                        onnx::AttributeValue::Graph(graph) => left.push(&graph.nodes),
                        onnx::AttributeValue::Graphs(graphs) => {
                            left.extend(graphs.iter().map(|graph| &graph.nodes[..]));
                        }
                        _ => {}
                    }
                }
                if functions.find(node).is_some() || find(node, opsets).is_ok() {
                    continue;
                }
                let domain = canonical(&node.domain);
                let name = match domain {
                    "" => shorten(&node.operator),
                    _ => shorten(&format!("{domain}.{}", node.operator)),
                };
                let entry = self.0.entry(name).or_insert_with(|| (0, shorten(&node.name)));
                entry.0 = entry.0.saturating_add(1);
            }
        }
    }

    fn report(self) -> Result<()> {
        const MOST: usize = 20;
        if self.0.is_empty() {
            return Ok(());
        }
        let count = self.0.len();
        let (noun, them) = if count == 1 { ("operator", "it") } else { ("operators", "them") };
        let mut shown = self.0.iter().take(MOST).map(|(name, (nodes, first))| {
            let noun = if *nodes == 1 { "node" } else { "nodes" };
            match first.is_empty() {
                true => format!("`{name}` ({nodes} {noun})"),
                false => format!("`{name}` ({nodes} {noun}, first `{first}`)"),
            }
        });
        let mut list = shown.next().unwrap_or_default();
        for one in shown {
            list.push_str(", ");
            list.push_str(&one);
        }
        if count > MOST {
            list.push_str(", and more");
        }
        Err(Trouble::unsupported(format!(
            "the model uses {count} {noun} that this version does not run: {list}"
        ))
        .help(format!("export the model without {them}, or in an older operator set")))
    }
}

/// The operator of a node.
fn find(node: &onnx::Node, opsets: &Opsets) -> Result<(&'static Operator, i64)> {
    let domain = canonical(&node.domain);
    let unknown = || Trouble::unsupported("no such operator");
    let operator = ops::find(domain, &node.operator).ok_or_else(unknown)?;
    // Exporters leave out the operator sets of domains that are no standard.
    let version = match operator.domain {
        Domain::Microsoft => 1,
        _ => opsets.version(domain).ok_or_else(|| {
            Trouble::graph(format!("the model imports no operator set of `{domain}`"))
        })?,
    };
    // An operator that has not changed since is the same in the oldest sets.
    let changed = operator.since.last().is_none_or(|last| version < *last);
    if operator.domain == Domain::Onnx && version < OLDEST && changed {
        return Err(Trouble::unsupported(format!("operator set {version}, older than {OLDEST}")));
    }
    if operator.since.first().is_some_and(|first| version < *first) {
        return Err(unknown());
    }
    Ok((operator, version))
}

/// A graph that is being made, and the names in it.
#[derive(Debug, Default)]
struct Frame {
    graph: Graph,
    scope: HashMap<String, ValueId>,
    /// What it reads of the frame around it: the value there.
    captured: Vec<ValueId>,
}

struct Importer<'a> {
    tensors: Tensors<'a>,
    functions: &'a Functions<'a>,
    /// The graph of the model, and those inside it, from outside in.
    frames: Vec<Frame>,
    /// The outermost frame whose names are seen: a function sees its own only.
    floor: usize,
    nodes: usize,
    /// How deep functions call each other.
    calls: usize,
}

impl Importer<'_> {
    /// Take in the names that a graph begins with.
    fn open(&mut self, graph: &onnx::Graph) -> Result<()> {
        if graph.sparse > 0 {
            return Err(Trouble::unsupported("sparse initializers"));
        }
        let mut constants = HashMap::new();
        for tensor in &graph.initializers {
            let read = Arc::new(self.tensors.tensor(tensor)?);
            if constants.insert(&*tensor.name, read).is_some() {
                let name = shorten(&tensor.name);
                return Err(Trouble::graph(format!("the initializer `{name}` stands twice")));
            }
        }
        for input in &graph.inputs {
            // Before IR version 4 initializers are listed as inputs.
            if constants.contains_key(&*input.name) {
                continue;
            }
            let declared = declared(input)?;
            let value = Value { name: (*input.name).into(), constant: None, declared };
            let id = self.define(&input.name, value)?;
            self.frame().graph.inputs.push(id);
        }
        // In the order of the file, so that the same file makes the same graph.
        for tensor in &graph.initializers {
            let constant = constants.remove(&*tensor.name);
            let value = Value { name: (*tensor.name).into(), constant, declared: None };
            self.define(&tensor.name, value)?;
        }
        Ok(())
    }

    /// Lead out what a graph ends with.
    fn close(&mut self, graph: &onnx::Graph) -> Result<()> {
        for output in &graph.outputs {
            let id = self.find(&output.name).ok_or_else(|| {
                let name = shorten(&output.name);
                Trouble::graph(format!("nothing writes the output `{name}`"))
            })?;
            self.frame().graph.outputs.push(id);
        }
        Ok(())
    }

    fn nodes(&mut self, nodes: &[onnx::Node], opsets: &Opsets) -> Result<()> {
        for node in nodes {
            let label = || match (node.name.is_empty(), node.outputs.first()) {
                (true, None) => format!("node `{}`", shorten(&node.operator)),
                (true, Some(output)) => {
                    format!("node `{}`, {}", shorten(output), shorten(&node.operator))
                }
                (false, _) => {
                    format!("node `{}`, {}", shorten(&node.name), shorten(&node.operator))
                }
            };
            self.node(node, opsets).map_err(|trouble| trouble.at(label))?;
        }
        Ok(())
    }

    fn node(&mut self, node: &onnx::Node, opsets: &Opsets) -> Result<()> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes as u64 > self.tensors.limits.nodes {
            let limit = self.tensors.limits.nodes;
            return Err(Trouble::limit(format!("more than the limit of {limit} nodes")));
        }
        let inputs = node.inputs.iter().map(|name| {
            if name.is_empty() {
                return Ok(None);
            }
            self.find(name).map(Some).ok_or_else(|| {
                let name = shorten(name);
                Trouble::graph(format!("`{name}` is read before anything writes it"))
            })
        });
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        if let Some((function, opsets)) = self.functions.find(node) {
            return self.call(node, function, opsets, &inputs);
        }
        let (operator, version) = find(node, opsets)?;
        let mut attributes = Attributes::new();
        let mut bodies = Vec::new();
        let mut inputs = inputs;
        for attribute in &node.attributes {
            if attributes.find(&attribute.name).is_some() {
                let name = shorten(&attribute.name);
                return Err(Trouble::graph(format!("the attribute `{name}` stands twice")));
            }
            if let onnx::AttributeValue::Graph(graph) = &attribute.value {
                bodies.push(self.body(&attribute.name, graph, opsets, &mut inputs)?);
            }
            attributes.set(&attribute.name, self.attribute(&attribute.value)?);
        }
        let mut outputs = Vec::with_capacity(node.outputs.len());
        for name in &node.outputs {
            let value = Value { name: (**name).into(), ..Value::default() };
            outputs.push(match name.is_empty() {
                true => self.frame().graph.add_value(value),
                false => self.define(name, value)?,
            });
        }
        while outputs.len() > 1
            && node.outputs.get(outputs.len().saturating_sub(1)).is_some_and(String::is_empty)
        {
            outputs.pop();
        }
        let name: Arc<str> = (*node.name).into();
        let mut import = Import {
            version,
            operator,
            attributes,
            inputs,
            outputs,
            after: Vec::new(),
            constant: false,
            graph: &mut self.frame().graph,
        };
        if let Some(rewrite) = operator.import {
            rewrite(&mut import)?;
        }
        if import.constant {
            return Ok(());
        }
        let Import { operator, attributes, inputs, outputs, after, graph, .. } = import;
        graph.nodes.push(Node { operator, name, attributes, inputs, outputs, bodies });
        graph.nodes.extend(after);
        Ok(())
    }

    /// A graph inside a node. What it reads of the frames around it becomes inputs, of the node too.
    fn body(
        &mut self,
        name: &str,
        graph: &onnx::Graph,
        opsets: &Opsets,
        inputs: &mut Vec<Option<ValueId>>,
    ) -> Result<Body> {
        let name = BODIES.iter().find(|known| **known == name).ok_or_else(|| {
            Trouble::graph(format!("a graph as the attribute `{}`", shorten(name)))
        })?;
        self.frames.push(Frame::default());
        let made = self
            .open(graph)
            .and_then(|()| self.nodes(&graph.nodes, opsets))
            .and_then(|()| self.close(graph));
        let mut frame = self.frames.pop().unwrap_or_default();
        made?;
        frame.graph.check_order()?;
        let captured = frame.captured.iter().map(|&id| {
            inputs.push(Some(id));
            inputs.len().saturating_sub(1)
        });
        let captured = captured.collect();
        frame.scope.clear();
        Ok(Body { name, graph: Arc::new(frame.graph), captured })
    }

    /// Write the nodes of a function in place of its call.
    fn call(
        &mut self,
        node: &onnx::Node,
        function: &onnx::Function,
        opsets: &Opsets,
        inputs: &[Option<ValueId>],
    ) -> Result<()> {
        self.calls = self.calls.saturating_add(1);
        if self.calls > DEEPEST {
            return Err(Trouble::graph(format!(
                "functions call each other more than {DEEPEST} deep, or themselves"
            )));
        }
        // A function sees its own names only.
        let hidden = std::mem::take(&mut self.frame().scope);
        let floor = std::mem::replace(&mut self.floor, self.frames.len().saturating_sub(1));
        for (name, input) in function.inputs.iter().zip(inputs) {
            if let Some(id) = input {
                self.frame().scope.insert(name.clone(), *id);
            }
        }
        let nodes = function.nodes.iter().map(|inner| instance(inner, node, function));
        let nodes = nodes.collect::<Result<Vec<_>>>()?;
        self.nodes(&nodes, opsets)?;
        let given = function.outputs.iter().map(|name| self.find(name)).collect::<Vec<_>>();
        self.frame().scope = hidden;
        self.floor = floor;
        for (name, given) in node.outputs.iter().zip(given) {
            if name.is_empty() {
                continue;
            }
            let id = given.ok_or_else(|| Trouble::graph("a function does not write its output"))?;
            // What leads out of the graph keeps the name that the graph gives it.
            let value = Value { name: (**name).into(), ..Value::default() };
            let output = self.define(name, value)?;
            self.frame().graph.nodes.push(Node {
                operator: &ops::IDENTITY,
                name: Arc::default(),
                attributes: Attributes::new(),
                inputs: vec![Some(id)],
                outputs: vec![output],
                bodies: Vec::new(),
            });
        }
        self.calls = self.calls.saturating_sub(1);
        Ok(())
    }

    fn attribute(&mut self, value: &onnx::AttributeValue) -> Result<Attribute> {
        let text = |bytes: &[u8]| Arc::<str>::from(String::from_utf8_lossy(bytes).as_ref());
        Ok(match value {
            onnx::AttributeValue::Float(value) => Attribute::Float(*value),
            onnx::AttributeValue::Int(value) => Attribute::Int(*value),
            onnx::AttributeValue::Text(value) => Attribute::Text(text(value)),
            onnx::AttributeValue::Tensor(tensor) => {
                Attribute::Tensor(Arc::new(self.tensors.tensor(tensor)?))
            }
            onnx::AttributeValue::Floats(values) => Attribute::Floats(values.clone()),
            onnx::AttributeValue::Ints(values) => Attribute::Ints(values.clone()),
            onnx::AttributeValue::Texts(values) => {
                Attribute::Texts(values.iter().map(|value| text(value)).collect())
            }
            _ => Attribute::Other,
        })
    }

    /// A new name in the innermost graph.
    fn define(&mut self, name: &str, value: Value) -> Result<ValueId> {
        let frame = self.frame();
        let id = frame.graph.add_value(value);
        if frame.scope.insert(name.to_owned(), id).is_some() {
            let name = shorten(name);
            return Err(Trouble::graph(format!("the name `{name}` is given twice")));
        }
        Ok(id)
    }

    /// The value behind a name, from the innermost graph outwards.
    fn find(&mut self, name: &str) -> Option<ValueId> {
        let level = self.frames.iter().rposition(|frame| frame.scope.contains_key(name))?;
        if level < self.floor {
            return None;
        }
        let mut id = *self.frames.get(level)?.scope.get(name)?;
        for level in level.saturating_add(1)..self.frames.len() {
            let outer = self.frames.get(level.saturating_sub(1))?.graph.value(id);
            let (constant, value_name) = (outer.constant.clone(), outer.name.clone());
            let frame = self.frames.get_mut(level)?;
            let known = constant.is_some();
            let value = Value { name: value_name, constant, declared: None };
            let inner = frame.graph.add_value(value);
            frame.scope.insert(name.to_owned(), inner);
            if !known {
                frame.graph.inputs.push(inner);
                frame.captured.push(id);
            }
            id = inner;
        }
        Some(id)
    }

    /// The innermost graph. There is always one while nodes are read.
    #[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "never empty")]
    fn frame(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }
}

/// A node of a function with the attributes of the call in place of its references.
fn instance(
    inner: &onnx::Node,
    call: &onnx::Node,
    function: &onnx::Function,
) -> Result<onnx::Node> {
    let mut node = inner.clone();
    node.attributes.clear();
    for attribute in &inner.attributes {
        let onnx::AttributeValue::Reference(name) = &attribute.value else {
            node.attributes.push(attribute.clone());
            continue;
        };
        let given = call.attributes.iter().chain(&function.defaults).find(|a| a.name == *name);
        // An attribute that is given nowhere is left out.
        if let Some(given) = given {
            let (name, value) = (attribute.name.clone(), given.value.clone());
            node.attributes.push(onnx::Attribute { name, value });
        }
    }
    Ok(node)
}

/// Attributes that hold a graph.
const BODIES: &[&str] = &["then_branch", "else_branch", "body"];

fn declared(input: &onnx::ValueInfo) -> Result<Option<Declared>> {
    let named = || format!("input `{}`", shorten(&input.name));
    let kind = match &input.kind {
        onnx::Type::Tensor(kind) => kind,
        onnx::Type::Unknown => return Ok(None),
        onnx::Type::Other(what) => {
            return Err(Trouble::unsupported(format!("an input that is {what}")).at(named));
        }
    };
    let element = Element::of_onnx(kind.data_type).ok_or_else(|| {
        let name = onnx::element_name(kind.data_type).unwrap_or("no known type");
        Trouble::unsupported(format!("its elements are of {name}")).at(named)
    })?;
    let dims = kind.shape.as_ref().map(|shape| {
        let dims = shape.iter().map(|dimension| match dimension {
            // A batch of 0 is how some exporters write any batch.
            onnx::Dimension::Unknown | onnx::Dimension::Size(..=0) => Dimension::Any,
            onnx::Dimension::Size(size) => {
                usize::try_from(*size).map_or(Dimension::Any, Dimension::Fixed)
            }
            onnx::Dimension::Symbol(name) => Dimension::Named((**name).into()),
        });
        dims.collect()
    });
    Ok(Some(Declared { element, dims }))
}

/// A node on its way into the graph: an operator rewrites here what older sets write otherwise.
#[derive(Debug)]
pub(crate) struct Import<'a> {
    /// Version of the operator set that the node was written in.
    pub(crate) version: i64,
    /// The operator, which may be changed.
    pub(crate) operator: &'static Operator,
    /// Its attributes, which may be changed.
    pub(crate) attributes: Attributes,
    /// Its inputs, which may be changed.
    pub(crate) inputs: Vec<Option<ValueId>>,
    outputs: Vec<ValueId>,
    after: Vec<Node>,
    /// Its output is known, and the node left out.
    constant: bool,
    graph: &'a mut Graph,
}

impl Import<'_> {
    /// A constant.
    pub(crate) fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.graph.constant(tensor)
    }

    /// What the node writes is this constant: no node is needed.
    ///
    /// # Errors
    /// Where it writes more or less than one output.
    pub(crate) fn become_constant(&mut self, tensor: Arc<Tensor>) -> Result<()> {
        let [output] = self.outputs[..] else {
            let count = self.outputs.len();
            return Err(Trouble::graph(format!("expected one output, got {count}")));
        };
        if let Some(value) = self.graph.values.get_mut(output.index()) {
            value.constant = Some(tensor);
        }
        self.constant = true;
        Ok(())
    }

    /// Turn an attribute of whole numbers into an input.
    ///
    /// # Errors
    /// Where it is of another type.
    pub(crate) fn ints_to_input(&mut self, name: &str, input: usize) -> Result<()> {
        if let Some(values) = self.attributes.ints(name)? {
            let list = Tensor::list(values.to_vec());
            self.attributes.take(name);
            let id = self.constant(list);
            self.set_input(input, id);
        }
        Ok(())
    }

    /// Turn an attribute of one float into an input without dimensions.
    ///
    /// # Errors
    /// Where it is of another type.
    pub(crate) fn float_to_input(&mut self, name: &str, input: usize) -> Result<()> {
        if self.attributes.find(name).is_some() {
            let value = self.attributes.float_or(name, 0.0)?;
            self.attributes.take(name);
            let id = self.constant(Tensor::scalar(value));
            self.set_input(input, id);
        }
        Ok(())
    }

    /// Set an input; those before it that are not there are left out.
    pub(crate) fn set_input(&mut self, input: usize, id: ValueId) {
        if self.inputs.len() <= input {
            self.inputs.resize(input.saturating_add(1), None);
        }
        if let Some(place) = self.inputs.get_mut(input) {
            *place = Some(id);
        }
    }

    /// An input that must be there.
    ///
    /// # Errors
    /// Where it is left out.
    pub(crate) fn input(&self, input: usize) -> Result<ValueId> {
        let id = self.inputs.get(input).copied().flatten();
        id.ok_or_else(|| Trouble::graph(format!("expected an input {input}, got none")))
    }

    /// How many outputs the node has.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// The elements of an input, where it is a constant of the file.
    pub(crate) fn known(&self, input: usize) -> Option<&Arc<Tensor>> {
        let id = self.inputs.get(input).copied().flatten()?;
        self.graph.value(id).constant.as_ref()
    }

    /// Write a node in front of this one; gives what it writes.
    pub(crate) fn before(
        &mut self,
        operator: &'static Operator,
        inputs: Vec<Option<ValueId>>,
        attributes: Attributes,
    ) -> ValueId {
        let output = self.graph.add_value(Value::default());
        self.graph.nodes.push(Node {
            operator,
            name: Arc::default(),
            attributes,
            inputs,
            outputs: vec![output],
            bodies: Vec::new(),
        });
        output
    }

    /// Write a node behind this one: it reads what this node wrote as an output, and these others,
    /// and writes what this node wrote there before.
    pub(crate) fn after(
        &mut self,
        output: usize,
        operator: &'static Operator,
        others: &[ValueId],
        attributes: Attributes,
    ) {
        let inner = self.graph.add_value(Value::default());
        let Some(place) = self.outputs.get_mut(output) else { return };
        let outer = std::mem::replace(place, inner);
        let inputs = std::iter::once(inner).chain(others.iter().copied()).map(Some).collect();
        self.after.insert(
            0,
            Node {
                operator,
                name: Arc::default(),
                attributes,
                inputs,
                outputs: vec![outer],
                bodies: Vec::new(),
            },
        );
    }
}
