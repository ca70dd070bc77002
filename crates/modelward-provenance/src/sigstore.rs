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
mod tests;
