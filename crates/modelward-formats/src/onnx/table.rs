//! The tensors of a model file under their names: initializers, and the values of constants.

use std::sync::Arc;

use crate::{
    Budget, Bytes, Gap, Refusal,
    tensors::{Elements, Kind, Order, Place, Table, Tensor as Listed},
};

use super::{
    AttributeValue, Data, Field, Graph, Limits, Node, Piece, Tensor, external,
    file::{FORMAT, outline_end},
    fit,
};

/// The tensors of an ONNX model; `None` where the bytes are none.
pub(crate) fn table(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Table> {
    let end = match outline_end(bytes)? {
        Ok(end) => end,
        Err(refusal) => return Some(Table::broken(FORMAT.name, refusal)),
    };
    let limits = Limits { held: budget.limits().memory / 4, ..Limits::default() };
    let model = bytes.slice(0, end).and_then(|bytes| super::read(&bytes, &limits));
    let model = match model {
        Ok(model) => model,
        Err(refusal) => return Some(Table::broken(FORMAT.name, refusal)),
    };
    let mut listing = Listing { bytes, tensors: Vec::new(), gaps: Vec::new() };
    if let Some(graph) = &model.graph {
        listing.graph(graph, "");
    }
    for function in &model.functions {
        listing.nodes(&function.nodes, &format!("{}.", function.name));
    }
    if let Some(training) = model.training.first() {
        let why = "a graph that trains: its tensors are not listed";
        let at = training.nodes.first().map_or(0, |node| node.at);
        listing.gaps.push(Refusal::new(at, Gap::Unsupported, why));
    }
    Some(Table { format: FORMAT.name, tensors: listing.tensors, gaps: listing.gaps })
}

struct Listing<'a> {
    bytes: &'a Bytes,
    tensors: Vec<Listed>,
    gaps: Vec<Refusal>,
}

impl Listing<'_> {
    fn graph(&mut self, graph: &Graph, prefix: &str) {
        for tensor in &graph.initializers {
            self.tensor(tensor, format!("{prefix}{}", tensor.name));
        }
        for sparse in &graph.sparse_tensors {
            let why = "a sparse tensor, which has no elements in one order";
            self.tensors.push(Listed {
                name: format!("{prefix}{}", sparse.values.name),
                kind: Kind::of_onnx(sparse.values.data_type).unwrap_or(Kind::UNKNOWN),
                shape: Vec::new(),
                elements: Err(Refusal::new(sparse.values.at, Gap::Unsupported, why)),
            });
        }
        self.nodes(&graph.nodes, prefix);
    }

    fn nodes(&mut self, nodes: &[Node], prefix: &str) {
        for node in nodes {
            let named = if node.name.is_empty() {
                node.outputs.first().map(String::as_str).unwrap_or_default()
            } else {
                &node.name
            };
            for attribute in &node.attributes {
                let name = || format!("{prefix}{named}.{}", attribute.name);
                match &attribute.value {
                    AttributeValue::Tensor(tensor)
                        if node.operator == "Constant" && attribute.name == "value" =>
                    {
                        let output = node.outputs.first().map(String::as_str).unwrap_or_default();
                        self.tensor(tensor, format!("{prefix}{output}"));
                    }
                    AttributeValue::Tensor(tensor) => self.tensor(tensor, name()),
                    value if is_weight(node, value) => {
                        let output = node.outputs.first().map(String::as_str).unwrap_or_default();
                        let name = match node.operator.as_str() {
                            "Constant" => format!("{prefix}{output}"),
                            _ => name(),
                        };
                        self.inline(value, name, attribute.at);
                    }
                    AttributeValue::Tensors(tensors) => {
                        for (at, tensor) in tensors.iter().enumerate() {
                            self.tensor(tensor, format!("{}.{at}", name()));
                        }
                    }
                    AttributeValue::Graph(graph) => self.graph(graph, &format!("{}.", name())),
                    AttributeValue::Graphs(graphs) => {
                        for (at, graph) in graphs.iter().enumerate() {
                            self.graph(graph, &format!("{}.{at}.", name()));
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// Numbers that stand in an attribute by themselves.
    fn inline(&mut self, value: &AttributeValue, name: String, at: u64) {
        let here = |bytes: Vec<u8>| Ok(Place::Here(Elements::plain(bytes.into())));
        let (kind, shape, elements) = match value {
            AttributeValue::Float(number) => ("f32", Vec::new(), here(number.to_le_bytes().into())),
            AttributeValue::Int(number) => ("i64", Vec::new(), here(number.to_le_bytes().into())),
            AttributeValue::Floats(numbers) => {
                let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
                ("f32", vec![numbers.len() as u64], here(bytes.collect()))
            }
            AttributeValue::Ints(numbers) => {
                let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
                ("i64", vec![numbers.len() as u64], here(bytes.collect()))
            }
            _ => {
                let why = "a constant of texts, or a sparse one";
                ("", Vec::new(), Err(Refusal::new(at, Gap::Unsupported, why)))
            }
        };
        let kind = Kind::named(kind).unwrap_or(Kind::UNKNOWN);
        self.tensors.push(Listed { name, kind, shape, elements });
    }

    fn tensor(&mut self, tensor: &Tensor, name: String) {
        let shape = tensor.dims.iter().map(|&size| u64::try_from(size)).collect::<Result<_, _>>();
        let kind = Kind::of_onnx(tensor.data_type);
        let elements = match kind {
            None if tensor.data_type == TEXT => {
                Err(Refusal::new(tensor.at, Gap::Unsupported, "a tensor of texts"))
            }
            None => {
                let why = format!("elements of type {}, which have no name", tensor.data_type);
                Err(Refusal::new(tensor.at, Gap::Unsupported, why))
            }
            Some(kind) => elements(self.bytes, tensor, kind),
        };
        let (kind, shape) = (kind.unwrap_or(Kind::UNKNOWN), shape.unwrap_or_default());
        self.tensors.push(Listed { name, kind, shape, elements });
    }
}

/// Whether an attribute is what a model has learned: a constant, or the trees and coefficients of `ai.onnx.ml`.
fn is_weight(node: &Node, value: &AttributeValue) -> bool {
    let list = matches!(value, AttributeValue::Floats(_) | AttributeValue::Ints(_));
    let nested = matches!(
        value,
        AttributeValue::Reference(_)
            | AttributeValue::Tensors(_)
            | AttributeValue::Graph(_)
            | AttributeValue::Graphs(_)
    );
    (node.operator == "Constant" && !nested) || (node.domain == "ai.onnx.ml" && list)
}

fn elements(bytes: &Bytes, tensor: &Tensor, kind: Kind) -> Result<Place, Refusal> {
    let malformed = |why: String| Refusal::new(tensor.at, Gap::Malformed, why);
    let needed = fit::elements(tensor).and_then(|count| fit::bytes_of(tensor, count));
    let needed = needed.map_err(|misfit| malformed(misfit.why))?.unwrap_or(0);
    if let Err(misfit) = fit::fit(tensor, bytes)? {
        return Err(malformed(misfit.why));
    }
    let here = |start, length| Ok(Place::Here(Elements::plain(bytes.slice(start, length)?)));
    match &tensor.data {
        Data::None => here(0, 0),
        Data::Raw(span) => here(span.start, needed),
        Data::Typed(Field::Float | Field::Double, pieces) if pieces.len() == 1 => match &**pieces {
            [Piece::Span(span)] => here(span.start, needed),
            _ => Ok(Place::Here(typed(bytes, tensor, kind, needed))),
        },
        Data::Typed(..) => Ok(Place::Here(typed(bytes, tensor, kind, needed))),
        Data::External(entries) => {
            let mut flaws = Vec::new();
            let external = external::read(entries, Some(needed), "it", tensor.at, &mut flaws);
            if let Some(flaw) = flaws.into_iter().next() {
                return Err(malformed(flaw.why));
            }
            let external = external.ok_or_else(|| malformed("no data anywhere".into()))?;
            let (location, offset) = (external.location, external.offset);
            Ok(Place::Beside { location, offset, length: needed })
        }
        Data::Twice => Err(malformed("its data are in two places".into())),
    }
}

fn typed(bytes: &Bytes, tensor: &Tensor, kind: Kind, needed: u64) -> Elements {
    let width = match kind.order {
        // Numbers of less than a byte come several in one.
        Order::Packed => 1,
        Order::Bytes(width) => width,
    };
    Elements::typed(bytes.clone(), tensor, width, needed)
}

/// `TensorProto.DataType` of texts.
const TEXT: i64 = 8;
