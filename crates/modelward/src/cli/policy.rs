//! `modelward policy`: write down what is let through, and hand it on to the loader.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::{
    cli::{Failure, Screen, reporting::read_policy},
    policy_file::NAME,
};

mod add;
mod emit;

/// Write down what is let through, or hand it on to a loader.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Let through one name in pickles, or one rule, with the reason.
    #[command(after_help = ADD_EXAMPLES)]
    Add(AddArguments),
    /// Print the names that the policy allows, as the loader takes them.
    #[command(after_help = EMIT_EXAMPLES)]
    Emit(EmitArguments),
}

#[derive(Args, Debug)]
struct AddArguments {
    /// A name in the notation of the scanner, `module Name : kind (arguments)`, or a rule.
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// Why it is let through.
    #[arg(long, value_name = "WHY")]
    reason: String,
    /// For a rule: only in files whose path ends in this.
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// The policy to add to.
    #[arg(long, value_name = "FILE", default_value = NAME)]
    policy: PathBuf,
}

#[derive(Args, Debug)]
struct EmitArguments {
    /// The loader.
    #[arg(long = "for", value_name = "LOADER")]
    loader: Loader,
    /// The policy to read.
    #[arg(long, value_name = "FILE", default_value = NAME)]
    policy: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Loader {
    Torch,
}

const EXAMPLES: &str = "\
Examples:
  modelward policy add 'my.package Settings : class' --reason 'our own class'
  modelward policy emit --for torch";

const ADD_EXAMPLES: &str = "\
Examples:
  modelward policy add 'my.package Settings : class' --reason 'our own class, it holds numbers'
  modelward policy add MW1009 --path fixtures/modelward.toml --reason 'a test fixture'";

const EMIT_EXAMPLES: &str = "\
Example:
  modelward policy emit --for torch > safe_globals.py";

pub(super) fn run(arguments: Arguments, screen: Screen) -> Result<u8, Failure> {
    match arguments.verb {
        Verb::Add(arguments) => add::run(&arguments, screen)?,
        Verb::Emit(EmitArguments { loader: Loader::Torch, policy }) => {
            emit::torch(&read_policy(&policy)?)?
        }
    }
    Ok(0)
}
