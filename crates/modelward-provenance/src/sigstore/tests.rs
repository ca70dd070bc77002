use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::*;

const EXPECTED: Expected<'_> =
    Expected { identity: "stefanb@us.ibm.com", issuer: "https://sigstore.verify.ibm.com/oauth2" };

fn bundle() -> Value {
    serde_json::from_slice(include_bytes!("../../tests/sigstore/bundle.json")).unwrap()
}

fn root() -> Value {
    serde_json::from_slice(include_bytes!("../../tests/sigstore/trusted_root.json")).unwrap()
}

fn judge(bundle: &Value, root: &Value, expected: &Expected<'_>) -> (Option<Keyless>, Vec<Defect>) {
    let bytes = |pointer: &str| {
        STANDARD.decode(bundle.pointer(pointer).unwrap().as_str().unwrap()).unwrap()
    };
    let (payload, signature) =
        (bytes("/dsseEnvelope/payload"), bytes("/dsseEnvelope/signatures/0/sig"));
    let envelope = Envelope {
        payload: &payload,
        payload_type: "application/vnd.in-toto+json",
        signature: &signature,
    };
    let root = TrustedRoot::read(root.to_string().as_bytes()).unwrap();
    match Evidence::read(bundle.to_string().as_bytes()) {
        Ok(evidence) => check(&evidence, &envelope, &root, expected),
        Err(why) => (None, vec![defect(Kind::BundleMalformed, why)]),
    }
}

/// What is wrong once a part of the bundle is another one.
fn with(pointer: &str, value: Value) -> Vec<Defect> {
    let mut bundle = bundle();
    *bundle.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    judge(&bundle, &root(), &EXPECTED).1
}

/// The bytes at a place with their last one changed.
fn flipped(pointer: &str) -> Value {
    let bundle = bundle();
    let mut bytes = STANDARD.decode(bundle.pointer(pointer).unwrap().as_str().unwrap()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    json!(STANDARD.encode(bytes))
}

const ENTRY: &str = "/verificationMaterial/tlogEntries/0";
const TIMESTAMPS: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";

#[test]
fn a_bundle_of_the_public_instance_is_verified() {
    let (keyless, defects) = judge(&bundle(), &root(), &EXPECTED);
    assert_eq!(defects, []);
    let keyless = keyless.unwrap();
    assert_eq!(keyless.issuer.as_deref(), Some(EXPECTED.issuer));
    assert_eq!(keyless.at.unwrap().to_string(), "2025-10-10T02:12:20Z");
    // The promise of the log, its proof and the timestamp each do without the others.
    for parts in [vec!["inclusionPromise"], vec!["inclusionProof"]] {
        let mut bundle = bundle();
        for part in parts {
            bundle.pointer_mut(ENTRY).unwrap().as_object_mut().unwrap().remove(part).unwrap();
        }
        assert_eq!(judge(&bundle, &root(), &EXPECTED).1, []);
    }
    assert_eq!(with(TIMESTAMPS, json!([])), []);
    let mut unknown = root();
    unknown["timestampAuthorities"] = json!([]);
    assert_eq!(judge(&bundle(), &unknown, &EXPECTED).1, []);
}

#[test]
fn another_identity_or_service_is_refused() {
    for expected in [
        Expected { identity: "stefanb@us.ibm.co", ..EXPECTED },
        Expected { identity: "", ..EXPECTED },
        Expected { issuer: "https://accounts.google.com", ..EXPECTED },
    ] {
        let (_, defects) = judge(&bundle(), &root(), &expected);
        assert_eq!(defects.len(), 1);
        assert_eq!(defects[0].kind, Kind::SignerUntrusted);
    }
}

#[test]
fn each_changed_part_is_noticed() {
    for (pointer, why) in [
        ("/dsseEnvelope/payload", "does not fit these bytes"),
        ("/inclusionPromise/signedEntryTimestamp", "the promise of the log is void"),
        ("/inclusionProof/rootHash", "does not lead from this entry"),
        ("/inclusionProof/hashes/3", "does not lead from this entry"),
        ("/canonicalizedBody", "the promise of the log is void"),
        ("/logId/keyId", "is none of the trusted root"),
    ] {
        let pointer = if pointer.starts_with("/dsse") {
            pointer.to_owned()
        } else {
            format!("{ENTRY}{pointer}")
        };
        let defects = with(&pointer, flipped(&pointer));
        assert!(defects.iter().any(|defect| defect.why.contains(why)), "{pointer}: {defects:?}");
    }
    for (pointer, value, why) in [
        ("/logIndex", json!("1"), "the promise of the log is void"),
        ("/integratedTime", json!("1760062341"), "the promise of the log is void"),
        ("/inclusionProof/logIndex", json!("476246823"), "does not lead from this entry"),
        ("/inclusionProof/logIndex", json!("476246825"), "outside the tree"),
        ("/inclusionProof/treeSize", json!("476246826"), "does not lead from this entry"),
        ("/inclusionProof/hashes", json!([]), "does not lead from this entry"),
        (
            "/inclusionProof/checkpoint/envelope",
            json!("a\n1\nAAAA\n\n"),
            "the checkpoint of the log is void",
        ),
        ("/kindVersion/kind", json!("intoto"), "of another kind"),
    ] {
        let defects = with(&format!("{ENTRY}{pointer}"), value);
        assert!(defects.iter().any(|defect| defect.why.contains(why)), "{pointer}: {defects:?}");
    }
    let text = bundle()
        .pointer(&format!("{ENTRY}/inclusionProof/checkpoint/envelope"))
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned();
    let other = text.replacen("rekor.sigstore.dev", "rekor.sigstore.com", 1);
    let defects = with(&format!("{ENTRY}/inclusionProof/checkpoint/envelope"), json!(other));
    assert!(defects[0].why.contains("the checkpoint of the log is void"), "{defects:?}");
}

#[test]
fn a_signature_without_a_time_or_a_log_is_refused() {
    let defects = with("/verificationMaterial/tlogEntries", json!([]));
    assert_eq!(defects.len(), 1);
    assert!(defects[0].why.starts_with("no transparency log"));
    let mut bundle = bundle();
    bundle.pointer_mut(ENTRY).unwrap().as_object_mut().unwrap().remove("inclusionPromise").unwrap();
    *bundle.pointer_mut(TIMESTAMPS).unwrap() = json!([]);
    let (_, defects) = judge(&bundle, &root(), &EXPECTED);
    assert!(defects.iter().any(|defect| defect.kind == Kind::OutsideValidity), "{defects:?}");
}

#[test]
fn a_timestamp_is_of_this_signature_and_of_a_known_authority() {
    let pointer = format!("{TIMESTAMPS}/0/signedTimestamp");
    let defects = with(&pointer, flipped(&pointer));
    assert!(defects[0].why.starts_with("timestamp 1 of 1: "), "{defects:?}");
    let mut whole = STANDARD.decode(bundle().pointer(&pointer).unwrap().as_str().unwrap()).unwrap();
    let root = TrustedRoot::read(root().to_string().as_bytes()).unwrap();
    assert!(timestamp::check(&whole, b"another", &root).unwrap_err().contains("another signature"));
    whole.pop();
    assert!(timestamp::check(&whole, b"another", &root).is_err());
}

#[test]
fn trust_comes_from_the_given_root_alone() {
    for (part, why) in [
        ("tlogs", "is none of the trusted root"),
        ("ctlogs", "no certificate log of the trusted root"),
    ] {
        let mut root = root();
        root[part] = json!([]);
        let (_, defects) = judge(&bundle(), &root, &EXPECTED);
        assert!(defects.iter().any(|defect| defect.why.contains(why)), "{defects:?}");
    }
    let mut late = root();
    late["certificateAuthorities"][1]["validFor"] = json!({"start": "2026-01-01T00:00:00Z"});
    late["certificateAuthorities"].as_array_mut().unwrap().remove(0);
    let (_, defects) = judge(&bundle(), &late, &EXPECTED);
    assert!(defects[0].why.contains("no certificate authority for 2025-10-10"), "{defects:?}");
    let mut first = root();
    first["certificateAuthorities"].as_array_mut().unwrap().truncate(1);
    let (_, defects) = judge(&bundle(), &first, &EXPECTED);
    assert!(defects.iter().any(|defect| defect.kind == Kind::SignerUntrusted), "{defects:?}");
    for broken in [json!({}), json!({"mediaType": "text/plain"})] {
        assert!(TrustedRoot::read(broken.to_string().as_bytes()).is_err());
    }
    let mut endless = root();
    endless["tlogs"][0]["publicKey"]["validFor"] = json!({});
    assert!(TrustedRoot::read(endless.to_string().as_bytes()).is_err());
}

#[test]
fn a_changed_certificate_is_refused() {
    let pointer = "/verificationMaterial/certificate/rawBytes";
    let defects = with(pointer, flipped(pointer));
    assert!(
        defects.iter().any(|defect| defect.why.contains("signature is not that of")),
        "{defects:?}"
    );
    assert!(defects.iter().any(|defect| defect.why.contains("another certificate")), "{defects:?}");
}
