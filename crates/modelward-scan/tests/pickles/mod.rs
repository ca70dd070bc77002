//! What a pickle does, and the many ways to write it down.
//!
//! An [`Effect`] says what a loader ends up with; [`encode`] writes it as one of the programs that
//! have this effect. Apart from the tests, so that the law and each single way round a scanner
//! write their pickles alike; and apart from the reader, which must not learn from it.
//!
//! Source: CPython's `pickletools.py`, PEP 307, PEP 3154.

#![allow(dead_code, reason = "each test uses what it needs")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod constants;
mod encoder;
pub(crate) mod objects;

pub(crate) use encoder::encode;

/// What a program leaves behind, and what it does on the way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Tuple(Vec<Self>),
    List(Vec<Self>),
    Dict(Vec<(Self, Self)>),
    /// An import: module and qualified name.
    Import(String, String),
    /// A call with positional arguments.
    Call(Box<Self>, Vec<Self>),
    /// An empty instance of a class.
    Instance(Box<Self>),
    /// An object that is given a state.
    State(Box<Self>, Box<Self>),
    /// An object that is given items under keys.
    Items(Box<Self>, Vec<(Self, Self)>),
    /// What the loader makes of a persistent id.
    Persistent(Box<Self>),
}

impl Effect {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn import(module: &str, name: &str) -> Self {
        Self::Import(module.into(), name.into())
    }

    pub(crate) fn call(module: &str, name: &str, arguments: Vec<Self>) -> Self {
        Self::Call(Box::new(Self::import(module, name)), arguments)
    }

    pub(crate) fn instance(module: &str, name: &str) -> Self {
        Self::Instance(Box::new(Self::import(module, name)))
    }

    pub(crate) fn with_state(self, state: Self) -> Self {
        Self::State(Box::new(self), Box::new(state))
    }

    pub(crate) fn dict(fields: Vec<(&str, Self)>) -> Self {
        Self::Dict(fields.into_iter().map(|(name, value)| (Self::text(name), value)).collect())
    }

    /// The modules and names of every import.
    fn names(&self, out: &mut Vec<String>) {
        let pairs = |pairs: &[(Self, Self)], out: &mut Vec<String>| {
            for (key, value) in pairs {
                key.names(out);
                value.names(out);
            }
        };
        match self {
            Self::Import(module, name) => out.extend([module.clone(), name.clone()]),
            Self::Tuple(items) | Self::List(items) => items.iter().for_each(|item| item.names(out)),
            Self::Dict(items) => pairs(items, out),
            Self::Call(callee, arguments) => {
                callee.names(out);
                arguments.iter().for_each(|argument| argument.names(out));
            }
            Self::Instance(inner) | Self::Persistent(inner) => inner.names(out),
            Self::State(object, state) => {
                object.names(out);
                state.names(out);
            }
            Self::Items(object, items) => {
                object.names(out);
                pairs(items, out);
            }
            _ => {}
        }
    }
}

/// Numbers that choose, one after the other; 0, the plainest choice, when they run out.
#[derive(Debug)]
pub(crate) struct Choices<'a>(std::slice::Iter<'a, u8>);

impl<'a> Choices<'a> {
    pub(crate) fn new(choices: &'a [u8]) -> Self {
        Self(choices.iter())
    }

    /// A number below `end`, of at most 256.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.next().map_or(0, |&choice| usize::from(choice) % end.max(1))
    }

    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) + 1 == many
    }

    pub(crate) fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}
