//! Graphs: nodes, the tensors they hold, and the names that lead in and out.

use crate::{Gap, Refusal};

use super::{
    attribute::Attribute,
    over,
    tensor::Tensor,
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
    /// How many constants are sparse; their content is not read.
    pub sparse: u64,
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
                    wire.skip(field)?;
                }
                _ => wire.skip(field)?,
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
                _ => wire.skip(field)?,
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
        let mut function = Self::default();
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
                            _ => wire.skip(field)?,
                        }
                        Ok(())
                    })?;
                    function.opsets.push((domain, version));
                }
                10 => function.domain = wire.text(field)?,
                11 => function.defaults.push(Attribute::read(wire, field, 0)?),
                _ => wire.skip(field)?,
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
                _ => wire.skip(field)?,
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
                        _ => wire.skip(field),
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
                _ => return wire.skip(field),
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
                            _ => wire.skip(field)?,
                        }
                        if shape.len() > wire.limits.rank {
                            let rank = wire.limits.rank;
                            return Err(over(field.at, Gap::LargeMemory, rank, "dimensions"));
                        }
                        Ok(())
                    })?;
                }
                _ => wire.skip(field)?,
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
                _ => wire.skip(field)?,
            }
            Ok(())
        })?;
        Ok(dimension)
    }
}

/// The most attributes of one node; no operator has as many as fifty.
const MOST_ATTRIBUTES: usize = 1024;
