//! Scanning before signing, in one read: the digests of the scan are those that are signed.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Arc,
};

use modelward_provenance::digest::Digest;

use super::Arguments;
use crate::{
    Options, Progress,
    cli::{Failure, Screen, output, provenance::digests, reporting},
    report::{self, Colour, form},
};

/// What a scan came to.
pub(super) enum Scanned {
    /// Nothing is denied, and all was read.
    Clean {
        /// SHA-256 of the files by their names.
        digests: BTreeMap<String, Digest>,
        /// The report in JSON.
        report: Vec<u8>,
    },
    /// The exit code of a model that is not to be signed.
    Refused(u8),
}

/// Scan a model under the user's policy, and write the report where it is not to be signed.
pub(super) fn scan(
    arguments: &Arguments,
    progress: &Arc<Progress>,
    screen: Screen,
) -> Result<Scanned, Failure> {
    let targets = [arguments.target.as_path()];
    let named = arguments.policy.as_deref();
    let policy = reporting::policy_of(named, &targets, arguments.showing.quiet, screen)?;
    let options = Options {
        policy,
        policy_file: arguments.policy.clone(),
        threads: arguments.threads,
        digests: true,
        progress: Some(progress.clone()),
        ..Options::default()
    };
    let report = crate::scan(&targets, &options);
    let code = report.exit_code();
    if code != 0 {
        output::say_report(&report, screen)
            .and_then(|()| writeln!(io::stdout(), "not signed"))
            .map_err(|error| Failure::output(&error))?;
        return Ok(Scanned::Refused(code));
    }
    let mut json = Vec::new();
    if let Some(form) = form("json").filter(|_| arguments.report_to.is_some()) {
        report::write(&report, form, Colour::Off, &mut json)
            .map_err(|error| Failure::output(&error))?;
    }
    Ok(Scanned::Clean { digests: digests(&arguments.target, &report), report: json })
}
