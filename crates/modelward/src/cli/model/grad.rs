//! `modelward model grad`: gradients of a model file, or the graph that computes them.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
};

use clap::Args;
use modelward_engine::{
    Tensor,
    exec::Session,
    feed::{By, Derivative, Objective, one_hot},
    grad::Loss,
    npz,
};

use crate::cli::{
    Failure,
    model::{Engine, File, compare::compare, failure, runtime::Runtime, task::Task},
};

/// Take gradients of a model: of a loss or of an output, by inputs, weights or any named value.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: File,
    /// The inputs: an npz whose keys are the names of the model's inputs, with the labels or seeds.
    #[arg(short, long, value_name = "IN.npz", required_unless_present = "export")]
    input: Option<PathBuf>,
    /// Where the gradients go: `grad_NAME`, the outputs, and `loss`.
    #[arg(short, long, value_name = "OUT.npz", required_unless_present = "export")]
    output: Option<PathBuf>,
    /// By what: `inputs`, `weights`, or names with commas.
    #[arg(long, value_name = "WHAT", default_value = "inputs", value_delimiter = ',')]
    wrt: Vec<String>,
    /// The loss of the first output, summed over the batch: cross-entropy, the margin of the label
    /// over the best other, the difference of logits ratio, or half the squared error.
    #[arg(long, value_name = "LOSS", conflicts_with = "seed_output")]
    loss: Option<LossName>,
    /// The key of the labels: class numbers, or for `mse` the numbers to be reached.
    #[arg(long, value_name = "KEY", default_value = "y")]
    labels: String,
    /// Differentiate this output times the array `seed_OUTPUT`, or ones; may be given again.
    #[arg(long, value_name = "OUTPUT")]
    seed_output: Vec<String>,
    /// Clip the gradient of each example to the norm `--clip`, over all of `--wrt`, and sum them.
    #[arg(long, requires = "clip")]
    per_example: bool,
    /// The norm that the gradient of an example is clipped to.
    #[arg(long, value_name = "C", requires = "per_example")]
    clip: Option<f32>,
    /// Take rounding and signs for the identity where a gradient passes them: for attacks alone.
    #[arg(long)]
    straight_through: bool,
    /// Write the graph of the gradient as plain ONNX instead of running it.
    #[arg(long, value_name = "G.onnx", conflicts_with_all = ["input", "output", "per_example"])]
    export: Option<PathBuf>,
    #[command(flatten)]
    engine: Engine,
    #[command(flatten)]
    runtime: Runtime,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum LossName {
    Ce,
    Margin,
    Dlr,
    Mse,
}

const EXAMPLES: &str = "\
Examples:
  modelward model grad classifier.onnx --input xy.npz --loss ce --labels y -o g.npz
  modelward model grad classifier.onnx --input xy.npz --wrt weights --per-example --clip 1 -o g.npz
  modelward model grad classifier.onnx --export gradient.onnx
  modelward model grad classifier.onnx --input xy.npz -o g.npz --engine ort --ort-library /opt/ort/libonnxruntime.so

Exit code 1 says that an array of another engine is off by more than 1e-3 of the largest value.";

impl LossName {
    fn loss(self) -> Loss {
        match self {
            Self::Ce => Loss::CrossEntropy,
            Self::Margin => Loss::Margin,
            Self::Dlr => Loss::Dlr,
            Self::Mse => Loss::SquaredError,
        }
    }
}

/// What a gradient is taken by, as the command line names it.
fn by(names: &[String]) -> By {
    match names {
        [one] if one == "inputs" => By::Inputs,
        [one] if one == "weights" => By::Weights,
        names => By::Names(names.to_vec()),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let path = &arguments.file.model;
    let fails = |trouble| failure(path, trouble);
    let how = arguments.engine.how()?;
    let foreign = arguments.runtime.foreign(&how)?;
    if foreign.is_some() && (arguments.per_example || arguments.export.is_some()) {
        let why = "`--engine ort` has no `--per-example` and no `--export`";
        return Err(Failure::new(why).help("clipping and writing are the own engine's"));
    }
    let model = arguments.engine.load(path)?;
    let objective = match (&arguments.loss, &arguments.seed_output[..]) {
        (Some(loss), _) => Objective::Loss(loss.loss()),
        (None, []) => Objective::Loss(Loss::CrossEntropy),
        (None, names) => Objective::Seeds(names.to_vec()),
    };
    let by = by(&arguments.wrt);
    let straight = arguments.straight_through;
    if let Some(export) = &arguments.export {
        let derivative =
            model.derivative(&by, &objective, None, straight, &how.limits).map_err(fails)?;
        say(&derivative);
        model.export(&derivative, export, &how.limits).map_err(fails)?;
        return Ok(0);
    }
    let (Some(input), Some(output)) = (&arguments.input, &arguments.output) else {
        return Err(Failure::new("expected `--input` and `--output`, or `--export`"));
    };
    let arrays = arguments.engine.arrays(input)?;
    let mut fed = model.feed(&arrays).map_err(fails)?;
    model.refuse_nan(&fed).map_err(fails)?;
    let derivative =
        model.derivative(&by, &objective, Some(&fed), straight, &how.limits).map_err(fails)?;
    say(&derivative);
    let wrong = |message: String, help: &str| Failure::new(message).help(help.to_owned());
    if let Some(labels) = derivative.labels {
        let kind = derivative.known.first().and_then(|known| known.kind(labels)).cloned();
        let kind = kind.ok_or_else(|| Failure::new("the loss has no labels"))?;
        let key = &arguments.labels;
        let given = arrays.get(key).ok_or_else(|| {
            let keys = arrays.keys().map(String::as_str).collect::<Vec<_>>().join("`, `");
            wrong(
                format!("expected labels under `{key}` in `{}`, got none", input.display()),
                &format!("the file holds `{keys}`; name the key with `--labels`"),
            )
        })?;
        let given = if matches!(arguments.loss, Some(LossName::Mse)) {
            given.cast(kind.element).map_err(fails)?
        } else {
            let classes = kind.dims.get(1).copied().unwrap_or(0);
            one_hot(given, classes).and_then(|rows| rows.cast(kind.element)).map_err(fails)?
        };
        if given.dims() != kind.dims {
            let message = format!("expected labels for {kind} under `{key}`, got {}", given.kind());
            return Err(Failure::new(message));
        }
        fed.push((labels, Arc::new(given)));
    }
    for (name, seed) in &derivative.seeds {
        let kind = derivative.known.first().and_then(|known| known.kind(*seed)).cloned();
        let kind = kind.ok_or_else(|| Failure::new("the output has no known shape"))?;
        let key = format!("seed_{name}");
        let given = match arrays.get(&key) {
            Some(given) if given.kind() == kind => given.clone(),
            Some(given) => {
                let message = format!("expected {kind} under `{key}`, got {}", given.kind());
                return Err(Failure::new(message));
            }
            None => {
                let count = kind.count().map_err(fails)?;
                let ones = Tensor::new(kind.dims.clone(), vec![1.0_f64; count]);
                Arc::new(ones.and_then(|ones| ones.cast(kind.element)).map_err(fails)?)
            }
        };
        fed.push((*seed, given));
    }
    let tensors = fed.iter().map(|(_, tensor)| tensor.clone()).collect::<Vec<_>>();
    let graph = Arc::new(derivative.graph.clone());
    let mut session = Session::new(graph, &fed, how).map_err(fails)?;
    let mut named = npz::Arrays::new();
    let mut code = 0;
    if let (true, Some(clip)) = (arguments.per_example, arguments.clip) {
        let count = derivative.gradients.len();
        let clipped = session.clipped(&tensors, count, clip).map_err(fails)?;
        for ((name, _), gradient) in derivative.gradients.iter().zip(clipped.gradients) {
            named.insert(format!("grad_{name}"), Arc::new(gradient));
        }
        named.insert("norms".into(), Arc::new(Tensor::list(clipped.norms)));
    } else {
        let mut outputs = session.run(&tensors).map_err(fails)?;
        if let Some(foreign) = foreign {
            let task = Task::gradient(path, &model, &derivative, &fed, &how.limits)?;
            let names = task.outputs.clone();
            let own = model.name_outputs(outputs.iter().cloned().map(Arc::new)).map_err(fails)?;
            let found = foreign.run(path, task, &own)?;
            code = compare(&names, &outputs, &found.outputs).say();
            outputs = found.outputs;
        }
        let split = outputs.len().saturating_sub(derivative.gradients.len());
        let mut outputs = outputs.into_iter();
        let mut rest = outputs.by_ref().take(split).collect::<Vec<_>>();
        if derivative.losses.is_some()
            && let Some(losses) = rest.pop()
        {
            let total = losses.floats().map_err(fails)?.iter().sum::<f64>();
            named.insert("loss".into(), Arc::new(Tensor::scalar(total)));
        }
        named.extend(model.name_outputs(rest.into_iter().map(Arc::new)).map_err(fails)?);
        for ((name, _), gradient) in derivative.gradients.iter().zip(outputs) {
            named.insert(format!("grad_{name}"), Arc::new(gradient));
        }
    }
    npz::write(output, &named).map_err(fails)?;
    Ok(code)
}

/// Say on standard error what has to be known of a gradient.
fn say(derivative: &Derivative) {
    let mut error = io::stderr();
    let mut line = |text: String| {
        // Where nobody listens there is nobody to tell.
        let _ = writeln!(error, "note: {}", crate::report::escape(&text));
    };
    if let Some(output) = &derivative.through {
        line(format!(
            "the loss is taken of the logits below `{output}`: a saturated softmax has no slope"
        ));
    }
    let mut zero: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (node, why) in &derivative.zero {
        zero.entry(why).or_default().push(node);
    }
    for (why, nodes) in zero {
        let first = nodes.first().copied().unwrap_or_default();
        line(format!(
            "the gradient is 0 through {} of the nodes, first {first}: {why}",
            nodes.len()
        ));
    }
    for node in &derivative.replaced {
        line(format!("straight through: {node} is taken for the identity"));
    }
}
