//! Functions that call functions: how much they unfold to, and whether they ever end.

use std::collections::HashMap;

use crate::{Gap, Refusal};

use super::{
    Function, Model, Node,
    flaw::{invalid, long, short},
    names::graphs,
};

/// The functions of a model by domain and name.
pub(super) fn table(functions: &[Function]) -> HashMap<(&str, &str), usize> {
    let named = functions.iter().enumerate();
    named.map(|(index, each)| ((long(&each.domain), each.name.as_str()), index)).collect()
}

/// What the functions of a model unfold to.
#[derive(Debug)]
pub(super) struct Calls {
    /// A function that calls itself, through others or not: its offset and name.
    endless: Option<(u64, String)>,
    /// Functions that two readers may tell apart or not.
    doubled: Vec<(u64, String)>,
    /// Nodes in all.
    nodes: u64,
}

impl Calls {
    pub(super) fn of(model: &Model, table: &HashMap<(&str, &str), usize>) -> Self {
        let functions = &model.functions;
        let calls = functions.iter().map(|each| called(&each.nodes, table)).collect::<Vec<_>>();
        let mut callers = vec![Vec::new(); functions.len()];
        let mut waits = calls.iter().map(|(calls, _)| calls.len()).collect::<Vec<_>>();
        for (caller, (callees, _)) in calls.iter().enumerate() {
            for &callee in callees {
                if let Some(list) = callers.get_mut(callee) {
                    list.push(caller);
                }
            }
        }
        // Those that call nobody first, then those that call only them, and so on.
        let mut sizes = calls.iter().map(|(_, nodes)| *nodes).collect::<Vec<u64>>();
        let leaves = waits.iter().enumerate().filter(|(_, waits)| **waits == 0);
        let mut ready = leaves.map(|(index, _)| index).collect::<Vec<_>>();
        while let Some(callee) = ready.pop() {
            let size = sizes.get(callee).copied().unwrap_or(0);
            for &caller in callers.get(callee).into_iter().flatten() {
                if let Some(own) = sizes.get_mut(caller) {
                    *own = own.saturating_add(size);
                }
                if let Some(waits) = waits.get_mut(caller) {
                    *waits = waits.saturating_sub(1);
                    if *waits == 0 {
                        ready.push(caller);
                    }
                }
            }
        }
        let endless = functions.iter().zip(&waits).find(|(_, waits)| **waits > 0);
        let endless = endless.map(|(function, _)| (function.at, function.name.clone()));
        let (main, mut nodes) =
            model.graph.as_ref().map(|graph| called(&graph.nodes, table)).unwrap_or_default();
        for callee in main {
            nodes = nodes.saturating_add(sizes.get(callee).copied().unwrap_or(0));
        }
        let mut names = HashMap::new();
        let doubled = functions.iter().filter(|each| {
            let key = (long(&each.domain), each.name.as_str(), each.overload.as_str());
            names.insert(key, ()).is_some()
        });
        let doubled = doubled.map(|each| (each.at, each.name.clone())).take(64).collect();
        Self { endless, doubled, nodes }
    }

    /// Why the functions are not to be unfolded.
    pub(super) fn refusal(self) -> Vec<Refusal> {
        let endless = self
            .endless
            .map(|(at, name)| invalid(at, format!("function `{}` calls itself", short(&name))));
        let doubled = self
            .doubled
            .into_iter()
            .map(|(at, name)| invalid(at, format!("function `{}` is defined twice", short(&name))));
        let large = (endless.is_none() && self.nodes > MOST_NODES).then(|| {
            let why = format!("functions that unfold to {} nodes", self.nodes);
            Refusal::new(0, Gap::ManyMembers, why)
        });
        endless.into_iter().chain(doubled).chain(large).collect()
    }
}

/// The functions that nodes and the graphs inside them call, once for each call; and how many
/// nodes there are.
fn called(nodes: &[Node], table: &HashMap<(&str, &str), usize>) -> (Vec<usize>, u64) {
    let (mut calls, mut count, mut left) = (Vec::new(), 0_u64, vec![nodes]);
    while let Some(nodes) = left.pop() {
        count = count.saturating_add(nodes.len() as u64);
        for node in nodes {
            calls.extend(table.get(&(long(&node.domain), node.operator.as_str())));
            left.extend(graphs(node).map(|graph| &*graph.nodes));
        }
    }
    (calls, count)
}

/// The most nodes that a model unfolds to.
const MOST_NODES: u64 = 1_000_000;
