//! Running a graph: node by node where shapes depend on data, by a plan where they do not.

mod batch;
mod compile;
mod crew;
mod given;
mod groups;
mod interpret;
mod kernels;
mod memory;
mod meter;
mod pieces;
mod program;
mod roles;
mod steps;

pub use self::meter::size;
pub use self::{
    batch::{Clipped, How, Session, run},
    interpret::evaluate,
    kernels::{Cpu, add_product},
    memory::{Memory, Plan},
    meter::{Limits, Meter},
    program::{Program, View},
};
pub(crate) use self::{
    batch::{holding_batch, says_shapes},
    interpret::run_node,
};
