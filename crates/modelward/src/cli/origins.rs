//! Where the targets of an audit come from: their signatures, and the lock of the working directory.
//!
//! Whom to trust and what was locked is the user's word alone: neither policy nor lock is taken from a
//! target.

use std::path::PathBuf;

use modelward_core::{Report, Signers};

use crate::cli::{Failure, Screen, experiment::Findable};

mod found;
mod locked;
mod signatures;
mod signed;

use self::{locked::Locked, signatures::Signatures, signed::Known};

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
        Ok(Self {
            known: Known::read(signers)?,
            signatures: targets.iter().filter_map(|target| Signatures::of(target)).collect(),
            locked: Locked::of(targets, quiet, screen)?,
        })
    }

    /// Whether the scan is to compute the SHA-256 of each file.
    pub(super) fn want_digests(&self) -> bool {
        !self.locked.is_empty() || self.signatures.iter().any(|of| !of.bundles.is_empty())
    }

    /// What is wrong with the origins of the targets, which were scanned.
    pub(super) fn find(&self, report: &Report, threads: usize) -> Result<Findable, Failure> {
        let mut findings = self.locked.find(report, threads)?;
        for signatures in &self.signatures {
            findings.extend(self.known.find(signatures, report, threads)?);
        }
        Ok(Findable { findings, ..Findable::default() })
    }
}
