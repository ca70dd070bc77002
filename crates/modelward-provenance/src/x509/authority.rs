//! The keys and algorithms that sign certificates: ECDSA (RFC 5758) and RSA (RFC 4055), with SHA-2.

use der::{
    Decode as _, Encode as _,
    asn1::{AnyRef, ObjectIdentifier, UintRef},
};
use rsa::{
    BoxedUint,
    pkcs1::RsaPssParams,
    pkcs1v15, pss,
    sha2::{Sha256, Sha384, Sha512},
    signature::Verifier as _,
};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::keys::{Hash, PublicKey};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");

/// Bits of the modulus of RSA keys that are accepted: less can be broken, more costs seconds.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key that may have signed something.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    Ec(PublicKey),
    Rsa(Box<rsa::PublicKey>),
    /// None that is accepted, and what it is.
    Other(String),
}

impl Key {
    pub(crate) fn of(info: &SubjectPublicKeyInfoOwned, der: &[u8]) -> Self {
        if let Some(key) = PublicKey::from_spki(der) {
            return Self::Ec(key);
        }
        if info.algorithm.oid != RSA {
            return Self::Other(format!("of algorithm {}", info.algorithm.oid));
        }
        let numbers = info.subject_public_key.as_bytes().and_then(rsa_numbers);
        let Some((modulus, exponent)) = numbers else {
            return Self::Other("a broken RSA key".into());
        };
        let bits = usize::try_from(modulus.bit_width_vartime()).unwrap_or(usize::MAX);
        match rsa::PublicKey::new_with_size_limits(modulus, exponent, RSA_BITS) {
            Ok(key) => Self::Rsa(Box::new(key)),
            Err(_) => Self::Other(format!("RSA {bits}, where 2048 to 8192 bits are accepted")),
        }
    }
}

/// Modulus and exponent (RFC 8017, appendix A.1.1).
fn rsa_numbers(der: &[u8]) -> Option<(BoxedUint, BoxedUint)> {
    let any = AnyRef::from_der(der).ok()?;
    let numbers = any.sequence(|reader| {
        use der::Reader as _;
        let modulus: UintRef<'_> = reader.decode()?;
        let exponent: UintRef<'_> = reader.decode()?;
        Ok::<_, der::Error>((modulus.as_bytes(), exponent.as_bytes()))
    });
    let (modulus, exponent) = numbers.ok()?;
    // Whatever is longer is refused below as too large, without a calculation.
    if modulus.len() > 4096 || exponent.len() > 8 {
        return None;
    }
    Some((BoxedUint::from_be_slice_vartime(modulus), BoxedUint::from_be_slice_vartime(exponent)))
}

/// How something is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Ecdsa(Hash),
    Pkcs1(Hash),
    /// With bytes of salt.
    Pss(Hash, usize),
}

impl Algorithm {
    /// The algorithm of an identifier, or what is wrong with it.
    pub(crate) fn of(identifier: &AlgorithmIdentifierOwned) -> Result<Self, String> {
        let absent = identifier.parameters.is_none();
        let null = identifier.parameters.as_ref().is_none_or(|any| any.is_null());
        let (algorithm, sound) = match identifier.oid.to_string().as_str() {
            "1.2.840.10045.4.3.2" => (Self::Ecdsa(Hash::Sha256), absent),
            "1.2.840.10045.4.3.3" => (Self::Ecdsa(Hash::Sha384), absent),
            "1.2.840.10045.4.3.4" => (Self::Ecdsa(Hash::Sha512), absent),
            "1.2.840.113549.1.1.11" => (Self::Pkcs1(Hash::Sha256), null),
            "1.2.840.113549.1.1.12" => (Self::Pkcs1(Hash::Sha384), null),
            "1.2.840.113549.1.1.13" => (Self::Pkcs1(Hash::Sha512), null),
            "1.2.840.113549.1.1.10" => return pss(identifier),
            "1.2.840.10045.4.1" | "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => {
                return Err("SHA-1, which can be forged".into());
            }
            "1.2.840.113549.1.1.4" => return Err("MD5, which can be forged".into()),
            "1.2.840.113549.1.1.2" => return Err("MD2, which can be forged".into()),
            "1.3.101.112" => return Err("Ed25519, where ECDSA and RSA are accepted".into()),
            other => {
                return Err(format!(
                    "algorithm {other}, where ECDSA and RSA with SHA-256, SHA-384 and SHA-512 are accepted"
                ));
            }
        };
        if sound {
            Ok(algorithm)
        } else {
            Err("an algorithm with parameters that it does not take".into())
        }
    }

    /// Whether a key signed a message; else why not.
    pub(crate) fn verify(self, key: &Key, message: &[u8], signature: &[u8]) -> Result<(), String> {
        const MISMATCH: &str = "it does not fit";
        match (self, key) {
            (_, Key::Other(what)) => Err(format!("the key is {what}")),
            (Self::Ecdsa(hash), Key::Ec(key)) => {
                key.verify_with(hash, message, signature).map_err(|flaw| flaw.to_string())
            }
            (Self::Pkcs1(hash), Key::Rsa(key)) => {
                let signature = pkcs1v15::Signature::try_from(signature).map_err(|_| MISMATCH)?;
                let key = rsa::PublicKey::clone(key);
                let fits = match hash {
                    Hash::Sha256 => {
                        pkcs1v15::VerifyingKey::<Sha256>::new(key).verify(message, &signature)
                    }
                    Hash::Sha384 => {
                        pkcs1v15::VerifyingKey::<Sha384>::new(key).verify(message, &signature)
                    }
                    Hash::Sha512 => {
                        pkcs1v15::VerifyingKey::<Sha512>::new(key).verify(message, &signature)
                    }
                };
                fits.map_err(|_| MISMATCH.into())
            }
            (Self::Pss(hash, salt), Key::Rsa(key)) => {
                let signature = pss::Signature::try_from(signature).map_err(|_| MISMATCH)?;
                let key = rsa::PublicKey::clone(key);
                let fits = match hash {
                    Hash::Sha256 => pss::VerifyingKey::<Sha256>::new_with_salt_len(key, salt)
                        .verify(message, &signature),
                    Hash::Sha384 => pss::VerifyingKey::<Sha384>::new_with_salt_len(key, salt)
                        .verify(message, &signature),
                    Hash::Sha512 => pss::VerifyingKey::<Sha512>::new_with_salt_len(key, salt)
                        .verify(message, &signature),
                };
                fits.map_err(|_| MISMATCH.into())
            }
            (Self::Ecdsa(_), Key::Rsa(_)) => Err("it is ECDSA, and the key is RSA".into()),
            (Self::Pkcs1(_) | Self::Pss(..), Key::Ec(_)) => {
                Err("it is RSA, and the key is EC".into())
            }
        }
    }
}

/// The hash of an identifier (RFC 4055, section 2.1).
pub(crate) fn hash(oid: ObjectIdentifier) -> Option<Hash> {
    match oid.to_string().as_str() {
        "2.16.840.1.101.3.4.2.1" => Some(Hash::Sha256),
        "2.16.840.1.101.3.4.2.2" => Some(Hash::Sha384),
        "2.16.840.1.101.3.4.2.3" => Some(Hash::Sha512),
        _ => None,
    }
}

/// RSASSA-PSS (RFC 4055, section 3.1), with one hash for the message and the mask.
fn pss(identifier: &AlgorithmIdentifierOwned) -> Result<Algorithm, String> {
    let unsound = || {
        String::from(
            "RSASSA-PSS, where its parameters name one hash of SHA-256, SHA-384 and SHA-512",
        )
    };
    let parameters = identifier.parameters.as_ref().ok_or_else(unsound)?;
    let parameters = parameters.to_der().map_err(|_| unsound())?;
    let parameters = RsaPssParams::<der::Any>::from_der(&parameters).map_err(|_| unsound())?;
    let digest = hash(parameters.hash.oid).ok_or_else(unsound)?;
    let mask = parameters.mask_gen.parameters.and_then(|mask| hash(mask.oid));
    if mask != Some(digest) || parameters.mask_gen.oid != MGF1 || parameters.salt_len > 64 {
        return Err(unsound());
    }
    Ok(Algorithm::Pss(digest, usize::from(parameters.salt_len)))
}
