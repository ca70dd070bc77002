//! Graphs: nodes with their attributes, the tensors they hold, and the names that lead in and out.
//! A graph may stand in an attribute, so both are one matter.

use crate::{Gap, Refusal};

use super::{
    over, refused,
    tensor::{Sparse, Tensor},
    wire::{Field, Wire},
};

/// A graph: of the model, or inside a node.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Its name.
    pub name: String,
    /// Its nodes, in the order of the file.
    pub nodes: Vec<Node>,
    /// Constants by name.
    pub initializers: Vec<Tensor>,
    /// How many constants are sparse.
    pub sparse: u64,
    /// What they are made of.
    pub sparse_tensors: Vec<Sparse>,
    /// What leads in. Before IR version 4 every initializer stands here too.
    pub inputs: Vec<ValueInfo>,
    /// What leads out.
    pub outputs: Vec<ValueInfo>,
}

/// A node: an operator, and the names it reads and writes.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Its name, which may be empty.
    pub name: String,
    /// The operator.
    pub operator: String,
    /// The domain of the operator; empty for ONNX itself.
    pub domain: String,
    /// What it reads; an empty name is an input left out.
    pub inputs: Vec<String>,
    /// What it writes; an empty name is an output left out.
    pub outputs: Vec<String>,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
    /// Offset of the message.
    pub at: u64,
}

/// A function of the model's own.
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its domain.
    pub domain: String,
    /// Names of what it is given.
    pub inputs: Vec<String>,
    /// Names of what it gives back.
    pub outputs: Vec<String>,
    /// Attributes without a default.
    pub attributes: Vec<String>,
    /// Attributes with a default.
    pub defaults: Vec<Attribute>,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// Operator sets that its nodes are of.
    pub opsets: Vec<(String, i64)>,
    /// What tells it from others of its name.
    pub overload: String,
    /// Offset of the message.
    pub at: u64,
}

/// A name with its type.
#[derive(Clone, Debug, Default)]
pub struct ValueInfo {
    /// The name.
    pub name: String,
    /// Its type.
    pub kind: Type,
    /// Offset of the message.
    pub at: u64,
}

/// The type of a value.
#[derive(Clone, Debug, Default)]
pub enum Type {
    /// None is declared.
    #[default]
    Unknown,
    /// A tensor.
    Tensor(TensorType),
    /// A sequence, a map, an optional or a sparse tensor, in one word.
    Other(&'static str),
}

/// The type of a tensor.
#[derive(Clone, Debug, Default)]
pub struct TensorType {
    /// `TensorProto.DataType`.
    pub data_type: i64,
    /// Its shape; `None` where not even the rank is declared.
    pub shape: Option<Vec<Dimension>>,
}

/// A dimension of a declared shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Dimension {
    /// Any size.
    #[default]
    Unknown,
    /// This size.
    Size(i64),
    /// The same size wherever this name stands.
    Symbol(String),
}

impl Graph {
    pub(super) fn read(wire: &mut Wire<'_>, field: Field, depth: u32) -> Result<Self, Refusal> {
        wire.item(field.at)?;
        if depth > wire.limits.depth {
            return Err(over(
                field.at,
                Gap::DeepNesting,
                wire.limits.depth,
                "graphs inside graphs",
            ));
        }
        let mut graph = Self::default();
        wire.nested(field, |wire, field| {
            match field.number {
                1 => graph.nodes.push(Node::read(wire, field, depth)?),
                2 => graph.name = wire.text(field)?,
                5 => graph.initializers.push(Tensor::read(wire, field)?),
                11 => graph.inputs.push(ValueInfo::read(wire, field)?),
                12 => graph.outputs.push(ValueInfo::read(wire, field)?),
                15 => {
                    graph.sparse = graph.sparse.saturating_add(1);
                    Sparse::read(wire, field, &mut graph.sparse_tensors)?;
                }
                _ => wire.pass(field, &[10, 13, 14, 16])?,
            }
            Ok(())
        })?;
        Ok(graph)
    }
}

impl Node {
    fn read(wire: &mut Wire<'_>, field: Field, depth: u32) -> Result<Self, Refusal> {
        wire.item(field.at)?;
        let mut node = Self { at: field.at, ..Self::default() };
        wire.nested(field, |wire, field| {
            match field.number {
                1 | 2 => {
                    let name = wire.text(field)?;
                    let names =
                        if field.number == 1 { &mut node.inputs } else { &mut node.outputs };
                    // The first few are the node's own; a million inputs count as a million.
                    if names.len() >= 8 {
                        wire.item(field.at)?;
                    }
                    names.push(name);
                }
                3 => node.name = wire.text(field)?,
                4 => node.operator = wire.text(field)?,
                5 => node.attributes.push(Attribute::read(wire, field, depth)?),
                7 => node.domain = wire.text(field)?,
                _ => wire.pass(field, &[6, 8, 9, 10])?,
            }
            Ok(())
        })?;
        if node.attributes.len() > MOST_ATTRIBUTES {
            return Err(over(field.at, Gap::ManyMembers, MOST_ATTRIBUTES, "attributes of a node"));
        }
        Ok(node)
    }
}

impl Function {
    pub(super) fn read(wire: &mut Wire<'_>, field: Field) -> Result<Self, Refusal> {
        wire.item(field.at)?;
        let mut function = Self { at: field.at, ..Self::default() };
        wire.nested(field, |wire, field| {
            match field.number {
                1 => function.name = wire.text(field)?,
                4 => function.inputs.push(wire.text(field)?),
                5 => function.outputs.push(wire.text(field)?),
                6 => function.attributes.push(wire.text(field)?),
                7 => function.nodes.push(Node::read(wire, field, 0)?),
                9 => {
                    let (mut domain, mut version) = (String::new(), 0);
                    wire.nested(field, |wire, field| {
                        match field.number {
                            1 => domain = wire.text(field)?,
                            2 => version = field.int()?,
                            _ => wire.pass(field, &[])?,
                        }
                        Ok(())
                    })?;
                    function.opsets.push((domain, version));
                }
                10 => function.domain = wire.text(field)?,
                11 => function.defaults.push(Attribute::read(wire, field, 0)?),
                13 => function.overload = wire.text(field)?,
                _ => wire.pass(field, &[2, 3, 8, 12, 14])?,
            }
            wire.item(field.at)
        })?;
        Ok(function)
    }
}

impl ValueInfo {
    fn read(wire: &mut Wire<'_>, field: Field) -> Result<Self, Refusal> {
        wire.item(field.at)?;
        let mut info = Self { at: field.at, ..Self::default() };
        wire.nested(field, |wire, field| {
            match field.number {
                1 => info.name = wire.text(field)?,
                2 => info.kind = Type::read(wire, field, 0)?,
                _ => wire.pass(field, &[3, 4])?,
            }
            Ok(())
        })?;
        Ok(info)
    }
}

impl Type {
    fn read(wire: &mut Wire<'_>, field: Field, depth: u32) -> Result<Self, Refusal> {
        if depth > wire.limits.type_depth {
            let limit = wire.limits.type_depth;
            return Err(over(field.at, Gap::DeepNesting, limit, "types inside types"));
        }
        let mut kind = Self::Unknown;
        wire.nested(field, |wire, field| {
            kind = match field.number {
                1 => Self::Tensor(TensorType::read(wire, field)?),
                // What is inside is of no use yet, but how deep it goes is looked at.
                4 | 9 => {
                    wire.nested(field, |wire, field| match field.number {
                        1 => Self::read(wire, field, depth.saturating_add(1)).map(|_| ()),
                        _ => wire.pass(field, &[]),
                    })?;
                    Self::Other(if field.number == 4 { "a sequence" } else { "an optional" })
                }
                5 => {
                    wire.skip(field)?;
                    Self::Other("a map")
                }
                8 => {
                    wire.skip(field)?;
                    Self::Other("a sparse tensor")
                }
                _ => return wire.pass(field, &[6, 7]),
            };
            Ok(())
        })?;
        Ok(kind)
    }
}

impl TensorType {
    fn read(wire: &mut Wire<'_>, field: Field) -> Result<Self, Refusal> {
        let mut kind = Self::default();
        wire.nested(field, |wire, field| {
            match field.number {
                1 => kind.data_type = field.int()?,
                2 => {
                    let shape = kind.shape.get_or_insert_with(Vec::new);
                    wire.nested(field, |wire, field| {
                        match field.number {
                            1 => shape.push(Dimension::read(wire, field)?),
                            _ => wire.pass(field, &[])?,
                        }
                        if shape.len() > wire.limits.rank {
                            let rank = wire.limits.rank;
                            return Err(over(field.at, Gap::LargeMemory, rank, "dimensions"));
                        }
                        Ok(())
                    })?;
                }
                _ => wire.pass(field, &[])?,
            }
            Ok(())
        })?;
        Ok(kind)
    }
}

impl Dimension {
    fn read(wire: &mut Wire<'_>, field: Field) -> Result<Self, Refusal> {
        let mut dimension = Self::Unknown;
        wire.nested(field, |wire, field| {
            match field.number {
                1 => dimension = Self::Size(field.int()?),
                2 => {
                    let name = wire.text(field)?;
                    dimension = if name.is_empty() { Self::Unknown } else { Self::Symbol(name) };
                }
                _ => wire.pass(field, &[3])?,
            }
            Ok(())
        })?;
        Ok(dimension)
    }
}

/// An attribute of a node.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: AttributeValue,
    /// What sparse tensors in it are made of.
    pub sparse: Vec<Sparse>,
    /// Offset of the message.
    pub at: u64,
}

/// The value of an attribute.
#[derive(Clone, Debug)]
pub enum AttributeValue {
    /// `FLOAT`.
    Float(f32),
    /// `INT`.
    Int(i64),
    /// `STRING`.
    Text(Vec<u8>),
    /// `TENSOR`.
    Tensor(Box<Tensor>),
    /// `GRAPH`.
    Graph(Box<Graph>),
    /// `FLOATS`.
    Floats(Vec<f32>),
    /// `INTS`.
    Ints(Vec<i64>),
    /// `STRINGS`.
    Texts(Vec<Vec<u8>>),
    /// `TENSORS`.
    Tensors(Vec<Tensor>),
    /// `GRAPHS`.
    Graphs(Vec<Graph>),
    /// The value of the attribute of this name of the function that the node stands in.
    Reference(String),
    /// A type, a sparse tensor, or several of these.
    Other,
}

impl Attribute {
    pub(super) fn read(wire: &mut Wire<'_>, field: Field, depth: u32) -> Result<Self, Refusal> {
        wire.item(field.at)?;
        let (mut name, mut reference, mut declared) = (String::new(), String::new(), 0);
        let (mut float, mut int, mut text) = (None, None, None);
        let (mut tensor, mut graph, mut other) = (None, None, false);
        let (mut floats, mut ints, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut tensors, mut graphs, mut sparse) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = 0;
        let most = wire.limits.attribute;
        wire.nested(field, |wire, field| {
            match field.number {
                1 => name = wire.text(field)?,
                2 => float = Some(field.float()?),
                3 => int = Some(field.int()?),
                4 => text = Some(wire.bytes(field, most)?),
                5 => {
                    wire.once(&mut seen, field, "the tensor of an attribute")?;
                    tensor = Some(Tensor::read(wire, field)?);
                }
                6 => {
                    wire.once(&mut seen, field, "the graph of an attribute")?;
                    graph = Some(Graph::read(wire, field, depth.saturating_add(1))?);
                }
                7 => wire.floats(field, &mut floats)?,
                8 => wire.ints(field, &mut ints)?,
                9 => {
                    wire.item(field.at)?;
                    let limit = wire.limits.name;
                    texts.push(wire.bytes(field, limit)?);
                }
                10 => tensors.push(Tensor::read(wire, field)?),
                11 => graphs.push(Graph::read(wire, field, depth.saturating_add(1))?),
                14 | 15 => {
                    other = true;
                    wire.skip(field)?;
                }
                22 | 23 => {
                    other = true;
                    Sparse::read(wire, field, &mut sparse)?;
                }
                20 => declared = field.int()?,
                21 => reference = wire.text(field)?,
                _ => wire.pass(field, &[13])?,
            }
            Ok(())
        })?;
        // Proto3 leaves out what is zero, so the declared type says what an absent value is.
        let kinds = [
            (1, float.is_some()),
            (2, int.is_some()),
            (3, text.is_some()),
            (4, tensor.is_some()),
            (5, graph.is_some()),
            (6, !floats.is_empty()),
            (7, !ints.is_empty()),
            (8, !texts.is_empty()),
            (9, !tensors.is_empty()),
            (10, !graphs.is_empty()),
            (11, other),
        ];
        let mut present = kinds.iter().filter(|(_, here)| *here).map(|(kind, _)| *kind);
        let found = present.next();
        let clash =
            || refused(field.at, format!("attribute `{}` has values of two types", shorten(&name)));
        if present.next().is_some() {
            return Err(clash());
        }
        if let Some(found) = found
            && (1..=10).contains(&declared)
            && found != declared
        {
            return Err(clash());
        }
        let value = if reference.is_empty() {
            match found.unwrap_or(declared) {
                1 => AttributeValue::Float(float.unwrap_or_default()),
                2 => AttributeValue::Int(int.unwrap_or_default()),
                3 => AttributeValue::Text(text.unwrap_or_default()),
                4 => AttributeValue::Tensor(Box::new(tensor.unwrap_or_default())),
                5 => AttributeValue::Graph(Box::new(graph.unwrap_or_default())),
                6 => AttributeValue::Floats(floats),
                7 => AttributeValue::Ints(ints),
                8 => AttributeValue::Texts(texts),
                9 => AttributeValue::Tensors(tensors),
                10 => AttributeValue::Graphs(graphs),
                _ => AttributeValue::Other,
            }
        } else {
            AttributeValue::Reference(reference)
        };
        Ok(Self { name, value, sparse, at: field.at })
    }
}

fn shorten(name: &str) -> String {
    name.chars().take(80).collect()
}

/// The most attributes of one node; no operator has as many as fifty.
const MOST_ATTRIBUTES: usize = 1024;
