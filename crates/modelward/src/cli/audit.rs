//! `modelward audit`: everything that applies to what the user points at, in one report.

use std::{
    any::TypeId,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, CommandFactory, Parser};
use modelward_core::Experiment;

use crate::Progress;
use crate::cli::{
    EXIT_CODES, Failure, Screen, attack, certify, data, experiment::Findable, origins::Origins,
    output::refuse_targets, reporting::Reporting, street::Street,
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
    arguments.street.walk(targets, screen, |policy, reporting, progress| {
        let origins = Origins::of(targets, &policy.signers, reporting.is_quiet(), screen)?;
        // What is wrong with the last is told before the first is run: each may take hours.
        let verbs = policy.experiments.iter().map(|experiment| read(experiment, reporting));
        let verbs = verbs.collect::<Result<Vec<_>, _>>()?;
        for verb in &verbs {
            if let Verb::Data(arguments) = verb {
                refuse_targets(&[arguments.scores()], targets)?;
            }
        }
        let mut all = Findable::default();
        for verb in &verbs {
            all.extend(verb.run(reporting, progress)?);
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

/// Read one experiment of the policy file, as if its verb were called with its options.
fn read(experiment: &Experiment, reporting: &Reporting) -> Result<Verb, Failure> {
    let Experiment { verb, model, options } = experiment;
    let place = format!("[[{verb}]] of `{model}`");
    let folder = reporting.policy_file().and_then(Path::parent).unwrap_or(Path::new(""));
    let mut words = vec![(*verb).to_owned()];
    words.push(format!("--threads={}", reporting.threads));
    for (key, value) in options {
        if OF_THE_REPORT.contains(&key.as_str()) {
            let message =
                format!("`{key}` is the audit's own, and cannot be said of an experiment");
            return Err(Failure::new(message).at(place));
        }
        words.push(match value {
            Some(value) if is_path(verb, key) => format!("--{key}={}", beside(folder, value)),
            // With `=`, so that a value which begins with `-` is no option.
            Some(value) => format!("--{key}={value}"),
            None => format!("--{key}"),
        });
    }
    words.extend(["--".to_owned(), beside(folder, model)]);
    Verb::try_parse_from(words).map_err(|error| {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        let line = line.strip_prefix("error: ").unwrap_or(line).to_owned();
        Failure::new(line)
            .at(place)
            .help(format!("the keys are the options of `modelward {} --help`", Verb::written(verb)))
    })
}

/// Whether an option of a verb takes a path.
fn is_path(verb: &str, key: &str) -> bool {
    let command = Verb::command();
    let option = command.find_subcommand(verb).and_then(|verb| {
        let mut options = verb.get_arguments();
        options.find(|option| option.get_long() == Some(key))
    });
    option.is_some_and(|option| option.get_value_parser().type_id() == TypeId::of::<PathBuf>())
}

/// A path of the policy file, which lies beside it as the keys of signers do; standard input and addresses lie
/// nowhere.
fn beside(folder: &Path, path: &str) -> String {
    if path == "-" || path.contains("://") {
        return path.to_owned();
    }
    // A folder whose name is no text is where the run was started, else it could not have been said.
    folder.join(path).to_str().map_or_else(|| path.to_owned(), str::to_owned)
}

impl Verb {
    fn run(&self, reporting: &Reporting, progress: &Arc<Progress>) -> Result<Findable, Failure> {
        match self {
            Self::Attack(arguments) => attack::find(arguments, progress),
            Self::Certify(arguments) => {
                progress.say("certifying".to_owned());
                certify::find(arguments)
            }
            Self::Data(arguments) => {
                let exhibits = reporting.forms().iter().any(|form| form.exhibits);
                data::check::find(arguments, progress, exhibits)
            }
        }
    }
}
