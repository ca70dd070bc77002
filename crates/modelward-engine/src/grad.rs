//! Gradients at graph level: the gradient of a graph is again a graph.
//!
//! Reverse mode: from the outputs back, each node adds to the gradients of its inputs by its rule.
//! A rule writes operators of the same graph, so what comes out can be pruned, run, exported and
//! differentiated again. Where a value has several readers, their gradients are added in the order
//! of the readers, so that the same model always gives the same bits.

use std::sync::Arc;

use crate::{
    Element, Meter, Result, Tensor, Trouble, Type,
    graph::{Attributes, Find, Grad, Graph, Inference, Name, Node, Value, ValueId, names},
};

pub mod check;
mod loss;
mod probe;

pub use self::{
    loss::{Loss, LossValues},
    probe::probes,
};

/// A graph that grows, with what is known of its values for some choices of the inputs' shapes.
#[derive(Debug)]
pub struct Builder<'a> {
    /// The graph.
    pub graph: Graph,
    probes: Vec<Inference>,
    meter: &'a Meter,
    find: Find,
}

/// A dimension as far as it is the same for every shape that the inputs may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dim {
    /// Always this size.
    Fixed(usize),
    /// It changes with the inputs.
    Varies,
}

impl<'a> Builder<'a> {
    /// Over a graph, with what is known of it for two or more shapes of its inputs. What rules
    /// write is looked up by `find`.
    ///
    /// # Errors
    /// Where the graph breaks a rule.
    pub fn new(graph: Graph, probes: Vec<Inference>, meter: &'a Meter, find: Find) -> Self {
        Self { graph, probes, meter, find }
    }

    /// The graph, and what is known of it.
    pub fn finish(self) -> (Graph, Vec<Inference>) {
        (self.graph, self.probes)
    }

    /// What an operator without attributes makes of these.
    ///
    /// # Errors
    /// Where the operator refuses their types. So with the others below.
    pub fn apply(&mut self, operator: Name, inputs: &[ValueId]) -> Result<ValueId> {
        self.apply_with(operator, inputs, Attributes::new())
    }

    /// What an operator makes of these, with attributes.
    ///
    /// # Errors
    /// Where the operator refuses them.
    pub fn apply_with(
        &mut self,
        operator: Name,
        inputs: &[ValueId],
        attributes: Attributes,
    ) -> Result<ValueId> {
        let inputs = inputs.iter().copied().map(Some).collect();
        Ok(self.apply_all(operator, inputs, attributes, 1)?[0])
    }

    /// The outputs of an operator, whose inputs may be left out.
    ///
    /// # Errors
    /// Where the operator refuses its inputs.
    pub fn apply_all(
        &mut self,
        operator: Name,
        inputs: Vec<Option<ValueId>>,
        attributes: Attributes,
        outputs: usize,
    ) -> Result<Vec<ValueId>> {
        let outputs =
            (0..outputs).map(|_| self.graph.add_value(Value::default())).collect::<Vec<_>>();
        let node = Node {
            operator: (self.find)(operator)?,
            name: Arc::default(),
            attributes,
            inputs,
            outputs: outputs.clone(),
            bodies: Vec::new(),
        };
        for probe in &mut self.probes {
            probe.constants(&self.graph);
            probe.node(&self.graph, &node, self.meter)?;
        }
        self.graph.nodes.push(node);
        Ok(outputs)
    }

    /// A constant.
    pub fn constant(&mut self, tensor: Tensor) -> ValueId {
        let id = self.graph.constant(tensor);
        for probe in &mut self.probes {
            probe.constants(&self.graph);
        }
        id
    }

    /// Whole numbers as a constant: axes, a shape.
    pub fn ints(&mut self, values: Vec<i64>) -> ValueId {
        self.constant(Tensor::list(values))
    }

    /// A float in the element type of another value.
    ///
    /// # Errors
    /// Where the type of that value is not known.
    pub fn float(&mut self, like: ValueId, value: f64) -> Result<ValueId> {
        let element = self.kind(like)?.element;
        let tensor = Tensor::scalar(value).cast(element)?;
        Ok(self.constant(tensor))
    }

    /// What is known of a value for the first choice of shapes.
    ///
    /// # Errors
    /// Where its type depends on data.
    pub fn kind(&self, id: ValueId) -> Result<&Type> {
        self.probes.first().and_then(|probe| probe.kind(id)).ok_or_else(|| {
            Trouble::data_dependent(format!(
                "the shape of `{}` depends on data that the graph computes",
                self.graph.value(id).name
            ))
        })
    }

    /// Its element type.
    ///
    /// # Errors
    /// Where its type depends on data.
    pub fn element(&self, id: ValueId) -> Result<Element> {
        self.kind(id).map(|kind| kind.element)
    }

    /// How many dimensions it has.
    ///
    /// # Errors
    /// Where its type depends on data.
    pub fn rank(&self, id: ValueId) -> Result<usize> {
        self.kind(id).map(|kind| kind.dims.len())
    }

    /// Its dimensions, as far as they are the same for every shape of the inputs.
    ///
    /// # Errors
    /// Where its type depends on data, or its rank on the shapes.
    pub fn dims(&self, id: ValueId) -> Result<Vec<Dim>> {
        let first = self.kind(id)?.dims.clone();
        let mut dims = first.into_iter().map(Dim::Fixed).collect::<Vec<_>>();
        for probe in &self.probes {
            let other = probe.kind(id).map(|kind| &kind.dims).filter(|o| o.len() == dims.len());
            let other = other.ok_or_else(|| {
                Trouble::data_dependent("the number of dimensions depends on the inputs' shapes")
            })?;
            for (dim, &size) in dims.iter_mut().zip(other) {
                if *dim != Dim::Fixed(size) {
                    *dim = Dim::Varies;
                }
            }
        }
        Ok(dims)
    }

    /// The elements of a value, where they are the same for every shape of the inputs.
    pub fn known(&self, id: ValueId) -> Option<&Tensor> {
        let mut values = self.probes.iter().map(|probe| probe.value(id));
        let first = values.next()??;
        values.all(|value| value == Some(first)).then_some(first)
    }

    /// The shape of a value, as a constant where it is fixed, or else computed from it.
    ///
    /// # Errors
    /// Where its type depends on data.
    pub fn shape_of(&mut self, id: ValueId) -> Result<ValueId> {
        let dims = self.dims(id)?;
        let varies = dims.iter().filter(|dim| **dim == Dim::Varies).count();
        let sizes = dims.iter().map(|dim| match dim {
            Dim::Fixed(size) => *size as i64,
            Dim::Varies => -1,
        });
        let sizes = sizes.collect::<Vec<_>>();
        match varies {
            0 => Ok(self.ints(sizes)),
            _ => self.apply(names::SHAPE, &[id]),
        }
    }

    /// A value in the shape of another, which has as many elements.
    ///
    /// # Errors
    /// Where a type depends on data.
    pub fn reshape_like(&mut self, value: ValueId, like: ValueId) -> Result<ValueId> {
        let dims = self.dims(like)?;
        if self.dims(value)? == dims && dims.iter().filter(|d| **d == Dim::Varies).count() <= 1 {
            return Ok(value);
        }
        let varies = dims.iter().filter(|dim| **dim == Dim::Varies).count();
        let zero = dims.contains(&Dim::Fixed(0));
        let shape = if varies <= 1 && !zero {
            let sizes = dims.iter().map(|dim| match dim {
                Dim::Fixed(size) => *size as i64,
                Dim::Varies => -1,
            });
            let sizes = sizes.collect();
            self.ints(sizes)
        } else {
            self.apply(names::SHAPE, &[like])?
        };
        self.apply(names::RESHAPE, &[value, shape])
    }

    /// A gradient summed over the axes along which a value of this shape was broadcast.
    ///
    /// # Errors
    /// Where a type depends on data.
    pub fn unbroadcast(&mut self, gradient: ValueId, like: ValueId) -> Result<ValueId> {
        let (from, to) = (self.dims(gradient)?, self.dims(like)?);
        let added = from.len().saturating_sub(to.len());
        let mut axes = (0..added).collect::<Vec<_>>();
        for (axis, (from, to)) in from.iter().skip(added).zip(&to).enumerate() {
            if *to == Dim::Fixed(1) && *from != Dim::Fixed(1) {
                axes.push(axis + added);
            }
        }
        for probe in &self.probes {
            let (Some(from), Some(to)) = (probe.kind(gradient), probe.kind(like)) else { continue };
            let mut pairs = from.dims.iter().enumerate().skip(added).zip(&to.dims);
            if pairs.any(|((axis, from), to)| from != to && !axes.contains(&axis)) {
                return Err(Trouble::data_dependent(
                    "a dimension is broadcast for one size of the batch and not for another",
                ));
            }
        }
        let mut summed = gradient;
        if !axes.is_empty() {
            let axes = axes.into_iter().map(|axis| axis as i64).collect();
            let axes = self.ints(axes);
            summed = self.apply_with(
                names::REDUCE_SUM,
                &[gradient, axes],
                Attributes::new().with("keepdims", 1),
            )?;
        }
        if added == 0 { Ok(summed) } else { self.reshape_like(summed, like) }
    }

    /// Whether a value is all ones, whatever its size.
    pub fn is_ones(&self, id: ValueId) -> bool {
        let all_ones = |tensor: &Tensor| {
            tensor.floats().is_ok_and(|values| values.iter().all(|value| *value == 1.0))
        };
        let mut writers = self.graph.nodes.iter().rev();
        match writers.find(|node| node.outputs.contains(&id)) {
            Some(node) if node.operator.name == "ConstantOfShape" => {
                matches!(node.attributes.tensor("value"), Ok(Some(value)) if all_ones(value))
            }
            _ => self.known(id).is_some_and(all_ones),
        }
    }

    /// The sum of two values of the same shape.
    ///
    /// # Errors
    /// Where their types differ.
    pub fn add(&mut self, a: ValueId, b: ValueId) -> Result<ValueId> {
        self.apply(names::ADD, &[a, b])
    }

    /// A product, with broadcasting.
    ///
    /// # Errors
    /// Where the types do not fit.
    pub fn mul(&mut self, a: ValueId, b: ValueId) -> Result<ValueId> {
        self.apply(names::MUL, &[a, b])
    }

    /// The gradients of a value by others: `seeds` are values and the gradients that flow into
    /// them. `None` where a value does not depend on it, or only through what has no slope.
    ///
    /// # Errors
    /// Where a node on the way has no rule: it is named.
    pub fn gradients(
        &mut self,
        seeds: &[(ValueId, ValueId)],
        by: &[ValueId],
        options: &mut Options,
    ) -> Result<Vec<Option<ValueId>>> {
        let nodes = self.graph.nodes.len();
        // Which values depend on what is asked for.
        let mut depends = vec![false; self.graph.values.len()];
        for &id in by {
            depends[id.index()] = true;
        }
        for node in &self.graph.nodes {
            let reached = node.inputs.iter().flatten().any(|input| depends[input.index()]);
            for output in &node.outputs {
                // What a caller asks for is not passed through again.
                depends[output.index()] |= reached;
            }
        }
        let mut flows: Vec<Option<ValueId>> = vec![None; self.graph.values.len()];
        for &(value, seed) in seeds {
            flows[value.index()] = Some(match flows[value.index()] {
                Some(old) => self.add(old, seed)?,
                None => seed,
            });
        }
        for at in (0..nodes).rev() {
            let node = self.graph.nodes[at].clone();
            let flowing = node.outputs.iter().map(|output| flows[output.index()]);
            let flowing = flowing.collect::<Vec<_>>();
            let wanted = node.inputs.iter().map(|input| {
                input.is_some_and(|id| {
                    depends[id.index()]
                        && (options.straight_through
                            || self.kind(id).map_or(true, |kind| kind.element.is_float()))
                })
            });
            let wanted = wanted.collect::<Vec<_>>();
            let label = |builder: &Self| node.label(&builder.graph);
            if flowing.iter().all(Option::is_none) {
                continue;
            }
            if !wanted.contains(&true) {
                if node.inputs.iter().flatten().any(|id| depends[id.index()]) {
                    options.zero.push((label(self), "it reads whole numbers, which have no slope"));
                }
                continue;
            }
            let rule = match node.operator.grad {
                Grad::Rule(rule) => rule,
                Grad::Zero(why) => match node.operator.straight_through {
                    Some(rule) if options.straight_through => {
                        options.replaced.push(label(self));
                        rule
                    }
                    _ => {
                        options.zero.push((label(self), why));
                        continue;
                    }
                },
                Grad::None(why) => {
                    let name = label(self);
                    return Err(
                        Trouble::unsupported(format!("no gradient passes here: {why}")).at(|| name)
                    );
                }
            };
            let count = node.inputs.len();
            let mut gradient =
                Gradient { builder: self, node: &node, flowing, wanted, found: vec![None; count] };
            let done = rule(&mut gradient);
            let found = std::mem::take(&mut gradient.found);
            done.map_err(|trouble| trouble.at(|| label(self)))?;
            flows.resize(self.graph.values.len(), None);
            for (input, found) in node.inputs.iter().zip(found) {
                let (Some(input), Some(found)) = (input, found) else { continue };
                flows[input.index()] = Some(match flows[input.index()] {
                    Some(old) => self.add(old, found)?,
                    None => found,
                });
                flows.resize(self.graph.values.len(), None);
            }
        }
        Ok(by.iter().map(|id| flows[id.index()]).collect())
    }
}

/// How gradients are taken, and what has to be said of them.
#[derive(Debug, Default)]
pub struct Options {
    /// Whether rounding and signs are taken for the identity: for attacks alone.
    pub straight_through: bool,
    /// Nodes that were taken for the identity.
    pub replaced: Vec<String>,
    /// Nodes whose gradient is zero by definition, and why.
    pub zero: Vec<(String, &'static str)>,
}

/// A node whose gradient is taken.
#[derive(Debug)]
pub struct Gradient<'a, 'm> {
    /// Where the rule writes.
    pub builder: &'a mut Builder<'m>,
    /// The node.
    pub node: &'a Node,
    flowing: Vec<Option<ValueId>>,
    wanted: Vec<bool>,
    found: Vec<Option<ValueId>>,
}

impl Gradient<'_, '_> {
    /// The gradient that flows into an output, if one does.
    pub fn flow(&self, output: usize) -> Option<ValueId> {
        self.flowing.get(output).copied().flatten()
    }

    /// An input of the node that must be there.
    ///
    /// # Errors
    /// Where it is left out.
    pub fn input(&self, input: usize) -> Result<ValueId> {
        let id = self.node.inputs.get(input).copied().flatten();
        id.ok_or_else(|| Trouble::graph(format!("expected an input {input}, got none")))
    }

    /// An output of the node.
    ///
    /// # Errors
    /// Where the node does not write it.
    pub fn output(&self, output: usize) -> Result<ValueId> {
        let id = self.node.outputs.get(output).copied();
        id.ok_or_else(|| {
            Trouble::unsupported(format!("it needs the output {output}, which is left out"))
        })
    }

    /// Whether anybody asks for the gradient of an input.
    pub fn wants(&self, input: usize) -> bool {
        self.wanted.get(input).copied().unwrap_or(false)
    }

    /// The gradient of an input. What nobody asks for is dropped.
    ///
    /// # Errors
    /// Where the node has no such input.
    pub fn give(&mut self, input: usize, gradient: ValueId) -> Result<()> {
        if !self.wants(input) {
            return Ok(());
        }
        let like = self.input(input)?;
        for probe in &self.builder.probes {
            let shapes = [gradient, like].map(|id| probe.kind(id).map(|kind| &kind.dims));
            if let [Some(got), Some(expected)] = shapes
                && got != expected
            {
                return Err(Trouble::graph(format!(
                    "expected a gradient of the shape {expected:?}, got {got:?}"
                )));
            }
        }
        let found = match self.found[input] {
            Some(old) => self.builder.add(old, gradient)?,
            None => gradient,
        };
        self.found[input] = Some(found);
        Ok(())
    }

    /// The gradient of an input that was broadcast: it is summed back to the input's shape.
    ///
    /// # Errors
    /// Where a shape depends on data.
    pub fn give_unbroadcast(&mut self, input: usize, gradient: ValueId) -> Result<()> {
        if !self.wants(input) {
            return Ok(());
        }
        let like = self.input(input)?;
        let summed = self.builder.unbroadcast(gradient, like)?;
        self.give(input, summed)
    }
}
