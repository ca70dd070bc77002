//! What needs no search: a model that decides by itself what holds within a budget.
//!
//! A sample that is proven to hold stands for good, and nothing more is spent on it; a point that
//! breaks it is judged like any other.

use modelward_engine::Result;

use crate::arena::Arena;

/// Settle every sample that is open.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn settle(arena: &mut Arena<'_>) -> Result<bool> {
    for case in arena.open() {
        arena.decide(case)?;
    }
    Ok(true)
}
