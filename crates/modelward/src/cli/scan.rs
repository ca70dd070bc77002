//! `modelward scan`: the checks that read.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{EXIT_CODES, Failure, Screen, street::Street};

/// Scan files without running them: models, archives, repositories, standard input.
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
  modelward scan pytorch_model.bin
  modelward scan model.zip other.gguf --format json -o report.json
  curl -sSfL https://example.org/model.pkl | modelward scan -";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    arguments.street.walk(&arguments.targets, screen, |_, _, _| Ok(Default::default()))
}
