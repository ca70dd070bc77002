//! What another runtime is given, and what it gives: a model as a file that stands by itself, arrays
//! by name, and what the calls cost.

use std::{path::Path, sync::Arc, time::Duration};

use clap::ValueEnum;
use modelward_engine::{
    Limits, Model, Tensor,
    feed::{Derivative, Fed},
};

use crate::cli::{Failure, model::failure};

/// What another runtime computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Provider {
    Cpu,
    Cuda,
}

impl Provider {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }
}

/// What another runtime is to do: a model as a file that stands by itself, its inputs, its outputs.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "ort"),
    expect(dead_code, reason = "without the feature nothing takes a task")
)]
pub(super) struct Task {
    pub(super) model: Vec<u8>,
    pub(super) inputs: Vec<(String, Arc<Tensor>)>,
    pub(super) outputs: Vec<String>,
    /// For how long it is run again behind the first run.
    pub(super) measured: Option<Duration>,
}

/// The output that has the losses, one an example, in the graph that another runtime gets.
const LOSSES: &str = "y1h_losses";

impl Task {
    /// The model itself.
    pub(super) fn forward(path: &Path, model: &Model, fed: &Fed) -> Result<Self, Failure> {
        let bytes = model.standalone().map_err(|trouble| failure(path, trouble))?;
        let inputs = fed.iter().map(|(id, tensor)| {
            let name = model.graph.value(*id).name.to_string();
            (name, tensor.clone())
        });
        let outputs = outputs(model);
        Ok(Self { model: bytes, inputs: inputs.collect(), outputs, measured: None })
    }

    /// The graph of a gradient, as plain ONNX. Its outputs are in the order of the derivative's own.
    pub(super) fn gradient(
        path: &Path,
        model: &Model,
        derivative: &Derivative,
        fed: &Fed,
        limits: &Limits,
    ) -> Result<Self, Failure> {
        let bytes = model.export_bytes(derivative, LOSSES, limits);
        let bytes = bytes.map_err(|trouble| failure(path, trouble))?;
        let inputs = fed.iter().map(|(id, tensor)| {
            let name = derivative.graph.value(*id).name.to_string();
            (name, tensor.clone())
        });
        let mut outputs = outputs(model);
        outputs.extend(derivative.losses.map(|_| LOSSES.to_owned()));
        outputs.extend(derivative.gradients.iter().map(|(name, _)| format!("grad_{name}")));
        Ok(Self { model: bytes, inputs: inputs.collect(), outputs, measured: None })
    }
}

fn outputs(model: &Model) -> Vec<String> {
    model.graph.outputs.iter().map(|&id| model.graph.value(id).name.to_string()).collect()
}

/// What calls cost in the process of another runtime.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) calls: u64,
    pub(super) cpu_seconds: f64,
    pub(super) wall_seconds: f64,
    pub(super) peak_bytes: Option<u64>,
}

/// What another runtime found.
#[derive(Debug)]
pub(super) struct Found {
    /// The outputs, in the order of the task.
    pub(super) outputs: Vec<Tensor>,
    pub(super) measured: Option<Measured>,
    /// What the library says of its build.
    pub(super) build: String,
    pub(super) provider: &'static str,
}
