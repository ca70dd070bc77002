//! The lock file: which models a project depends on, and exactly which bytes.
//!
//! `modelward.lock` lies beside the policy, in the working directory, never in a model. It is TOML
//! 1.0, written in one order with a line for each file, so that a change of it can be read:
//!
//! ```toml
//! version = 1
//!
//! [[model]]
//! source = "hf:org/name"
//! revision = "607a30d783dfa663caf39e06633721c8d4cfcd7e"
//! path = "models/name"
//! root = "26b9f0..."
//! signer = "key sha256:9a0c..."
//! licence = "mit"
//! files = [
//!     { path = "config.json", bytes = 665, sha256 = "bb15..." },
//! ]
//! ```
//!
//! `path` is where the model lies, from the lock's folder down, where its source does not say so.
//! `root` is that of a manifest: SHA-256 over the SHA-256 of the files, in the order of their paths.

use std::{collections::BTreeMap, path::Path};

use crate::{
    Defect, Kind, Trouble,
    defect::Weight,
    digest::{Digest, Function, Hasher},
    manifest::Manifest,
    oms::Role,
};

mod card;
mod origin;
mod text;

pub use self::{
    card::licence,
    origin::{Origin, Source, place},
};

/// The name of the file.
pub const NAME: &str = "modelward.lock";

/// A lock file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// The models, in the order of their sources.
    models: BTreeMap<String, Model>,
}

/// A model that is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Where it comes from.
    pub source: Source,
    /// The revision there: 40 hexadecimal digits.
    pub revision: Option<String>,
    /// Where it lies, if its source does not say so.
    pub path: Option<String>,
    /// Who signed it, if a signature was verified.
    pub signer: Option<String>,
    /// The licence that its card declares.
    pub licence: Option<String>,
    /// Its files by their paths.
    pub files: BTreeMap<String, Locked>,
}

/// A file that is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
}

impl Lock {
    /// Read a lock file.
    ///
    /// # Errors
    /// Where the bytes are none, or one that contradicts itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, Trouble> {
        text::parse(bytes)
    }

    /// The lock as TOML.
    pub fn toml(&self) -> String {
        text::write(self)
    }

    /// The models, in the order of their sources.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }

    /// The model of a source.
    pub fn model(&self, source: &Source) -> Option<&Model> {
        self.models.get(&source.to_string())
    }

    /// The model that lies at a path, or is of the source that the path tells, and the revision that it
    /// tells. Both paths are absolute and without links; `base` is the lock's folder.
    pub fn at(&self, path: &Path, base: &Path) -> Option<(&Model, Option<String>)> {
        let Origin { source, revision } = Origin::of(path, base);
        if let Some(model) = self.lies_at(&place(path, base)) {
            return Some((model, revision.filter(|_| model.source == source)));
        }
        Some((self.model(&source)?, revision))
    }

    /// The model that lies at a place.
    pub fn lies_at(&self, place: &str) -> Option<&Model> {
        self.models.values().find(|model| model.place() == Some(place))
    }

    /// Lock a model; gives the one of the same source that it takes the place of.
    pub fn insert(&mut self, model: Model) -> Option<Model> {
        self.models.insert(model.source.to_string(), model)
    }

    /// Forget the model of a source.
    pub fn remove(&mut self, source: &Source) -> Option<Model> {
        self.models.remove(&source.to_string())
    }
}

impl Model {
    /// A model with the files of a manifest.
    pub fn new(origin: Origin, manifest: &Manifest) -> Self {
        let Origin { source, revision } = origin;
        let files = manifest.files.iter().map(|file| {
            (file.path.clone(), Locked { bytes: file.bytes, sha256: file.sha256.clone() })
        });
        let files = files.collect();
        Self { source, revision, path: None, signer: None, licence: None, files }
    }

    /// Where it lies, as far as the lock says so.
    pub fn place(&self) -> Option<&str> {
        match &self.source {
            Source::File(path) => Some(path),
            _ => self.path.as_deref(),
        }
    }

    /// The file of a path, or those below it, as a model of its own.
    #[must_use]
    pub fn part(&self, path: &str) -> Self {
        let is_part = |name: &str| {
            let rest = name.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let files = self.files.iter().filter(|(name, _)| is_part(name));
        let files = files.map(|(name, file)| (name.clone(), file.clone())).collect();
        Self { files, ..self.clone() }
    }

    /// SHA-256 over the SHA-256 of the files, in the order of their paths by code point.
    pub fn root(&self) -> Digest {
        let mut hasher = Hasher::new(Function::Sha256);
        self.files.values().for_each(|file| hasher.update(file.sha256.bytes()));
        hasher.finish()
    }

    /// Where the files at hand are not those of the lock. `revision` is theirs, where it is known.
    pub fn check<'f>(
        &self,
        revision: Option<&str>,
        files: impl IntoIterator<Item = (&'f str, u64, &'f Digest)>,
    ) -> Vec<Defect> {
        let mut defects = Vec::new();
        if let (Some(locked), Some(found)) = (self.revision.as_deref(), revision)
            && locked != found
        {
            defects.push(Defect {
                kind: Kind::LockMismatch,
                file: String::new(),
                why: format!("`{}` is at another revision than the lock says", self.source),
                shown: Some(format!("locked {locked}, found {found}")),
                weight: Weight::Load,
            });
        }
        let mut missing = self.files.iter().collect::<BTreeMap<_, _>>();
        for (path, bytes, sha256) in files {
            match missing.remove_entry(&path.to_owned()) {
                None => defects.push(defect(Kind::LockEntryMissing, path, "is not in the lock")),
                Some((_, locked)) if locked.sha256 == *sha256 && locked.bytes == bytes => {}
                Some((_, locked)) => defects.push(Defect {
                    shown: Some(format!(
                        "locked sha256 {} ({} bytes), found {sha256} ({bytes} bytes)",
                        locked.sha256, locked.bytes
                    )),
                    ..defect(Kind::LockMismatch, path, "is not what the lock says")
                }),
            }
        }
        let gone = missing
            .into_keys()
            .map(|path| defect(Kind::LockEntryMissing, path, "is in the lock and not there"));
        defects.extend(gone);
        defects.sort_by(|one, other| one.file.cmp(&other.file));
        defects
    }

    /// Where a manifest is not what the lock says.
    pub fn check_manifest(&self, revision: Option<&str>, manifest: &Manifest) -> Vec<Defect> {
        let files = manifest.files.iter();
        self.check(revision, files.map(|file| (&*file.path, file.bytes, &file.sha256)))
    }
}

fn defect(kind: Kind, path: &str, why: &'static str) -> Defect {
    let weight = Role::named(path).weight();
    Defect { kind, file: path.into(), why: why.into(), shown: None, weight }
}

#[cfg(test)]
mod tests;
