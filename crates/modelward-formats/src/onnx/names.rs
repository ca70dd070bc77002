//! The names of values: each is given once, before it is taken, and nothing is taken that nobody
//! gives.
//!
//! Source: ONNX 1.23, `docs/IR.md`, "Names Within a Graph" and "Graphs": static single assignment,
//! and nodes in topological order. Nodes in another order are sorted by some runtimes, which does no
//! harm as long as they do not depend on themselves.

use std::collections::HashMap;

use super::{
    AttributeValue, Graph, Node,
    flaw::{Flaw, FlawKind, short},
    order,
};

/// What is wrong with the names of one graph or function.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) flaws: Vec<Flaw>,
    /// Offset, and what is wrong with the graph, in words.
    pub(super) invalid: Vec<(u64, String)>,
}

/// A graph or the body of a function.
struct Scope<'m> {
    what: String,
    inputs: Vec<(&'m str, u64)>,
    constants: Vec<(&'m str, u64)>,
    nodes: &'m [Node],
    outputs: Vec<(&'m str, u64)>,
}

impl Names {
    /// Look at the names of a model's graph.
    pub(super) fn graph(&mut self, graph: &Graph) {
        let free = self.scope(&Scope::of_graph(graph));
        self.missing(&free);
    }

    /// Look at the names of a function.
    pub(super) fn function(&mut self, function: &super::Function) {
        let scope = Scope {
            what: format!("function `{}`", short(&function.name)),
            inputs: named(&function.inputs, function.at),
            constants: Vec::new(),
            nodes: &function.nodes,
            outputs: named(&function.outputs, function.at),
        };
        let free = self.scope(&scope);
        self.missing(&free);
    }

    fn missing(&mut self, free: &[(&str, u64)]) {
        for (name, at) in free.iter().take(MOST) {
            let why = format!("`{}` is read, and nothing gives it", short(name));
            self.invalid.push((*at, why));
        }
    }

    /// Look at one scope and at those inside it. Gives the names that it takes from outside.
    fn scope<'m>(&mut self, scope: &Scope<'m>) -> Vec<(&'m str, u64)> {
        // Who gives a name: 0 for what leads in and constants, else the node, counted from 1.
        let mut given: HashMap<&str, usize> = HashMap::new();
        for (name, at) in &scope.inputs {
            if given.insert(name, 0).is_some() {
                self.twice(scope, name, *at);
            }
        }
        // Before version 4 of the representation every constant is an input as well.
        let mut constants: HashMap<&str, ()> = HashMap::new();
        for (name, at) in scope.constants.iter().filter(|(name, _)| !name.is_empty()) {
            if constants.insert(name, ()).is_some() {
                self.twice(scope, name, *at);
            }
            given.insert(name, 0);
        }
        for (node, index) in scope.nodes.iter().zip(1..) {
            for name in node.outputs.iter().filter(|name| !name.is_empty()) {
                if given.insert(name, index).is_some() {
                    self.twice(scope, name, node.at);
                }
            }
        }
        let (mut free, mut edges, mut in_order) = (Vec::new(), Vec::new(), true);
        for (node, index) in scope.nodes.iter().zip(1_usize..) {
            let own = node.inputs.iter().filter(|name| !name.is_empty());
            let own = own.map(|name| (name.as_str(), node.at));
            let mut inner = Vec::new();
            for graph in graphs(node) {
                inner.extend(self.scope(&Scope::of_graph(graph)));
            }
            for (name, at) in own.chain(inner) {
                match given.get(name) {
                    Some(0) => {}
                    Some(&by) => {
                        in_order &= by < index;
                        edges.push((by, index));
                    }
                    None => free.push((name, at)),
                }
            }
        }
        let outputs = scope.outputs.iter().filter(|(name, _)| !name.is_empty());
        free.extend(outputs.filter(|(name, _)| !given.contains_key(name)));
        if !in_order && let Some(index) = order::circle(scope.nodes.len(), &edges) {
            let node = index.checked_sub(1).and_then(|index| scope.nodes.get(index));
            let (at, name) = node.map_or((0, ""), |node| (node.at, node.operator.as_str()));
            let why = format!("{}: a node `{}` needs its own result", scope.what, short(name));
            self.invalid.push((at, why));
        }
        free
    }

    fn twice(&mut self, scope: &Scope<'_>, name: &str, at: u64) {
        if self.flaws.len() < MOST {
            let why = format!("{}: `{}` is given twice", scope.what, short(name));
            self.flaws.push(Flaw { kind: FlawKind::AmbiguousName, at, severe: true, why });
        }
    }
}

impl<'m> Scope<'m> {
    fn of_graph(graph: &'m Graph) -> Self {
        let info = |infos: &'m [super::ValueInfo]| {
            infos.iter().map(|info| (info.name.as_str(), info.at)).collect()
        };
        let dense = graph.initializers.iter();
        let sparse = graph.sparse_tensors.iter().map(|sparse| &sparse.values);
        Self {
            what: match graph.name.as_str() {
                "" => "a graph without a name".to_owned(),
                name => format!("graph `{}`", short(name)),
            },
            inputs: info(&graph.inputs),
            constants: dense
                .chain(sparse)
                .map(|tensor| (tensor.name.as_str(), tensor.at))
                .collect(),
            nodes: &graph.nodes,
            outputs: info(&graph.outputs),
        }
    }
}

fn named(names: &[String], at: u64) -> Vec<(&str, u64)> {
    names.iter().map(|name| (name.as_str(), at)).collect()
}

/// The graphs in the attributes of a node.
pub(super) fn graphs(node: &Node) -> impl Iterator<Item = &Graph> {
    node.attributes.iter().flat_map(|attribute| match &attribute.value {
        AttributeValue::Graph(graph) => std::slice::from_ref(&**graph).iter(),
        AttributeValue::Graphs(graphs) => graphs.iter(),
        _ => [].iter(),
    })
}

/// How many names are told of.
const MOST: usize = 1000;
