//! `modelward audit`: everything that applies to what the user points at, in one report.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{EXIT_CODES, Failure, Screen, street::Street};

/// Audit models: everything that applies, in one report.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, EXIT_CODES].concat())]
pub(super) struct Arguments {
    /// Files and folders; `-` is standard input.
    #[arg(required = true, value_name = "PATH")]
    targets: Vec<PathBuf>,
    #[command(flatten)]
    street: Street,
}

const EXAMPLES: &str = "\
Examples:
  modelward audit ./model-dir
  modelward audit ~/.cache/huggingface/hub/models--owner--name --deny high
  modelward audit ./model-dir --format html --format sarif -o reports";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    arguments.street.walk(&arguments.targets, screen)
}
