//! Running a graph: node by node where shapes depend on data, by a plan where they do not.

mod interpret;
mod meter;

pub use self::{
    interpret::evaluate,
    meter::{Limits, Meter},
};
pub(crate) use self::{interpret::run_node, meter::size};
