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
        for model in models {
            locked.models.extend(locked.inside(model));
        }
        Ok(locked)
    }

    /// The locked models of a target: itself, or what lies in it.
    fn inside(&self, target: &Path) -> Vec<Model> {
        let Ok(real) = fs::canonicalize(target) else { return Vec::new() };
        if self.lock.at(&real, &self.base).is_some() {
            return vec![Model { target: target.to_owned(), below: String::new(), real }];
        }
        let model = |model: &lock::Model| {
            let place = fs::canonicalize(self.base.join(model.place()?)).ok()?;
            let below = shown(place.strip_prefix(&real).ok()?);
            Some(Model { target: target.to_owned(), below, real: place })
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
            let (mut files, mut unread) = (Vec::new(), BTreeSet::new());
            for (file, digest) in tree.files.iter().zip(&digests) {
                match digest {
                    Ok(digest) => files.push((file.name.as_str(), file.len, digest)),
                    // The scan says that it could not be read.
                    Err(_) => drop(unread.insert(file.name.as_str())),
                }
            }
            let folder = match model.below.as_str() {
                "" => shown(&model.target),
                inside => below(&shown(&model.target), inside),
            };
            let place = |file: &str| match file {
                "" => lock::NAME.to_owned(),
                _ if tree.single => folder.clone(),
                file => below(&folder, file),
            };
            let defects = self.lock.check(&model.real, &self.base, files).unwrap_or_default();
            let defects = defects.iter().filter(|defect| !unread.contains(defect.file.as_str()));
            findings.extend(defects.map(|defect| finding(defect, place(&defect.file))));
        }
        Ok(findings)
    }
}
