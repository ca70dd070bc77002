//! Running a command on a verified copy.

use std::{
    io,
    path::Path,
    process::{Child, Command, ExitStatus},
    thread,
    time::Duration,
};

use signal_hook::consts::SIGINT;

use crate::{
    cli::{Failure, signals::Signals},
    content::cause,
};

/// Run a command with `{}` replaced by the copy, and give its exit code; no command is no failure. A signal
/// that would end us ends the command, so that the copy can go behind it.
pub(super) fn run(words: &[String], copy: &Path, signals: &Signals) -> Result<u8, Failure> {
    let Some((program, rest)) = words.split_first() else { return Ok(0) };
    let mut command = Command::new(program);
    let copy = copy.to_str().ok_or_else(|| {
        Failure::new("the folder of the copy has a name that is not UTF-8")
            .help("name another folder with `--copy-to`, or with TMPDIR")
    })?;
    command.args(rest.iter().map(|word| word.replace("{}", copy)));
    let refused =
        |error: io::Error| Failure::new(format!("cannot run `{program}`: {}", cause(&error)));
    let mut child = command.spawn().map_err(refused)?;
    let (mut told, mut waited) = (None, Duration::ZERO);
    let status = loop {
        if let Some(status) = child.try_wait().map_err(refused)? {
            break status;
        }
        if let Some(signal) = signals.came().filter(|signal| told != Some(*signal)) {
            // An interruption on the terminal reaches the command by itself.
            if i32::from(signal) != SIGINT || waited > GRACE {
                pass_on(&child, signal);
                told = Some(signal);
            }
            waited = waited.saturating_add(PAUSE);
        }
        thread::sleep(PAUSE);
    };
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    // A command that a signal ended has no code of its own.
    Ok(code.unwrap_or_else(|| ended_by(status).saturating_add(128)))
}

/// Send a signal to the command.
#[cfg(unix)]
fn pass_on(child: &Child, signal: u8) {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = if i32::from(signal) == SIGINT { Signal::INT } else { Signal::TERM };
    if let Some(child) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = kill_process(child, signal);
    }
}

#[cfg(not(unix))]
fn pass_on(_: &Child, _: u8) {}

#[cfg(unix)]
fn ended_by(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    status.signal().and_then(|signal| u8::try_from(signal).ok()).unwrap_or(0)
}

#[cfg(not(unix))]
fn ended_by(_: ExitStatus) -> u8 {
    0
}

/// How long an interruption has to reach the command by itself.
const GRACE: Duration = Duration::from_secs(1);
/// How long a signal may wait.
const PAUSE: Duration = Duration::from_millis(20);
