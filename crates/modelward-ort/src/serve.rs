//! The process of the runtime: one job from standard input, one answer to standard output.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter},
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
};

use modelward_engine::{Kind, Result, Trouble};

use crate::{
    fence,
    job::{self, Answer, Job, Setup},
    runtime,
    wire::{In, Out},
};

/// Do one job and end. For a program that was started by [`crate::run`], with [`crate::WORKER`] as
/// its argument.
#[must_use]
pub fn serve() -> ExitCode {
    match answer_one() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever asked has gone, or is no `run`.
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer_one() -> io::Result<()> {
    // The library may print: what it says goes where complaints go, and not between the bytes of
    // an answer.
    let stdout = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    let mut out = Out(BufWriter::new(File::from(stdout)));
    let mut from = In { from: BufReader::new(io::stdin().lock()), left: u64::MAX };
    let setup = Setup::read(&mut from)?;
    let done = panic::catch_unwind(AssertUnwindSafe(|| work(setup, &mut from)));
    let done = done.unwrap_or_else(|_| {
        Err(Trouble::unsupported(
            "the binding to ONNX Runtime stopped: the library is not what it says",
        ))
    });
    job::answer(&done, &mut out)
}

fn work(setup: Setup, from: &mut In<impl io::Read>) -> Result<Answer> {
    let system = |what: &str, error: &io::Error| {
        Trouble::new(Kind::System, format!("the process for ONNX Runtime {what}: {error}"))
    };
    fence::before_library(&setup).map_err(|error| system("cannot be limited", &error))?;
    let environment = runtime::load(&setup)?;
    fence::before_model(&setup).map_err(|error| system("cannot be limited", &error))?;
    let job = Job::read(setup, from).map_err(|error| system("got no whole job", &error))?;
    runtime::work(&environment, &job)
}
