//! Models held against the lock.

use std::{
    env,
    path::{Path, PathBuf},
};

use modelward_provenance::{
    Defect, Kind,
    lock::{Lock, Model, Source},
};

use super::{Arguments, Told, base, find};
use crate::{
    cli::{Failure, experiment::Findable},
    listing::shown,
};

/// Hold models against the lock; all that it names, where the user names none.
pub(super) fn check(arguments: &Arguments, known: Option<Lock>) -> Result<Findable, Failure> {
    let place = shown(&arguments.lock);
    let Some(lock) = known else {
        let why = format!("expected a lock at `{place}`, found none");
        return Err(Failure::new(why).help("make one with `modelward lock PATH`"));
    };
    if lock.models().next().is_none() {
        let why = format!("expected a model in the lock `{place}`, found none");
        return Err(Failure::new(why).help("lock one with `modelward lock PATH`"));
    }
    let paths = match arguments.paths.as_slice() {
        [] => places(&lock, &base(&arguments.lock)?),
        paths => paths.iter().cloned().map(Ok).collect(),
    };
    let absent = |source: &Source, why: &str| {
        Defect::of_signature(Kind::LockEntryMissing, format!("`{source}` {why}"))
    };
    let mut told = Told::default();
    for path in paths {
        let path = match path {
            Ok(path) => path,
            Err(source) => {
                told.say("missing", &source, "it is locked and not there");
                told.differ(&place, &[absent(&source, "is locked and not there")]);
                continue;
            }
        };
        let found = find(arguments, &path)?;
        // A source that the user names is the one that is meant.
        let model = match &arguments.source {
            Some(source) => lock.model(source),
            None => lock.lies_at(&found.place).or_else(|| lock.model(&found.origin.source)),
        };
        let Some(model) = model else {
            let source = &found.origin.source;
            told.say("unlocked", source, "the lock does not know it");
            told.differ(&found.written, &[absent(source, "is not in the lock")]);
            continue;
        };
        let defects = model.check_manifest(found.origin.revision.as_deref(), &found.manifest);
        told.differ(&found.written, &defects);
        let state = match (defects.is_empty(), told.unread(&found)) {
            (false, _) => "different",
            (true, true) => "unread",
            (true, false) => "as locked",
        };
        told.say(state, &model.source, "");
    }
    Ok(told.finish(&arguments.lock))
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
