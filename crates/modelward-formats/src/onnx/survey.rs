//! What the graphs of a model use and hold, wherever they stand: the model's own, those in the
//! attributes of nodes, those of functions and of training.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{Budget, Bytes, Gap, Refusal, is_file_among_numbers};

use super::{
    Attribute, AttributeValue, Data, Function, Graph, Model, Node, Piece, Span, Tensor,
    calls::{self, Calls},
    external::{self, External},
    fit::{self, fit},
    flaw::{Flaw, FlawKind, ONNX, invalid, long, short},
    names::{Names, graphs},
    trees,
};

/// An operator in use, or a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Its domain; ONNX's own has its long name, `ai.onnx`.
    pub domain: String,
    /// Its name.
    pub name: String,
    /// Offset of the first node, or of the function.
    pub at: u64,
    /// The name of that node.
    pub node: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) operators: Vec<Operator>,
    pub(super) functions: Vec<Operator>,
    pub(super) externals: Vec<External>,
    pub(super) flaws: Vec<Flaw>,
    pub(super) gaps: Vec<Refusal>,
    pub(super) hidden: Vec<(String, Bytes)>,
}

/// Look at all of a model.
///
/// # Errors
/// Where the bytes cannot be had, or looking takes longer than the budget.
pub(super) fn survey(model: &Model, bytes: &Bytes, budget: &Arc<Budget>) -> Result<Found, Refusal> {
    let functions = calls::table(&model.functions);
    let seen = HashSet::new();
    let mut survey = Survey { bytes, budget, functions: &functions, seen, found: Found::default() };
    survey.header(model);
    for graph in model.graph.iter().chain(&model.training) {
        survey.graph(graph)?;
    }
    for function in &model.functions {
        survey.function(function)?;
    }
    let mut found = survey.found;
    let calls = Calls::of(model, &functions);
    found.gaps.extend(calls.refusal());
    let mut names = Names::default();
    if let Some(graph) = &model.graph {
        names.graph(graph);
    }
    for function in &model.functions {
        names.function(function);
    }
    found.flaws.extend(names.flaws);
    found.gaps.extend(names.invalid.into_iter().map(|(at, why)| invalid(at, why)));
    found.gaps.truncate(MOST);
    found.flaws.sort_by_key(|flaw| (flaw.at, flaw.kind));
    Ok(found)
}

struct Survey<'a> {
    bytes: &'a Bytes,
    budget: &'a Budget,
    functions: &'a HashMap<(&'a str, &'a str), usize>,
    seen: HashSet<(&'a str, &'a str)>,
    found: Found,
}

impl<'a> Survey<'a> {
    fn header(&mut self, model: &Model) {
        let Found { gaps, flaws, .. } = &mut self.found;
        if model.graph.is_none() {
            gaps.push(invalid(0, "a model without a graph"));
        }
        if model.ir_version < 1 {
            gaps.push(invalid(0, format!("version {} of the format", model.ir_version)));
        }
        // Operator sets came with version 3 of the representation.
        if model.opsets.is_empty() && model.ir_version >= 3 {
            gaps.push(invalid(0, "no operator set is imported"));
        }
        let mut known: HashMap<&str, i64> = HashMap::new();
        for (domain, version) in &model.opsets {
            let domain = long(domain);
            if *version < 1 || (domain == ONNX && *version > NEWEST) {
                let why = format!("operator set {version} of `{}`", short(domain));
                gaps.push(Refusal::new(0, Gap::Unsupported, why));
            }
            if known.insert(domain, *version).is_some_and(|other| other != *version) {
                let why = format!("operator set `{}` is imported in two versions", short(domain));
                let kind = FlawKind::AmbiguousName;
                flaws.push(Flaw { kind, at: 0, severe: true, why });
            }
        }
    }

    fn graph(&mut self, graph: &'a Graph) -> Result<(), Refusal> {
        for tensor in &graph.initializers {
            self.tensor(tensor, "tensor")?;
        }
        for sparse in &graph.sparse_tensors {
            self.tensor(&sparse.values, "sparse tensor")?;
            self.tensor(&sparse.indices, "the indices of a sparse tensor")?;
        }
        graph.nodes.iter().try_for_each(|node| self.node(node))
    }

    fn function(&mut self, function: &'a Function) -> Result<(), Refusal> {
        let (domain, name) = (long(&function.domain).to_owned(), function.name.clone());
        let node = String::new();
        self.found.functions.push(Operator { domain, name, at: function.at, node });
        for attribute in &function.defaults {
            self.attribute(attribute, "a function")?;
        }
        function.nodes.iter().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &'a Node) -> Result<(), Refusal> {
        self.budget.tick(node.at)?;
        let key = (long(&node.domain), node.operator.as_str());
        if !self.functions.contains_key(&key) && self.seen.insert(key) {
            let (domain, name) = (key.0.to_owned(), key.1.to_owned());
            let (at, node) = (node.at, short(&node.name));
            self.found.operators.push(Operator { domain, name, at, node });
        }
        self.found.gaps.extend(trees::broken(node).map(|why| invalid(node.at, why)));
        if node.operator == CONTEXT {
            self.context(node);
        }
        for attribute in &node.attributes {
            self.attribute(attribute, &node.operator)?;
        }
        graphs(node).try_for_each(|graph| self.graph(graph))
    }

    /// A compiled program for an accelerator, in another file or in the attribute itself.
    ///
    /// Source: ONNX Runtime, `EPContext` of its contributed operators.
    fn context(&mut self, node: &Node) {
        let value = |name: &str| {
            node.attributes.iter().find(|attribute| attribute.name == name).map(|each| &each.value)
        };
        if !matches!(value("embed_mode"), Some(AttributeValue::Int(0))) {
            return;
        }
        let Some(AttributeValue::Text(path)) = value("ep_cache_context") else { return };
        let path = String::from_utf8_lossy(path);
        let of = format!("the compiled program of node `{}`", short(&node.name));
        match external::plain(&path) {
            Ok(location) => self.found.externals.push(External {
                of,
                location,
                offset: 0,
                length: None,
                at: node.at,
            }),
            Err(why) => {
                let why = format!("{of} lies in `{}`: {why}", short(&path));
                self.flaw(FlawKind::ExternalPath, node.at, true, why);
            }
        }
    }

    fn attribute(&mut self, attribute: &'a Attribute, of: &str) -> Result<(), Refusal> {
        let name = || format!("attribute `{}` of {}", short(&attribute.name), short(of));
        for sparse in &attribute.sparse {
            self.tensor(&sparse.values, &name())?;
            self.tensor(&sparse.indices, &name())?;
        }
        match &attribute.value {
            AttributeValue::Tensor(tensor) => self.tensor(tensor, &name()),
            AttributeValue::Tensors(tensors) => {
                tensors.iter().try_for_each(|tensor| self.tensor(tensor, &name()))
            }
            AttributeValue::Text(text) => {
                self.hide(name, Bytes::from(&**text));
                Ok(())
            }
            AttributeValue::Texts(texts) => {
                for text in texts.iter().filter(|text| text.len() >= SHORTEST_FILE) {
                    self.hide(name, Bytes::from(&**text));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn tensor(&mut self, tensor: &Tensor, kind: &str) -> Result<(), Refusal> {
        self.budget.tick(tensor.at)?;
        let of = || match tensor.name.is_empty() {
            true => kind.to_owned(),
            false => format!("{kind} `{}`", short(&tensor.name)),
        };
        if let Err(misfit) = fit(tensor, self.bytes)? {
            let why = format!("{} {}", of(), misfit.why);
            self.flaw(FlawKind::TensorMismatch, tensor.at, misfit.severe, why);
        }
        match &tensor.data {
            Data::None => {}
            Data::Raw(span) => self.hide_span(of, span),
            Data::Typed(super::Field::Text, pieces) => {
                for piece in pieces {
                    if let Piece::Span(span) = piece {
                        self.hide_span(of, span);
                    }
                }
            }
            Data::Typed(..) => {}
            Data::External(entries) => {
                let count = fit::elements(tensor).ok();
                let needed = count.and_then(|count| fit::bytes_of(tensor, count).ok().flatten());
                let flaws = &mut self.found.flaws;
                let external = external::read(entries, needed, &of(), tensor.at, flaws);
                flaws.truncate(MOST);
                self.found.externals.extend(external);
            }
            Data::Twice => {
                let why = format!("{} has its data in two places", of());
                self.flaw(FlawKind::AmbiguousName, tensor.at, true, why);
            }
        }
        Ok(())
    }

    /// Note bytes that are a file of their own.
    fn hide(&mut self, name: impl Fn() -> String, bytes: Bytes) {
        if bytes.len() >= SHORTEST_FILE as u64
            && self.found.hidden.len() < MOST
            && is_file_among_numbers(&bytes)
        {
            self.found.hidden.push((name(), bytes));
        }
    }

    fn hide_span(&mut self, name: impl Fn() -> String, span: &Span) {
        if let Ok(bytes) = self.bytes.slice(span.start, span.end.saturating_sub(span.start)) {
            self.hide(name, bytes);
        }
    }

    fn flaw(&mut self, kind: FlawKind, at: u64, severe: bool, why: String) {
        if self.found.flaws.len() < MOST {
            self.found.flaws.push(Flaw { kind, at, severe, why });
        }
    }
}

/// The newest operator set that may mean what it says: ONNX 1.23 has 28, and adds about two a year.
const NEWEST: i64 = 64;

/// The operator that holds or names a compiled program.
const CONTEXT: &str = "EPContext";

/// How many flaws, gaps and pieces of one file are kept.
const MOST: usize = 1000;

/// What is shorter can hold no file that does anything.
const SHORTEST_FILE: usize = 16;
