//! Images turned and moved: every place of the grid is asked about, the nearest first.
//!
//! Engstrom et al., "Exploring the landscape of spatial robustness", 2019: the worst of the grid is
//! stronger than any descent.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Reach},
    rule::Rule,
};

/// Ask about all places; `false` where the arena's rule is another one.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn search(arena: &mut Arena<'_>) -> Result<bool> {
    let Rule::Spatial(spatial) = arena.rule() else { return Ok(false) };
    for pose in spatial.poses() {
        let cases = arena.standing();
        if cases.is_empty() {
            break;
        }
        let posed = |&case: &usize| spatial.posed(&arena.cases[case].sample, pose);
        let mut points = cases.iter().flat_map(posed).collect::<Vec<_>>();
        arena.ask(&cases, &mut points, Reach::Ball)?;
    }
    Ok(true)
}
