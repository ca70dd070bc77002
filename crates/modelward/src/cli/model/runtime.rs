//! `--engine`: what runs a model. Another runtime answers in the same arrays as this engine does, and
//! is held against it.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use modelward_engine::exec::How;

use crate::cli::{
    Failure,
    model::{foreign::Foreign, task::Provider},
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
