//! Whom the user trusts, by the options of the command line alone.

use std::path::{Path, PathBuf};

use clap::Args;
use modelward_provenance::{
    keys::PublicKey,
    oms::Trust,
    sigstore::{Expected, TrustedRoot},
    x509::{Moment, Roots},
};

use crate::cli::{
    Failure,
    provenance::{MOST_KEY, MOST_ROOT, read},
};

#[derive(Args, Debug)]
#[command(next_help_heading = "Trust")]
pub(super) struct Trusting {
    /// The key of the signer, in PEM.
    #[arg(long, value_name = "PEM")]
    public_key: Option<PathBuf>,
    /// An authority whose certificates may sign, in PEM; may be given again.
    #[arg(long, value_name = "PEM")]
    cert_root: Vec<PathBuf>,
    /// The one who may have signed, with `--cert-root`: a common name, or a whole subject.
    #[arg(long, value_name = "CN")]
    expect_subject: Option<String>,
    /// When the certificates have to be valid, with `--cert-root`; by default now.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Moment>,
    /// The authorities and logs of Sigstore, for a keyless signature: a `trusted_root.json`.
    #[arg(long, value_name = "JSON")]
    trusted_root: Option<PathBuf>,
    /// The identity that may have signed, with `--trusted-root`: an address or a URI.
    #[arg(long, value_name = "NAME", requires_all = ["trusted_root", "expect_issuer"])]
    expect_identity: Option<String>,
    /// The service that has to vouch for the identity, with `--trusted-root`.
    #[arg(long, value_name = "URL", requires_all = ["trusted_root", "expect_identity"])]
    expect_issuer: Option<String>,
}

/// Whom the user trusts, read.
pub(super) enum Trusted {
    Key(Box<PublicKey>),
    Roots { roots: Roots, at: Moment, subject: Option<String> },
    Keyless { root: Box<TrustedRoot>, identity: String, issuer: String },
}

impl Trusting {
    pub(super) fn read(&self) -> Result<Trusted, Failure> {
        let given =
            [self.public_key.is_some(), !self.cert_root.is_empty(), self.trusted_root.is_some()];
        match given.iter().filter(|given| **given).count() {
            0 => return Err(Failure::new(format!("expected {KINDS}, found none")).help(
                "whom to trust is your word alone: nothing in a signature is a reason to trust it",
            )),
            1 => {}
            _ => return Err(Failure::new(format!("expected {KINDS}, found several")).help(
                "a signature is by a bare key, by a certificate, or keyless; say which you trust",
            )),
        }
        if self.cert_root.is_empty() && (self.expect_subject.is_some() || self.at.is_some()) {
            let message = "`--expect-subject` and `--at` are of certificates under `--cert-root`";
            return Err(Failure::new(message).help("leave them out, or give the authority"));
        }
        if let Some(path) = &self.public_key {
            let key = PublicKey::read(&read(path, "the key", MOST_KEY)?);
            let key =
                key.map_err(|trouble| Failure::from(trouble).at(path.display().to_string()))?;
            return Ok(Trusted::Key(Box::new(key)));
        }
        if let Some(path) = &self.trusted_root {
            return self.keyless(path);
        }
        let mut roots = Roots::default();
        for path in &self.cert_root {
            let some = Roots::read(&read(path, "the certificates", MOST_KEY)?);
            let joined = some.and_then(|some| roots.join(some));
            joined.map_err(|trouble| Failure::from(trouble).at(path.display().to_string()))?;
        }
        let at = self.at.unwrap_or_else(Moment::now);
        Ok(Trusted::Roots { roots, at, subject: self.expect_subject.clone() })
    }

    /// The files that say so.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.public_key.iter().chain(&self.cert_root).chain(&self.trusted_root)
    }

    /// Whether anybody with a certificate may have signed.
    pub(super) fn is_anybody(&self) -> bool {
        !self.cert_root.is_empty() && self.expect_subject.is_none()
    }

    fn keyless(&self, path: &Path) -> Result<Trusted, Failure> {
        let (Some(identity), Some(issuer)) = (&self.expect_identity, &self.expect_issuer) else {
            let message =
                "expected `--expect-identity` and `--expect-issuer` with `--trusted-root`";
            return Err(Failure::new(message).help(
                "whoever has an account somewhere gets a certificate, so say who may have signed",
            ));
        };
        let root = TrustedRoot::read(&read(path, "the trusted root", MOST_ROOT)?);
        let root = root.map_err(|trouble| Failure::from(trouble).at(path.display().to_string()))?;
        let (identity, issuer) = (identity.clone(), issuer.clone());
        Ok(Trusted::Keyless { root: Box::new(root), identity, issuer })
    }
}

impl Trusted {
    pub(super) fn trust(&self) -> Trust<'_> {
        match self {
            Self::Key(key) => Trust::Key(key),
            Self::Roots { roots, at, subject } => {
                Trust::Roots { roots, at: *at, subject: subject.as_deref() }
            }
            Self::Keyless { root, identity, issuer } => {
                Trust::Keyless { root, expected: Expected { identity, issuer } }
            }
        }
    }
}

/// Read a time, as RFC 3339 writes it.
fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text)
        .ok_or_else(|| format!("expected a time such as `2026-01-01T00:00:00Z`, found `{text}`"))
}

/// The options of which one says whom to trust.
const KINDS: &str = "`--public-key`, `--cert-root` or `--trusted-root`";
