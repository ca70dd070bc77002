//! What the user points at: whether it can be read, and what helps where it cannot.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    cli::{Failure, Screen, complain},
    content::cause,
    listing::shown,
};

/// Refuse targets that make no sense together, before any work is done.
pub(super) fn check(targets: &[PathBuf]) -> Result<(), Failure> {
    if targets.iter().filter(|target| is_standard_input(target)).count() > 1 {
        return Err(Failure::new("standard input can be read once, found `-` twice")
            .help("a file that is called `-` is `./-`"));
    }
    Ok(())
}

/// Whether any target is not there, and say which.
pub(super) fn missing(targets: &[PathBuf], screen: Screen) -> bool {
    let others = if targets.len() > 1 { "; the other targets are read" } else { "" };
    let failures = targets.iter().filter_map(|target| present(target).err());
    let failures = failures.map(|failure| {
        let help = failure.help.as_ref().map(|help| format!("{help}{others}"));
        complain(&Failure { help, ..failure }, screen);
    });
    failures.count() > 0
}

fn is_standard_input(target: &Path) -> bool {
    target == Path::new("-")
}

/// Whether a target is there.
fn present(target: &Path) -> Result<(), Failure> {
    if is_standard_input(target) {
        return Ok(());
    }
    let name = shown(target);
    fs::metadata(target).map(|_| ()).map_err(|error| {
        let is_url = ["https://", "http://", "hf://"].iter().any(|head| name.starts_with(head));
        let why = if is_url { "expected a path, found an address".into() } else { cause(&error) };
        let failure = Failure::new(format!("cannot read `{name}`: {why}")).at(name.as_str());
        match fs::read_link(target) {
            _ if is_url => failure.help(format!(
                "nothing is fetched; download it, or pipe it: `curl -sSfL {name} | modelward scan -`"
            )),
            Ok(next) => failure.help(format!(
                "it is a link to `{}`; point modelward at the file itself",
                shown(&next)
            )),
            Err(_) if error.kind() == io::ErrorKind::NotFound => {
                failure.help("check the spelling")
            }
            Err(_) => failure.help("check the permissions"),
        }
    })
}
