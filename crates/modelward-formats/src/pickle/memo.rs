//! The memo of a running program.

use std::collections::{HashMap, HashSet};

use super::value::Value;

/// The memo: dense where picklers write it, sparse where only attackers do.
#[derive(Clone, Debug, Default)]
pub(super) struct Memo {
    dense: Vec<Value>,
    sparse: HashMap<u64, Value>,
    /// Slots that were overwritten with another value.
    shadowed: HashSet<u64>,
    pub(super) entries: u64,
}

impl Memo {
    pub(super) fn put(&mut self, index: u64, value: Value) {
        let old = match usize::try_from(index) {
            Ok(index) if index <= self.dense.len() => {
                if index == self.dense.len() {
                    // Filled before its turn: it counts once, as in every reader.
                    let early = (!self.sparse.is_empty())
                        .then(|| self.sparse.remove(&(index as u64)))
                        .flatten();
                    self.dense.push(early.unwrap_or(Value::VACANT));
                }
                let slot = self.dense.get_mut(index);
                slot.map(|slot| std::mem::replace(slot, value)).filter(|old| *old != Value::VACANT)
            }
            _ => self.sparse.insert(index, value),
        };
        match old {
            None => self.entries = self.entries.saturating_add(1),
            Some(old) if old != value => drop(self.shadowed.insert(index)),
            Some(_) => {}
        }
    }

    pub(super) fn get(&self, index: u64) -> Option<Value> {
        let dense = usize::try_from(index).ok().and_then(|index| self.dense.get(index).copied());
        let dense = dense.filter(|value| *value != Value::VACANT);
        let value = dense.or_else(|| self.sparse.get(&index).copied())?;
        if !self.shadowed.is_empty() && self.shadowed.contains(&index) {
            return Some(value.shadowed());
        }
        Some(value)
    }

    pub(super) fn bytes(&self) -> usize {
        let sparse = self.sparse.len().saturating_add(self.shadowed.len()).saturating_mul(48);
        self.dense.capacity().saturating_mul(size_of::<Value>()).saturating_add(sparse)
    }
}
