//! `modelward audit`: everything that applies to what the user points at, in one report.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, Parser};
use modelward_core::Experiment;

use crate::Progress;
use crate::cli::{
    EXIT_CODES, Failure, Screen, attack, certify, data, experiment::Findable, origins::Origins,
    reporting::Reporting, street::Street,
};

/// Audit models: everything that applies, in one report, with the experiments and the data sets that
/// `modelward.toml` names.
///
/// Signatures beside and in a model (`*.sig`, `*.sigstore`, `*.sigstore.json`) are verified for the signers
/// that the policy names under `[provenance]`, and locked models are held against `modelward.lock` in the
/// working directory.
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
    let targets = &arguments.targets;
    arguments.street.walk(targets, screen, |policy, reporting| {
        let origins = Origins::of(targets, &policy.signers, reporting.is_quiet(), screen)?;
        let mut all = Findable::default();
        for experiment in &policy.experiments {
            all.extend(run_one(experiment, reporting)?);
        }
        Ok((all, origins))
    })
}

/// An experiment by itself, as its verb takes it.
#[derive(Debug, Parser)]
#[command(name = "modelward", no_binary_name = true, disable_help_flag = true)]
enum Verb {
    Attack(attack::Arguments),
    Certify(certify::Arguments),
    Data(data::check::Arguments),
}

impl Verb {
    /// How the verb is written on the command line.
    fn written(verb: &str) -> &str {
        if verb == "data" { "data check" } else { verb }
    }
}

/// Options that an audit has for all of its experiments.
const OF_THE_REPORT: [&str; 8] =
    ["format", "output", "policy", "deny", "threads", "quiet", "no-progress", "help"];

/// Run one experiment of the policy file.
fn run_one(experiment: &Experiment, reporting: &Reporting) -> Result<Findable, Failure> {
    let Experiment { verb, model, options } = experiment;
    let place = format!("[[{verb}]] of `{model}`");
    let mut words = vec![(*verb).to_owned(), model.clone()];
    words.extend(["--threads".to_owned(), reporting.threads.to_string()]);
    for (key, value) in options {
        if OF_THE_REPORT.contains(&key.as_str()) {
            let message =
                format!("`{key}` is the audit's own, and cannot be said of an experiment");
            return Err(Failure::new(message).at(place));
        }
        words.push(format!("--{key}"));
        words.extend(value.clone());
    }
    let parsed = Verb::try_parse_from(words).map_err(|error| {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        let line = line.strip_prefix("error: ").unwrap_or(line).to_owned();
        Failure::new(line)
            .at(place)
            .help(format!("the keys are the options of `modelward {} --help`", Verb::written(verb)))
    })?;
    match parsed {
        Verb::Attack(arguments) => attack::find(&arguments, &Progress::default()),
        Verb::Certify(arguments) => certify::find(&arguments),
        Verb::Data(arguments) => {
            let exhibits = reporting.forms().iter().any(|form| form.exhibits);
            data::check::find(&arguments, &Arc::new(Progress::default()), exhibits)
        }
    }
}
