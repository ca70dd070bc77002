//! `modelward check-witness`: is a published counterexample one?

use std::path::{Path, PathBuf};

use clap::Args;
use modelward_core::Measurement;
use modelward_formats::Bytes;
use modelward_lab::{
    file,
    property::{Counterexample, Judgement, Network, Property, Verdict, check},
    rules,
};

use crate::cli::{
    EXIT_CODES, Failure, Screen,
    experiment::{self, Experiment, Findable},
    process::cpu_seconds,
    trouble::failure,
};

/// Judge a published counterexample again: exactly inside its box, and wrong as the model is deployed.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, EXIT_CODES].concat())]
pub(super) struct Arguments {
    /// The ONNX model, plain or packed by gzip.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The property, in VNN-LIB 1.0.
    #[arg(value_name = "PROPERTY")]
    property: PathBuf,
    /// The point, as VNN-COMP has tools write it: `((X_0 0.5) (X_1 -1) ...)`.
    #[arg(value_name = "COUNTEREXAMPLE")]
    counterexample: PathBuf,
    #[command(flatten)]
    experiment: Experiment,
}

const EXAMPLES: &str = "\
Examples:
  modelward check-witness net.onnx prop.vnnlib published.counterexample
  modelward check-witness net.onnx.gz prop.vnnlib.gz tool.counterexample.gz --format json

A point that holds only with the tolerance of VNN-COMP, 1e-4, is no counterexample: exit code 1.";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    let Arguments { model, property, counterexample, experiment } = arguments;
    let targets = [model.clone(), property.clone(), counterexample.clone()];
    experiment.run(&targets, screen, |_| judge(arguments))
}

fn judge(arguments: &Arguments) -> Result<Findable, Failure> {
    let limits = arguments.experiment.limits();
    let (path, point) = (&arguments.model, &arguments.counterexample);
    let bytes = experiment::bytes(path, &limits)?;
    let digest = experiment::sha256(&bytes);
    let model = experiment::model(path, bytes, &limits)?;
    let property = read(&arguments.property, limits.memory, Property::read)?;
    let counterexample = read(point, limits.memory, Counterexample::read)?;
    let network = Network::new(&model, property.inputs, property.outputs, limits);
    let mut network = network.map_err(|trouble| failure(path, trouble))?;
    let judged = check(&mut network, &property, &counterexample);
    let judged = judged.map_err(|trouble| failure(point, trouble))?;
    let mut findable = Findable::default();
    if judged.verdict != Verdict::Valid {
        let shown = if judged.outside > 0.0 {
            ("input units outside the box", judged.outside, 0.0)
        } else {
            ("output units from a violation", judged.margin, 0.0)
        };
        let rule = &rules::WITNESS_INVALID;
        let reason = judged.reason(property.inputs);
        findable.report(rule, rule.severity, point, reason, shown);
    }
    findable.measurements.push(measurement(arguments, digest, &judged));
    Ok(findable)
}

/// Read a text of the user's.
fn read<T>(
    path: &Path,
    most: u64,
    reader: fn(&Bytes) -> modelward_engine::Result<T>,
) -> Result<T, Failure> {
    let read = file::read(path, most).and_then(|bytes| reader(&bytes));
    read.map_err(|trouble| failure(path, trouble).at(path.display().to_string()))
}

fn measurement(arguments: &Arguments, digest: Option<String>, judged: &Judgement) -> Measurement {
    let Judgement { verdict, outside, outside_float32, margin, inputs_outside, .. } = judged;
    let shown = |path: &Path| path.display().to_string();
    Measurement {
        kind: "witness",
        fields: vec![
            ("model", shown(&arguments.model).into()),
            ("model_sha256", digest.into()),
            ("property", shown(&arguments.property).into()),
            ("counterexample", shown(&arguments.counterexample).into()),
            ("judgement", verdict.name().into()),
            ("outside", (*outside).into()),
            ("outside_float32", (*outside_float32).into()),
            ("inputs_outside", (*inputs_outside).into()),
            ("margin", (*margin).into()),
            ("seconds_cpu", cpu_seconds().into()),
        ],
        lines: vec![
            format!("judgement  {}", verdict.name()),
            format!(
                "outside    {outside:.3e} as written, {outside_float32:.3e} rounded to float32"
            ),
            format!("margin     {margin:.6} (at most 0 violates the property)"),
        ],
        ..Measurement::default()
    }
}
