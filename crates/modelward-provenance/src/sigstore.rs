//! Keyless signatures: Sigstore bundles, verified offline against a given trusted root.
//!
//! A short-lived certificate says who signed; a log or a timestamp authority says when, and that it was
//! while the certificate was valid; logs show both to everybody. Whoever has an account somewhere gets a
//! certificate, so a signature is worth nothing without the identity that is expected.

mod body;
mod evidence;
mod form;
mod log;
mod root;
mod sct;
mod timestamp;

pub use self::{evidence::Evidence, root::TrustedRoot};
use crate::{
    Defect, Kind,
    defect::Weight,
    x509::{Certificate, Moment, Purpose, Query, Signer},
};

/// The envelope that was signed (DSSE v1.0).
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The bytes of the payload, as they were received.
    pub payload: &'a [u8],
    /// What they are.
    pub payload_type: &'a str,
    /// The signature in DER.
    pub signature: &'a [u8],
}

impl Envelope<'_> {
    /// The bytes that are signed (DSSE v1.0, pre-authentication encoding).
    fn signed_bytes(&self) -> Vec<u8> {
        let (kind, payload) = (self.payload_type, self.payload);
        [format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).as_bytes(), payload].concat()
    }
}

/// Who is expected to have signed.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The whole e-mail address, URI or other name of the signer.
    pub identity: &'a str,
    /// The whole URL of the service that vouched for the identity.
    pub issuer: &'a str,
}

/// Who signed, and when.
#[derive(Clone, Debug)]
pub struct Keyless {
    /// The signer, after the certificate.
    pub signer: Signer,
    /// The service that vouched for the identity.
    pub issuer: Option<String>,
    /// The first proven moment at which the signature was there.
    pub at: Option<Moment>,
}

/// Judge a keyless signature: the signature itself, the certificate and its logs, the times, the entries
/// of transparency logs, and the identity. Who the certificate names is given wherever it can be read, and
/// is to be believed only if there is no defect.
pub fn check(
    evidence: &Evidence,
    envelope: &Envelope<'_>,
    root: &TrustedRoot,
    expected: &Expected<'_>,
) -> (Option<Keyless>, Vec<Defect>) {
    let certificate = match Certificate::read(&evidence.certificate) {
        Ok(certificate) => certificate,
        Err(why) => {
            return (
                None,
                vec![defect(
                    Kind::BundleMalformed,
                    format!("the signer's certificate cannot be read: {why}"),
                )],
            );
        }
    };
    let Some(signer) = Signer::of(&certificate) else {
        let why = "the signer's key is none of P-256, P-384 and P-521".into();
        return (None, vec![defect(Kind::WrongPurpose, why)]);
    };
    let mut defects = Vec::new();
    if let Err(flaw) = signer.key.verify(&envelope.signed_bytes(), envelope.signature) {
        defects.push(defect(Kind::SignatureInvalid, flaw.to_string()));
    }
    let times = times(evidence, envelope, root, &mut defects);
    for at in &times {
        authority(&certificate, root, *at, &mut defects);
    }
    let issuer = service(&certificate);
    identity(&signer, issuer.as_deref(), expected, &mut defects);
    (Some(Keyless { signer, issuer, at: times.into_iter().min() }), defects)
}

/// The proven times of the signature; entries and timestamps that prove nothing are defects.
fn times(
    evidence: &Evidence,
    envelope: &Envelope<'_>,
    root: &TrustedRoot,
    defects: &mut Vec<Defect>,
) -> Vec<Moment> {
    let mut times = Vec::new();
    for (number, timestamp) in evidence.timestamps.iter().enumerate() {
        match timestamp::check(timestamp, envelope.signature, root) {
            Ok(time) => times.extend(time),
            Err(why) => {
                let of = evidence.timestamps.len();
                defects.push(defect(
                    Kind::SignerUntrusted,
                    format!("timestamp {} of {of}: {why}", number.saturating_add(1)),
                ));
            }
        }
    }
    let stamped = times.iter().min().copied();
    for (number, entry) in evidence.entries.iter().enumerate() {
        let place = format!("log entry {} of {}", number.saturating_add(1), evidence.entries.len());
        match log::check(entry, root, stamped) {
            Ok(time) => times.extend(time),
            Err(why) => defects.push(defect(Kind::SignerUntrusted, format!("{place}: {why}"))),
        }
        if let Err(why) = body::check(entry, envelope, &evidence.certificate) {
            defects.push(defect(Kind::SignerUntrusted, format!("{place}: {why}")));
        }
    }
    if evidence.entries.is_empty() {
        defects.push(defect(
            Kind::SignerUntrusted,
            "no transparency log has an entry of this signature".into(),
        ));
    }
    if times.is_empty() {
        let why = "nothing proves when it was signed: neither the promise of a trusted log nor a timestamp of a trusted authority";
        defects.push(defect(Kind::OutsideValidity, why.into()));
    }
    times
}

/// Check that an authority of the trusted root certified the signer, at a time, and that a log saw it.
fn authority(certificate: &Certificate, root: &TrustedRoot, at: Moment, defects: &mut Vec<Defect>) {
    // The one that issued the certificate, with the fewest defects: several may have one name.
    let mut best: Option<((bool, usize), Vec<Defect>)> = None;
    for authority in root.authorities.iter().filter(|authority| authority.valid.contains(at)) {
        let chain: Vec<Certificate> =
            std::iter::once(certificate.clone()).chain(authority.below().iter().cloned()).collect();
        let query =
            Query { chain: &chain, roots: &authority.roots(), at, purpose: Purpose::CodeSigning };
        let mut found = query.defects();
        let issuer = authority.chain.iter().find(|issuer| {
            certificate.names_as_issuer(issuer) && certificate.is_signed_by(issuer).is_ok()
        });
        if let Some(Err(why)) = issuer.map(|issuer| sct::check(certificate, issuer, root)) {
            found.push(defect(Kind::SignerUntrusted, format!("the signer's certificate: {why}")));
        }
        let rank = (issuer.is_none(), found.len());
        if best.as_ref().is_none_or(|(best, _)| rank < *best) {
            best = Some((rank, found));
        }
    }
    let none = || {
        vec![defect(
            Kind::SignerUntrusted,
            format!("the trusted root has no certificate authority for {}", at.day()),
        )]
    };
    for found in best.map_or_else(none, |(_, found)| found) {
        if !defects.contains(&found) {
            defects.push(found);
        }
    }
}

/// Check who signed.
fn identity(
    signer: &Signer,
    issuer: Option<&str>,
    expected: &Expected<'_>,
    defects: &mut Vec<Defect>,
) {
    let is_named = signer.names.iter().any(|name| name.whole() == Some(expected.identity));
    if !is_named || expected.identity.is_empty() {
        let found = signer.names.iter().find_map(|name| name.whole()).unwrap_or("nobody");
        let why = format!(
            "expected `{}` to have signed; the certificate names `{found}`",
            expected.identity
        );
        defects.push(defect(Kind::SignerUntrusted, why));
    }
    if issuer != Some(expected.issuer) {
        let found = issuer.unwrap_or("nobody");
        let why = format!(
            "expected `{}` to vouch for the signer; the certificate names `{found}`",
            expected.issuer
        );
        defects.push(defect(Kind::SignerUntrusted, why));
    }
}

/// The service that vouched for the identity (extensions of Fulcio, version 2 and version 1).
fn service(certificate: &Certificate) -> Option<String> {
    use der::Decode as _;
    match certificate.extension("1.3.6.1.4.1.57264.1.8") {
        Some(value) => String::from_der(value).ok(),
        None => String::from_utf8(certificate.extension("1.3.6.1.4.1.57264.1.1")?.to_vec()).ok(),
    }
}

fn defect(kind: Kind, why: String) -> Defect {
    Defect { kind, file: String::new(), why, shown: None, weight: Weight::Load }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::{Value, json};

    use super::*;

    const EXPECTED: Expected<'_> = Expected {
        identity: "stefanb@us.ibm.com",
        issuer: "https://sigstore.verify.ibm.com/oauth2",
    };

    fn bundle() -> Value {
        serde_json::from_slice(include_bytes!("../tests/sigstore/bundle.json")).unwrap()
    }

    fn root() -> Value {
        serde_json::from_slice(include_bytes!("../tests/sigstore/trusted_root.json")).unwrap()
    }

    fn judge(
        bundle: &Value,
        root: &Value,
        expected: &Expected<'_>,
    ) -> (Option<Keyless>, Vec<Defect>) {
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
        let mut bytes =
            STANDARD.decode(bundle.pointer(pointer).unwrap().as_str().unwrap()).unwrap();
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
            assert!(
                defects.iter().any(|defect| defect.why.contains(why)),
                "{pointer}: {defects:?}"
            );
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
            assert!(
                defects.iter().any(|defect| defect.why.contains(why)),
                "{pointer}: {defects:?}"
            );
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
        bundle
            .pointer_mut(ENTRY)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove("inclusionPromise")
            .unwrap();
        *bundle.pointer_mut(TIMESTAMPS).unwrap() = json!([]);
        let (_, defects) = judge(&bundle, &root(), &EXPECTED);
        assert!(defects.iter().any(|defect| defect.kind == Kind::OutsideValidity), "{defects:?}");
    }

    #[test]
    fn a_timestamp_is_of_this_signature_and_of_a_known_authority() {
        let pointer = format!("{TIMESTAMPS}/0/signedTimestamp");
        let defects = with(&pointer, flipped(&pointer));
        assert!(defects[0].why.starts_with("timestamp 1 of 1: "), "{defects:?}");
        let mut whole =
            STANDARD.decode(bundle().pointer(&pointer).unwrap().as_str().unwrap()).unwrap();
        let root = TrustedRoot::read(root().to_string().as_bytes()).unwrap();
        assert!(
            timestamp::check(&whole, b"another", &root).unwrap_err().contains("another signature")
        );
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
        assert!(
            defects.iter().any(|defect| defect.why.contains("another certificate")),
            "{defects:?}"
        );
    }
}
