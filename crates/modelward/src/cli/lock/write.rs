//! Models taken into the lock.

use std::{
    fs,
    path::{Path, PathBuf},
};

use modelward_provenance::{
    Defect, Kind,
    lock::{self, Lock, Model},
    manifest::Manifest,
};

use super::{Arguments, Told, base, find};
use crate::{
    cli::{Failure, Screen, experiment::Findable, origins::Known, output, reporting::policy_of},
    listing::shown,
};

/// Lock models; what differs from the lock is taken over only where the user says so.
pub(super) fn write(
    arguments: &Arguments,
    known: Option<Lock>,
    screen: Screen,
) -> Result<Findable, Failure> {
    let mut lock = known.unwrap_or_default();
    output::refuse_targets(&[Some(&arguments.lock)], &arguments.paths)?;
    outside(arguments)?;
    let reporting = &arguments.reporting;
    // What there is to say of the policy was said when it was read to judge by.
    let policy = policy_of(reporting.policy_file(), &arguments.paths, true, screen)?;
    let signers = Known::read(&policy.signers)?;
    let (mut told, mut changed) = (Told::default(), false);
    for path in &arguments.paths {
        let found = find(arguments, path)?;
        let source = found.origin.source.clone();
        if told.unread(&found) {
            told.say("not locked", &source, "not all of it was read");
            continue;
        }
        let other = lock.lies_at(&found.place).map(|model| model.source.clone());
        if let Some(other) = other.filter(|other| *other != source) {
            if !arguments.update {
                let why = format!("`{other}` is locked there; take its place with `--update`");
                told.say("not locked", &source, &why);
                let why = format!("`{other}` is locked where `{source}` would be");
                let defect = Defect::of_signature(Kind::LockMismatch, why);
                told.differ(&found.written, &[defect]);
                continue;
            }
            lock.remove(&other);
        }
        let mut model = Model::new(found.origin, &found.manifest);
        model.path = (!found.is_told).then_some(found.place);
        model.licence = lock::licence(&found.path);
        model.signer = signer(&signers, &found.path, &found.manifest, reporting.threads)?;
        let before = lock.model(&model.source);
        let revision = model.revision.as_deref();
        let defects = before.map(|before| before.check_manifest(revision, &found.manifest));
        match defects {
            Some(defects) if !defects.is_empty() && !arguments.update => {
                told.differ(&found.written, &defects);
                let why = "it differs from the lock; take it over with `--update`";
                told.say("not locked", &source, why);
            }
            Some(_) if before == Some(&model) => told.say("unchanged", &source, ""),
            before => {
                changed = true;
                let state = if before.is_some() { "updated" } else { "locked" };
                let (files, root) = (model.files.len(), model.root());
                let files = if files == 1 { "1 file".into() } else { format!("{files} files") };
                told.say(state, &source, &format!("{files}, root sha256:{root}"));
                lock.insert(model);
            }
        }
    }
    if changed {
        output::replace(&arguments.lock, |out| out.write_all(lock.toml().as_bytes()))?;
    }
    Ok(told.finish(&arguments.lock))
}

/// Refuse a lock in a model: it would change the model, and be the model's own word.
fn outside(arguments: &Arguments) -> Result<(), Failure> {
    let base = base(&arguments.lock)?;
    let holds = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|path| base.starts_with(path));
    let Some(path) = arguments.paths.iter().find(|path| holds(path)) else { return Ok(()) };
    let why = format!("the lock would lie in the model `{}`", shown(path));
    Err(Failure::new(why).at(shown(&arguments.lock)).help(
        "run this in the folder of the project that loads the model, or name the lock: `--lock FILE`",
    ))
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
