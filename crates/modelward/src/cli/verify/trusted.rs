//! Whom the user trusts, by the options of the command line alone.

use std::path::PathBuf;

use clap::Args;
use modelward_provenance::{
    keys::PublicKey,
    oms::Trust,
    x509::{Moment, Roots},
};

use super::{MOST_KEY, failure, read};
use crate::cli::Failure;

#[derive(Args, Debug)]
#[command(next_help_heading = "Trust")]
pub(super) struct Arguments {
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
}

/// Whom the user trusts, read.
pub(super) enum Trusted {
    Key(Box<PublicKey>),
    Roots { roots: Roots, at: Moment, subject: Option<String> },
}

impl Arguments {
    pub(super) fn read(&self) -> Result<Trusted, Failure> {
        match (&self.public_key, self.cert_root.as_slice()) {
            (Some(_), [_, ..]) => {
                Err(Failure::new("expected `--public-key` or `--cert-root`, found both")
                    .help("a signature is by a bare key or by a certificate; say which you trust"))
            }
            (None, []) => Err(Failure::new(
                "expected `--public-key` or `--cert-root`, found neither",
            )
            .help(
                "whom to trust is your word alone: nothing in a signature is a reason to trust it",
            )),
            (Some(_), []) if self.expect_subject.is_some() || self.at.is_some() => {
                Err(Failure::new(
                    "`--expect-subject` and `--at` are of certificates, and a bare key has none",
                )
                .help("leave them out, or give the authority with `--cert-root`"))
            }
            (Some(path), []) => {
                let key = PublicKey::read(&read(path, "the key", MOST_KEY)?);
                let key = key.map_err(|trouble| failure(trouble).at(path.display().to_string()))?;
                Ok(Trusted::Key(Box::new(key)))
            }
            (None, paths) => {
                let mut roots = Roots::default();
                for path in paths {
                    let some = Roots::read(&read(path, "the certificates", MOST_KEY)?);
                    let joined = some.and_then(|some| roots.join(some));
                    joined.map_err(|trouble| failure(trouble).at(path.display().to_string()))?;
                }
                let at = self.at.unwrap_or_else(Moment::now);
                Ok(Trusted::Roots { roots, at, subject: self.expect_subject.clone() })
            }
        }
    }
}

impl Trusted {
    pub(super) fn trust(&self) -> Trust<'_> {
        match self {
            Self::Key(key) => Trust::Key(key),
            Self::Roots { roots, at, subject } => {
                Trust::Roots { roots, at: *at, subject: subject.as_deref() }
            }
        }
    }
}

/// Read a time, as RFC 3339 writes it.
fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text)
        .ok_or_else(|| format!("expected a time such as `2026-01-01T00:00:00Z`, found `{text}`"))
}
