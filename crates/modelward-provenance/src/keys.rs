//! Keys that sign: ECDSA on P-256, P-384 and P-521.
//!
//! The curves of OpenSSF Model Signing v1.0, each with the hash of its size (FIPS 186-5). Signatures are
//! DER, read strictly; keys are PEM: PKCS#8 (RFC 5958) or SEC1 (RFC 5915), and SubjectPublicKeyInfo (RFC 5480).

mod foreign;
pub(crate) mod pem;
mod public;
mod signature;
mod signing;

use std::fmt;

use der::oid::ObjectIdentifier;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

pub use self::{public::PublicKey, signature::SignatureFlaw, signing::SigningKey};

/// The curves of NIST (FIPS 186-5) that sign models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// secp256r1, with SHA-256.
    P256,
    /// secp384r1, with SHA-384.
    P384,
    /// secp521r1, with SHA-512.
    P521,
}

impl Curve {
    /// Every curve.
    pub const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::P256 => ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
            Self::P384 => ObjectIdentifier::new_unwrap("1.3.132.0.34"),
            Self::P521 => ObjectIdentifier::new_unwrap("1.3.132.0.35"),
        }
    }

    fn of(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oid() == oid)
    }

    /// Bytes of a coordinate, and of each half of a signature.
    const fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The hash that goes with it.
    pub(crate) const fn hash(self) -> Hash {
        match self {
            Self::P256 => Hash::Sha256,
            Self::P384 => Hash::Sha384,
            Self::P521 => Hash::Sha512,
        }
    }
}

impl fmt::Display for Curve {
    /// As NIST writes it: `P-256`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        })
    }
}

/// The hashes under signatures (FIPS 180-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The hash of a message.
    pub(crate) fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// Keys over a curve (RFC 5480, section 2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A signature in DER of two numbers as they are.
    fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
        let tlv = |tag: u8, bytes: &[u8]| match u8::try_from(bytes.len()).unwrap() {
            len @ 0..=0x7f => [&[tag, len], bytes].concat(),
            len => [&[tag, 0x81, len], bytes].concat(),
        };
        tlv(0x30, &[tlv(2, r), tlv(2, s)].concat())
    }

    fn integer(bytes: &[u8]) -> Vec<u8> {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let digits = &bytes[zeros..];
        if digits.first().is_none_or(|first| *first >= 0x80) {
            [&[0], digits].concat()
        } else {
            digits.to_vec()
        }
    }

    #[test]
    fn signatures_are_those_of_rfc_6979() {
        // Appendices A.2.5 and A.2.6, message `sample`, the hash of the curve.
        let key = |scalar: &str, curve: &str| {
            let hex = |text: &str| -> Vec<u8> {
                (0..text.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
                    .collect()
            };
            let scalar = hex(scalar);
            let len = u8::try_from(scalar.len()).unwrap();
            let curve = hex(curve);
            let inner = [
                &[2, 1, 1, 4, len],
                &scalar[..],
                &[0xa0, u8::try_from(curve.len()).unwrap()],
                &curve,
            ]
            .concat();
            let sequence = [&[0x30, u8::try_from(inner.len()).unwrap()], &inner[..]].concat();
            SigningKey::read(pem::block("EC PRIVATE KEY", &sequence).as_bytes(), None).unwrap()
        };
        let shown =
            |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        let p256 = key(
            "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
            "06082A8648CE3D030107",
        );
        let signature = shown(p256.sign(b"sample"));
        assert!(
            signature.contains("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"),
            "{signature}"
        );
        assert!(
            signature.contains("F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"),
            "{signature}"
        );
        let p384 = key(
            "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
            "06052B81040022",
        );
        let signature = shown(p384.sign(b"sample"));
        assert!(
            signature.contains("94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46"),
            "{signature}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn what_is_signed_verifies_and_nothing_else(message: Vec<u8>, at: prop::sample::Index, bit in 0..8u8) {
            for curve in Curve::ALL {
                let key = SigningKey::generate(curve).unwrap();
                let signature = key.sign(&message);
                prop_assert_eq!(&signature, &key.sign(&message));
                prop_assert_eq!(key.public().verify(&message, &signature), Ok(()));
                let mut other = signature.clone();
                let at = at.index(other.len());
                other[at] ^= 1 << bit;
                prop_assert!(key.public().verify(&message, &other).is_err());
                prop_assert_eq!(
                    key.public().verify(&[&message[..], b"."].concat(), &signature),
                    Err(SignatureFlaw::Mismatch)
                );
                let stranger = SigningKey::generate(curve).unwrap().public();
                prop_assert_eq!(stranger.verify(&message, &signature), Err(SignatureFlaw::Mismatch));
            }
        }

        #[test]
        fn bytes_are_no_signature(bytes: Vec<u8>) {
            let key = SigningKey::generate(Curve::P521).unwrap().public();
            prop_assert!(key.verify(b"", &bytes).is_err());
        }
    }

    #[test]
    fn a_signature_has_one_form() {
        let key = SigningKey::generate(Curve::P256).unwrap();
        let signature = key.sign(b"text");
        let [r, s] = signature::numbers(&signature, Curve::P256).unwrap();
        let (r, s) = (integer(&r), integer(&s));
        let order: Vec<u8> = [
            &[0xff; 4],
            &[0; 4][..],
            &[0xff; 8],
            &[
                0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
                0x25, 0x51,
            ],
        ]
        .concat();
        let verify = |der: &[u8]| key.public().verify(b"text", der);
        assert_eq!(verify(&der(&r, &s)), Ok(()));
        // n - s fits as well, as in the reference.
        let mut twin = order.clone();
        let mut borrow = 0u16;
        for (at, digit) in twin.iter_mut().enumerate().rev() {
            let s = signature::numbers(&signature, Curve::P256).unwrap()[1][at];
            let take = u16::from(s) + borrow;
            borrow = u16::from(u16::from(*digit) < take);
            *digit = u8::try_from((u16::from(*digit) + 256 - take) % 256).unwrap();
        }
        assert_eq!(verify(&der(&r, &integer(&twin))), Ok(()));
        for number in [&[0][..], &integer(&order), &[0x80], &[0xff; 33]] {
            assert_eq!(verify(&der(number, &s)), Err(SignatureFlaw::OutOfRange));
            assert_eq!(verify(&der(&r, number)), Err(SignatureFlaw::OutOfRange));
        }
        let body = &der(&r, &s)[2..];
        let len = u8::try_from(body.len()).unwrap();
        for not_der in [
            [&signature[..], &[0]].concat(),
            [&[0x30, 0x81, len], body].concat(),
            [&[0x30, 0x82, 0, len], body].concat(),
            [&[0x30, 0x80], body, &[0, 0]].concat(),
            der(&[&[0], &r[..]].concat(), &[&[0, 0], &s[..]].concat()),
            der(&[], &s),
            signature[..20].to_vec(),
            Vec::new(),
        ] {
            assert!(matches!(verify(&not_der), Err(SignatureFlaw::NotDer(_))), "{not_der:?}");
        }
        let raw = signature::numbers(&signature, Curve::P256).unwrap().concat();
        assert_eq!(verify(&raw), Err(SignatureFlaw::Raw));
    }

    #[test]
    fn a_short_hash_fits_every_curve() {
        // As the bundles of model-signing 0.2.0 have it.
        for curve in Curve::ALL {
            let key = SigningKey::generate(curve).unwrap();
            let signature = key.sign(b"text");
            let fits = key.public().verify_sha256(b"text", &signature).is_ok();
            assert_eq!(fits, curve == Curve::P256);
        }
        // A signature on P-521 over SHA-256, made by OpenSSL 3.0.
        let key = PublicKey::read(include_bytes!("../tests/keys/p521-sha256.pem")).unwrap();
        let signature = include_bytes!("../tests/keys/p521-sha256.sig");
        assert_eq!(key.verify_sha256(b"text", signature), Ok(()));
    }

    #[test]
    fn keys_come_back_from_their_files() {
        for curve in Curve::ALL {
            let key = SigningKey::generate(curve).unwrap();
            assert_eq!(format!("{key:?}"), format!("a private key on {curve}"));
            let plain = key.to_pem(None).unwrap();
            let windows = plain.replace('\n', "\r\n");
            for text in [plain.as_bytes(), windows.as_bytes()] {
                assert!(!SigningKey::is_encrypted(text));
                assert_eq!(SigningKey::read(text, None).unwrap().public(), key.public());
            }
            let public = key.public();
            assert_eq!(PublicKey::read(public.pem().as_bytes()).unwrap(), public);
            assert_eq!(public.hint().len(), 64);
        }
        let key = SigningKey::generate(Curve::P384).unwrap();
        let encrypted = key.to_pem(Some(b"word")).unwrap();
        assert!(SigningKey::is_encrypted(encrypted.as_bytes()));
        let read = |text: &str, word: Option<&[u8]>| SigningKey::read(text.as_bytes(), word);
        assert_eq!(read(&encrypted, Some(b"word")).unwrap().public(), key.public());
        let wrong = read(&encrypted, Some(b"other")).unwrap_err();
        let block = pem::blocks(encrypted.as_bytes()).unwrap().remove(0);
        let cut = &block.bytes[..block.bytes.len() - 1];
        let broken = read(&pem::block("ENCRYPTED PRIVATE KEY", cut), Some(b"word")).unwrap_err();
        assert_eq!(wrong, broken);
        assert!(read(&encrypted, None).unwrap_err().why.contains("there is no password"));
    }

    #[test]
    fn a_key_with_the_public_half_of_another_is_refused() {
        let block = |key: &SigningKey| {
            pem::blocks(key.to_pem(None).unwrap().as_bytes()).unwrap().remove(0).bytes
        };
        let [one, other] = [(); 2].map(|()| SigningKey::generate(Curve::P256).unwrap());
        let (one, other) = (block(&one), block(&other));
        let half = one.len() - 64;
        let mixed = pem::block("PRIVATE KEY", &[&one[..half], &other[half..]].concat());
        let trouble = SigningKey::read(mixed.as_bytes(), None).unwrap_err();
        assert!(trouble.why.contains("is broken"), "{trouble}");
    }

    #[test]
    fn what_is_no_key_is_named() {
        let expected =
            "expected a P-256, P-384 or P-521 private key in PKCS#8 or SEC1 PEM; this is ";
        let private = |text: &[u8]| SigningKey::read(text, None).unwrap_err().why.into_owned();
        let public = |text: &[u8]| PublicKey::read(text).unwrap_err().why.into_owned();
        // An RSA key's modulus of 2048 bits, in PKCS#8 and alone.
        let rsa = [&[0x30, 0x82, 1, 8, 2, 1, 0, 2, 0x82, 1, 1, 0, 0x80][..], &[1; 255]].concat();
        let info = [
            &[
                2, 1, 0, 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0, 4, 0x82,
                1, 12,
            ][..],
            &rsa,
        ]
        .concat();
        let pkcs8 = [&[0x30, 0x82, 1, 34][..], &info].concat();
        for block in [pem::block("RSA PRIVATE KEY", &rsa), pem::block("PRIVATE KEY", &pkcs8)] {
            let why = private(block.as_bytes());
            assert!(why.starts_with(expected) && why.ends_with("RSA 2048"), "{why}");
            assert!(public(block.as_bytes()).ends_with("this is a private key"));
        }
        let key = SigningKey::generate(Curve::P256).unwrap();
        let pem = key.public().pem();
        assert_eq!(private(pem.as_bytes()), format!("{expected}a public key, EC on P-256"));
        assert_eq!(private(b""), format!("{expected}empty"));
        assert_eq!(private(b"hello"), format!("{expected}no PEM"));
        assert_eq!(private(&[0x30, 0x81, 0x87]), format!("{expected}binary DER"));
        assert!(
            public(pem::block("CERTIFICATE", b"").as_bytes()).ends_with("this is a certificate")
        );
        let twice = [pem.as_str(), &pem].concat();
        assert!(public(twice.as_bytes()).ends_with("there are several"));
    }
}
