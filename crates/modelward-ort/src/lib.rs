//! ONNX Runtime, optional: the same model, run by a library that the user has.
//!
//! A foreign runtime aborts, hangs and takes memory on models that were made for it, so it is never
//! in the process that asks: [`run`] starts another one of the same program, which calls [`serve`].
//! That process gives up what it does not need before it loads the library, and more of it before it
//! sees the model; the asking one takes arrays from a pipe, counts what it takes, and ends the other
//! at a deadline.

mod ask;
mod fence;
mod job;
mod library;
mod runtime;
mod serve;
mod values;
mod wire;

pub use crate::{
    ask::run,
    job::{Answer, Job, Measured, Output, Provider, Setup},
    library::{VARIABLE, library},
    serve::serve,
};

/// The verb that a program answers with [`serve`].
pub const WORKER: &str = "__ort-worker";
