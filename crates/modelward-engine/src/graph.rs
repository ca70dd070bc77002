//! The graph: nodes in the order in which they run, each value written once.
//!
//! Operators are those of ONNX in the form of the newest operator set that is read: what older
//! sets write otherwise is rewritten when the model is read. A gradient adds a few of its own
//! (domain `modelward`), each of which can be written as plain ONNX.

use std::{collections::HashMap, fmt, sync::Arc};

use crate::{Element, Result, Tensor, Trouble, Type};

mod attributes;
mod infer;
pub(crate) mod names;
mod operator;
pub mod ops;

pub(crate) use self::operator::axis_of;
pub use self::{
    attributes::{Attribute, Attributes},
    infer::{Inference, Known},
    names::Name,
    operator::{Domain, Find, Grad, Infer, Operator, Run},
};

/// The place of a value in its graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub(crate) u32);

/// A graph.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) values: Vec<Value>,
    /// What leads in, in order.
    pub inputs: Vec<ValueId>,
    /// What leads out, in order.
    pub outputs: Vec<ValueId>,
}

/// A value of a graph.
#[derive(Clone, Debug, Default)]
pub struct Value {
    /// Its name; empty where the model gives it none.
    pub name: Arc<str>,
    /// Its elements, where it is a constant or a weight.
    pub constant: Option<Arc<Tensor>>,
    /// What the file declares of an input: its element type, and sizes where they are fixed.
    pub declared: Option<Declared>,
}

/// The type of an input as the file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Type of the elements.
    pub element: Element,
    /// Its dimensions; `None` where not even their number is declared.
    pub dims: Option<Vec<Dimension>>,
}

/// A dimension of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// This size.
    Fixed(usize),
    /// The same size wherever this name stands.
    Named(Arc<str>),
    /// Any size.
    Any,
}

/// A node of a graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it does.
    pub operator: &'static Operator,
    /// Its name in the file; empty where it has none.
    pub name: Arc<str>,
    /// Its attributes.
    pub attributes: Attributes,
    /// What it reads; `None` where an input is left out. What its graphs read of this one stands
    /// behind its own inputs.
    pub inputs: Vec<Option<ValueId>>,
    /// What it writes, also where nobody reads it.
    pub outputs: Vec<ValueId>,
    /// Graphs inside it, by the name of their attribute.
    pub bodies: Vec<Body>,
}

/// A graph inside a node.
#[derive(Clone, Debug)]
pub struct Body {
    /// Name of the attribute: `then_branch`, `body`.
    pub name: &'static str,
    /// The graph. Its last inputs are what it reads of the graph around it.
    pub graph: Arc<Graph>,
    /// Which inputs of the node these are.
    pub captured: Vec<usize>,
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => size.fmt(f),
            Self::Named(name) => f.write_str(name),
            Self::Any => f.write_str("?"),
        }
    }
}

impl ValueId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl Node {
    /// How messages call it: its operator, and its name or what it writes.
    pub fn label(&self, graph: &Graph) -> String {
        let name = if self.name.is_empty() {
            self.outputs.first().map(|&output| graph.value(output).name.clone()).unwrap_or_default()
        } else {
            self.name.clone()
        };
        match shorten(&name) {
            name if name.is_empty() => format!("node `{}`", self.operator.name),
            name => format!("node `{name}`, {}", self.operator.name),
        }
    }
}

/// A name that fits on a line.
pub(crate) fn shorten(name: &str) -> String {
    const MOST: usize = 80;
    let mut short = name.chars().take(MOST).collect::<String>();
    if name.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}

impl Graph {
    /// A new value.
    pub fn add_value(&mut self, value: Value) -> ValueId {
        let id = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(value);
        id
    }

    /// A new constant.
    pub fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.add_value(Value { constant: Some(Arc::new(tensor)), ..Value::default() })
    }

    /// What is known of a value.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// The nodes, in the order in which they run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The same, for whoever writes another graph of it. A node stands behind those that it reads.
    pub fn nodes_mut(&mut self) -> &mut Vec<Node> {
        &mut self.nodes
    }

    /// Every value.
    pub fn values(&self) -> impl ExactSizeIterator<Item = (ValueId, &Value)> {
        self.values.iter().enumerate().map(|(index, value)| (ValueId(index as u32), value))
    }

    /// The value of this name.
    pub fn named(&self, name: &str) -> Option<ValueId> {
        self.values().find(|(_, value)| &*value.name == name).map(|(id, _)| id)
    }

    /// Which node writes each value.
    pub fn writers(&self) -> HashMap<ValueId, usize> {
        let written = self.nodes.iter().enumerate();
        written.flat_map(|(at, node)| node.outputs.iter().map(move |&id| (id, at))).collect()
    }

    /// One node by itself: what it reads and what it writes have their places as here.
    pub fn single(&self, node: &Node) -> Self {
        let outputs = node.outputs.clone();
        Self { nodes: vec![node.clone()], values: self.values.clone(), inputs: vec![], outputs }
    }

    /// Leave out every node that no output needs.
    pub fn prune(&mut self) {
        let mut needed = vec![false; self.values.len()];
        for &output in &self.outputs {
            needed[output.index()] = true;
        }
        let mut kept = Vec::with_capacity(self.nodes.len());
        for node in std::mem::take(&mut self.nodes).into_iter().rev() {
            if node.outputs.iter().any(|output| needed[output.index()]) {
                for input in node.inputs.iter().flatten() {
                    needed[input.index()] = true;
                }
                kept.push(node);
            }
        }
        kept.reverse();
        self.nodes = kept;
    }

    /// Refuse a graph that reads what is not written yet.
    pub(crate) fn check_order(&self) -> Result<()> {
        let mut known = self.values.iter().map(|v| v.constant.is_some()).collect::<Vec<_>>();
        for input in &self.inputs {
            known[input.index()] = true;
        }
        for node in &self.nodes {
            for input in node.inputs.iter().flatten() {
                if !known[input.index()] {
                    let name = shorten(&self.value(*input).name);
                    let why = format!("`{name}` is read before anything writes it");
                    return Err(Trouble::graph(why).at(|| node.label(self)));
                }
            }
            for output in &node.outputs {
                known[output.index()] = true;
            }
        }
        for output in &self.outputs {
            if !known[output.index()] {
                let name = shorten(&self.value(*output).name);
                return Err(Trouble::graph(format!("nothing writes the output `{name}`")));
            }
        }
        Ok(())
    }
}

impl Declared {
    /// Whether a tensor of this type may be given.
    pub fn admits(&self, kind: &Type) -> bool {
        let Some(dims) = &self.dims else { return self.element == kind.element };
        let fits = |(declared, &size): (&Dimension, &usize)| match declared {
            Dimension::Fixed(fixed) => *fixed == size,
            Dimension::Named(_) | Dimension::Any => true,
        };
        self.element == kind.element
            && dims.len() == kind.dims.len()
            && dims.iter().zip(&kind.dims).all(fits)
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(dims) = &self.dims else { return write!(f, "{}[...]", self.element) };
        write!(f, "{}[", self.element)?;
        for (axis, dimension) in dims.iter().enumerate() {
            write!(f, "{}{dimension}", if axis == 0 { "" } else { "," })?;
        }
        f.write_str("]")
    }
}
