//! Private keys. They are wiped from memory when they are dropped, and never shown.

use std::fmt;

use der::{Decode as _, Encode as _, asn1::AnyRef, oid::ObjectIdentifier};
use p256::{ecdsa::signature::Signer as _, elliptic_curve::Generate as _};
use pkcs8::{
    EncodePrivateKey as _, EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef,
    pkcs5::{
        EncryptionScheme,
        pbes2::{Kdf, Parameters},
    },
};
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

use super::{Curve, EC_PUBLIC_KEY, PublicKey, foreign, pem, public::Point};
use crate::Trouble;

/// A private key.
pub struct SigningKey(Secret);

// Each wipes itself when it is dropped.
enum Secret {
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
}

const EXPECTED: &str = "expected a P-256, P-384 or P-521 private key in PKCS#8 or SEC1 PEM";

/// Rounds of PBKDF2 for a key that we encrypt: what OWASP recommends for HMAC-SHA-256.
const ROUNDS: u32 = 600_000;

/// The most work that the password of a key may ask for: seconds, not hours.
const MOST_ROUNDS: u32 = 20_000_000;
const MOST_MEMORY: u64 = 256 << 20;

impl SigningKey {
    /// A new key, from the randomness of the operating system.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn generate(curve: Curve) -> Result<Self, Trouble> {
        Ok(Self(match curve {
            Curve::P256 => Secret::P256(p256::SecretKey::try_generate().map_err(|_| randomness())?),
            Curve::P384 => Secret::P384(p384::SecretKey::try_generate().map_err(|_| randomness())?),
            Curve::P521 => Secret::P521(p521::SecretKey::try_generate().map_err(|_| randomness())?),
        }))
    }

    /// The key of a PEM file: PKCS#8 (RFC 5958), plain or encrypted by PBES2 (RFC 8018), or SEC1 (RFC 5915).
    /// A password given for a key that is not encrypted is not used.
    ///
    /// # Errors
    /// Says what the file is instead; a wrong password and a broken encrypted key are told alike.
    pub fn read(text: &[u8], password: Option<&[u8]>) -> Result<Self, Trouble> {
        let blocks = pem::blocks(text)?;
        let mut keys = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
        let Some(block) = keys.next() else {
            let trouble =
                Trouble::new(format!("{EXPECTED}; this is {}", foreign::file(text, &blocks)));
            return Err(if blocks.is_empty() && text.first() == Some(&0x30) {
                trouble.help("`openssl pkey -inform der -in KEY` makes it PEM")
            } else {
                trouble
            });
        };
        if keys.next().is_some() {
            return Err(Trouble::new(format!("{EXPECTED}; there are several")));
        }
        if block.is_encrypted {
            return Err(Trouble::new("this key is encrypted as OpenSSL did before PKCS#8")
                .help("`openssl pkcs8 -topk8 -in OLD -out NEW` makes it PKCS#8"));
        }
        match block.label.as_str() {
            "PRIVATE KEY" => Self::pkcs8(block),
            "EC PRIVATE KEY" => Self::sec1(block),
            "ENCRYPTED PRIVATE KEY" => Self::encrypted(block, password),
            "OPENSSH PRIVATE KEY" => {
                Err(refused(block)
                    .help("`ssh-keygen -p -m PKCS8 -f KEY` makes it PKCS#8, in place"))
            }
            _ => Err(refused(block)),
        }
    }

    /// Whether a PEM file holds a private key that needs a password.
    pub fn is_encrypted(text: &[u8]) -> bool {
        pem::blocks(text).is_ok_and(|blocks| {
            blocks.iter().any(|block| block.label == "ENCRYPTED PRIVATE KEY" || block.is_encrypted)
        })
    }

    /// PKCS#8 in PEM; with a password encrypted by PBES2: PBKDF2 with HMAC-SHA-256, AES-256-CBC.
    ///
    /// # Errors
    /// There is no randomness for salt and initialisation vector.
    pub fn to_pem(&self, password: Option<&[u8]>) -> Result<Zeroizing<String>, Trouble> {
        let document = match &self.0 {
            Secret::P256(key) => key.to_pkcs8_der(),
            Secret::P384(key) => key.to_pkcs8_der(),
            Secret::P521(key) => key.to_pkcs8_der(),
        };
        let document = document.map_err(|_| Trouble::new("the key cannot be encoded"))?;
        let Some(password) = password else {
            return Ok(pem::block("PRIVATE KEY", document.as_bytes()));
        };
        let (mut salt, mut vector) = ([0; 16], [0; 16]);
        getrandom::fill(&mut salt)
            .and_then(|()| getrandom::fill(&mut vector))
            .map_err(|_| randomness())?;
        let encrypted = Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, vector)
            .and_then(|parameters| {
                let encrypted_data = parameters.encrypt(password, document.as_bytes())?;
                Ok((parameters, encrypted_data))
            })
            .ok()
            .and_then(|(parameters, data)| {
                let encrypted_data = der::asn1::OctetStringRef::new(&data).ok()?;
                let info = EncryptedPrivateKeyInfoRef {
                    encryption_algorithm: parameters.into(),
                    encrypted_data,
                };
                info.to_der().ok()
            })
            .ok_or_else(|| Trouble::new("the key cannot be encrypted"))?;
        Ok(pem::block("ENCRYPTED PRIVATE KEY", &encrypted))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey::new(match &self.0 {
            Secret::P256(key) => Point::P256(key.public_key().into()),
            Secret::P384(key) => Point::P384(key.public_key().into()),
            Secret::P521(key) => Point::P521(key.public_key().into()),
        })
    }

    /// Its curve.
    pub const fn curve(&self) -> Curve {
        match self.0 {
            Secret::P256(_) => Curve::P256,
            Secret::P384(_) => Curve::P384,
            Secret::P521(_) => Curve::P521,
        }
    }

    /// A signature in DER, with the hash of the curve. The same message has the same one (RFC 6979).
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.0 {
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature =
                    p256::ecdsa::SigningKey::from(key).sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Secret::P384(key) => {
                let signature: p384::ecdsa::Signature =
                    p384::ecdsa::SigningKey::from(key).sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Secret::P521(key) => {
                let signature: p521::ecdsa::Signature =
                    p521::ecdsa::SigningKey::from(key).sign(message);
                signature.to_der().as_bytes().to_vec()
            }
        }
    }

    fn pkcs8(block: &pem::Block) -> Result<Self, Trouble> {
        let curve = |info: &PrivateKeyInfoRef<'_>| {
            let curve: ObjectIdentifier = info.algorithm.parameters?.decode_as().ok()?;
            if info.algorithm.oid == EC_PUBLIC_KEY { Curve::of(curve) } else { None }
        };
        let info =
            PrivateKeyInfoRef::try_from(block.bytes.as_slice()).map_err(|_| refused(block))?;
        let key = match curve(&info).ok_or_else(|| refused(block))? {
            Curve::P256 => p256::SecretKey::try_from(info).ok().map(Secret::P256),
            Curve::P384 => p384::SecretKey::try_from(info).ok().map(Secret::P384),
            Curve::P521 => p521::SecretKey::try_from(info).ok().map(Secret::P521),
        };
        key.map(Self).ok_or_else(broken)
    }

    fn sec1(block: &pem::Block) -> Result<Self, Trouble> {
        let info = EcPrivateKey::from_der(&block.bytes).map_err(|_| broken())?;
        let oid = info.parameters.and_then(|parameters| parameters.named_curve());
        let curve = match oid {
            Some(oid) => Curve::of(oid)
                .ok_or_else(|| Trouble::new(format!("{EXPECTED}; this is EC on curve {oid}")))?,
            // The size tells the curve where the file does not.
            None => Curve::ALL
                .into_iter()
                .find(|curve| curve.size() == info.private_key.len())
                .ok_or_else(broken)?,
        };
        let key = match curve {
            Curve::P256 => p256::SecretKey::try_from(info).ok().map(Secret::P256),
            Curve::P384 => p384::SecretKey::try_from(info).ok().map(Secret::P384),
            Curve::P521 => p521::SecretKey::try_from(info).ok().map(Secret::P521),
        };
        key.map(Self).ok_or_else(broken)
    }

    fn encrypted(block: &pem::Block, password: Option<&[u8]>) -> Result<Self, Trouble> {
        let unreadable = || Trouble::new("the password is wrong, or the encrypted key is broken");
        let Ok(info) = EncryptedPrivateKeyInfoRef::from_der(&block.bytes) else {
            // A sequence that we do not know is encrypted otherwise; what is none is broken.
            return Err(match AnyRef::from_der(&block.bytes) {
                Ok(_) => {
                    Trouble::new("expected a key encrypted by PBES2, with PBKDF2 or scrypt and AES")
                        .help("`openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW` makes it so")
                }
                Err(_) => unreadable(),
            });
        };
        let costly = match &info.encryption_algorithm {
            EncryptionScheme::Pbes2(Parameters { kdf: Kdf::Pbkdf2(kdf), .. }) => {
                kdf.iteration_count > MOST_ROUNDS
            }
            EncryptionScheme::Pbes2(Parameters { kdf: Kdf::Scrypt(kdf), .. }) => {
                let memory = kdf
                    .cost_parameter
                    .saturating_mul(u64::from(kdf.block_size))
                    .saturating_mul(128);
                memory > MOST_MEMORY || kdf.parallelization > 16
            }
            _ => true,
        };
        if costly {
            return Err(Trouble::new("the key's encryption asks for more work than any tool does"));
        }
        let password = password.ok_or_else(|| {
            Trouble::new("the key is encrypted, and there is no password")
                .help("`--key-password-file FILE`")
        })?;
        let plain = info.decrypt(password).map_err(|_| unreadable())?;
        let bytes = Zeroizing::new(plain.as_bytes().to_vec());
        let block = pem::Block { label: "PRIVATE KEY".into(), is_encrypted: false, bytes };
        // What a wrong password makes of a key is no key, now and then with good padding.
        PrivateKeyInfoRef::try_from(block.bytes.as_slice()).map_err(|_| unreadable())?;
        Self::pkcs8(&block)
    }
}

fn refused(block: &pem::Block) -> Trouble {
    Trouble::new(format!("{EXPECTED}; this is {}", foreign::block(block)))
}

fn broken() -> Trouble {
    Trouble::new(
        "the private key is broken: its numbers are outside the curve, or its public half is another's",
    )
}

fn randomness() -> Trouble {
    Trouble::new("the operating system gives no randomness")
}

impl fmt::Debug for SigningKey {
    /// The curve alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a private key on {}", self.curve())
    }
}
