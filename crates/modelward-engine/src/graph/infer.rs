//! What is known of the values of a graph before it runs: types, and small constants.

#![warn(clippy::arithmetic_side_effects)]

use std::sync::Arc;

use crate::{
    Kind, Meter, Result, Tensor, Trouble, Type, exec,
    graph::{Graph, Infer, Node, ValueId},
};

/// What is known of one value.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Its type.
    pub kind: &'a Type,
    /// Its elements, where they are known already.
    pub value: Option<&'a Tensor>,
}

/// What is known of the values of a graph for one choice of its inputs' shapes.
#[derive(Clone, Debug, Default)]
pub struct Inference {
    types: Vec<Option<Type>>,
    values: Vec<Option<Arc<Tensor>>>,
    /// Floating-point operations of one run, as far as it is known.
    pub flop: u64,
}

/// Results of up to so many elements are computed while types are inferred: shapes, indices.
const FOLDED: usize = 1 << 16;

impl Inference {
    /// Infer a whole graph. What depends on data stays unknown, and all that follows from it.
    ///
    /// # Errors
    /// Where the graph breaks a rule, or a value is over the limits.
    pub fn of(graph: &Graph, inputs: &[(ValueId, Known<'_>)], meter: &Meter) -> Result<Self> {
        let mut inference = Self::default();
        inference.constants(graph);
        for (id, known) in inputs {
            inference.set(*id, Some(known.kind.clone()), known.value.cloned().map(Arc::new));
        }
        for node in &graph.nodes {
            inference.node(graph, node, meter)?;
        }
        Ok(inference)
    }

    /// Take in the constants of a graph, also those added since.
    pub(crate) fn constants(&mut self, graph: &Graph) {
        for index in self.types.len()..graph.values.len() {
            let constant = graph.values[index].constant.clone();
            self.types.push(constant.as_ref().map(|tensor| tensor.kind()));
            self.values.push(constant);
        }
    }

    /// Set what is known of a value.
    pub(crate) fn set(&mut self, id: ValueId, kind: Option<Type>, value: Option<Arc<Tensor>>) {
        self.types[id.index()] = kind;
        self.values[id.index()] = value;
    }

    /// Infer the outputs of a node from its inputs.
    pub(crate) fn node(&mut self, graph: &Graph, node: &Node, meter: &Meter) -> Result<()> {
        self.outputs(node, meter).map_err(|trouble| trouble.at(|| node.label(graph)))
    }

    fn outputs(&mut self, node: &Node, meter: &Meter) -> Result<()> {
        let known = node.inputs.iter().map(|input| match input {
            None => Some(None),
            Some(id) => self.known(*id).map(Some),
        });
        // An input of unknown type leaves the outputs unknown.
        let Some(known) = known.collect::<Option<Vec<_>>>() else { return Ok(()) };
        let all_known = known.iter().flatten().all(|known| known.value.is_some());
        let cx = Infer { node, inputs: &known };
        let types = match node.operator.infer {
            Some(infer) => match infer(&cx) {
                Ok(types) => types,
                Err(trouble) if trouble.kind == Kind::DataDependent => return Ok(()),
                Err(trouble) => return Err(trouble),
            },
            None if all_known => {
                let tensors = known.iter().map(|known| known.and_then(|known| known.value));
                let tensors = exec::run_node(node, &tensors.collect::<Vec<_>>(), &[], meter)?;
                for (&output, tensor) in node.outputs.iter().zip(tensors) {
                    self.set(output, Some(tensor.kind()), Some(Arc::new(tensor)));
                }
                return Ok(());
            }
            None => return Ok(()),
        };
        if types.len() < node.outputs.len() {
            let (most, got) = (types.len(), node.outputs.len());
            return Err(Trouble::graph(format!("expected at most {most} outputs, got {got}")));
        }
        let mut small = true;
        for kind in &types {
            meter.admit(kind)?;
            small &= kind.count()? <= FOLDED;
        }
        let flop = match node.operator.flop {
            Some(flop) => flop(&cx, &types)?,
            None => types.iter().map(|kind| kind.count().map(|n| n as u64)).sum::<Result<u64>>()?,
        };
        let mut tensors = Vec::new();
        if let Some(of_shapes) = node.operator.of_shapes
            && let Some(tensor) = of_shapes(&cx)?
        {
            tensors.push(tensor);
        } else if all_known
            && !node.operator.draws
            && small
            && flop <= (FOLDED as u64).saturating_mul(64)
        {
            let inputs = known.iter().map(|known| known.and_then(|known| known.value));
            let inputs = inputs.collect::<Vec<_>>();
            let used = types.get(..node.outputs.len()).unwrap_or(&types);
            tensors = exec::run_node(node, &inputs, used, meter)?;
        }
        self.flop = self.flop.saturating_add(flop);
        let mut tensors = tensors.into_iter();
        for (&output, kind) in node.outputs.iter().zip(types) {
            self.set(output, Some(kind), tensors.next().map(Arc::new));
        }
        Ok(())
    }

    fn known(&self, id: ValueId) -> Option<Known<'_>> {
        let kind = self.types.get(id.index())?.as_ref()?;
        Some(Known { kind, value: self.value(id) })
    }

    /// The type of a value, where it is known.
    pub fn kind(&self, id: ValueId) -> Option<&Type> {
        self.types.get(id.index())?.as_ref()
    }

    /// The elements of a value, where they are known.
    pub fn value(&self, id: ValueId) -> Option<&Tensor> {
        self.values.get(id.index())?.as_deref()
    }

    /// The elements of a value, to be kept.
    pub fn shared(&self, id: ValueId) -> Option<&Arc<Tensor>> {
        self.values.get(id.index())?.as_ref()
    }
}
