//! Running a graph: node by node where shapes depend on data, by a plan where they do not.

mod batch;
mod compile;
mod interpret;
mod kernels;
mod meter;
mod program;
mod roles;
mod steps;

pub(crate) use self::{batch::holding_batch, interpret::run_node, meter::size};
pub use self::{
    batch::{Clipped, How, Session, run},
    interpret::evaluate,
    kernels::Cpu,
    meter::{Limits, Meter},
    program::{Memory, Plan, Program, View},
};
