//! What a user trusts of Sigstore: `trusted_root.json`, media type
//! `application/vnd.dev.sigstore.trustedroot+json;version=0.1`.

use ed25519_dalek::VerifyingKey;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::form::{Bytes, Raw, Validity};
use crate::{
    Trouble,
    keys::{Hash, PublicKey},
    x509::{Certificate, Moment, Roots},
};

/// Bytes of the longest file that is read; that of the public instance has 7 KB.
const LONGEST: usize = 4 << 20;

/// Logs, and authorities, that one file may name.
const MOST: usize = 256;

/// The authorities and the logs that a user trusts.
#[derive(Clone, Debug)]
pub struct TrustedRoot {
    pub(super) authorities: Vec<Authority>,
    pub(super) timestamp_authorities: Vec<Authority>,
    pub(super) logs: Vec<Log>,
    pub(super) certificate_logs: Vec<Log>,
}

/// An authority: its certificates, the first of which signs and the last of which is the root.
#[derive(Clone, Debug)]
pub(super) struct Authority {
    pub(super) chain: Vec<Certificate>,
    pub(super) valid: Validity,
}

impl Authority {
    /// Its certificates but the root.
    pub(super) fn below(&self) -> &[Certificate] {
        self.chain.split_last().map_or(&[], |(_, below)| below)
    }

    pub(super) fn roots(&self) -> Roots {
        Roots::of(self.chain.last().cloned().into_iter().collect())
    }
}

/// A log that signs what it has taken in.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) id: Vec<u8>,
    pub(super) key: LogKey,
    pub(super) valid: Validity,
}

/// The key of a log.
#[derive(Clone, Debug)]
pub(super) enum LogKey {
    Ec(PublicKey),
    Ed25519(Box<VerifyingKey>),
}

impl Log {
    /// Whether the log signed a message; else why not.
    pub(super) fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        at: Moment,
    ) -> Result<(), String> {
        if !self.valid.contains(at) {
            return Err(format!("the log was not trusted on {}", at.day()));
        }
        match &self.key {
            // Logs sign with SHA-256 on every curve (RFC 6962, section 2.1.4).
            LogKey::Ec(key) => {
                key.verify_with(Hash::Sha256, message, signature).map_err(|flaw| flaw.to_string())
            }
            LogKey::Ed25519(key) => {
                let signature = ed25519_dalek::Signature::from_slice(signature)
                    .map_err(|_| "the signature is no Ed25519 one")?;
                key.verify_strict(message, &signature)
                    .map_err(|_| "the signature does not fit these bytes and this key".into())
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    media_type: String,
    #[serde(default)]
    tlogs: Vec<FileLog>,
    #[serde(default)]
    certificate_authorities: Vec<FileAuthority>,
    #[serde(default)]
    ctlogs: Vec<FileLog>,
    #[serde(default)]
    timestamp_authorities: Vec<FileAuthority>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileLog {
    public_key: FileKey,
    log_id: FileId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileKey {
    raw_bytes: Bytes,
    valid_for: Validity,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileId {
    key_id: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileAuthority {
    cert_chain: FileChain,
    valid_for: Validity,
}

#[derive(Deserialize)]
struct FileChain {
    certificates: Vec<Raw>,
}

impl TrustedRoot {
    /// Read a trusted root. Logs with keys of other kinds than ECDSA and Ed25519 are left out.
    ///
    /// # Errors
    /// It is none, or a part of it is broken.
    pub fn read(json: &[u8]) -> Result<Self, Trouble> {
        let broken =
            |why: String| Trouble::new(format!("expected a trusted root of Sigstore: {why}"));
        if json.len() > LONGEST {
            return Err(broken(format!("it has more than {LONGEST} bytes")));
        }
        let file: File = serde_json::from_slice(json).map_err(|error| broken(error.to_string()))?;
        if !file.media_type.starts_with("application/vnd.dev.sigstore.trustedroot") {
            return Err(broken(format!("its media type is `{}`", file.media_type)));
        }
        let sizes = [
            file.tlogs.len(),
            file.ctlogs.len(),
            file.certificate_authorities.len(),
            file.timestamp_authorities.len(),
        ];
        if sizes.into_iter().any(|size| size > MOST) {
            return Err(broken(format!("it names more than {MOST} logs or authorities")));
        }
        let authorities = |list: Vec<FileAuthority>| {
            list.into_iter().map(authority).collect::<Result<Vec<_>, _>>().map_err(broken)
        };
        let root = Self {
            authorities: authorities(file.certificate_authorities)?,
            timestamp_authorities: authorities(file.timestamp_authorities)?,
            logs: file.tlogs.into_iter().filter_map(log).collect(),
            certificate_logs: file.ctlogs.into_iter().filter_map(log).collect(),
        };
        if root.authorities.is_empty() {
            return Err(broken("it names no certificate authority".into()));
        }
        Ok(root)
    }
}

fn authority(file: FileAuthority) -> Result<Authority, String> {
    let certificates = file.cert_chain.certificates;
    if certificates.is_empty() || certificates.len() > 8 {
        return Err("an authority has no certificate, or more than 8".into());
    }
    let read = |raw: &Raw| {
        Certificate::read(&raw.raw_bytes.0)
            .map_err(|why| format!("a certificate cannot be read: {why}"))
    };
    let chain = certificates.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Authority { chain, valid: file.valid_for })
}

fn log(file: FileLog) -> Option<Log> {
    /// SubjectPublicKeyInfo of Ed25519 (RFC 8410, section 4) up to the key.
    const ED25519: &[u8] =
        &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let spki = file.public_key.raw_bytes.0;
    let key = match spki.strip_prefix(ED25519) {
        Some(key) => {
            LogKey::Ed25519(Box::new(VerifyingKey::from_bytes(key.try_into().ok()?).ok()?))
        }
        None => LogKey::Ec(PublicKey::from_spki(&spki)?),
    };
    let mut id = file.log_id.key_id.0;
    if id.is_empty() {
        id = Sha256::digest(&spki).to_vec();
    }
    Some(Log { id, key, valid: file.public_key.valid_for })
}
