//! That an entry of a log is about this envelope, this signature and this certificate: without that, a
//! genuine entry of anything else would do (CVE-2022-36056).

use serde_json::Value;

use super::{Envelope, evidence::Entry, form::unbase64};
use crate::keys::{Hash, pem};

/// Check that the body of an entry fits.
pub(super) fn check(
    entry: &Entry,
    envelope: &Envelope<'_>,
    certificate: &[u8],
) -> Result<(), String> {
    let body: Value =
        serde_json::from_slice(&entry.canonicalized_body.0).map_err(|_| "it is not JSON")?;
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let (kind, version) =
        (text("/kind").unwrap_or_default(), text("/apiVersion").unwrap_or_default());
    if entry.kind_version.as_ref().is_some_and(|said| said.kind != kind || said.version != version)
    {
        return Err("it is of another kind than the bundle says".into());
    }
    let facts = match (kind, version) {
        ("dsse", "0.0.1") => dsse(&body),
        ("dsse", "0.0.2") => dsse_v2(&body),
        ("intoto", "0.0.2") => intoto(&body),
        ("hashedrekord", "0.0.1") => hashed(&body),
        ("hashedrekord", "0.0.2") => hashed_v2(&body),
        _ => {
            return Err(format!(
                "expected a `dsse`, `intoto` or `hashedrekord`, found `{kind}` {version}"
            ));
        }
    };
    let facts = facts.ok_or_else(|| {
        format!("its body is no `{kind}` of version {version} with one signature")
    })?;
    if facts.signature != envelope.signature {
        return Err("it is about another signature".into());
    }
    if facts.certificate != certificate {
        return Err("it is about another certificate".into());
    }
    let expected = match facts.of {
        Of::Payload => facts.hash.digest(envelope.payload),
        Of::SignedBytes => facts.hash.digest(&envelope.signed_bytes()),
    };
    if facts.digest != expected {
        return Err("it is about another content".into());
    }
    Ok(())
}

/// What the body of an entry says.
struct Facts {
    signature: Vec<u8>,
    certificate: Vec<u8>,
    hash: Hash,
    digest: Vec<u8>,
    of: Of,
}

/// What the digest is of.
enum Of {
    Payload,
    SignedBytes,
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// The one element of a list.
fn only<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    match value.pointer(pointer)?.as_array()?.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

fn hash(name: &str) -> Option<Hash> {
    match name {
        "sha256" | "SHA2_256" => Some(Hash::Sha256),
        "sha384" | "SHA2_384" => Some(Hash::Sha384),
        "sha512" | "SHA2_512" => Some(Hash::Sha512),
        _ => None,
    }
}

/// The certificate in base64 of PEM.
fn certificate(letters: &str) -> Option<Vec<u8>> {
    let blocks = pem::blocks(&unbase64(letters)?).ok()?;
    match blocks.as_slice() {
        [block] if block.label == "CERTIFICATE" => Some(block.bytes.to_vec()),
        _ => None,
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
        u8::from_str_radix(pair, 16).ok()
    };
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

fn dsse(body: &Value) -> Option<Facts> {
    let signature = only(body, "/spec/signatures")?;
    Some(Facts {
        signature: unbase64(text(signature, "/signature")?)?,
        certificate: certificate(text(signature, "/verifier")?)?,
        hash: hash(text(body, "/spec/payloadHash/algorithm")?)?,
        digest: unhex(text(body, "/spec/payloadHash/value")?)?,
        of: Of::Payload,
    })
}

fn dsse_v2(body: &Value) -> Option<Facts> {
    let signature = only(body, "/spec/dsseV002/signatures")?;
    Some(Facts {
        signature: unbase64(text(signature, "/content")?)?,
        certificate: unbase64(text(signature, "/verifier/x509Certificate/rawBytes")?)?,
        hash: hash(text(body, "/spec/dsseV002/payloadHash/algorithm")?)?,
        digest: unbase64(text(body, "/spec/dsseV002/payloadHash/digest")?)?,
        of: Of::Payload,
    })
}

fn intoto(body: &Value) -> Option<Facts> {
    let signature = only(body, "/spec/content/envelope/signatures")?;
    // The signature is base64 of the base64 in the envelope.
    let letters = String::from_utf8(unbase64(text(signature, "/sig")?)?).ok()?;
    Some(Facts {
        signature: unbase64(&letters)?,
        certificate: certificate(text(signature, "/publicKey")?)?,
        hash: hash(text(body, "/spec/content/payloadHash/algorithm")?)?,
        digest: unhex(text(body, "/spec/content/payloadHash/value")?)?,
        of: Of::Payload,
    })
}

fn hashed(body: &Value) -> Option<Facts> {
    Some(Facts {
        signature: unbase64(text(body, "/spec/signature/content")?)?,
        certificate: certificate(text(body, "/spec/signature/publicKey/content")?)?,
        hash: hash(text(body, "/spec/data/hash/algorithm")?)?,
        digest: unhex(text(body, "/spec/data/hash/value")?)?,
        of: Of::SignedBytes,
    })
}

fn hashed_v2(body: &Value) -> Option<Facts> {
    let spec = body.pointer("/spec/hashedRekordV002")?;
    Some(Facts {
        signature: unbase64(text(spec, "/signature/content")?)?,
        certificate: unbase64(text(spec, "/signature/verifier/x509Certificate/rawBytes")?)?,
        hash: hash(text(spec, "/data/algorithm")?)?,
        digest: unbase64(text(spec, "/data/digest")?)?,
        of: Of::SignedBytes,
    })
}
