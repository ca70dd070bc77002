//! ONNX: the model file as its protocol buffers say it, nothing judged and nothing computed.
//!
//! The whole structure is read, the bytes of tensors are not: a [`Tensor`] names the range where
//! they lie, so a model of many gigabytes costs its graph. Where protocol buffers let two readers
//! see two things (a singular message twice, two data fields at once) the file is refused.
//!
//! Source: ONNX 1.23, `onnx/onnx.proto` (IR version 14); wire format of Protocol Buffers.

use std::ops::Range;

use crate::{Bytes, Gap, Refusal};

mod calls;
mod external;
mod file;
mod fit;
mod flaw;
mod graph;
mod names;
mod order;
mod survey;
mod table;
mod tensor;
mod trees;
mod wire;

pub use self::{
    external::External,
    file::{FORMAT, File},
    flaw::{Flaw, FlawKind},
    graph::{
        Attribute, AttributeValue, Dimension, Function, Graph, Node, TensorType, Type, ValueInfo,
    },
    survey::Operator,
    tensor::{Data, Field, Piece, Sparse, Tensor, element_name, element_size},
};

pub(crate) use self::table::table;

use self::wire::Wire;

/// What a model file holds.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Version of the intermediate representation.
    pub ir_version: i64,
    /// Operator sets that it imports: domain and version, in the order of the file.
    pub opsets: Vec<(String, i64)>,
    /// Tool that wrote it.
    pub producer: String,
    /// Version of that tool.
    pub producer_version: String,
    /// Its graph; `None` where the file has none.
    pub graph: Option<Graph>,
    /// Functions that its nodes may call.
    pub functions: Vec<Function>,
    /// Metadata: keys and values.
    pub metadata: Vec<(String, String)>,
    /// Offsets of these.
    pub metadata_at: Vec<u64>,
    /// Graphs that make first values of weights and train them.
    pub training: Vec<Graph>,
    /// Fields that ONNX does not have.
    pub unknown: Vec<Unknown>,
    /// Where documentation and metadata lie that nothing acts upon.
    pub remarks: Vec<Span>,
}

/// A field that ONNX does not have: most readers pass by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Its number.
    pub number: u64,
    /// Offset of its tag.
    pub at: u64,
    /// Where its bytes lie; empty where it is a number.
    pub span: Span,
}

/// How much structure is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Nodes, initializers, inputs, outputs and attributes in all.
    pub items: u64,
    /// Graphs inside graphs.
    pub depth: u32,
    /// Bytes of one name.
    pub name: u64,
    /// Dimensions of one tensor.
    pub rank: usize,
    /// Types inside types.
    pub type_depth: u32,
    /// Numbers of one attribute that is no tensor, in bytes.
    pub attribute: u64,
    /// Names, texts and numbers in all, in bytes: what is copied out of the file.
    pub held: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            items: 4_000_000,
            depth: 32,
            name: 2 << 20,
            rank: 64,
            type_depth: 8,
            attribute: 256 << 20,
            held: 4 << 30,
        }
    }
}

/// Read a model.
///
/// # Errors
/// Where the bytes break the wire format, hold a part twice that stands once, or hold more than the
/// limits allow.
pub fn read(bytes: &Bytes, limits: &Limits) -> Result<Model, Refusal> {
    let mut wire = Wire::new(bytes, limits);
    if bytes.is_empty() {
        return Err(Refusal::truncated(0, "expected an ONNX model, got no bytes"));
    }
    let mut model = Model::default();
    let mut seen = 0_u64;
    wire.message(bytes.len(), |wire, field| {
        match field.number {
            1 => model.ir_version = field.int()?,
            2 => model.producer = wire.text(field)?,
            3 => model.producer_version = wire.text(field)?,
            7 => {
                wire.once(&mut seen, field, "graph")?;
                model.graph = Some(Graph::read(wire, field, 0)?);
            }
            8 => {
                let (mut domain, mut version) = (String::new(), 0);
                wire.nested(field, |wire, field| {
                    match field.number {
                        1 => domain = wire.text(field)?,
                        2 => version = field.int()?,
                        _ => wire.pass(field, &[])?,
                    }
                    Ok(())
                })?;
                wire.item(field.at)?;
                model.opsets.push((domain, version));
            }
            20 => wire.nested(field, |wire, field| {
                match field.number {
                    1 | 2 => model.training.push(Graph::read(wire, field, 0)?),
                    _ => wire.pass(field, &[3, 4])?,
                }
                Ok(())
            })?,
            14 => {
                model.metadata_at.push(field.at);
                model.metadata.push(wire.pair(field)?);
            }
            25 => model.functions.push(Function::read(wire, field)?),
            _ => wire.pass(field, &[4, 5, 6, 26])?,
        }
        Ok(())
    })?;
    model.unknown = wire.unknown;
    model.remarks = wire.remarks;
    Ok(model)
}

/// A range of the file.
pub type Span = Range<u64>;

fn refused(at: u64, why: impl Into<String>) -> Refusal {
    Refusal::new(at, Gap::Malformed, why.into())
}

fn over(at: u64, gap: Gap, limit: impl std::fmt::Display, what: &str) -> Refusal {
    Refusal::new(at, gap, format!("more than the limit of {limit} {what}"))
}

#[cfg(test)]
mod tests;
