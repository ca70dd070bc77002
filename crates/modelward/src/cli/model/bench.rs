//! `modelward model bench`: one long measurement in one process.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use modelward_engine::{
    Element, Model, Tensor,
    exec::{self, Session},
    feed::{By, Fed, Objective},
    grad::Loss,
    graph::Dimension,
};

use crate::cli::{
    Failure,
    model::{Engine, File, compare::compare, failure, runtime::Runtime, task::Task},
    process::{cpu_seconds, peak_bytes},
};

/// Measure how long a model takes, and print it as JSON: CPU seconds a call, peak memory, plan.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: File,
    /// What is measured: the model, the gradient of its cross-entropy by the inputs, or gradients by
    /// the weights, clipped to the norm 1 for each example.
    #[arg(long, value_name = "WHAT", default_value = "forward")]
    what: What,
    /// Examples of one call.
    #[arg(long, value_name = "N", default_value_t = 1)]
    batch: usize,
    /// For how many seconds calls are made.
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    seconds: f64,
    #[command(flatten)]
    engine: Engine,
    #[command(flatten)]
    runtime: Runtime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Forward,
    Grad,
    PerExample,
}

const EXAMPLES: &str = "\
Examples:
  modelward model bench resnet18.onnx --what forward --batch 8
  modelward model bench resnet18.onnx --what grad --batch 32 --threads 1 --seconds 5
  modelward model bench resnet18.onnx --threads 1 --engine ort --ort-library /opt/ort/libonnxruntime.so

Of another engine the CPU seconds and the memory are those of its own process; exit code 1 says that an
output of it is off by more than 1e-3 of the largest value.";

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let path = &arguments.file.model;
    let fails = |trouble| failure(path, trouble);
    let how = arguments.engine.how()?;
    let foreign = arguments.runtime.foreign(&how)?;
    if foreign.is_some() && arguments.what == What::PerExample {
        let why = "`--engine ort` has no `--what per-example`";
        return Err(Failure::new(why).help("gradients of each example are the own engine's"));
    }
    let model = arguments.engine.load(path)?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut fed = inputs(&model, path, arguments.batch, &how, &mut random)?;
    let mut derivative = None;
    if arguments.what != What::Forward {
        let by = if arguments.what == What::Grad { By::Inputs } else { By::Weights };
        let objective = Objective::Loss(Loss::CrossEntropy);
        let mut taken =
            model.derivative(&by, &objective, Some(&fed), false, &how.limits).map_err(fails)?;
        let kind = taken.labels.and_then(|id| taken.known.first()?.kind(id).cloned());
        if let (Some(labels), Some(kind)) = (taken.labels, kind) {
            let classes = kind.dims.get(1).copied().unwrap_or(1).max(1);
            let given = (0..arguments.batch).map(|_| random.below(classes)).collect::<Vec<_>>();
            let rows = modelward_engine::feed::one_hot(&Tensor::list(given), classes);
            let rows = rows.and_then(|rows| rows.cast(Element::F32)).map_err(fails)?;
            fed.push((labels, Arc::new(rows)));
        }
        if let Some(losses) = taken.losses.take() {
            taken.graph.outputs.retain(|id| *id != losses);
            taken.graph.prune();
        }
        derivative = Some(taken);
    }
    let graph = derivative.as_ref().map_or(&model.graph, |derivative| &derivative.graph);
    let gradients = derivative.as_ref().map_or(0, |derivative| derivative.gradients.len());
    let tensors = fed.iter().map(|(_, tensor)| tensor.clone()).collect::<Vec<_>>();
    let mut session = Session::new(Arc::new(graph.clone()), &fed, how).map_err(fails)?;
    let time = Duration::try_from_secs_f64(arguments.seconds)
        .map_err(|_| Failure::new(format!("expected seconds, got `{}`", arguments.seconds)))?;
    let mut answer = serde_json::json!({
        "what": format!("{:?}", arguments.what).to_lowercase(),
        "batch": arguments.batch,
        "threads": how.threads,
    });
    let mut code = 0;
    let told = if let Some(foreign) = foreign {
        let own = session.run(&tensors).map_err(fails)?;
        let mut task = match &derivative {
            None => Task::forward(path, &model, &fed)?,
            Some(derivative) => Task::gradient(path, &model, derivative, &fed, &how.limits)?,
        };
        task.measured = Some(time);
        let names = task.outputs.clone();
        let named = model.name_outputs(own.iter().cloned().map(Arc::new)).map_err(fails)?;
        let found = foreign.run(path, task, &named)?;
        let measured = found.measured.ok_or_else(|| Failure::new("nothing was measured"))?;
        let compared = compare(&names, &own, &found.outputs);
        code = compared.say();
        serde_json::json!({
            "engine": "ort",
            "provider": found.provider,
            "build": found.build,
            "difference": compared.largest,
            "findings": compared.findings,
            "calls": measured.calls,
            "per_call_cpu_seconds": measured.cpu_seconds / measured.calls as f64,
            "per_call_wall_seconds": measured.wall_seconds / measured.calls as f64,
            "peak_bytes": measured.peak_bytes,
            "planned_bytes": null,
        })
    } else {
        let mut call = || match arguments.what {
            What::PerExample => {
                session.clipped(&tensors, gradients, 1.0).map(|clipped| bytes(&clipped.gradients))
            }
            _ => session.run(&tensors).map(|outputs| {
                let given = bytes(&outputs);
                session.reuse(outputs);
                given
            }),
        };
        // What leads in and out lies beside the plan.
        let given = call().map_err(fails)?.saturating_add(bytes(tensors.iter().map(|one| &**one)));
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let mut calls = 0_u64;
        while calls == 0 || start.elapsed() < time {
            call().map_err(fails)?;
            calls = calls.saturating_add(1);
        }
        let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let plan = session.plan(arguments.batch).map_err(fails)?;
        serde_json::json!({
            "engine": "own",
            "cpu": how.cpu.name(),
            "piece": plan.1,
            "calls": calls,
            "per_call_cpu_seconds": cpu / calls as f64,
            "per_call_wall_seconds": wall / calls as f64,
            "peak_bytes": peak_bytes(),
            "planned_bytes": plan.0.memory.saturating_add(plan.0.weights).saturating_add(given),
            "flop": plan.0.flop,
        })
    };
    if let (Some(answer), serde_json::Value::Object(told)) = (answer.as_object_mut(), told) {
        answer.extend(told);
    }
    writeln!(io::stdout(), "{answer}").map_err(|error| Failure::output(&error))?;
    Ok(code)
}

/// Seeded inputs of so many examples: floats from 0 to 1, whole numbers 1.
fn inputs(
    model: &Model,
    path: &Path,
    batch: usize,
    how: &exec::How,
    random: &mut Random,
) -> Result<Fed, Failure> {
    let mut fed = Fed::new();
    for &id in &model.graph.inputs {
        let value = model.graph.value(id);
        let declared = value.declared.as_ref();
        let dims = declared.and_then(|declared| Some((declared.element, declared.dims.as_ref()?)));
        let (element, dims) = dims.ok_or_else(|| {
            Failure::new(format!("the input `{}` has no declared shape", value.name))
        })?;
        let mut sizes = Vec::new();
        for (axis, dimension) in dims.iter().enumerate() {
            sizes.push(match dimension {
                _ if axis == 0 => batch,
                Dimension::Fixed(size) => *size,
                _ => 16,
            });
        }
        let count = sizes.iter().try_fold(1_usize, |all, &one| all.checked_mul(one));
        let count = count.filter(|&count| count as u64 <= how.limits.memory / 4);
        let count = count.ok_or_else(|| Failure::new("the inputs are over `--max-memory`"))?;
        let tensor = if element.is_float() {
            let values = (0..count).map(|_| random.unit()).collect::<Vec<_>>();
            Tensor::new(sizes, values).and_then(|tensor| tensor.cast(element))
        } else {
            Tensor::new(sizes, vec![1_i64; count]).and_then(|tensor| tensor.cast(element))
        };
        fed.push((id, Arc::new(tensor.map_err(|trouble| failure(path, trouble))?)));
    }
    Ok(fed)
}

/// Bytes of the elements of tensors.
fn bytes<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> u64 {
    let each = tensors.into_iter().map(|tensor| tensor.kind().bytes().unwrap_or(0));
    each.fold(0, u64::saturating_add)
}

/// Numbers that are the same in each run (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// At least 0 and below 1.
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// A class.
    #[expect(clippy::cast_possible_wrap, reason = "there are not that many classes")]
    fn below(&mut self, classes: usize) -> i64 {
        self.next().checked_rem(classes as u64).unwrap_or(0) as i64
    }
}
