//! Public keys.

use std::fmt;

use der::{Decode as _, oid::ObjectIdentifier};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use pkcs8::{EncodePublicKey as _, spki::SubjectPublicKeyInfoRef};

use super::{Curve, EC_PUBLIC_KEY, Hash, SignatureFlaw, foreign, pem, signature};
use crate::{Trouble, digest};

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Point);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Point {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

impl PublicKey {
    /// The public key of a PEM file (SubjectPublicKeyInfo, RFC 5480).
    ///
    /// # Errors
    /// Says what the file is instead.
    pub fn read(text: &[u8]) -> Result<Self, Trouble> {
        const EXPECTED: &str = "expected a P-256, P-384 or P-521 public key in PEM";
        let blocks = pem::blocks(text)?;
        let is_key = |block: &&pem::Block| block.label == "PUBLIC KEY";
        let mut keys = blocks.iter().filter(is_key);
        if blocks.iter().any(|block| block.label.ends_with("PRIVATE KEY")) {
            return Err(Trouble::new(format!("{EXPECTED}; this is a private key"))
                .help("its public half: `openssl pkey -in KEY -pubout`"));
        }
        match (keys.next(), keys.next()) {
            (Some(block), None) => Self::from_spki(&block.bytes).ok_or_else(|| {
                Trouble::new(format!("{EXPECTED}; this is {}", foreign::block(block)))
            }),
            (Some(_), Some(_)) => Err(Trouble::new(format!("{EXPECTED}; there are several"))),
            (None, _) => {
                let trouble =
                    Trouble::new(format!("{EXPECTED}; this is {}", foreign::file(text, &blocks)));
                Err(match blocks.first().map(|block| block.label.as_str()) {
                    Some("CERTIFICATE") => {
                        trouble.help("a certificate that is trusted goes to `--cert-root`")
                    }
                    None if text.first() == Some(&0x30) => {
                        trouble.help("`openssl pkey -pubin -inform der -in KEY` makes it PEM")
                    }
                    _ => trouble,
                })
            }
        }
    }

    /// The key of a SubjectPublicKeyInfo in DER; `None` for all that is no point of one of the curves.
    pub fn from_spki(der: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
        let curve: ObjectIdentifier = info.algorithm.parameters?.decode_as().ok()?;
        if info.algorithm.oid != EC_PUBLIC_KEY {
            return None;
        }
        let point = info.subject_public_key.as_bytes()?;
        Some(Self(match Curve::of(curve)? {
            Curve::P256 => Point::P256(p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?),
            Curve::P384 => Point::P384(p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?),
            Curve::P521 => Point::P521(p521::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?),
        }))
    }

    pub(super) const fn new(point: Point) -> Self {
        Self(point)
    }

    /// SubjectPublicKeyInfo in DER, with the point uncompressed.
    pub fn spki(&self) -> Vec<u8> {
        let document = match &self.0 {
            Point::P256(key) => key.to_public_key_der(),
            Point::P384(key) => key.to_public_key_der(),
            Point::P521(key) => key.to_public_key_der(),
        };
        // A point always fits its encoding.
        document.map(|document| document.as_bytes().to_vec()).unwrap_or_default()
    }

    /// PEM with LF line ends and a final one, as OpenSSL writes it.
    pub fn pem(&self) -> String {
        pem::block("PUBLIC KEY", &self.spki()).as_str().to_owned()
    }

    /// What bundles name the key by: SHA-256 of its PEM, in hexadecimal.
    pub fn hint(&self) -> String {
        digest::of(digest::Function::Sha256, self.pem().as_bytes()).to_string()
    }

    /// Its curve.
    pub const fn curve(&self) -> Curve {
        match self.0 {
            Point::P256(_) => Curve::P256,
            Point::P384(_) => Curve::P384,
            Point::P521(_) => Curve::P521,
        }
    }

    /// Whether this key signed the message, with the hash of its curve. A signature (r, s) and its twin
    /// (r, n - s) both fit, so a signature identifies nothing.
    ///
    /// # Errors
    /// Why the signature, in DER, is refused.
    pub fn verify(&self, message: &[u8], der: &[u8]) -> Result<(), SignatureFlaw> {
        self.verify_with(self.curve().hash(), message, der)
    }

    /// The same with SHA-256 on every curve, as the bundles of model-signing 0.2.0 have it.
    ///
    /// # Errors
    /// Why the signature, in DER, is refused.
    pub fn verify_sha256(&self, message: &[u8], der: &[u8]) -> Result<(), SignatureFlaw> {
        self.verify_with(Hash::Sha256, message, der)
    }

    pub(crate) fn verify_with(
        &self,
        hash: Hash,
        message: &[u8],
        der: &[u8],
    ) -> Result<(), SignatureFlaw> {
        let curve = self.curve();
        let numbers = signature::numbers(der, curve)?.concat();
        let mut digest = hash.digest(message);
        // A shorter hash is the same number with zeros before it (FIPS 186-5, section 6.4.2).
        let zeros = curve.size().saturating_sub(digest.len());
        digest.splice(..0, std::iter::repeat_n(0, zeros));
        let fits =
            match &self.0 {
                Point::P256(key) => key
                    .verify_prehash(&digest, &range(p256::ecdsa::Signature::from_slice(&numbers))?),
                Point::P384(key) => key
                    .verify_prehash(&digest, &range(p384::ecdsa::Signature::from_slice(&numbers))?),
                Point::P521(key) => key
                    .verify_prehash(&digest, &range(p521::ecdsa::Signature::from_slice(&numbers))?),
            };
        fits.map_err(|_| SignatureFlaw::Mismatch)
    }
}

fn range<S, E>(signature: Result<S, E>) -> Result<S, SignatureFlaw> {
    signature.map_err(|_| SignatureFlaw::OutOfRange)
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.curve(), self.hint())
    }
}
