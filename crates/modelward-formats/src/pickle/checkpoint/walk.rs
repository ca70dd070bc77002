//! What a checkpoint's program has built, walked from its result to the tensors in it.

use std::collections::HashMap;

use super::rebuilt::{Call, Rebuilt, call, is_empty};
use crate::{
    Budget, Gap, Refusal,
    pickle::{
        program::{Call as Called, Observer, Oddity, Program},
        value::{Kind, Shape, Value},
    },
};

/// What objects were given while the program ran: items, and states.
#[derive(Debug, Default)]
pub(super) struct Kept {
    items: HashMap<u32, Vec<Value>>,
    states: HashMap<u32, Vec<Value>>,
    count: usize,
    too_many: Option<u64>,
    odd: Option<u64>,
}

impl Kept {
    fn keep(&mut self, at: u64, items: usize) -> bool {
        self.count = self.count.saturating_add(items);
        if self.count > MOST_STEPS {
            self.too_many.get_or_insert(at);
        }
        self.too_many.is_none()
    }

    /// Why what was kept does not say what the program builds.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let many = self.too_many.map(many);
        many.or_else(|| {
            let why = "names that are computed, or found in a memo slot that was overwritten";
            self.odd.map(|at| Refusal::new(at, Gap::Malformed, why))
        })
    }
}

fn many(at: u64) -> Refusal {
    Refusal::new(at, Gap::LargeMemory, format!("more than {MOST_STEPS} values in a checkpoint"))
}

impl Observer for Kept {
    fn entries(&mut self, _: &Program<'_>, object: Value, _: &'static str, items: &[Value]) {
        if let Kind::Node(index) = object.kind()
            && self.keep(0, items.len())
        {
            self.items.entry(index).or_default().extend_from_slice(items);
        }
    }
    fn state(&mut self, _: &Program<'_>, at: u64, object: Value, state: Value) {
        if let Kind::Node(index) = object.kind()
            && self.keep(at, 1)
        {
            self.states.entry(index).or_default().push(state);
        }
    }
    fn oddity(&mut self, _: &Program<'_>, at: u64, oddity: Oddity) {
        if matches!(
            oddity,
            Oddity::ComputedName
                | Oddity::ShadowedMemo
                | Oddity::ExtensionCode
                | Oddity::FarMemo(_)
        ) {
            self.odd.get_or_insert(at);
        }
    }
    fn import(&mut self, _: &Program<'_>, _: u64, _: u32) {}
    fn call(&mut self, _: &Program<'_>, _: u64, _: Called) {}
    fn items(&mut self, _: &Program<'_>, _: u64, _: Value, _: &'static str) {}
    fn grown(&mut self, _: &Program<'_>, _: u64, _: u32) {}
    fn contained(&mut self, _: &Program<'_>, _: u64, _: Value) {}
    fn hashed(&mut self, _: &Program<'_>, _: u64, _: Value) {}
    fn persistent(&mut self, _: &Program<'_>, _: u64, _: Value) {}
}

/// The tensors that were met, by name.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) tensors: Vec<(String, Result<Rebuilt, Refusal>)>,
    pub(super) gaps: Vec<Refusal>,
}

impl Found {
    /// A program that does not say what it builds.
    pub(super) fn broken(refusal: Refusal) -> Self {
        Self { tensors: Vec::new(), gaps: vec![refusal] }
    }
}

/// Walk a value.
pub(super) fn walk(
    program: &Program<'_>,
    kept: &Kept,
    value: Value,
    prefix: &str,
    budget: &Budget,
) -> Found {
    let mut walk = Walk { program, kept, budget, found: Found::default(), steps: 0, held: 0 };
    if let Err(refusal) = walk.value(value, prefix, 0) {
        walk.found.gaps.push(refusal);
    }
    walk.found
}

struct Walk<'w, 'a> {
    program: &'w Program<'a>,
    kept: &'w Kept,
    budget: &'w Budget,
    found: Found,
    steps: usize,
    /// Bytes of names.
    held: usize,
}

impl Walk<'_, '_> {
    fn value(&mut self, value: Value, name: &str, depth: u32) -> Result<(), Refusal> {
        self.steps = self.steps.saturating_add(1);
        if self.steps > MOST_STEPS {
            return Err(many(0));
        }
        if self.steps.is_multiple_of(4096) {
            self.budget.tick(0)?;
        }
        if depth > MOST_DEPTH {
            let why = format!("containers nested deeper than {MOST_DEPTH}");
            return Err(Refusal::new(0, Gap::DeepNesting, why));
        }
        let heap = self.program.heap();
        let (Kind::Node(index), Some(node)) = (value.kind(), heap.of(value)) else { return Ok(()) };
        let items = heap.items(node);
        match node.shape {
            Shape::Dict => self.pairs(items, name, depth),
            Shape::List | Shape::Tuple => items
                .iter()
                .enumerate()
                .filter(|(_, item)| matches!(item.kind(), Kind::Node(_)))
                .try_for_each(|(at, &item)| {
                    self.value(item, &join(name, &at.to_string()), depth.saturating_add(1))
                }),
            Shape::Object => self.object(index, items, name, depth),
            Shape::Set | Shape::Persistent => Ok(()),
        }
    }

    /// Keys and values in turn.
    fn pairs(&mut self, items: &[Value], name: &str, depth: u32) -> Result<(), Refusal> {
        for pair in items.chunks_exact(2) {
            let [key, value] = *pair else { continue };
            if !matches!(value.kind(), Kind::Node(_)) {
                continue;
            }
            let key = match key.kind() {
                Kind::Int(number) => number.to_string(),
                _ => self.program.text(key, LONGEST_KEY).unwrap_or_else(|| "?".into()),
            };
            self.held = self.held.saturating_add(key.len());
            self.value(value, &join(name, &key), depth.saturating_add(1))?;
        }
        Ok(())
    }

    fn object(
        &mut self,
        index: u32,
        items: &[Value],
        name: &str,
        depth: u32,
    ) -> Result<(), Refusal> {
        let [callee, arguments] = *items else { return Ok(()) };
        let heap = self.program.heap();
        let arguments = heap.items_of(arguments, Shape::Tuple).unwrap_or_default();
        let (callee, arguments) = match callee.kind() {
            Kind::Import(import) => (self.program.import(import), arguments),
            _ => (None, arguments),
        };
        // A subclass of tensors: a function, a class, the function's arguments.
        let typed =
            callee.is_some_and(|import| import.is("torch._tensor", "_rebuild_from_type_v2"));
        let given =
            matches!(*arguments, [_, _, _, state, ..] if typed && !is_empty(self.program, state));
        let (callee, arguments) = match *arguments {
            [function, _, inner, ..] if typed => match function.kind() {
                Kind::Import(import) => (
                    self.program.import(import),
                    heap.items_of(inner, Shape::Tuple).unwrap_or_default(),
                ),
                _ => (callee, arguments),
            },
            _ => (callee, arguments),
        };
        let made =
            callee.map_or(Call::Other(arguments), |callee| call(self.program, callee, arguments));
        let states = self.kept.states.get(&index).map(Vec::as_slice).unwrap_or_default();
        let next = depth.saturating_add(1);
        // A state may put other elements in the place of those that were rebuilt.
        let given = given || !states.is_empty();
        let made = match made {
            Call::Tensor(_) | Call::Same(_) if given => {
                let why = "a tensor that is given a state";
                Call::Tensor(Err(Refusal::new(0, Gap::Unsupported, why)))
            }
            made => made,
        };
        match made {
            Call::Tensor(tensor) => {
                self.held = self.held.saturating_add(name.len().saturating_add(256));
                if self.held as u64 > self.budget.limits().memory / 4 {
                    return Err(Refusal::new(0, Gap::LargeMemory, "a table of tensors too large"));
                }
                self.found.tensors.push((name.to_owned(), tensor));
                return Ok(());
            }
            Call::Same(value) => return self.value(value, name, next),
            Call::Other(arguments) => {
                for (at, &argument) in arguments.iter().enumerate() {
                    if matches!(argument.kind(), Kind::Node(_)) {
                        self.value(argument, &join(name, &at.to_string()), next)?;
                    }
                }
            }
        }
        let kept = self.kept;
        if let Some(items) = kept.items.get(&index) {
            self.pairs(items, name, depth)?;
        }
        states.iter().try_for_each(|&state| self.state(state, name, next))
    }

    /// The attributes of an object. Those that hold the parts of a module have no name of their own
    /// in a state dict.
    fn state(&mut self, state: Value, name: &str, depth: u32) -> Result<(), Refusal> {
        let heap = self.program.heap();
        let Some(items) = heap.items_of(state, Shape::Dict) else {
            return self.value(state, name, depth);
        };
        for pair in items.chunks_exact(2) {
            let [key, value] = *pair else { continue };
            if !matches!(value.kind(), Kind::Node(_)) {
                continue;
            }
            let key = self.program.text(key, LONGEST_KEY).unwrap_or_else(|| "?".into());
            let parts = matches!(key.as_str(), "_parameters" | "_buffers" | "_modules");
            let name = if parts { name.to_owned() } else { join(name, &key) };
            self.value(value, &name, depth.saturating_add(1))?;
        }
        Ok(())
    }
}

fn join(name: &str, key: &str) -> String {
    if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
}

/// The most values of one checkpoint that are walked.
const MOST_STEPS: usize = 4_000_000;

/// The deepest that containers nest.
const MOST_DEPTH: u32 = 128;

/// The longest key, in bytes.
const LONGEST_KEY: u64 = 4096;
