//! Where the targets of an audit come from: their signatures, and the lock of the working directory.
//!
//! Whom to trust and what was locked is the user's word alone: neither policy nor lock is taken from a
//! target.

use std::path::PathBuf;

use modelward_core::{Place, Report, Signers, Unread};

use crate::{
    cli::{Failure, Screen, experiment::Findable},
    listing::shown,
};

mod cache;
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
    /// Targets in which no signature can be looked for: standard input, and what is not there.
    unlisted: Vec<PathBuf>,
    /// Caches with more snapshots than are looked at.
    left_out: Vec<PathBuf>,
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
        let mut models = Vec::new();
        let mut left_out = Vec::new();
        for target in targets {
            let (some, is_whole) = cache::models(target);
            models.extend(some);
            if !is_whole {
                left_out.push(target.clone());
            }
        }
        let mut signatures = Vec::<Signatures>::new();
        let mut unlisted = Vec::new();
        for model in &models {
            match Signatures::of(model) {
                Some(found) => signatures.push(found),
                None => unlisted.push(model.clone()),
            }
        }
        let inner = models.clone();
        signatures.iter_mut().for_each(|of| of.leave(&inner));
        let locked = Locked::of(targets, &models, quiet, screen)?;
        Ok(Self { known: Known::read(signers)?, signatures, unlisted, left_out, locked })
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
        all.findings.extend(self.unlisted.iter().filter_map(|target| self.known.unsigned(target)));
        all.unread.extend(self.left_out.iter().map(|target| Unread {
            place: Place::file(shown(target)),
            at: None,
            rule: UNREADABLE,
            why: format!(
                "more than {} snapshots: not all were held against their signatures and the lock",
                cache::MOST
            ),
        }));
        Ok(all)
    }
}

/// The rule of what could not be read.
const UNREADABLE: &str = "MW0007";
