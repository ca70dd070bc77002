//! Where the targets of an audit come from: their signatures, and the lock of the working directory.
//!
//! Whom to trust and what was locked is the user's word alone: neither policy nor lock is taken from a
//! target.

use std::path::{Path, PathBuf};

use modelward_core::{Report, Signers};

use crate::cli::{Failure, Screen, experiment::Findable};

mod found;
mod locked;
mod signatures;
mod signed;

pub(super) use self::signed::Known;
use self::{locked::Locked, signatures::Signatures};

/// What is to be held against the targets once they are read.
#[derive(Default)]
pub(super) struct Origins {
    known: Known,
    signatures: Vec<Signatures>,
    locked: Locked,
}

impl Origins {
    /// Look for signatures and for the lock.
    pub(super) fn of(
        targets: &[PathBuf],
        signers: &Signers,
        quiet: bool,
        screen: Screen,
    ) -> Result<Self, Failure> {
        let models = targets.iter().flat_map(|target| models(target)).collect::<Vec<_>>();
        Ok(Self {
            known: Known::read(signers)?,
            signatures: models.iter().filter_map(|model| Signatures::of(model)).collect(),
            locked: Locked::of(targets, &models, quiet, screen)?,
        })
    }

    /// Whether the scan is to compute the SHA-256 of each file.
    pub(super) fn want_digests(&self) -> bool {
        !self.locked.is_empty() || self.signatures.iter().any(|of| !of.bundles.is_empty())
    }

    /// What is wrong with the origins of the targets, which were scanned.
    pub(super) fn find(&self, report: &Report, threads: usize) -> Result<Findable, Failure> {
        let findings = self.locked.find(report, threads)?;
        let mut all = Findable { findings, ..Findable::default() };
        for signatures in &self.signatures {
            all.extend(self.known.find(signatures, report, threads)?);
        }
        Ok(all)
    }
}

/// The models of a target: the snapshots of a repository in the cache of Hugging Face, or itself.
fn models(target: &Path) -> Vec<PathBuf> {
    let snapshots = target.join("snapshots");
    let entries = target.join("blobs").is_dir().then(|| snapshots.read_dir().ok()).flatten();
    let Some(entries) = entries else { return vec![target.to_owned()] };
    let names = entries.flatten().map(|entry| snapshots.join(entry.file_name()));
    let mut models = names.filter(|path| path.is_dir()).take(MOST_SNAPSHOTS).collect::<Vec<_>>();
    models.sort();
    models
}

/// More snapshots than a cache keeps of a repository.
const MOST_SNAPSHOTS: usize = 1000;
