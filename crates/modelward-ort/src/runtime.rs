//! ONNX Runtime itself, through the crate `ort`: loaded by its path, its version read before anything
//! else is called.

use std::time::Instant;

use modelward_engine::{Kind, Result, Trouble};
use ort::{
    LoadDynamicError,
    environment::{Environment, GlobalThreadPoolOptions},
    ep,
    session::{OutputSelector, RunOptions, Session, builder::GraphOptimizationLevel},
    value::DynValue,
};
use rustix::time::{ClockId, clock_gettime};

use crate::{
    job::{Answer, Job, Measured, Output, Provider, Setup},
    values,
};

/// Load the library, and start all the threads that it will compute on.
pub(crate) fn load(setup: &Setup) -> Result<Environment> {
    let builder = ort::init_from(&setup.library).map_err(|error| unloaded(setup, &error))?;
    let threads = |setup: &Setup| {
        GlobalThreadPoolOptions::default()
            .with_intra_threads(setup.threads)?
            .with_inter_threads(1)?
            .with_spin_control(false)
    };
    let pool = threads(setup).map_err(|error| trouble("cannot set up its threads", &error))?;
    let builder = builder.with_name("modelward").with_telemetry(false);
    let environment = builder.with_global_thread_pool(pool).build();
    environment.map_err(|error| trouble("cannot start", &error))
}

/// Why a library was not loaded.
fn unloaded(setup: &Setup, error: &LoadDynamicError) -> Trouble {
    let shown = setup.library.display();
    let (why, help) = match error {
        LoadDynamicError::Dlopen { error, .. } => (
            format!("cannot load `{shown}` as a shared library: {}", cause(error)),
            "expected `libonnxruntime.so` of version 1.17 or newer for this processor, with what it needs beside it",
        ),
        LoadDynamicError::MissingApi { .. } => (
            format!(
                "`{shown}` is a shared library, and not ONNX Runtime: it has no `OrtGetApiBase`"
            ),
            "expected `libonnxruntime.so`, as the package `onnxruntime` holds it in `capi`",
        ),
        LoadDynamicError::InvalidVersionString => (
            format!("`{shown}` gives a version that is no text"),
            "expected `libonnxruntime.so` of version 1.17 or newer",
        ),
        LoadDynamicError::BadVersion { version_str, .. } => (
            format!("expected ONNX Runtime 1.17 or newer in `{shown}`, got {version_str}"),
            "take a newer release of it",
        ),
    };
    Trouble::new(Kind::Input, why).help(help)
}

/// The innermost cause of an error: what the system's loader says.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    innermost.to_string()
}

/// Run a job.
pub(crate) fn work(environment: &Environment, job: &Job) -> Result<Answer> {
    let mut session =
        session(environment, job).map_err(|error| trouble("ONNX Runtime refuses it", &error))?;
    let mut run = || calls(&mut session, job);
    run().map_err(|failed| match failed {
        Failed::Theirs(error) => trouble("ONNX Runtime fails", &error),
        Failed::Ours(trouble) => trouble,
    })
}

fn session(environment: &Environment, job: &Job) -> ort::Result<Session> {
    let mut builder = Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_parallel_execution(false)?;
    if job.setup.provider == Provider::Cuda {
        // Products in full single precision: what is compared to 1e-3 of the largest value.
        let memory = usize::try_from(job.setup.memory).unwrap_or(usize::MAX);
        let cuda = ep::CUDA::default().with_memory_limit(memory).with_tf32(false);
        builder = builder.with_execution_providers([cuda.build().error_on_failure()])?;
    }
    builder.commit_from_memory(&job.model)
}

enum Failed {
    Theirs(ort::Error),
    Ours(Trouble),
}

impl From<ort::Error> for Failed {
    fn from(error: ort::Error) -> Self {
        Self::Theirs(error)
    }
}

/// The first call, whose outputs are kept, and those that are measured.
fn calls(session: &mut Session, job: &Job) -> std::result::Result<Answer, Failed> {
    let mut inputs = Vec::new();
    for (name, tensor) in &job.inputs {
        inputs.push((&**name, values::theirs(tensor)?));
    }
    let asked = job.outputs.iter().fold(OutputSelector::no_default(), |all, name| all.with(name));
    let options = RunOptions::new()?.with_outputs(asked);
    let mut outputs = Vec::new();
    {
        let found = session.run_with_options(views(&inputs), &options)?;
        for name in &job.outputs {
            outputs.push(output(found.get(name), name).map_err(Failed::Ours)?);
        }
    }
    let mut measured = None;
    if let Some(time) = job.measured {
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let mut calls = 0_u64;
        while calls == 0 || start.elapsed() < time {
            session.run_with_options(views(&inputs), &options)?;
            calls = calls.saturating_add(1);
        }
        let (wall_seconds, cpu_seconds) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let peak_bytes = peak_bytes();
        measured = Some(Measured { calls, cpu_seconds, wall_seconds, peak_bytes });
    }
    Ok(Answer { build: ort::info().to_owned(), outputs, measured })
}

fn views<'a>(inputs: &'a [(&'a str, DynValue)]) -> Vec<(&'a str, &'a DynValue)> {
    inputs.iter().map(|(name, value)| (*name, value)).collect()
}

fn output(found: Option<&DynValue>, name: &str) -> Result<Output> {
    let found = found.ok_or_else(|| format!("it gives no output `{name}`"));
    let output = found.and_then(|value| {
        values::ours(value).map_err(|why| format!("cannot take its output `{name}`: {why}"))
    });
    output.map_err(|why| Trouble::unsupported(format!("ONNX Runtime: {why}")))
}

/// What the runtime says went wrong. Where it ran out of memory, that is a limit.
fn trouble(what: &str, error: &ort::Error) -> Trouble {
    const MEMORY: [&str; 4] =
        ["bad allocation", "bad_alloc", "Failed to allocate memory", "out of memory"];
    let message = error.message().trim();
    let kind = match MEMORY.iter().any(|words| message.contains(words)) {
        true => Kind::Limit,
        false => Kind::Unsupported,
    };
    let trouble = Trouble::new(kind, format!("{what}: {message}"));
    match kind {
        Kind::Limit => trouble.help("raise the limit with `--max-memory`"),
        _ => trouble,
    }
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The most memory of this process so far, where the system says it.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    kilobytes.checked_mul(1024)
}
