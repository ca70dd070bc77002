//! `modelward data`: what is wrong with a data set.

use clap::{Args, Subcommand};

use crate::cli::{Failure, Screen};

mod activations;
pub(super) mod check;
mod clean;
mod schema;
mod told;
mod versions;

/// Check a data set that a model is to be trained on: what is wrong with it, row by row; clean it, and tell
/// its versions apart.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Check(check::Arguments),
    Clean(clean::Clean),
    Restore(clean::Restore),
    Manifest(versions::Manifest),
    Diff(versions::Diff),
}

const EXAMPLES: &str = "\
Examples:
  modelward data check train.parquet --label y --test test.parquet
  modelward data clean train.csv --label y --only trigger,label-error -o clean.csv --quarantine taken
  modelward data restore taken -o back.csv
  modelward data manifest train.csv -o train.json
  modelward data diff train.json train.csv";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    match &arguments.verb {
        Verb::Check(arguments) => check::run(arguments, screen),
        Verb::Clean(arguments) => clean::clean(arguments, screen),
        Verb::Restore(arguments) => clean::restore(arguments),
        Verb::Manifest(arguments) => versions::manifest(arguments, screen),
        Verb::Diff(arguments) => versions::diff(arguments, screen),
    }
}
