//! What a bundle brings to prove who signed and when (Sigstore bundle v0.1 to v0.3).

use serde::Deserialize;

use super::form::{Bytes, Number, Raw};

/// Entries, timestamps and hashes that one bundle may bring.
const MOST: usize = 64;

/// The evidence of a bundle.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The signer's certificate in DER.
    pub(super) certificate: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// RFC 3161, in DER.
    pub(super) timestamps: Vec<Vec<u8>>,
}

/// An entry of a transparency log.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    #[serde(default)]
    pub(super) log_index: Number,
    pub(super) log_id: Id,
    pub(super) kind_version: Option<KindVersion>,
    #[serde(default)]
    pub(super) integrated_time: Number,
    pub(super) inclusion_promise: Option<Promise>,
    pub(super) inclusion_proof: Option<Proof>,
    pub(super) canonicalized_body: Bytes,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Id {
    pub(super) key_id: Bytes,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct KindVersion {
    pub(super) kind: String,
    pub(super) version: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Promise {
    pub(super) signed_entry_timestamp: Bytes,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Proof {
    #[serde(default)]
    pub(super) log_index: Number,
    pub(super) root_hash: Bytes,
    pub(super) tree_size: Number,
    #[serde(default)]
    pub(super) hashes: Vec<Bytes>,
    pub(super) checkpoint: Option<Checkpoint>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Checkpoint {
    pub(super) envelope: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    verification_material: Material,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material {
    certificate: Option<Raw>,
    x509_certificate_chain: Option<Chain>,
    #[serde(default)]
    tlog_entries: Vec<Entry>,
    timestamp_verification_data: Option<Timestamps>,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Timestamps {
    #[serde(default)]
    rfc3161_timestamps: Vec<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Timestamp {
    signed_timestamp: Bytes,
}

impl Evidence {
    /// The evidence of a bundle, of which the envelope is not read.
    ///
    /// # Errors
    /// What breaks the format, in one line.
    pub fn read(bundle: &[u8]) -> Result<Self, String> {
        let bundle: Bundle = serde_json::from_slice(bundle).map_err(|error| error.to_string())?;
        let material = bundle.verification_material;
        let certificate = match (material.certificate, material.x509_certificate_chain) {
            (Some(certificate), None) => certificate,
            // Bundles before v0.3; authorities come from the trusted root alone.
            (None, Some(chain)) => {
                chain.certificates.into_iter().next().ok_or("expected a certificate")?
            }
            _ => return Err("expected one certificate of the signer".into()),
        };
        let timestamps = material
            .timestamp_verification_data
            .map(|data| data.rfc3161_timestamps)
            .unwrap_or_default();
        let proofs =
            material.tlog_entries.iter().filter_map(|entry| entry.inclusion_proof.as_ref());
        let longest = proofs.map(|proof| proof.hashes.len()).max().unwrap_or(0);
        if material.tlog_entries.len().max(timestamps.len()).max(longest) > MOST {
            return Err(format!(
                "expected at most {MOST} log entries, timestamps, and hashes of a proof"
            ));
        }
        Ok(Self {
            certificate: certificate.raw_bytes.0,
            entries: material.tlog_entries,
            timestamps: timestamps
                .into_iter()
                .map(|timestamp| timestamp.signed_timestamp.0)
                .collect(),
        })
    }
}
