//! Loads, runs and differentiates the ONNX model that a user has, within a budget.
//!
//! A [`Model`] is read into a small typed [`graph::Graph`] whose gradient, by inputs, by weights or
//! by any named value, is again such a graph. Shapes are inferred in checked arithmetic before
//! anything is allocated, and what is over the [`Limits`] is refused with its name.

mod error;
pub mod exec;
pub mod feed;
pub mod file;
pub mod grad;
pub mod graph;
pub mod npz;
pub mod onnx;
mod real;
pub mod replace;
mod tensor;
pub mod trees;

pub use crate::{
    error::{Kind, Trouble},
    exec::{Limits, Meter},
    onnx::Model,
    tensor::{Data, Element, Number, Scalar, Tensor, Type},
};

/// What this crate's functions give back.
pub type Result<T> = std::result::Result<T, Trouble>;
