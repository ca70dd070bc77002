//! Scanning before signing, in one read: the digests of the scan are those that are signed.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use modelward_provenance::digest::Digest;

use super::Arguments;
use crate::{
    Options, Progress,
    cli::{Failure, Screen, reporting},
    listing::shown,
    report::{self, form},
};

/// What a scan came to.
pub(super) enum Scanned {
    /// Nothing is denied, and all was read: SHA-256 of the files by their names.
    Clean(BTreeMap<String, Digest>),
    /// The exit code of a model that is not to be signed.
    Refused(u8),
}

/// Scan a model under the policy of the working directory, and write the report.
pub(super) fn scan(
    arguments: &Arguments,
    progress: &Arc<Progress>,
    screen: Screen,
) -> Result<Scanned, Failure> {
    let targets = [arguments.target.as_path()];
    let policy = reporting::policy_of(None, &targets, arguments.quiet, screen)?;
    let options = Options {
        policy,
        threads: arguments.threads,
        digests: true,
        progress: Some(progress.clone()),
        ..Options::default()
    };
    let report = crate::scan(&targets, &options);
    let code = report.exit_code();
    if code != 0 {
        let plain =
            form("plain").ok_or_else(|| Failure::new("there is no plain form of report"))?;
        report::write(&report, plain, screen.output, &mut io::stdout())
            .and_then(|()| writeln!(io::stdout(), "not signed"))
            .map_err(|error| Failure::output(&error))?;
        return Ok(Scanned::Refused(code));
    }
    let folder = format!("{}/", shown(&arguments.target).trim_end_matches('/'));
    let single = arguments.target.is_file();
    let digests = report.files.into_iter().filter_map(|file| {
        let name = match file.path.strip_prefix(&folder) {
            _ if single => name(&arguments.target)?,
            Some(below) => below.to_owned(),
            // Of the working directory, paths have nothing in front.
            None => file.path,
        };
        Some((name, Digest::from(file.sha256?)))
    });
    Ok(Scanned::Clean(digests.collect()))
}

fn name(path: &Path) -> Option<String> {
    path.file_name()?.to_str().map(ToOwned::to_owned)
}
