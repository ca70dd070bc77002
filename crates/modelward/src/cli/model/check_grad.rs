//! `modelward model check-grad`: gradients held against differences.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use modelward_engine::{
    Kind, Model,
    feed::{By, Fed},
    grad::check::{Checked, check, random_inputs},
};

use crate::{
    cli::{
        Failure,
        model::{Engine, File, failure},
    },
    report::escape,
};

/// Hold the gradients of a model against central differences in double precision.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: File,
    /// Examples that are looked at, where no inputs are given.
    #[arg(long, value_name = "N", default_value_t = 8)]
    samples: usize,
    /// Inputs to look at; by default random ones, the same in each run.
    #[arg(short, long, value_name = "IN.npz")]
    input: Option<PathBuf>,
    /// By what: `inputs`, `weights`, or names, with commas. By default both, as far as there are any.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    wrt: Vec<String>,
    #[command(flatten)]
    engine: Engine,
}

const EXAMPLES: &str = "\
Examples:
  modelward model check-grad classifier.onnx
  modelward model check-grad classifier.onnx --wrt weights --samples 2
  modelward model check-grad classifier.onnx --input x.npz

Exit code 1 says that a gradient is off by more than 1e-4 of the largest, 3 that every direction of one
was left out, so that nothing was compared.";

/// Directions for each example.
const DIRECTIONS: usize = 16;

/// The largest error that is right.
const MOST: f64 = 1e-4;

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let path = &arguments.file.model;
    let fails = |trouble| failure(path, trouble);
    let how = arguments.engine.how()?;
    let model = arguments.engine.load(path)?;
    let fed = match &arguments.input {
        Some(input) => model.feed(&arguments.engine.arrays(input)?),
        None => random_inputs(&model, arguments.samples.max(1), &how.limits),
    };
    let fed = fed.map_err(fails)?;
    let (mut right, mut compared) = (true, true);
    let mut lines = 0_usize;
    for by in wanted(&arguments.wrt) {
        let checked = match check(&model, &by, &fed, DIRECTIONS, how) {
            Ok(checked) => checked,
            // By default what a model does not have is not asked for.
            Err(trouble) if trouble.kind == Kind::Input && arguments.wrt.is_empty() => continue,
            Err(trouble) => return Err(fails(trouble)),
        };
        lines = lines.saturating_add(1);
        let line = line(&named(&model, &by, &fed), &checked);
        writeln!(io::stdout(), "{line}").map_err(|error| Failure::output(&error))?;
        right &= checked.error <= MOST;
        compared &= checked.kinks < checked.examples.saturating_mul(checked.directions);
    }
    if lines == 0 {
        return Err(Failure::new("the model has neither float inputs nor weights"));
    }
    Ok(match (right, compared) {
        (false, _) => 1,
        (true, false) => 3,
        (true, true) => 0,
    })
}

/// What the gradients are taken by, one check each.
fn wanted(words: &[String]) -> Vec<By> {
    if words.is_empty() {
        return vec![By::Inputs, By::Weights];
    }
    let (mut all, mut names) = (Vec::new(), Vec::new());
    for word in words {
        match word.as_str() {
            "inputs" => all.push(By::Inputs),
            "weights" => all.push(By::Weights),
            name => names.push(name.to_owned()),
        }
    }
    if !names.is_empty() {
        all.push(By::Names(names));
    }
    all
}

fn named(model: &Model, by: &By, fed: &Fed) -> String {
    match by {
        By::Inputs => {
            let floats = fed.iter().filter(|(_, tensor)| tensor.element().is_float());
            let names = floats.map(|(id, _)| escape(&model.graph.value(*id).name));
            names.collect::<Vec<_>>().join(", ")
        }
        By::Weights => match model.weights.len() {
            1 => "1 weight".to_owned(),
            count => format!("{count} weights"),
        },
        By::Names(names) => names.iter().map(|name| escape(name)).collect::<Vec<_>>().join(", "),
    }
}

fn line(name: &str, checked: &Checked) -> String {
    let Checked { examples, directions, error, error_of_rules, kinks } = checked;
    let counted =
        |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let mut line = format!(
        "grad {name}  against f64 central differences, {} x {}: largest error {error:.1e} of the \
         largest gradient; {} at a kink left out",
        counted(*examples, "example"),
        counted(*directions, "direction"),
        counted(*kinks, "direction"),
    );
    if *error > MOST {
        line.push_str(&format!(
            "\n  the rules themselves, in f64, are off by {error_of_rules:.1e}"
        ));
    }
    line
}
