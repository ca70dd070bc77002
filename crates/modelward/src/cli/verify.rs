//! `modelward verify`: who signed a model, what changed since, and what that means.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Instant,
};

use clap::Args;
use modelward_core::Report;
use modelward_provenance::{
    oms::{self, Copy, Nobody, Observer, Reading, Request, Trust, Verification},
    tree,
};

use crate::{
    Progress,
    cli::{
        EXIT_CODES, Failure, Screen,
        output::Output,
        provenance::{self, MOST_BUNDLE, Reach, Watch},
        reporting::Reporting,
        signals::Signals,
    },
};

mod attested;
mod command;
mod told;
mod trusted;

/// Verify a model against its signature: who signed, what changed, what the change means.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, EXIT_CODES].concat())]
pub(super) struct Arguments {
    /// The folder of the model, or a model of one file.
    #[arg(value_name = "DIR")]
    target: PathBuf,
    /// The signature: a bundle after OpenSSF Model Signing.
    #[arg(long, value_name = "SIG")]
    signature: PathBuf,
    #[command(flatten)]
    trusted: trusted::Trusting,
    #[command(flatten)]
    reach: Reach,
    /// Let files be that nobody signed.
    #[arg(long)]
    ignore_unsigned_files: bool,
    /// Verify what is there; name what is missing, and end with 3 where something is.
    #[arg(long)]
    partial: bool,
    /// The signed report of a scan, by the same signer: it has to be about this model, and clean.
    #[arg(long, value_name = "SIG")]
    report: Option<PathBuf>,
    /// Deny a model that has no signed report.
    #[arg(long)]
    require_scan: bool,
    /// An older version of the model, to show what changed in it.
    #[arg(long, value_name = "OLD")]
    against: Option<PathBuf>,
    /// Copy what was verified to this new folder, from the same read.
    #[arg(long, value_name = "DIR")]
    copy_to: Option<PathBuf>,
    #[command(flatten)]
    reporting: Reporting,
    /// Run this command once all is verified, with `{}` in it replaced by a private copy of what was
    /// verified; give it last.
    #[arg(long, value_name = "CMD", num_args = 1.., allow_hyphen_values = true)]
    exec: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  modelward verify ./model --signature model.sig --public-key publisher.pem
  modelward verify ./model --signature model.sig --cert-root root.pem --expect-subject 'release bot'
  modelward verify ./model --signature model.sig --public-key publisher.pem --report report.sig --require-scan
  modelward verify ./model --signature model.sig --public-key publisher.pem --exec python serve.py {}

What a signature does not cover: modes, times, extended attributes, empty folders, and at the top level `.git`,
`.gitattributes`, `.github` and `.gitignore`. A changed, missing or unsigned file denies the model whatever `--deny`
says; the policy can let a file through by name.";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    let start = Instant::now();
    let reporting = &arguments.reporting;
    let forms = reporting.forms();
    let targets = [arguments.target.clone()];
    // What is read is never written over.
    let given = [Some(&arguments.signature), arguments.report.as_ref(), arguments.against.as_ref()];
    let given = given.into_iter().flatten().chain(arguments.trusted.files());
    let read = given.chain(&targets).cloned().collect::<Vec<_>>();
    let output = reporting.output(&forms, &read)?;
    let policy = reporting.policy(&targets, screen)?;
    let trusted = arguments.trusted.read()?;
    let bundle = provenance::read(&arguments.signature, "the signature", MOST_BUNDLE)?;
    let attested = arguments.report.as_deref();
    let attested = attested
        .map(|path| provenance::read(path, "the signed report", MOST_BUNDLE))
        .transpose()?;
    let copy = copy(arguments)?;
    // A copy must not be left behind.
    let signals = copy.as_ref().map(|_| Signals::hold());
    let progress = Arc::new(Progress::default());
    let shown = reporting.shows_progress().then(|| progress.show()).flatten();
    progress.say("listing".into());
    let stopped = signals.as_ref().map(Signals::flag);
    let making = copy.as_ref().map(|copy| Making { copy, stopped });
    let verification = verify(arguments, &trusted.trust(), &bundle, making.as_ref(), progress);
    drop(shown);
    let verification = verification?;
    if let Some(signal) = signals.as_ref().and_then(Signals::came) {
        return Ok(signal.saturating_add(128));
    }
    let is_signed = verification.signed_by.is_some();
    let mut report =
        Report { target: vec![crate::listing::shown(&arguments.target)], ..Report::default() };
    told::tell(&verification, arguments, &policy, &mut report);
    let of_report =
        attested::check(attested.as_deref(), &trusted.trust(), &verification, arguments);
    let attested::Checked { defects, measurement } = of_report;
    let place = arguments.report.as_deref().unwrap_or(&arguments.target);
    told::judge(&defects, |_| crate::listing::shown(place), &policy, &mut report);
    report.measurements.extend(measurement);
    report.seconds = start.elapsed().as_secs_f64();
    reporting.note_unused(&policy.rules, &report, screen);
    let code = report.exit_code();
    let copy = copy.zip(signals).filter(|_| is_signed);
    finish(arguments, &report, code, copy, output, screen)
}

/// Where a copy of what is verified goes, if it goes anywhere.
fn copy(arguments: &Arguments) -> Result<Option<Copy>, Failure> {
    match &arguments.copy_to {
        Some(place) => Copy::beside(place).map(Some).map_err(Failure::from),
        None if arguments.exec.is_empty() => Ok(None),
        None => Copy::temporary().map(Some).map_err(Failure::from),
    }
}

/// A copy in the making, given up once a signal comes.
struct Making<'a> {
    copy: &'a Copy,
    stopped: Option<Arc<AtomicUsize>>,
}

impl Observer for Making<'_> {
    fn window(&self, file: &tree::File, at: u64, bytes: &[u8]) -> io::Result<()> {
        if self.stopped.as_ref().is_some_and(|stopped| stopped.load(SeqCst) != 0) {
            return Err(io::Error::other("stopped by a signal"));
        }
        self.copy.window(file, at, bytes)
    }
}

fn verify(
    arguments: &Arguments,
    trust: &Trust<'_>,
    bundle: &[u8],
    making: Option<&Making<'_>>,
    progress: Arc<Progress>,
) -> Result<Verification, Failure> {
    let next: &dyn Observer = match making {
        Some(making) => making,
        None => &Nobody,
    };
    let watch = Watch { progress, next };
    let mut signatures = vec![arguments.signature.as_path()];
    signatures.extend(arguments.report.as_deref());
    let request = Request {
        trust: *trust,
        ignore: &arguments.reach.ignore,
        ignore_unsigned: arguments.ignore_unsigned_files,
        partial: arguments.partial,
        signatures: &signatures,
        sha256: arguments.report.is_some(),
        against: arguments.against.as_deref(),
        reading: Reading {
            threads: arguments.reporting.threads,
            deadline: arguments.reach.deadline(),
            observer: &watch,
            known: None,
        },
    };
    Ok(oms::verify(&arguments.target, bundle, &request)?)
}

/// Write the report, and only then, where nothing was denied and all was read, hand over the copy.
fn finish(
    arguments: &Arguments,
    report: &Report,
    code: u8,
    copy: Option<(Copy, Signals)>,
    output: Output<'_>,
    screen: Screen,
) -> Result<u8, Failure> {
    let Some((copy, signals)) = copy.filter(|_| code == 0) else {
        arguments.reporting.write(output, report, code, screen)?;
        return Ok(code);
    };
    if arguments.copy_to.is_some() {
        let place = copy.keep().map_err(Failure::from)?;
        arguments.reporting.write(output, report, code, screen)?;
        return command::run(&arguments.exec, &place, &signals);
    }
    arguments.reporting.write(output, report, code, screen)?;
    command::run(&arguments.exec, copy.path(), &signals)
}
