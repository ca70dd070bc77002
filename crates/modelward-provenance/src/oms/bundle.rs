//! The bundle: one JSON file around an envelope and the means to verify it (Sigstore bundle v0.3,
//! OpenSSF Model Signing v1.0, section 4).

use serde::Serialize;

use crate::oms::{
    envelope::{self, IN_TOTO},
    json::{self, Object, Value},
};

/// A bundle, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// What it says of its signer.
    pub material: Material,
    /// The bytes of the statement, as they were signed.
    pub payload: Vec<u8>,
    /// The signature, as it was sent.
    pub signature: Vec<u8>,
}

/// What a bundle says of its signer. Never a reason to trust it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// Signed by a key, named by a hint.
    Key {
        /// SHA-256 of the text of the key in PEM, in lower-case hexadecimal.
        hint: Option<String>,
        /// The public key itself, in bundles of model-signing 0.3.1 to 1.0.1: PEM or DER.
        raw: Option<Vec<u8>>,
    },
    /// Signed by a certificate: DER, the leaf first.
    Chain(Vec<Vec<u8>>),
    /// Signed without a key: a short-lived certificate and entries of a transparency log.
    Keyless(Vec<u8>),
}

impl Bundle {
    /// Read a bundle, or say in one sentence what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut bundle = json::read(bytes)?.object("the bundle")?;
        let kind = bundle.take("mediaType")?.text("`mediaType`")?;
        if !kind.starts_with(MEDIA_TYPES) {
            let kind = json::brief(&kind);
            return Err(format!("expected a Sigstore bundle, found the media type `{kind}`"));
        }
        let material = bundle.take("verificationMaterial")?.object("`verificationMaterial`")?;
        let material = Material::read(material)?;
        let mut envelope = bundle.take("dsseEnvelope")?.object("`dsseEnvelope`")?;
        bundle.close("the bundle")?;
        let kind = envelope.take("payloadType")?.text("`payloadType`")?;
        if kind != IN_TOTO {
            let kind = json::brief(&kind);
            return Err(format!("expected a payload of the type `{IN_TOTO}`, found `{kind}`"));
        }
        let payload = envelope.take("payload")?.text("`payload`")?;
        let payload = envelope::decode(&payload, "`payload`")?;
        let signatures = envelope.take("signatures")?.list("`signatures`")?;
        envelope.close("`dsseEnvelope`")?;
        let signature = signature(signatures)?;
        Ok(Self { material, payload, signature })
    }

    /// Write a bundle in compact JSON.
    ///
    /// # Errors
    /// Where the material is keyless: such bundles are never written.
    pub fn write(&self) -> Result<Vec<u8>, String> {
        let written = Written {
            media_type: MEDIA_TYPE,
            verification_material: self.material.write()?,
            dsse_envelope: WrittenEnvelope {
                payload: envelope::encode(&self.payload),
                payload_type: IN_TOTO,
                signatures: [WrittenSignature {
                    sig: envelope::encode(&self.signature),
                    keyid: "",
                }],
            },
        };
        serde_json::to_vec(&written).map_err(|error| error.to_string())
    }
}

impl Material {
    fn read(mut object: Object<'_>) -> Result<Self, String> {
        // Null is how the older tools write what is not there.
        let mut found = |key: &str| object.find(key).filter(|value| *value != Value::Null);
        let key = found("publicKey");
        let chain = found("x509CertificateChain");
        let keyless = found("certificate");
        let entries = found("tlogEntries").map(|entries| entries.list("`tlogEntries`"));
        let entries = entries.transpose()?.unwrap_or_default();
        for entry in &entries {
            if !matches!(entry, Value::Object(_)) {
                return Err(format!("expected objects in `tlogEntries`, found {}", entry.kind()));
            }
        }
        match (key, chain, keyless) {
            (Some(key), None, None) => {
                let mut key = key.object("`publicKey`")?;
                let mut text = |name: &str| match key.find(name) {
                    None | Some(Value::Null) => Ok(None),
                    Some(value) => value.text(&format!("`{name}`")).map(Some),
                };
                let hint = text("hint")?.filter(|hint| !hint.is_empty());
                let raw = text("rawBytes")?.filter(|raw| !raw.is_empty());
                let raw = raw.map(|raw| envelope::decode(&raw, "`rawBytes`")).transpose()?;
                Ok(Self::Key { hint: hint.map(|hint| hint.into_owned()), raw })
            }
            (None, Some(chain), None) => {
                let mut chain = chain.object("`x509CertificateChain`")?;
                let chain = chain.take("certificates")?.list("`certificates`")?;
                if chain.is_empty() || chain.len() > MOST_CERTIFICATES {
                    let n = chain.len();
                    return Err(format!(
                        "expected 1 to {MOST_CERTIFICATES} certificates, found {n}"
                    ));
                }
                chain.into_iter().map(certificate).collect::<Result<_, _>>().map(Self::Chain)
            }
            (None, None, Some(_)) if entries.is_empty() => {
                Err("expected at least one entry of a transparency log beside a lone certificate"
                    .into())
            }
            (None, None, Some(leaf)) => certificate(leaf).map(Self::Keyless),
            (None, None, None) => {
                Err("expected a public key, a certificate chain or a certificate in \
                     `verificationMaterial`, found none"
                    .into())
            }
            _ => Err("expected one kind of signer in `verificationMaterial`, found several".into()),
        }
    }

    fn write(&self) -> Result<serde_json::Value, String> {
        let raw = |der: &Vec<u8>| serde_json::json!({ "rawBytes": envelope::encode(der) });
        match self {
            Self::Key { hint, .. } => Ok(serde_json::json!({
                "publicKey": { "hint": hint.as_deref().unwrap_or_default() },
                "tlogEntries": [],
            })),
            Self::Chain(chain) => Ok(serde_json::json!({
                "x509CertificateChain": {
                    "certificates": chain.iter().map(raw).collect::<Vec<_>>(),
                },
                "tlogEntries": [],
            })),
            Self::Keyless(_) => Err("keyless bundles are never written".into()),
        }
    }
}

/// The one signature of an envelope.
fn signature(list: Vec<Value<'_>>) -> Result<Vec<u8>, String> {
    let found = list.len();
    let mut list = list.into_iter();
    let (Some(only), None) = (list.next(), list.next()) else {
        return Err(format!("expected one signature, found {found}"));
    };
    let mut only = only.object("a signature")?;
    let signature = only.take("sig")?.text("`sig`")?;
    match only.find("keyid") {
        None | Some(Value::Null | Value::Text(_)) => {}
        Some(other) => return Err(format!("expected a text for `keyid`, found {}", other.kind())),
    }
    only.close("a signature")?;
    if signature.is_empty() || signature.len() > MOST_SIGNATURE {
        return Err(format!("expected a signature, found {} characters", signature.len()));
    }
    envelope::decode(&signature, "`sig`")
}

fn certificate(value: Value<'_>) -> Result<Vec<u8>, String> {
    let mut certificate = value.object("a certificate")?;
    let raw = certificate.take("rawBytes")?.text("`rawBytes`")?;
    if raw.is_empty() || raw.len() > MOST_CERTIFICATE {
        return Err(format!("expected a certificate, found {} characters", raw.len()));
    }
    envelope::decode(&raw, "`rawBytes`")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    media_type: &'static str,
    verification_material: serde_json::Value,
    dsse_envelope: WrittenEnvelope,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenEnvelope {
    payload: String,
    payload_type: &'static str,
    signatures: [WrittenSignature; 1],
}

#[derive(Serialize)]
struct WrittenSignature {
    sig: String,
    keyid: &'static str,
}

/// The media type that we write.
const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// What the media types of all bundles begin with.
const MEDIA_TYPES: &str = "application/vnd.dev.sigstore.bundle";
/// Certificates of a chain.
pub(super) const MOST_CERTIFICATES: usize = 8;
/// Characters of a certificate.
const MOST_CERTIFICATE: usize = 64 << 10;
/// Characters of a signature: one of P-521 has 188.
const MOST_SIGNATURE: usize = 4 << 10;

#[cfg(test)]
mod tests;
