//! `modelward model run`: what a model makes of its inputs.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use modelward_engine::{exec::Session, npz};

use crate::cli::{
    Failure,
    model::{Engine, File, compare::compare, failure, runtime::Runtime, task::Task},
};

/// Run a model on the arrays of an npz file, named as its inputs are.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: File,
    /// The inputs: an npz whose keys are the names of the model's inputs.
    #[arg(short, long, value_name = "IN.npz")]
    input: PathBuf,
    /// Where the outputs go: an npz whose keys are the names of the model's outputs.
    #[arg(short, long, value_name = "OUT.npz")]
    output: PathBuf,
    /// Only these outputs, with commas; by default all.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    outputs: Vec<String>,
    #[command(flatten)]
    engine: Engine,
    #[command(flatten)]
    runtime: Runtime,
}

const EXAMPLES: &str = "\
Examples:
  modelward model run classifier.onnx --input x.npz -o y.npz
  modelward model run bert.onnx --input ids.npz -o out.npz --outputs logits --threads 4
  modelward model run classifier.onnx --input x.npz -o y.npz --engine ort --ort-library /opt/ort/libonnxruntime.so

Exit code 1 says that an output of another engine is off by more than 1e-3 of the largest value.";

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let path = &arguments.file.model;
    let how = arguments.engine.how()?;
    let foreign = arguments.runtime.foreign(&how)?;
    let fails = |trouble| failure(path, trouble);
    let mut model = arguments.engine.load(path)?;
    let arrays = arguments.engine.arrays(&arguments.input)?;
    if !arguments.outputs.is_empty() {
        let mut wanted = Vec::new();
        for name in &arguments.outputs {
            wanted.push(model.output(name).map_err(fails)?);
        }
        model.graph.outputs = wanted;
        model.graph.prune();
    }
    let fed = model.feed(&arrays).map_err(fails)?;
    model.refuse_nan(&fed).map_err(fails)?;
    let tensors = fed.iter().map(|(_, tensor)| tensor.clone()).collect::<Vec<_>>();
    let mut session = Session::new(Arc::new(model.graph.clone()), &fed, how).map_err(fails)?;
    let outputs = session.run(&tensors).map_err(fails)?;
    let named = model.name_outputs(outputs.iter().cloned().map(Arc::new)).map_err(fails)?;
    let Some(foreign) = foreign else {
        npz::write(&arguments.output, &named).map_err(fails)?;
        return Ok(0);
    };
    let task = Task::forward(path, &model, &fed)?;
    let names = task.outputs.clone();
    let found = foreign.run(path, task, &named)?;
    let compared = compare(&names, &outputs, &found.outputs);
    let named = model.name_outputs(found.outputs.into_iter().map(Arc::new)).map_err(fails)?;
    npz::write(&arguments.output, &named).map_err(fails)?;
    Ok(compared.say())
}
