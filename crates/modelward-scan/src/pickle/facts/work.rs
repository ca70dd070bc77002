//! How much work the judge may do: one long tuple may be handed to a million calls.

use std::cell::Cell;

use modelward_formats::pickle::{Program, value::Value};

/// Values that may still be looked at. Once they are spent, calls and states of listed names are
/// no longer judged, which is a gap.
#[derive(Debug)]
pub(crate) struct Work(Cell<Option<u64>>);

impl Work {
    /// For a program of this many bytes: an honest one has each value looked at a few times.
    pub(crate) fn for_program(bytes: u64) -> Self {
        const FREE: u64 = 1 << 25;
        Self(Cell::new(Some(bytes.saturating_mul(16).saturating_add(FREE))))
    }

    /// Spend a look at so many values; false where that is too many.
    pub(crate) fn spend(&self, values: usize) -> bool {
        let left = self.0.get().and_then(|left| left.checked_sub(values as u64));
        self.0.set(left);
        left.is_some()
    }

    /// Spend a look at each item of a value.
    pub(crate) fn spend_on(&self, program: &Program<'_>, value: Value) -> bool {
        let items = program.heap().of(value).map_or(0, |node| program.heap().items(node).len());
        self.spend(items)
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.0.get().is_none()
    }
}
