//! `modelward lock`: which models a project depends on, and exactly which bytes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;
use modelward_core::{Measurement, Place, Severity, Unread, Value};
use modelward_provenance::{
    Defect,
    lock::{self, Lock, Origin, Source},
    manifest::{Manifest, Options},
};
use modelward_scan::provenance as rules;

use crate::{
    cli::{
        EXIT_CODES, Failure, Screen,
        experiment::{Findable, judged},
        provenance,
        reporting::Reporting,
    },
    listing::{below, shown},
};

mod check;
mod write;

/// Keep in `modelward.lock` which models this project depends on, and exactly which bytes.
///
/// The lock lies in the working directory. It names the source of each model, its revision, the licence
/// that its card declares, its root and every file with its SHA-256, and who signed it, where a signature
/// beside or in the model is by a signer whom the policy knows. In a cache of Hugging Face, source and
/// revision are read from the path.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, EXIT_CODES].concat())]
pub(super) struct Arguments {
    /// Models, each a folder or a file; with `--check` none stands for all that are locked.
    #[arg(value_name = "PATH", required_unless_present = "check")]
    paths: Vec<PathBuf>,
    /// Hold the models against the lock and write nothing; exit code 1 on any difference.
    #[arg(long, conflicts_with = "update")]
    check: bool,
    /// Take over what differs from the lock.
    #[arg(long)]
    update: bool,
    /// Where the model comes from: `hf:org/name`, `file:path`, `https://host/path`.
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    source: Option<Source>,
    /// The revision there, in 40 hexadecimal digits.
    #[arg(long, value_name = "REVISION", value_parser = revision)]
    revision: Option<String>,
    /// The lock file.
    #[arg(long, value_name = "FILE", default_value = lock::NAME)]
    lock: PathBuf,
    #[command(flatten)]
    reporting: Reporting,
}

const EXAMPLES: &str = "\
Examples:
  modelward lock ~/.cache/huggingface/hub/models--org--name/snapshots/607a30d7...
  modelward lock ./model --source hf:org/name     lock a model that lies elsewhere
  modelward lock ./model --update                 take over a new version
  modelward lock --check                          in CI: is everything as locked?";

fn source(text: &str) -> Result<Source, String> {
    Source::parse(text).map_err(|trouble| trouble.to_string())
}

fn revision(text: &str) -> Result<String, String> {
    if text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(text.to_owned());
    }
    Err(format!("expected 40 digits in lower-case hexadecimal, found `{text}`"))
}

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    if arguments.paths.len() != 1 && (arguments.source.is_some() || arguments.revision.is_some()) {
        let why = "expected one model with `--source` or `--revision`";
        return Err(Failure::new(why).help("lock models of several sources one after the other"));
    }
    let known = read(&arguments.lock)?;
    let mut targets = arguments.paths.clone();
    targets.push(arguments.lock.clone());
    judged(&arguments.reporting, &targets, screen, |progress| {
        progress.say("reading".to_owned());
        match arguments.check {
            true => check::check(arguments, known),
            false => write::write(arguments, known, screen),
        }
    })
}

/// The lock that is there; `None` where there is none.
fn read(path: &Path) -> Result<Option<Lock>, Failure> {
    if fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let bytes = provenance::read(path, "the lock", provenance::MOST_LOCK)?;
    let lock = Lock::parse(&bytes).map_err(|trouble| Failure::from(trouble).at(shown(path)))?;
    Ok(Some(lock))
}

/// A model, where it comes from, and the files that it has.
struct Found {
    path: PathBuf,
    /// Where it lies, as the lock says it.
    place: String,
    origin: Origin,
    /// Whether the origin tells where the model lies.
    is_told: bool,
    manifest: Manifest,
    /// The path as the user wrote it.
    written: String,
}

fn find(arguments: &Arguments, path: &Path) -> Result<Found, Failure> {
    let said = |error: io::Error| {
        Failure::new(format!("cannot read `{}`: {}", shown(path), crate::content::cause(&error)))
    };
    let options = Options { threads: arguments.reporting.threads, ..Options::default() };
    let manifest = Manifest::of(path, &options).map_err(Failure::from)?;
    let written = shown(path);
    let path = fs::canonicalize(path).map_err(said)?;
    let base = base(&arguments.lock)?;
    let mut origin = Origin::of(&path, &base);
    let place = lock::place(&path, &base);
    let told = origin.source.clone();
    if let Some(source) = &arguments.source {
        // A path says nothing about another source.
        let revision = origin.revision.take().filter(|_| origin.source == *source);
        origin = Origin { source: source.clone(), revision };
    }
    if let Some(revision) = &arguments.revision {
        origin.revision = Some(revision.clone());
    }
    let is_told = origin.source == told;
    Ok(Found { path, place, origin, is_told, manifest, written })
}

/// The folder of the lock, without links.
fn base(lock: &Path) -> Result<PathBuf, Failure> {
    let folder = lock.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::canonicalize(folder).map_err(|error| {
        let cause = crate::content::cause(&error);
        Failure::new(format!("cannot read the folder of the lock: {cause}")).at(shown(folder))
    })
}

/// What became of models, as a report tells it.
#[derive(Default)]
struct Told {
    all: Findable,
    models: Vec<Value>,
    lines: Vec<String>,
}

impl Told {
    /// Say in a word what became of a model, and in more words what there is to say.
    fn say(&mut self, state: &'static str, source: &Source, more: &str) {
        self.models.push(Value::Record(vec![
            ("source", source.to_string().into()),
            ("state", state.into()),
        ]));
        let more = if more.is_empty() { String::new() } else { format!(": {more}") };
        self.lines.push(format!("{state:<10} {source}{more}"));
    }

    /// What is not as the lock says. It is never mild: the lock says exactly which bytes.
    fn differ(&mut self, place: &str, defects: &[Defect]) {
        self.all.findings.extend(defects.iter().map(|defect| {
            let place = match defect.file.as_str() {
                "" => place.to_owned(),
                file => below(place, file),
            };
            let mut finding = rules::finding(defect, Place::file(place));
            finding.severity = finding.severity.max(Severity::Medium);
            finding
        }));
    }

    /// What was not read of a model; whether there was anything.
    fn unread(&mut self, found: &Found) -> bool {
        self.all.unread.extend(found.manifest.unread.iter().map(|unread| Unread {
            place: Place::file(below(&found.written, &unread.file)),
            at: None,
            rule: UNREADABLE,
            why: unread.why.clone(),
        }));
        !found.manifest.unread.is_empty()
    }

    fn finish(self, lock: &Path) -> Findable {
        let fields = vec![("path", shown(lock).into()), ("models", Value::List(self.models))];
        let measurement =
            Measurement { kind: "lock", fields, lines: self.lines, ..Measurement::default() };
        Findable { measurements: vec![measurement], ..self.all }
    }
}

/// The rule of what could not be read.
const UNREADABLE: &str = "MW0007";
