//! Which operators a model may call: its operator sets, its functions, and what is missing.

use std::collections::{BTreeMap, HashMap};

use modelward_formats::onnx;

use crate::{
    Limits, Result, Trouble,
    exec::size,
    graph::{Domain, Operator, ops, shorten},
};

/// The newest operator sets that were read.
const NEWEST: [(Domain, i64); 3] = [(Domain::Onnx, 28), (Domain::Ml, 5), (Domain::Microsoft, 1)];

/// How deep functions may call each other.
pub(super) const DEEPEST: usize = 64;

/// The oldest operator set of ONNX that is read.
const OLDEST: i64 = 6;

/// Versions of operator sets by domain.
#[derive(Clone, Debug, Default)]
pub(super) struct Opsets(BTreeMap<String, i64>);

impl Opsets {
    pub(super) fn of(imports: &[(String, i64)]) -> Result<Self> {
        let mut versions = BTreeMap::new();
        for (domain, version) in imports {
            let domain = canonical(domain);
            if *version < 1 {
                let why = format!("an operator set of version {version}");
                return Err(Trouble::graph(why));
            }
            if versions.insert(domain.to_owned(), *version).is_some_and(|old| old != *version) {
                let domain = shorten(domain);
                return Err(Trouble::graph(format!("two versions of the operators `{domain}`")));
            }
            let newest = NEWEST.iter().find(|(known, _)| known.name() == domain);
            if let Some((_, newest)) = newest
                && version > newest
            {
                let name = if domain.is_empty() { "ai.onnx" } else { domain };
                return Err(Trouble::unsupported(format!(
                    "operator set {version} of {name}, newer than {newest}"
                )));
            }
        }
        Ok(Self(versions))
    }

    pub(super) fn onnx(&self) -> i64 {
        self.0.get("").copied().unwrap_or(0)
    }

    pub(super) fn version(&self, domain: &str) -> Option<i64> {
        self.0.get(domain).copied()
    }
}

/// A domain as this engine calls it.
pub(super) fn canonical(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

/// The functions of the model.
#[derive(Debug, Default)]
pub(super) struct Functions<'a>(HashMap<(&'a str, &'a str), (&'a onnx::Function, Opsets)>);

impl<'a> Functions<'a> {
    pub(super) fn of(functions: &'a [onnx::Function]) -> Result<Self> {
        let mut known = HashMap::new();
        for function in functions {
            let opsets = Opsets::of(&function.opsets)?;
            let key = (canonical(&function.domain), &*function.name);
            if known.insert(key, (function, opsets)).is_some() {
                let name = shorten(&function.name);
                return Err(Trouble::graph(format!("the function `{name}` stands twice")));
            }
        }
        Ok(Self(known))
    }

    pub(super) fn find<'f>(
        &'f self,
        node: &'f onnx::Node,
    ) -> Option<&'f (&'a onnx::Function, Opsets)> {
        let key: (&'f str, &'f str) = (canonical(&node.domain), &node.operator);
        self.0.get(&key)
    }
}

impl Functions<'_> {
    /// Refuse what its functions make too large, before any of it is written out.
    pub(super) fn expand(&self, nodes: &[onnx::Node], limits: &Limits) -> Result<()> {
        let (nodes, bytes) = self.size(nodes, 0, &mut HashMap::new())?;
        if nodes > limits.nodes {
            let limit = limits.nodes;
            let why =
                format!("{nodes} nodes with those of its functions, over the limit of {limit}");
            return Err(Trouble::limit(why));
        }
        if bytes > limits.memory {
            let (bytes, limit) = (size(bytes), size(limits.memory));
            let why = format!("{bytes} of attributes in its functions, over the limit of {limit}");
            return Err(Trouble::limit(why));
        }
        Ok(())
    }

    /// Nodes and bytes of attributes, with those of functions as often as they are called.
    pub(super) fn size<'f>(
        &'f self,
        nodes: &'f [onnx::Node],
        calls: usize,
        known: &mut HashMap<(&'f str, &'f str), (u64, u64)>,
    ) -> Result<(u64, u64)> {
        if calls > DEEPEST {
            return Err(Trouble::graph(format!(
                "functions call each other more than {DEEPEST} deep, or themselves"
            )));
        }
        let (mut all, mut bytes) = (0_u64, 0_u64);
        let mut left = vec![nodes];
        while let Some(nodes) = left.pop() {
            for node in nodes {
                all = all.saturating_add(1);
                for attribute in &node.attributes {
                    let length = match &attribute.value {
                        onnx::AttributeValue::Graph(graph) => {
                            left.push(&graph.nodes);
                            0
                        }
                        onnx::AttributeValue::Text(text) => text.len(),
                        onnx::AttributeValue::Texts(texts) => texts.iter().map(Vec::len).sum(),
                        onnx::AttributeValue::Floats(values) => values.len().saturating_mul(4),
                        onnx::AttributeValue::Ints(values) => values.len().saturating_mul(8),
                        _ => 0,
                    };
                    bytes = bytes.saturating_add(length as u64);
                }
                let Some((function, _)) = self.find(node) else { continue };
                let key = (canonical(&node.domain), &*node.operator);
                let (inner, attributes) = match known.get(&key) {
                    Some(size) => *size,
                    None => {
                        let size = self.size(&function.nodes, calls.saturating_add(1), known)?;
                        known.insert(key, size);
                        size
                    }
                };
                all = all.saturating_add(inner);
                bytes = bytes.saturating_add(attributes);
            }
        }
        Ok((all, bytes))
    }
}

/// The operators that are not run: how often, and where first.
#[derive(Debug, Default)]
pub(super) struct Missing(BTreeMap<String, (u64, String)>);

impl Missing {
    pub(super) fn look(
        &mut self,
        nodes: &[onnx::Node],
        opsets: &Opsets,
        functions: &Functions<'_>,
    ) {
        let mut left: Vec<&[onnx::Node]> = vec![nodes];
        while let Some(nodes) = left.pop() {
            for node in nodes {
                for attribute in &node.attributes {
                    match &attribute.value {
                        onnx::AttributeValue::Graph(graph) => left.push(&graph.nodes),
                        onnx::AttributeValue::Graphs(graphs) => {
                            left.extend(graphs.iter().map(|graph| &graph.nodes[..]));
                        }
                        _ => {}
                    }
                }
                if functions.find(node).is_some() || find(node, opsets).is_ok() {
                    continue;
                }
                let domain = canonical(&node.domain);
                let name = match domain {
                    "" => shorten(&node.operator),
                    _ => shorten(&format!("{domain}.{}", node.operator)),
                };
                let entry = self.0.entry(name).or_insert_with(|| (0, shorten(&node.name)));
                entry.0 = entry.0.saturating_add(1);
            }
        }
    }

    pub(super) fn report(self) -> Result<()> {
        const MOST: usize = 20;
        if self.0.is_empty() {
            return Ok(());
        }
        let count = self.0.len();
        let (noun, them) = if count == 1 { ("operator", "it") } else { ("operators", "them") };
        let mut shown = self.0.iter().take(MOST).map(|(name, (nodes, first))| {
            let noun = if *nodes == 1 { "node" } else { "nodes" };
            match first.is_empty() {
                true => format!("`{name}` ({nodes} {noun})"),
                false => format!("`{name}` ({nodes} {noun}, first `{first}`)"),
            }
        });
        let mut list = shown.next().unwrap_or_default();
        for one in shown {
            list.push_str(", ");
            list.push_str(&one);
        }
        if count > MOST {
            list.push_str(", and more");
        }
        Err(Trouble::unsupported(format!(
            "the model uses {count} {noun} that this version does not run: {list}"
        ))
        .help(format!("export the model without {them}, or in an older operator set")))
    }
}

/// The operator of a node.
pub(super) fn find(node: &onnx::Node, opsets: &Opsets) -> Result<(&'static Operator, i64)> {
    let domain = canonical(&node.domain);
    let unknown = || Trouble::unsupported("no such operator");
    let operator = ops::find(domain, &node.operator).ok_or_else(unknown)?;
    // Exporters leave out the operator sets of domains that are no standard.
    let version = match operator.domain {
        Domain::Microsoft => 1,
        _ => opsets.version(domain).ok_or_else(|| {
            Trouble::graph(format!("the model imports no operator set of `{domain}`"))
        })?,
    };
    // An operator that has not changed since is the same in the oldest sets.
    let changed = operator.since.last().is_none_or(|last| version < *last);
    if operator.domain == Domain::Onnx && version < OLDEST && changed {
        return Err(Trouble::unsupported(format!("operator set {version}, older than {OLDEST}")));
    }
    if operator.since.first().is_some_and(|first| version < *first) {
        return Err(unknown());
    }
    Ok((operator, version))
}
