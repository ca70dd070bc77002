//! Running a command on a verified copy.

use std::{path::Path, process::Command};

use crate::{cli::Failure, content::cause};

/// Run a command with `{}` replaced by the copy, and give its exit code; no command is no failure.
pub(super) fn run(words: &[String], copy: &Path) -> Result<u8, Failure> {
    let Some((program, rest)) = words.split_first() else { return Ok(0) };
    let mut command = Command::new(program);
    let copy = copy.to_str().ok_or_else(|| {
        Failure::new("the folder of the copy has a name that is not UTF-8")
            .help("name another folder with `--copy-to`, or with TMPDIR")
    })?;
    command.args(rest.iter().map(|word| word.replace("{}", copy)));
    let status = command
        .status()
        .map_err(|error| Failure::new(format!("cannot run `{program}`: {}", cause(&error))))?;
    // A command that a signal ended has no code of its own.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2))
}
