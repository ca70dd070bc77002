//! `modelward certify`: what cannot be broken, proven.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use clap::Args;
use modelward_engine::{Tensor, npz};
use modelward_lab::{budget::Norm, exact::Rational};

use crate::cli::{
    EXIT_CODES, Failure, Screen,
    experiment::{Experiment, Findable},
    given::{self, Clip},
    output::refuse_targets,
    trouble::failure,
};

mod data;
mod noise;
mod property;

/// Prove that a model keeps its answers within a budget, or that it has a property.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, EXIT_CODES].concat())]
pub(super) struct Arguments {
    /// The model: ONNX, or trees of XGBoost (JSON, UBJSON) or LightGBM (text); plain or packed by
    /// gzip.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The samples: an npz with `x` and `y`, a table with `--label`, or a folder of images with a
    /// folder for each class.
    #[arg(long, value_name = "DATA", required_unless_present = "property")]
    data: Option<PathBuf>,
    /// A property in VNN-LIB 1.0, instead of data.
    #[arg(long, value_name = "P.vnnlib", conflicts_with_all = ["data", "eps", "verdicts", "minimal", "clip"])]
    property: Option<PathBuf>,
    /// The column of a table, or the key of an npz, that holds the labels.
    #[arg(long, value_name = "COL")]
    label: Option<String>,
    /// Take the first samples only.
    #[arg(long, value_name = "N", value_parser = given::number)]
    samples: Option<usize>,
    /// How a change is measured: linf for proofs, l2 with `--smooth`.
    #[arg(long, value_name = "NORM", default_value = "linf")]
    norm: Norm,
    /// How large a change may be, in the units of the data: `8/255`, `0.05`.
    #[arg(long, value_name = "EPS", value_parser = given::eps, allow_hyphen_values = true, required_unless_present = "property")]
    eps: Option<(String, Rational)>,
    /// What a change may be in the domain of the data: bounds, steps, whole numbers, groups of which
    /// one holds, what cannot change and what a change costs.
    #[arg(long, value_name = "SPEC.toml", conflicts_with_all = ["property", "minimal"])]
    spec: Option<PathBuf>,
    /// Find the least distance at which each sample can be broken: exact for trees.
    #[arg(long)]
    minimal: bool,
    /// Certify the class that the model says most often under Gaussian noise of this standard deviation,
    /// in the units of the data, by `--norm l2` (randomised smoothing).
    #[arg(long, value_name = "SIGMA", value_parser = deviation, conflicts_with_all = ["property", "minimal", "spec"])]
    smooth: Option<f64>,
    /// Noisy copies of each sample by which its class is chosen, and others by which its share is
    /// estimated.
    #[arg(long, value_name = "N0,N", default_value = "100,10000", value_parser = copies, requires = "smooth")]
    noise_samples: (usize, usize),
    /// The chance that a certificate under noise is wrong.
    #[arg(long, value_name = "P", default_value = "0.001", value_parser = chance, requires = "smooth")]
    alpha: f64,
    /// The range of every input, `LO,HI`, or `none`; without it `0,1` where all data lie in it.
    #[arg(long, value_name = "LO,HI", value_parser = given::clip, allow_hyphen_values = true)]
    clip: Option<Clip>,
    /// What is done to the data before the model sees them; `auto` finds it by the labels.
    #[arg(long, value_name = "SPEC", default_value = "auto")]
    preprocess: String,
    /// Time for one sample.
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = crate::cli::quantity::time, help_heading = "Limits")]
    max_time_each: std::time::Duration,
    /// Where random numbers begin.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Write a verdict for each sample: `verdict` 1 holds, 0 unknown, -1 violated, -2 wrong before; with
    /// `--minimal` also `distance` and `witness`, with `--smooth` also `radius`.
    #[arg(long, value_name = "V.npz")]
    verdicts: Option<PathBuf>,
    /// Write the point that violates the property, under `x`.
    #[arg(long, value_name = "W.npz", requires = "property")]
    witnesses: Option<PathBuf>,
    #[command(flatten)]
    experiment: Experiment,
}

const EXAMPLES: &str = "\
Examples:
  modelward certify classifier.onnx --data test.npz --eps 0.01
  modelward certify fraud.json --data test.npz --eps 0.05 --minimal --verdicts v.npz
  modelward certify classifier.onnx --data test.npz --norm l2 --eps 0.25 --smooth 0.25
  modelward certify controller.onnx --property safe.vnnlib --max-time 60s --witnesses w.npz";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    let mut targets = vec![arguments.model.clone()];
    targets.extend(arguments.data.iter().chain(&arguments.property).cloned());
    arguments.experiment.run(&targets, screen, |progress| {
        progress.say("looking for proofs".to_owned());
        find(arguments)
    })
}

/// Certify, and say what was found.
pub(super) fn find(arguments: &Arguments) -> Result<Findable, Failure> {
    let start = Instant::now();
    let given = [Some(&arguments.model), arguments.data.as_ref(), arguments.property.as_ref()];
    let given = given.into_iter().flatten().cloned().collect::<Vec<_>>();
    refuse_targets(&[arguments.verdicts.as_ref(), arguments.witnesses.as_ref()], &given)?;
    match (&arguments.property, &arguments.data, &arguments.eps) {
        (Some(path), _, _) => property::certify(arguments, path),
        (None, Some(path), Some(eps)) => data::certify(arguments, path, eps, start),
        _ => Err(Failure::new("expected `--data` with `--eps`, or `--property`")),
    }
}

/// A standard deviation.
fn deviation(text: &str) -> Result<f64, String> {
    let sigma = text.parse::<f64>().ok().filter(|sigma| *sigma > 0.0 && sigma.is_finite());
    sigma.ok_or_else(|| format!("expected a standard deviation above 0, got `{text}`"))
}

/// Two numbers of noisy copies.
fn copies(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once(',').and_then(|(select, estimate)| {
        Some((given::number(select).ok()?, given::number(estimate).ok()?))
    });
    let few = numbers.filter(|(select, estimate)| select.max(estimate) <= &MOST_COPIES);
    few.ok_or_else(|| {
        format!("expected two numbers from 1 to {MOST_COPIES}, `100,10000`, got `{text}`")
    })
}

/// The most noisy copies of one sample.
const MOST_COPIES: usize = 10_000_000;

/// A chance.
fn chance(text: &str) -> Result<f64, String> {
    let chance = text.parse::<f64>().ok().filter(|chance| *chance > 0.0 && *chance < 1.0);
    chance.ok_or_else(|| format!("expected a chance between 0 and 1, got `{text}`"))
}

/// Write arrays.
fn write(path: &Path, arrays: Vec<(&str, Tensor)>) -> Result<(), Failure> {
    let arrays = arrays.into_iter().map(|(name, tensor)| (name.to_owned(), Arc::new(tensor)));
    npz::write(path, &arrays.collect()).map_err(|trouble| failure(path, trouble))
}
