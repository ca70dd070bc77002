use serde_json::{Value, json};

use super::*;

fn legal() -> Value {
    json!({
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": { "publicKey": { "hint": "ab" }, "tlogEntries": [] },
        "dsseEnvelope": {
            "payload": "e30=",
            "payloadType": IN_TOTO,
            "signatures": [{ "sig": "MAA=", "keyid": "" }],
        },
    })
}

/// Why a bundle is refused that differs from a legal one.
fn why(change: impl Fn(&mut Value)) -> String {
    let mut bundle = legal();
    change(&mut bundle);
    Bundle::read(bundle.to_string().as_bytes()).unwrap_err()
}

fn accepts(change: impl Fn(&mut Value)) -> Bundle {
    let mut bundle = legal();
    change(&mut bundle);
    Bundle::read(bundle.to_string().as_bytes()).unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    let materials = [
        Material::Key { hint: Some("ab".into()), raw: None },
        Material::Chain(vec![vec![1, 2], vec![3]]),
    ];
    for material in materials {
        let bundle = Bundle { material, payload: b"{}".to_vec(), signature: vec![0x30, 0] };
        assert_eq!(Bundle::read(&bundle.write().unwrap()), Ok(bundle));
    }
}

#[test]
fn legal_departures_are_read() {
    accepts(|bundle| drop(bundle["verificationMaterial"]["tlogEntries"].take()));
    accepts(|bundle| bundle["dsseEnvelope"]["signatures"][0]["keyid"] = Value::Null);
    accepts(|bundle| {
        bundle["dsseEnvelope"]["signatures"][0].as_object_mut().unwrap().remove("keyid");
    });
    accepts(|bundle| bundle["verificationMaterial"]["more"] = json!(1));
    let older = accepts(|bundle| {
        bundle["verificationMaterial"]["publicKey"] =
            json!({ "rawBytes": "AA==", "keyDetails": "PKIX_ECDSA_P256_SHA_256" });
    });
    assert_eq!(older.material, Material::Key { hint: None, raw: Some(vec![0]) });
    let keyless = accepts(|bundle| {
        bundle["verificationMaterial"] =
            json!({ "certificate": { "rawBytes": "AA==" }, "tlogEntries": [{}] });
    });
    assert_eq!(keyless.material, Material::Keyless(vec![0]));
}

#[test]
fn hostile_bundles_are_refused_in_one_sentence() {
    type Change = fn(&mut Value);
    let cases: &[(Change, &str)] = &[
        (|b| b["mediaType"] = json!("application/json"), "media type"),
        (|b| b["mediaType"] = json!(1), "a text"),
        (|b| b["extra"] = json!(1), "unknown key `extra`"),
        (|b| b["dsseEnvelope"]["extra"] = json!(1), "unknown key `extra`"),
        (|b| b["dsseEnvelope"]["signatures"][0]["extra"] = json!(1), "unknown key `extra`"),
        (|b| b["dsseEnvelope"]["payloadType"] = json!("application/json"), "payload of the type"),
        (|b| b["dsseEnvelope"]["payload"] = json!("*"), "base64"),
        (|b| b["dsseEnvelope"]["signatures"] = json!([]), "one signature, found 0"),
        (
            |b| b["dsseEnvelope"]["signatures"] = json!([{"sig": "AA=="}, {"sig": "AA=="}]),
            "found 2",
        ),
        (|b| b["dsseEnvelope"]["signatures"][0]["sig"] = json!(""), "a signature"),
        (|b| b["dsseEnvelope"]["signatures"][0]["keyid"] = json!(1), "keyid"),
        (|b| b["verificationMaterial"] = json!({}), "found none"),
        (|b| b["verificationMaterial"] = json!([]), "an object"),
        (
            |b| b["verificationMaterial"]["certificate"] = json!({ "rawBytes": "AA==" }),
            "found several",
        ),
        (
            |b| b["verificationMaterial"] = json!({ "certificate": { "rawBytes": "AA==" } }),
            "transparency log",
        ),
        (
            |b| {
                b["verificationMaterial"] =
                    json!({ "x509CertificateChain": { "certificates": [] } })
            },
            "1 to 8 certificates",
        ),
        (|b| b["verificationMaterial"]["publicKey"]["hint"] = json!(7), "a text"),
        (|b| b["verificationMaterial"]["tlogEntries"] = json!([1]), "objects"),
    ];
    for (change, expected) in cases {
        let why = why(change);
        assert!(why.contains(expected), "{why} instead of {expected}");
        assert!(!why.contains('\n') && !why.ends_with('.'), "{why}");
    }
    assert!(Bundle::read(b"").is_err() && Bundle::read(b"[]").is_err());
}
