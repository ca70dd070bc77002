//! Certificates: a path from the signer to a root that the user trusts (RFC 5280).
//!
//! Trust comes from the given roots alone. Revocation is not asked: there is no network.

mod authority;
mod certificate;
#[cfg(test)]
pub(crate) mod forge;
mod moment;
mod path;

pub(crate) use self::{
    authority::{Algorithm, Key, hash},
    path::{Purpose, Query},
};
pub use self::{
    certificate::{AlternativeName, Certificate},
    moment::Moment,
};
use crate::{
    Defect, Kind, Trouble,
    defect::Weight,
    keys::{PublicKey, pem},
};

/// The certificates that a user trusts to certify signers.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    certificates: Vec<Certificate>,
}

/// Roots that one user may give; the public authorities are about 150.
const MOST_ROOTS: usize = 1000;

impl Roots {
    /// The certificates of a PEM file; there may be text around them.
    ///
    /// # Errors
    /// There is none, or one of them is broken.
    pub fn read(text: &[u8]) -> Result<Self, Trouble> {
        let blocks = pem::blocks(text)?;
        let mut certificates = Vec::new();
        for block in &blocks {
            match block.label.as_str() {
                "CERTIFICATE" | "X509 CERTIFICATE" => {
                    let number = certificates.len().saturating_add(1);
                    let read = Certificate::read(&block.bytes);
                    let read = read.map_err(|why| {
                        Trouble::new(format!("certificate {number} cannot be read: {why}"))
                    })?;
                    certificates.push(read);
                }
                label => {
                    return Err(Trouble::new(format!(
                        "expected certificates in PEM; this is a PEM block `{label}`"
                    )));
                }
            }
        }
        if certificates.is_empty() {
            return Err(Trouble::new("expected one or more certificates in PEM; there is none"));
        }
        let mut roots = Self::default();
        roots.join(Self { certificates })?;
        Ok(roots)
    }

    /// Trust those of another file too.
    ///
    /// # Errors
    /// They are too many.
    pub fn join(&mut self, other: Self) -> Result<(), Trouble> {
        self.certificates.extend(other.certificates);
        if self.certificates.len() > MOST_ROOTS {
            return Err(Trouble::new(format!("expected at most {MOST_ROOTS} root certificates")));
        }
        Ok(())
    }

    pub(crate) fn of(certificates: Vec<Certificate>) -> Self {
        Self { certificates }
    }
}

/// Who a certificate says has signed.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The key that verifies the signature.
    pub key: PublicKey,
    /// The subject after RFC 4514, escaped; may be empty.
    pub subject: String,
    /// The common name of the subject, where it has exactly one.
    pub common_name: Option<String>,
    /// E-mail addresses, URIs, hosts.
    pub names: Vec<AlternativeName>,
    /// The first and the last second of the certificate.
    pub valid: (Moment, Moment),
}

impl Signer {
    /// Whether this is who was expected: the whole common name, the whole distinguished name after RFC
    /// 4514, or a whole e-mail address, URI or host; letter for letter.
    pub fn is(&self, expected: &str) -> bool {
        let named = |name: &AlternativeName| name.text() == Some(expected);
        !expected.is_empty()
            && (self.common_name.as_deref() == Some(expected)
                || self.subject == expected
                || self.names.iter().any(named))
    }

    /// What to call it: the subject, or else the first of its other names.
    pub fn name(&self) -> &str {
        if self.subject.is_empty() {
            self.names.iter().find_map(AlternativeName::text).unwrap_or_default()
        } else {
            &self.subject
        }
    }

    pub(crate) fn of(certificate: &Certificate) -> Option<Self> {
        let Key::Ec(key) = certificate.key() else { return None };
        Some(Self {
            key: key.clone(),
            subject: certificate.subject(),
            common_name: certificate.common_name(),
            names: certificate.names.clone(),
            valid: certificate.valid,
        })
    }
}

/// Judge a chain of certificates in DER, that of the signer first and the others in any order, against the
/// roots, at a point in time. Every defect found has its place under `shown`: `certificate 1 of 2, ...`.
///
/// The signer is given wherever its certificate can be read and has a key that can sign a model, so that
/// the signature can be judged too; it is trusted only if there is no defect.
pub fn check(chain: &[Vec<u8>], roots: &Roots, at: Moment) -> (Option<Signer>, Vec<Defect>) {
    let defect = |kind, why: String, shown| Defect {
        kind,
        file: String::new(),
        why,
        shown,
        weight: Weight::Load,
    };
    if chain.is_empty() || chain.len() > path::MOST_CERTIFICATES {
        let why = format!(
            "expected 1 to {} certificates; there are {}",
            path::MOST_CERTIFICATES,
            chain.len()
        );
        return (None, vec![defect(Kind::BundleMalformed, why, None)]);
    }
    let mut defects = Vec::new();
    let mut certificates = Vec::new();
    for (number, der) in chain.iter().enumerate() {
        match Certificate::read(der) {
            Ok(certificate) => certificates.push(certificate),
            Err(why) => {
                let place = format!("certificate {} of {}", number.saturating_add(1), chain.len());
                defects.push(defect(
                    Kind::BundleMalformed,
                    format!("the certificate cannot be read: {why}"),
                    Some(place),
                ));
            }
        }
    }
    let signer = certificates.first().and_then(Signer::of);
    if !defects.is_empty() {
        return (None, defects);
    }
    if let (None, Some(certificate)) = (&signer, certificates.first()) {
        let what = match certificate.key() {
            Key::Rsa(_) => "RSA",
            Key::Other(what) => what,
            Key::Ec(_) => "EC",
        };
        let place = path::place(0, chain.len(), &certificate.subject());
        let why = format!("models are signed on P-256, P-384 or P-521; the signer's key is {what}");
        defects.push(defect(Kind::WrongPurpose, why, Some(place)));
    }
    let query = Query { chain: &certificates, roots, at, purpose: Purpose::CodeSigning };
    defects.extend(query.defects());
    (signer, defects)
}

#[cfg(test)]
mod tests;
