//! The model of a user: read from ONNX, and written back with new weights.

#![warn(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

mod export;
mod import;
mod model;
mod tensors;

pub(crate) use self::import::Import;
pub use self::model::Model;
