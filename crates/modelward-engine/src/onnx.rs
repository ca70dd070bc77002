//! The model of a user: read from ONNX, and written back with new weights.

#![warn(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

mod encode;
mod export;
mod forms;
mod import;
mod model;
mod rewrite;
mod tensors;
mod versions;
mod write;

pub use self::model::Model;
pub(crate) use self::rewrite::Import;
