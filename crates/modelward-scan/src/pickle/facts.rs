//! What is known of a program while it runs: its names, and what its values are.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use modelward_formats::pickle::value::{Kind, Value};

use super::known::Entry;
use crate::container::Neighbours;

mod sealed;
mod standing;
mod values;
mod work;

pub(crate) use sealed::Sealed;
pub(crate) use standing::{Name, Standing};
pub(crate) use values::loaded;
pub(crate) use work::Work;

/// What the user lets pickles do, beyond the lists that ship: kinds by module and name.
pub(crate) type Allowed = HashMap<(String, String), String>;

/// What is known of a program.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    allowed: &'a Allowed,
    pub(crate) neighbours: Neighbours<'a>,
    pub(crate) names: Vec<Name>,
    /// Objects that items or a state were given to.
    pub(crate) touched: HashSet<u32>,
    /// What is known of each dtype, by its node.
    pub(crate) dtypes: HashMap<u32, Dtype>,
    /// Lists, dicts and sets that were judged as they were.
    pub(crate) sealed: Sealed,
    /// What is left to be looked at.
    pub(crate) work: Work,
}

/// What is known of one dtype of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dtype {
    /// Whether its elements hold objects.
    pub(crate) objects: bool,
    /// Whether they are nothing else: an object, or a subarray of such.
    pub(crate) lone: bool,
    /// Bytes of one element; `None` where its letter does not tell.
    pub(crate) size: Option<u64>,
    pub(crate) letter: char,
    /// Whether it takes no state any more: it was given one, or it is shared.
    pub(crate) settled: bool,
}

impl<'a> Facts<'a> {
    /// Nothing is known yet.
    pub(crate) fn new(allowed: &'a Allowed, neighbours: Neighbours<'a>, work: Work) -> Self {
        let (names, touched, dtypes, sealed) = Default::default();
        Self { allowed, neighbours, names, touched, dtypes, sealed, work }
    }

    pub(crate) fn name(&self, index: u32) -> Option<&Name> {
        self.names.get(index as usize)
    }

    pub(crate) fn entry(&self, value: Value) -> Option<Rc<Entry>> {
        let Kind::Import(index) = value.kind() else { return None };
        self.entry_of(index)
    }

    pub(crate) fn entry_of(&self, index: u32) -> Option<Rc<Entry>> {
        match &self.name(index)?.standing {
            Standing::Listed(entry) => Some(entry.clone()),
            _ => None,
        }
    }

    /// What is known of a dtype that the program made, or of a scalar type that it imported.
    pub(crate) fn dtype(&self, value: Value) -> Option<Dtype> {
        match value.kind() {
            Kind::Node(index) => self.dtypes.get(&index).copied(),
            _ => None,
        }
    }
}
