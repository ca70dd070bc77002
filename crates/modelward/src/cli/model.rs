//! `modelward model`: the engine by itself. It loads, runs and differentiates ONNX models.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use modelward_engine::{Limits, Model, exec, npz};

use crate::cli::{Failure, Screen, quantity, trouble::failure};

mod backdoor;
mod bench;
mod check_grad;
mod compare;
#[cfg(feature = "ort")]
mod foreign;
#[cfg(not(feature = "ort"))]
#[path = "model/foreign_absent.rs"]
mod foreign;
mod grad;
mod info;
mod run;
mod runtime;
mod task;

/// Load, run and differentiate an ONNX model, within a budget and without executing any of its code.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Info(info::Arguments),
    Run(run::Arguments),
    Grad(grad::Arguments),
    CheckGrad(check_grad::Arguments),
    Backdoor(backdoor::Arguments),
    Bench(bench::Arguments),
}

const EXAMPLES: &str = "\
Examples:
  modelward model info resnet18.onnx
  modelward model run resnet18.onnx --input x.npz -o y.npz
  modelward model grad resnet18.onnx --input xy.npz --loss ce --labels y -o g.npz";

/// What every verb here may cost, and what it computes with.
#[derive(Args, Clone, Debug)]
struct Engine {
    /// Threads to compute on; 0 is for as many as the processor has.
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = quantity::threads)]
    threads: usize,
    /// Instructions to compute with; by default the best that the processor has. Each set has a
    /// bit pattern of its own where sums are vectors.
    #[arg(long, value_name = "SET")]
    cpu: Option<Cpu>,
    /// Memory for all values at once, and for the weights.
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = quantity::bytes)]
    max_memory: u64,
    /// Floating-point operations of one run.
    #[arg(long, value_name = "N", default_value = "1e13", value_parser = operations)]
    max_flop: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Cpu {
    Scalar,
    Avx2,
    Avx512,
    Neon,
}

impl Engine {
    fn limits(&self) -> Limits {
        Limits { memory: self.max_memory, flop: self.max_flop, ..Limits::default() }
    }

    fn how(&self) -> Result<exec::How, Failure> {
        let cpu = match self.cpu {
            None => exec::Cpu::best(),
            Some(Cpu::Scalar) => exec::Cpu::Scalar,
            Some(Cpu::Avx2) => exec::Cpu::Avx2,
            Some(Cpu::Avx512) => exec::Cpu::Avx512,
            Some(Cpu::Neon) => exec::Cpu::Neon,
        };
        if !cpu.is_here() {
            let message = format!("this processor has no {}", cpu.name());
            return Err(Failure::new(message).help("leave out `--cpu`, or take `--cpu scalar`"));
        }
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if self.threads == 0 { cores() } else { self.threads };
        Ok(exec::How { limits: self.limits(), cpu, threads })
    }

    /// Read a model that is to be run.
    fn load(&self, path: &Path) -> Result<Model, Failure> {
        let model = self.read(path)?;
        model.admit(&self.limits()).map_err(|trouble| failure(path, trouble))?;
        Ok(model)
    }

    /// Read a model that is only to be described.
    fn read(&self, path: &Path) -> Result<Model, Failure> {
        Model::read(path, &self.limits()).map_err(|trouble| failure(path, trouble))
    }

    fn arrays(&self, path: &Path) -> Result<npz::Arrays, Failure> {
        npz::read_file(path, &self.limits()).map_err(|trouble| failure(path, trouble))
    }
}

/// Read a number of operations: `1e13`, `5000000`.
fn operations(text: &str) -> Result<u64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (1.0..=1e18).contains(number));
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    number
        .map(|number| number as u64)
        .ok_or_else(|| format!("expected a number of operations such as `1e13`, found `{text}`"))
}

/// The model file that a verb is about.
#[derive(Args, Clone, Debug)]
struct File {
    /// The ONNX model; data of its tensors in other files lie beside it.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
}

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    match &arguments.verb {
        Verb::Info(arguments) => info::run(arguments),
        Verb::Run(arguments) => run::run(arguments),
        Verb::Grad(arguments) => grad::run(arguments),
        Verb::CheckGrad(arguments) => check_grad::run(arguments),
        Verb::Backdoor(arguments) => backdoor::run(arguments, screen),
        Verb::Bench(arguments) => bench::run(arguments),
    }
}
