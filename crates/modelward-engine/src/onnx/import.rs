//! From the file's names to a graph: scopes, bodies, and calls of functions.

use std::{collections::HashMap, path::Path, sync::Arc};

use modelward_formats::{Bytes, onnx};

use crate::{
    Element, Limits, Result, Trouble,
    graph::{
        Attribute, Attributes, Body, Declared, Dimension, Graph, Node, Value, ValueId, names, ops,
        shorten,
    },
    onnx::{
        rewrite::Import,
        tensors::Tensors,
        versions::{DEEPEST, Functions, Missing, Opsets, find},
    },
};

/// What is made of a file.
pub(super) struct Imported {
    pub(super) graph: Graph,
    pub(super) weights: Vec<ValueId>,
    pub(super) opset: i64,
    pub(super) nodes: usize,
}

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
            find: ops::named,
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
                operator: ops::named(names::IDENTITY)?,
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
            node.attributes.push(onnx::Attribute { name, value, sparse: Vec::new(), at: node.at });
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
