//! What of a budget is admitted: all of it, what a domain allows, changes inside one square of an
//! image, or the image turned and moved.
//!
//! A budget is a ball and a range; a rule takes out of it what the attacker may not do. A rule of
//! images stands with the budget of the whole range.

use modelward_engine::{Kind, Trouble};

use crate::constraints::Constraints;

mod patch;
mod spatial;

pub use self::{
    patch::Patch,
    spatial::{Pose, Spatial},
};

/// What of a budget is admitted.
#[derive(Clone, Copy, Debug, Default)]
pub enum Rule<'a> {
    /// All of it.
    #[default]
    Any,
    /// What the rules of a domain allow.
    Domain(&'a Constraints),
    /// Changes inside one square of an image.
    Patch(Patch),
    /// The image turned and moved.
    Spatial(Spatial),
}

/// A rule for images, asked for what is none.
fn no_image(dims: &[usize]) -> Trouble {
    let dims = dims.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
    Trouble::new(Kind::Input, format!("expected images of channels, rows and columns, got {dims}"))
}
