//! `modelward lock`: which models a project depends on, and exactly which bytes.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use modelward_provenance::{
    Defect,
    lock::{self, Lock, Model, Origin, Source},
    manifest::{Manifest, Options},
};

use crate::{
    cli::{
        EXIT_CODES, Failure, Screen, When, origins::Known, output, provenance, quantity,
        reporting::policy_of,
    },
    listing::shown,
    report::escape,
};

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
    /// Policy that names the signers; without it, `modelward.toml` in the working directory.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The lock file.
    #[arg(long, value_name = "FILE", default_value = lock::NAME)]
    lock: PathBuf,
    /// Threads; 0 for as many as there are cores.
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = quantity::threads)]
    threads: usize,
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

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    if arguments.paths.len() != 1 && (arguments.source.is_some() || arguments.revision.is_some()) {
        let why = "expected one model with `--source` or `--revision`";
        return Err(Failure::new(why).help("lock models of several sources one after the other"));
    }
    let known = read(&arguments.lock)?;
    if arguments.check { check(arguments, known) } else { write(arguments, known) }
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
}

fn find(arguments: &Arguments, path: &Path) -> Result<Found, Failure> {
    let said = |error: io::Error| {
        Failure::new(format!("cannot read `{}`: {}", shown(path), crate::content::cause(&error)))
    };
    let options = Options { threads: arguments.threads, ..Options::default() };
    let manifest = Manifest::of(path, &options).map_err(Failure::from)?;
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
    Ok(Found { path, place, origin, is_told, manifest })
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

/// Say what was not read of a model; whether there was anything.
fn is_partial(found: &Found, out: &mut dyn Write) -> io::Result<bool> {
    for unread in &found.manifest.unread {
        writeln!(out, "unread  {}: {}", escape(&unread.file), escape(&unread.why))?;
    }
    Ok(!found.manifest.unread.is_empty())
}

fn write(arguments: &Arguments, known: Option<Lock>) -> Result<u8, Failure> {
    let mut lock = known.unwrap_or_default();
    output::refuse_targets(&[Some(&arguments.lock)], &arguments.paths)?;
    // A lock in a model would change the model, and would be the model's own word.
    let base = base(&arguments.lock)?;
    let real = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|path| base.starts_with(path));
    if let Some(path) = arguments.paths.iter().find(|path| real(path)) {
        let why = format!("the lock would lie in the model `{}`", shown(path));
        return Err(Failure::new(why).at(shown(&arguments.lock)).help(
            "run this in the folder of the project that loads the model, or name the lock: `--lock FILE`",
        ));
    }
    let mut out = io::stdout().lock();
    let told = |error: io::Error| Failure::output(&error);
    let mut lines = Vec::new();
    let (mut code, mut changed) = (0, false);
    let policy =
        policy_of(arguments.policy.as_deref(), &arguments.paths, false, Screen::new(When::Auto))?;
    let signers = Known::read(&policy.signers)?;
    for path in &arguments.paths {
        let found = find(arguments, path)?;
        let source = escape(&found.origin.source.to_string());
        if is_partial(&found, &mut out).map_err(told)? {
            writeln!(out, "not locked  {source}: not all of it was read").map_err(told)?;
            code = code.max(3);
            continue;
        }
        let other = lock.lies_at(&found.place).map(|model| model.source.clone());
        if let Some(other) = other.filter(|other| *other != found.origin.source) {
            if !arguments.update {
                let other = escape(&other.to_string());
                let line = format!(
                    "not locked  {source}: `{other}` is locked there; take its place with `--update`"
                );
                writeln!(out, "{line}").map_err(told)?;
                code = 1;
                continue;
            }
            lock.remove(&other);
        }
        let mut model = Model::new(found.origin, &found.manifest);
        model.path = (!found.is_told).then_some(found.place);
        model.licence = lock::licence(&found.path);
        model.signer = signer(&signers, &found.path, &found.manifest, arguments.threads)?;
        let before = lock.model(&model.source);
        let revision = model.revision.as_deref();
        let defects = before.map(|before| before.check_manifest(revision, &found.manifest));
        match defects {
            Some(defects) if !defects.is_empty() && !arguments.update => {
                tell(&defects, &mut out).map_err(told)?;
                let line = format!(
                    "not locked  {source}: it differs from the lock; take it over with `--update`"
                );
                writeln!(out, "{line}").map_err(told)?;
                code = 1;
                continue;
            }
            Some(_) if before == Some(&model) => lines.push(format!("unchanged  {source}")),
            before => {
                changed = true;
                let verb = if before.is_some() { "updated" } else { "locked" };
                let (files, root) = (model.files.len(), model.root());
                let files = if files == 1 { "1 file".into() } else { format!("{files} files") };
                lines.push(format!("{verb:<9}  {source}: {files}, root sha256:{root}"));
                lock.insert(model);
            }
        }
    }
    if changed {
        output::replace(&arguments.lock, |out| out.write_all(lock.toml().as_bytes()))?;
    }
    for line in lines {
        writeln!(out, "{line}").map_err(told)?;
    }
    Ok(code)
}

/// Who signed a model that is as its manifest says.
fn signer(
    signers: &Known,
    path: &Path,
    manifest: &Manifest,
    threads: usize,
) -> Result<Option<String>, Failure> {
    let digests = manifest.files.iter().map(|file| (file.path.clone(), file.sha256.clone()));
    signers.of(path, &digests.collect(), threads)
}

fn check(arguments: &Arguments, known: Option<Lock>) -> Result<u8, Failure> {
    let Some(lock) = known else {
        let why = format!("expected a lock at `{}`, found none", shown(&arguments.lock));
        return Err(Failure::new(why).help("make one with `modelward lock PATH`"));
    };
    if lock.models().next().is_none() {
        let why = format!("expected a model in the lock `{}`, found none", shown(&arguments.lock));
        return Err(Failure::new(why).help("lock one with `modelward lock PATH`"));
    }
    let mut out = io::stdout().lock();
    let told = |error: io::Error| Failure::output(&error);
    let mut code = 0;
    let paths = match arguments.paths.as_slice() {
        [] => places(&lock, &base(&arguments.lock)?),
        paths => paths.iter().cloned().map(Ok).collect(),
    };
    for place in paths {
        let path = match place {
            Ok(path) => path,
            Err(source) => {
                writeln!(
                    out,
                    "missing  {}: it is locked and not there",
                    escape(&source.to_string())
                )
                .map_err(told)?;
                code = 1;
                continue;
            }
        };
        let found = find(arguments, &path)?;
        let source = escape(&found.origin.source.to_string());
        // A source that the user names is the one that is meant.
        let model = match &arguments.source {
            Some(source) => lock.model(source),
            None => lock.lies_at(&found.place).or_else(|| lock.model(&found.origin.source)),
        };
        let Some(model) = model else {
            writeln!(out, "unlocked  {source}: the lock does not know it").map_err(told)?;
            code = 1;
            continue;
        };
        let source = escape(&model.source.to_string());
        let revision = found.origin.revision.as_deref();
        let defects = model.check_manifest(revision, &found.manifest);
        tell(&defects, &mut out).map_err(told)?;
        let partial = is_partial(&found, &mut out).map_err(told)?;
        let (verdict, this) = match (defects.is_empty(), partial) {
            (false, _) => ("different", 1),
            (true, true) => ("unread", 3),
            (true, false) => ("as locked", 0),
        };
        writeln!(out, "{verdict}  {source}").map_err(told)?;
        // What is denied counts for more than what was not read.
        code = if this == 1 || code == 1 { 1 } else { code.max(this) };
    }
    Ok(code)
}

fn tell(defects: &[Defect], out: &mut dyn Write) -> io::Result<()> {
    for defect in defects {
        writeln!(out, "  {}", escape(&defect.to_string()))?;
        if let Some(shown) = &defect.shown {
            writeln!(out, "    {}", escape(shown))?;
        }
    }
    Ok(())
}

/// Where the models of a lock are; their sources, where they are not found.
fn places(lock: &Lock, base: &Path) -> Vec<Result<PathBuf, Source>> {
    let place = |model: &Model| {
        let path = match (model.place(), &model.source) {
            (Some(path), _) => Some(base.join(path)),
            (None, Source::Hub(name)) => cached(name, model.revision.as_deref()),
            (None, _) => None,
        };
        path.filter(|path| path.exists()).ok_or_else(|| model.source.clone())
    };
    lock.models().map(place).collect()
}

/// The snapshot of a repository in the cache of Hugging Face.
fn cached(name: &str, revision: Option<&str>) -> Option<PathBuf> {
    let folder =
        |variable: &str| env::var_os(variable).filter(|it| !it.is_empty()).map(PathBuf::from);
    let hub = folder("HF_HUB_CACHE")
        .or_else(|| Some(folder("HF_HOME")?.join("hub")))
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("huggingface/hub")))
        .or_else(|| Some(folder("HOME")?.join(".cache/huggingface/hub")))?;
    let (kind, name) = match name.strip_prefix("datasets/") {
        Some(name) => ("datasets", name),
        None => ("models", name),
    };
    let repository = hub.join(format!("{kind}--{}", name.replace('/', "--")));
    Some(repository.join("snapshots").join(revision?))
}
