//! What `attack`, `certify` and `check-witness` share: limits, the model's file, and the report.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use modelward_core::{
    Evidence, Finding, Findings, Measurement, Place, Report, Rule, Severity, Unread,
};
use modelward_engine::{Limits, Model, exec::How};
use modelward_formats::Bytes;
use modelward_lab::{rules, trees::Trees};

use crate::{
    Progress,
    cli::{Failure, Screen, quantity, reporting::Reporting, trouble::failure},
};

#[derive(Args, Clone, Debug)]
pub(super) struct Experiment {
    #[command(flatten)]
    pub(super) reporting: Reporting,
    /// Memory for all values at once.
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = quantity::bytes, help_heading = "Limits")]
    max_memory: u64,
    /// Stop after this long, and report what was found by then.
    #[arg(long, value_name = "TIME", value_parser = quantity::time, help_heading = "Limits")]
    pub(super) max_time: Option<Duration>,
}

/// What an experiment found, before the policy has judged it.
#[derive(Debug, Default)]
pub(super) struct Findable {
    pub(super) findings: Vec<Finding>,
    pub(super) unread: Vec<Unread>,
    pub(super) measurements: Vec<Measurement>,
}

impl Experiment {
    pub(super) fn limits(&self) -> Limits {
        Limits { memory: self.max_memory, ..Limits::default() }
    }

    pub(super) fn how(&self) -> How {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.reporting.threads;
        let threads = if threads == 0 { cores() } else { threads };
        How { threads, ..How::new(self.limits()) }
    }

    /// When the experiment has to stop: a little before its time, for the report.
    pub(super) fn deadline(&self, start: Instant) -> Option<Instant> {
        self.max_time.and_then(|time| start.checked_add(time.mul_f64(0.97)))
    }

    /// Run an experiment, judge what it found and write the report.
    pub(super) fn run(
        &self,
        targets: &[PathBuf],
        screen: Screen,
        experiment: impl FnOnce(&Progress) -> Result<Findable, Failure>,
    ) -> Result<u8, Failure> {
        judged(&self.reporting, targets, screen, |progress| experiment(progress))
    }
}

/// Do what finds something, judge that and write the report.
pub(super) fn judged(
    reporting: &Reporting,
    targets: &[PathBuf],
    screen: Screen,
    find: impl FnOnce(&Arc<Progress>) -> Result<Findable, Failure>,
) -> Result<u8, Failure> {
    let start = Instant::now();
    let forms = reporting.forms();
    let output = reporting.output(&forms, targets)?;
    let policy = reporting.policy(targets, screen)?;
    let progress = Arc::new(Progress::default());
    let shown = reporting.shows_progress().then(|| progress.show()).flatten();
    let found = find(&progress);
    drop(shown);
    let found = found?;
    let mut report = Report {
        target: targets.iter().map(|target| target.display().to_string()).collect(),
        unread: found.unread,
        measurements: found.measurements,
        ..Report::default()
    };
    report.judge(found.findings, &policy);
    report.seconds = start.elapsed().as_secs_f64();
    reporting.note_unused(&policy.rules, &report, screen);
    let exit_code = report.exit_code();
    reporting.write(output, &report, exit_code, screen)?;
    Ok(exit_code)
}

impl Findable {
    /// Take in what another experiment found.
    pub(super) fn extend(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.unread.extend(other.unread);
        self.measurements.extend(other.measurements);
    }

    /// Report one finding with the number that shows it.
    pub(super) fn report(
        &mut self,
        rule: &'static Rule,
        severity: Severity,
        place: &Path,
        message: String,
        (what, value, limit): (&'static str, f64, f64),
    ) {
        let place = Place::file(place.display().to_string());
        let evidence = Evidence::Measured { what, value, limit };
        Findings::new(rule, &place, &mut self.findings).report_as(severity, message, evidence);
    }

    /// Report that a part was not settled.
    pub(super) fn unsettled(&mut self, place: &Path, why: String) {
        let place = Place::file(place.display().to_string());
        self.unread.push(Unread { place, at: None, rule: rules::UNSETTLED.id, why });
    }
}

/// The bytes of a model, unpacked where gzip packed them.
pub(super) fn bytes(path: &Path, limits: &Limits) -> Result<Bytes, Failure> {
    modelward_lab::file::read(path, limits.file.min(limits.memory))
        .map_err(|trouble| failure(path, trouble))
}

/// A model file as it was found.
pub(super) enum Opened {
    Network(Box<Model>),
    Trees(Box<Trees>),
}

/// Open a model file: trees of a library, trees in ONNX, or another ONNX model; with its digest.
pub(super) fn open(path: &Path, limits: &Limits) -> Result<(Opened, Option<String>), Failure> {
    let fails = |trouble| failure(path, trouble);
    let bytes = bytes(path, limits)?;
    let digest = sha256(&bytes);
    let head = bytes.take(0, bytes.len().min(64)).unwrap_or_default();
    let opened = if Trees::is_library(&head) {
        let all = bytes.take(0, bytes.len()).map_err(|refusal| fails(refusal.into()))?;
        Opened::Trees(Box::new(Trees::read(&all).map_err(fails)?))
    } else {
        let model = model(path, bytes, limits)?;
        match Trees::of_model(&model).map_err(fails)? {
            Some(trees) => Opened::Trees(Box::new(trees)),
            None => Opened::Network(Box::new(model)),
        }
    };
    Ok((opened, digest))
}

/// Read an ONNX model from its bytes.
pub(super) fn model(path: &Path, bytes: Bytes, limits: &Limits) -> Result<Model, Failure> {
    let folder = path.parent().map(|folder| match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    });
    let model = Model::from_bytes(bytes, folder, limits);
    let model = model.map_err(|trouble| failure(path, trouble))?;
    model.admit(limits).map_err(|trouble| failure(path, trouble))?;
    Ok(model)
}

/// SHA-256 of the bytes of a model, in hexadecimal digits.
pub(super) fn sha256(bytes: &Bytes) -> Option<String> {
    let digest = crate::digest::sha256(bytes).ok()?;
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
