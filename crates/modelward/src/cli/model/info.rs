//! `modelward model info`: what a model takes, gives and costs.

use std::{
    io::{self, Write},
    sync::Arc,
};

use clap::Args;
use modelward_engine::{
    Tensor, Type,
    exec::{Plan, Session},
    feed::{By, Objective},
    grad::{Loss, probes},
    graph::Dimension,
};

use crate::cli::{
    Failure, Screen,
    model::{Engine, File, failure},
};

/// Say what a model takes and gives, whether it can be differentiated, and what it costs.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: File,
    /// Examples to plan for.
    #[arg(long, value_name = "N", default_value_t = 1)]
    batch: usize,
    #[command(flatten)]
    engine: Engine,
}

const EXAMPLES: &str = "\
Examples:
  modelward model info resnet18.onnx
  modelward model info resnet18.onnx --batch 32";

pub(super) fn run(_arguments: &Arguments, _screen: Screen) -> Result<u8, Failure> {
    Ok(0)
}
