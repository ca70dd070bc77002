//! What a file is that was given in place of a key, in words.

use der::{Decode as _, Reader as _, asn1::AnyRef, oid::ObjectIdentifier};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, spki::SubjectPublicKeyInfoRef};

use super::{Curve, EC_PUBLIC_KEY, pem::Block};

/// What a file without the expected block is.
pub(super) fn file(text: &[u8], blocks: &[Block]) -> String {
    match (blocks, text.trim_ascii_start()) {
        ([block, ..], _) => self::block(block),
        ([], []) => "empty".into(),
        ([], [0x30, 0x80..=0xff, ..]) => "binary DER".into(),
        ([], [b's', b's', b'h', b'-', ..] | [b'e', b'c', b'd', b's', b'a', b'-', ..]) => {
            "a public key of OpenSSH".into()
        }
        ([], [b'{', ..]) => "JSON".into(),
        ([], _) => "no PEM".into(),
    }
}

/// What a block is.
pub(super) fn block(block: &Block) -> String {
    let bytes = block.bytes.as_slice();
    match block.label.as_str() {
        "PRIVATE KEY" => PrivateKeyInfoRef::try_from(bytes).map_or_else(
            |_| "a broken private key".into(),
            |key| {
                format!(
                    "a private key, {}",
                    algorithm(
                        key.algorithm.oid,
                        key.algorithm.parameters,
                        key.private_key.as_bytes()
                    )
                )
            },
        ),
        "PUBLIC KEY" => SubjectPublicKeyInfoRef::from_der(bytes).map_or_else(
            |_| "a broken public key".into(),
            |key| {
                format!(
                    "a public key, {}",
                    algorithm(
                        key.algorithm.oid,
                        key.algorithm.parameters,
                        key.subject_public_key.raw_bytes()
                    )
                )
            },
        ),
        "ENCRYPTED PRIVATE KEY" if EncryptedPrivateKeyInfoRef::from_der(bytes).is_ok() => {
            "an encrypted private key".into()
        }
        "ENCRYPTED PRIVATE KEY" => "a private key encrypted in an unknown way".into(),
        "EC PRIVATE KEY" => "a private EC key".into(),
        "RSA PRIVATE KEY" | "RSA PUBLIC KEY" => format!("RSA{}", modulus(bytes)),
        "DSA PRIVATE KEY" => "DSA".into(),
        "OPENSSH PRIVATE KEY" => "a private key of OpenSSH".into(),
        "CERTIFICATE" | "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => "a certificate".into(),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => "a certificate request".into(),
        other => format!("a PEM block `{other}`"),
    }
}

/// What algorithm a key is for.
fn algorithm(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, key: &[u8]) -> String {
    const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
    const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
    const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
    const ED448: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.113");
    const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");
    const SECP256K1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.10");
    match oid {
        EC_PUBLIC_KEY => {
            match parameters.and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok()) {
                Some(SECP256K1) => "EC on secp256k1".into(),
                Some(curve) => match Curve::of(curve) {
                    Some(curve) => format!("EC on {curve}"),
                    None => format!("EC on curve {curve}"),
                },
                None => "EC on a curve without a name".into(),
            }
        }
        RSA | RSA_PSS => format!("RSA{}", modulus(key)),
        DSA => "DSA".into(),
        ED25519 => "Ed25519".into(),
        ED448 => "Ed448".into(),
        X25519 => "X25519".into(),
        other => format!("of algorithm {other}"),
    }
}

/// Bits of the modulus of an RSA key (RFC 8017, appendix A.1), after a blank.
fn modulus(key: &[u8]) -> String {
    let Ok(any) = AnyRef::from_der(key) else { return String::new() };
    let largest = any.sequence(|reader| {
        // A private key has its version first.
        let mut largest = 0usize;
        for _ in 0..2 {
            let number: AnyRef<'_> = reader.decode()?;
            let digits = number.value();
            let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
            let zeros = digits.first().map_or(0, |first| first.leading_zeros());
            let bits =
                digits.len().saturating_mul(8).saturating_sub(usize::try_from(zeros).unwrap_or(0));
            largest = largest.max(bits);
        }
        while !reader.is_finished() {
            reader.tlv_bytes()?;
        }
        Ok::<_, der::Error>(largest)
    });
    largest.map_or_else(|_| String::new(), |bits| format!(" {bits}"))
}
