//! Attributes of nodes.

use crate::Refusal;

use super::{
    graph::Graph,
    refused,
    tensor::Tensor,
    wire::{Field, Wire},
};

/// An attribute of a node.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: AttributeValue,
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
        let (mut tensors, mut graphs) = (Vec::new(), Vec::new());
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
                14 | 15 | 22 | 23 => {
                    other = true;
                    wire.skip(field)?;
                }
                20 => declared = field.int()?,
                21 => reference = wire.text(field)?,
                _ => wire.skip(field)?,
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
        Ok(Self { name, value })
    }
}

fn shorten(name: &str) -> String {
    name.chars().take(80).collect()
}
