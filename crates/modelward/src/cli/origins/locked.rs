//! Models that are locked, held against the lock.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use modelward_core::{Finding, Report};
use modelward_provenance::{
    lock::{self, Lock},
    oms::{self, Nobody, Reading},
    tree::{self, DEFAULT_EXCLUSIONS, Tree},
};

use super::found::finding;
use crate::{
    cli::{
        Failure, Screen, output,
        provenance::{MOST_LOCK, digests, read},
        reporting::holds,
    },
    listing::{below, shown},
};

/// The lock of the working directory, and the models that it knows.
#[derive(Default)]
pub(super) struct Locked {
    lock: Lock,
    base: PathBuf,
    models: Vec<Model>,
}

/// A model that is locked.
struct Model {
    target: PathBuf,
    /// Where it is from the target down; empty for the target itself.
    below: String,
    /// Where it is, without links.
    real: PathBuf,
    /// What the lock says of it.
    locked: lock::Model,
    /// The revision that its path tells.
    revision: Option<String>,
    /// The one file of it that is the target.
    only: Option<String>,
}

impl Locked {
    /// Read the lock, unless it lies in a target: there it may be the model's own. `models` are those of
    /// the targets.
    pub(super) fn of(
        targets: &[PathBuf],
        models: &[PathBuf],
        quiet: bool,
        screen: Screen,
    ) -> Result<Self, Failure> {
        let here = Path::new(lock::NAME);
        if here.symlink_metadata().is_err() {
            return Ok(Self::default());
        }
        if targets.iter().any(|target| holds(target, here)) {
            if !quiet {
                let message = "the lock in the working directory lies inside the target, so it is not held \
                               against it";
                let help = "if it is your own: `modelward lock --check`";
                output::warn(&Failure::new(message).at(lock::NAME).help(help), screen);
            }
            return Ok(Self::default());
        }
        let lock = Lock::parse(&read(here, "the lock", MOST_LOCK)?)
            .map_err(|trouble| Failure::from(trouble).at(lock::NAME))?;
        let base = fs::canonicalize(".").unwrap_or_default();
        let mut locked = Self { lock, base, models: Vec::new() };
        // A target may hold models that are none of its cache.
        let mut looked_at = BTreeSet::new();
        for model in models.iter().chain(targets) {
            if looked_at.insert(fs::canonicalize(model).unwrap_or_else(|_| model.clone())) {
                let inside = locked.inside(model);
                let known = |real: &Path| locked.models.iter().any(|model| model.real == real);
                let new =
                    inside.into_iter().filter(|model| !known(&model.real)).collect::<Vec<_>>();
                locked.models.extend(new);
            }
        }
        Ok(locked)
    }

    /// The locked models of a target: itself, or what lies in it.
    fn inside(&self, target: &Path) -> Vec<Model> {
        let Ok(real) = fs::canonicalize(target) else { return Vec::new() };
        let target = target.to_owned();
        if let Some((locked, revision)) = self.lock.at(&real, &self.base) {
            let (below, locked) = (String::new(), locked.clone());
            return vec![Model { target, below, real, locked, revision, only: None }];
        }
        let model = |model: &lock::Model| {
            let place = fs::canonicalize(self.base.join(model.place()?)).ok()?;
            let (target, locked, revision) = (target.clone(), model.clone(), None);
            if let Ok(below) = place.strip_prefix(&real) {
                let below = shown(below);
                return Some(Model { target, below, real: place, locked, revision, only: None });
            }
            // A part of a locked model: a file, or a folder.
            let name = real.strip_prefix(&place).ok()?.to_str()?.to_owned();
            let (below, real) = (String::new(), real.clone());
            Some(Model { target, below, real, locked, revision, only: Some(name) })
        };
        self.lock.models().filter_map(model).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// Where the locked models are not what the lock says.
    pub(super) fn find(&self, report: &Report, threads: usize) -> Result<Vec<Finding>, Failure> {
        let mut findings = Vec::new();
        for model in &self.models {
            let mut known = digests(&model.target, report);
            if !model.below.is_empty() {
                let inside = format!("{}/", model.below);
                let names = known.into_iter();
                let names = names.filter_map(|(name, digest)| {
                    Some((name.strip_prefix(&inside)?.to_owned(), digest))
                });
                known = names.collect();
            }
            let exclusions = DEFAULT_EXCLUSIONS.iter().map(|path| (*path).to_owned()).collect();
            let options = tree::Options { exclusions, ..tree::Options::default() };
            let tree = Tree::list(&model.real, &options)?;
            let reading =
                Reading { threads, deadline: None, observer: &Nobody, known: Some(&known) };
            let digests = oms::sha256(&tree, &reading);
            // Names as the lock has them.
            let name = |file: &str| match &model.only {
                Some(only) if tree.single => only.clone(),
                Some(only) => format!("{only}/{file}"),
                None => file.to_owned(),
            };
            let (mut files, mut unread) = (Vec::new(), BTreeSet::new());
            for (file, digest) in tree.files.iter().zip(&digests) {
                match digest {
                    Ok(digest) => files.push((name(&file.name), file.len, digest)),
                    // The scan says that it could not be read.
                    Err(_) => drop(unread.insert(name(&file.name))),
                }
            }
            let folder = match model.below.as_str() {
                "" => shown(&model.target),
                inside => below(&shown(&model.target), inside),
            };
            let place = |file: &str| match file {
                "" => lock::NAME.to_owned(),
                _ if tree.single => folder.clone(),
                file => {
                    let part = model.only.as_deref().and_then(|only| file.strip_prefix(only));
                    below(&folder, part.unwrap_or(file).trim_start_matches('/'))
                }
            };
            let files = files.iter().map(|(name, len, digest)| (name.as_str(), *len, *digest));
            let locked = match &model.only {
                Some(only) => &model.locked.part(only),
                None => &model.locked,
            };
            let defects = locked.check(model.revision.as_deref(), files);
            let defects = defects.iter().filter(|defect| !unread.contains(&defect.file));
            findings.extend(defects.map(|defect| finding(defect, place(&defect.file))));
        }
        Ok(findings)
    }
}
