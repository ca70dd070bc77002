//! ONNX Runtime for the verbs of a model: in a process of its own, within the limits of the command.

use std::{path::Path, time::Duration};

use modelward_engine::{Data, Tensor, Trouble, exec::How, npz::Arrays};
use modelward_ort::{Job, Output, Setup, VARIABLE};

use crate::cli::{
    Failure,
    model::{
        failure,
        task::{Found, Measured, Provider, Task},
    },
};

#[derive(Debug)]
pub(super) struct Foreign {
    setup: Setup,
    provider: Provider,
}

impl Foreign {
    /// With the library at this path, or that of the variable.
    pub(super) fn new(
        library: Option<&Path>,
        provider: Provider,
        time: Duration,
        how: &How,
    ) -> Result<Self, Failure> {
        let variable = std::env::var_os(VARIABLE);
        let library = modelward_ort::library(library, variable.as_deref());
        let library = library.map_err(|trouble| failure(Path::new(""), trouble))?;
        let setup = Setup {
            library,
            provider: match provider {
                Provider::Cpu => modelward_ort::Provider::Cpu,
                Provider::Cuda => modelward_ort::Provider::Cuda,
            },
            threads: how.threads.max(1),
            memory: how.limits.memory,
            time,
        };
        Ok(Self { setup, provider })
    }

    /// Do a task. `own` are the outputs of this engine by name: where a model gives maps, their keys
    /// there say the order of the values.
    pub(super) fn run(&self, path: &Path, task: Task, own: &Arrays) -> Result<Found, Failure> {
        let program = std::env::current_exe().map_err(|error| {
            Failure::new(format!("cannot find this program, to start it again: {error}"))
        })?;
        let Task { model, inputs, outputs: names, measured } = task;
        let outputs = names.clone();
        let job = Job { setup: self.setup.clone(), model, inputs, outputs, measured };
        let fails = |trouble| failure(path, trouble);
        let answer = modelward_ort::run(&program, job).map_err(fails)?;
        let outputs = names.iter().zip(answer.outputs).map(|(name, output)| {
            let classes = own.get(&format!("{name}.classes"));
            in_order(output, classes.map(|classes| &**classes))
                .map_err(|trouble| fails(trouble.at(|| format!("output `{name}`"))))
        });
        let measured = answer.measured.map(|measured| Measured {
            calls: measured.calls,
            cpu_seconds: measured.cpu_seconds,
            wall_seconds: measured.wall_seconds,
            peak_bytes: measured.peak_bytes,
        });
        Ok(Found {
            outputs: outputs.collect::<Result<_, _>>()?,
            measured,
            build: answer.build,
            provider: self.provider.name(),
        })
    }
}

/// The values of maps in the order of these classes.
fn in_order(output: Output, classes: Option<&Tensor>) -> Result<Tensor, Trouble> {
    let Output { values, keys: Some(keys) } = output else { return Ok(output.values) };
    let apart =
        || Trouble::unsupported("ONNX Runtime gives maps with other keys than the model has");
    let classes = classes.ok_or_else(apart)?;
    if *classes == keys {
        return Ok(values);
    }
    let places = (0..classes.count()).map(|class| {
        (0..keys.count())
            .find(|&key| same(classes.data(), class, keys.data(), key))
            .ok_or_else(apart)
    });
    let places = if values.count() == 0 { Vec::new() } else { places.collect::<Result<_, _>>()? };
    let row = keys.count().max(1);
    let rows = values.values::<f32>()?.chunks_exact(row);
    let ordered = rows.flat_map(|row| places.iter().filter_map(|&place| row.get(place).copied()));
    let ordered = ordered.collect::<Vec<_>>();
    let rows = values.dims().first().copied().unwrap_or(0);
    Tensor::new([rows, classes.count()], ordered)
}

/// Whether two keys are the same.
fn same(class: &Data, at: usize, keys: &Data, key: usize) -> bool {
    match (class, keys) {
        (Data::Text(class), Data::Text(keys)) => class.get(at) == keys.get(key),
        (Data::I64(class), Data::I64(keys)) => class.get(at) == keys.get(key),
        _ => false,
    }
}
