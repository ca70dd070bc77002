//! What an operator rewrites with that older sets wrote otherwise.

use std::sync::Arc;

use crate::{
    Result, Tensor, Trouble,
    graph::{Attributes, Find, Graph, Name, Node, Operator, Value, ValueId},
};

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
    pub(super) outputs: Vec<ValueId>,
    pub(super) after: Vec<Node>,
    /// Its output is known, and the node left out.
    pub(super) constant: bool,
    pub(super) graph: &'a mut Graph,
    pub(super) find: Find,
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

    /// It is of this operator.
    ///
    /// # Errors
    /// Where there is no such operator. So with the others below.
    pub(crate) fn set_operator(&mut self, operator: Name) -> Result<()> {
        self.operator = (self.find)(operator)?;
        Ok(())
    }

    /// Write a node in front of this one; gives what it writes.
    pub(crate) fn before(
        &mut self,
        operator: Name,
        inputs: Vec<Option<ValueId>>,
        attributes: Attributes,
    ) -> Result<ValueId> {
        let operator = (self.find)(operator)?;
        let output = self.graph.add_value(Value::default());
        self.graph.nodes.push(Node {
            operator,
            name: Arc::default(),
            attributes,
            inputs,
            outputs: vec![output],
            bodies: Vec::new(),
        });
        Ok(output)
    }

    /// Write a node behind this one: it reads what this node wrote as an output, and these others,
    /// and writes what this node wrote there before.
    pub(crate) fn after(
        &mut self,
        output: usize,
        operator: Name,
        others: &[ValueId],
        attributes: Attributes,
    ) -> Result<()> {
        let operator = (self.find)(operator)?;
        let inner = self.graph.add_value(Value::default());
        let Some(place) = self.outputs.get_mut(output) else { return Ok(()) };
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
        Ok(())
    }
}
