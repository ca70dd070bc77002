//! `--engine`: what runs a model. Another runtime answers in the same arrays as this engine does, and
//! is held against it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::{Args, ValueEnum};
use modelward_engine::{
    Limits, Model, Tensor,
    exec::How,
    feed::{Derivative, Fed},
};

use crate::cli::{
    Failure,
    model::{failure, foreign::Foreign},
    quantity,
};

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Engine")]
pub(super) struct Runtime {
    /// What runs the model: modelward's own engine, or ONNX Runtime in a process of its own, whose
    /// first outputs are held against those of the own engine.
    #[arg(long, value_name = "ENGINE", default_value = "own")]
    engine: Which,
    /// The shared library of ONNX Runtime, 1.17 or newer, by its whole path; without it, that in
    /// `ORT_DYLIB_PATH`. It is not searched for anywhere.
    #[arg(long, value_name = "PATH")]
    ort_library: Option<PathBuf>,
    /// What ONNX Runtime computes with.
    #[arg(long, value_name = "PROVIDER", default_value = "cpu")]
    ort_provider: Provider,
    /// How long ONNX Runtime may take, what is measured not counted.
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = quantity::time)]
    max_time: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    Own,
    Ort,
}

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

impl Runtime {
    /// The other runtime, where one is asked for.
    pub(super) fn foreign(&self, how: &How) -> Result<Option<Foreign>, Failure> {
        match (self.engine, &self.ort_library) {
            (Which::Own, Some(_)) => {
                let why = "`--ort-library` is for `--engine ort`, got `--engine own`";
                Err(Failure::new(why).help("add `--engine ort`, or leave the library out"))
            }
            (Which::Own, None) => Ok(None),
            (Which::Ort, library) => {
                Foreign::new(library.as_deref(), self.ort_provider, self.max_time, how).map(Some)
            }
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
