//! Recipients that have a key pair (age-encryption.org/v1, "The X25519 recipient type").

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use chacha20poly1305::aead::Generate;
use hkdf::Hkdf;
use sha2::Sha256;
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

use super::{
    bech32,
    fault::{Fault, Result},
    header::{FileKey, Stanza, bytes_of, malformed},
    wrap,
};
use crate::Trouble;

/// Somebody for whom files can be sealed: `age1...`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Recipient(PublicKey);

/// The secret that opens what was sealed for its recipient: `AGE-SECRET-KEY-1...`.
pub struct Identity {
    secret: StaticSecret,
    recipient: Recipient,
}

impl Identity {
    /// A new one, from the system's randomness.
    pub fn generate() -> std::result::Result<Self, Trouble> {
        let secret = Zeroizing::new(random::<32>()?);
        Ok(Self::of(StaticSecret::from(*secret)))
    }

    fn of(secret: StaticSecret) -> Self {
        let recipient = Recipient(PublicKey::from(&secret));
        Self { secret, recipient }
    }

    /// Whom to seal for, so that this opens it.
    pub fn recipient(&self) -> Recipient {
        self.recipient
    }

    /// The secret as identity files hold it. Whoever reads it opens every file.
    pub fn secret_text(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(self.secret.to_bytes());
        Zeroizing::new(bech32::encode(SECRET, &bytes).to_ascii_uppercase())
    }

    /// The file that keeps it, as `age-keygen` writes it. It belongs to its owner alone: mode 0600.
    pub fn file_text(&self) -> Zeroizing<String> {
        let secret = self.secret_text();
        Zeroizing::new(format!("# public key: {}\n{}\n", self.recipient, &*secret))
    }

    /// The file key, if the stanza was made for this identity.
    pub(super) fn unwrap(&self, stanza: &Stanza) -> Result<Option<FileKey>> {
        let Some((share, body)) = parts(stanza)? else { return Ok(None) };
        let shared = self.secret.diffie_hellman(&PublicKey::from(share));
        let key = key(&shared, &share, self.recipient)?;
        Ok(wrap::open(&key, &body))
    }
}

/// `AGE-SECRET-KEY-1...`, in upper case.
impl FromStr for Identity {
    type Err = Trouble;

    fn from_str(text: &str) -> std::result::Result<Self, Trouble> {
        let decoded = if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            Err("it is in lower case")
        } else {
            bech32::decode(SECRET, text)
        };
        // What is wrong with a secret is said without the secret.
        let bytes = decoded.map_err(|why| {
            Trouble::new(format!("expected an identity, `AGE-SECRET-KEY-1...`: {why}"))
        })?;
        Ok(Self::of(StaticSecret::from(*bytes)))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.recipient)
    }
}

impl Recipient {
    /// The file key, for this recipient.
    pub(super) fn wrap(&self, file_key: &FileKey) -> Result<Stanza> {
        let ephemeral = StaticSecret::from(*Zeroizing::new(random::<32>()?));
        let share = PublicKey::from(&ephemeral);
        let shared = ephemeral.diffie_hellman(&self.0);
        let key = key(&shared, share.as_bytes(), *self)?;
        let arguments = vec![KIND.to_owned(), STANDARD_NO_PAD.encode(share.as_bytes())];
        Ok(Stanza { arguments, body: wrap::seal(&key, file_key)? })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32::encode(PUBLIC, self.0.as_bytes()))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `age1...`, in lower case.
impl FromStr for Recipient {
    type Err = Trouble;

    fn from_str(text: &str) -> std::result::Result<Self, Trouble> {
        // A whole file of an identity may have been given.
        if text.to_ascii_lowercase().contains(SECRET) {
            return Err(Trouble::new("expected a recipient, `age1...`, found a secret identity")
                .help("the recipient stands in the identity's file behind `# public key:`"));
        }
        let decoded = if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Err("it is in upper case")
        } else {
            bech32::decode(PUBLIC, text)
        };
        let bytes = decoded.map_err(|why| {
            Trouble::new(format!("expected a recipient, `age1...`, found `{text}`: {why}"))
                .help("plugins and SSH keys are not supported; ask for a recipient of X25519")
        })?;
        let recipient = Self(PublicKey::from(*bytes));
        // With such a point every secret gives the same, known key.
        let probe = StaticSecret::from([1; 32]).diffie_hellman(&recipient.0);
        if !probe.was_contributory() {
            let why = format!("the recipient `{text}` is a point of low order, nobody's key");
            return Err(Trouble::new(why));
        }
        Ok(recipient)
    }
}

/// What a stanza of this kind holds; an error where it breaks the format, none where it is of
/// another kind.
pub(super) fn parts(stanza: &Stanza) -> Result<Option<([u8; 32], [u8; 32])>> {
    let [kind, arguments @ ..] = &stanza.arguments[..] else { return Ok(None) };
    if kind != KIND {
        return Ok(None);
    }
    let share = match arguments {
        [share] => bytes_of::<32>(share),
        _ => None,
    };
    let share = share.ok_or_else(|| malformed("a share of X25519 is not 32 bytes in base64"))?;
    let body = stanza.body[..].try_into();
    let body = body.map_err(|_| malformed("a wrapped key of X25519 is not 32 bytes"))?;
    Ok(Some((share, body)))
}

/// The key that wraps the file key.
fn key(shared: &SharedSecret, share: &[u8; 32], to: Recipient) -> Result<Zeroizing<[u8; 32]>> {
    if !shared.was_contributory() {
        return Err(Fault::broken("a share of X25519 is a point of low order, which is forged"));
    }
    let salt = [&share[..], to.0.as_bytes()].concat();
    let mut key = Zeroizing::new([0; 32]);
    let expanded = Hkdf::<Sha256>::new(Some(&salt), shared.as_bytes()).expand(INFO, &mut *key);
    expanded.map_err(|_| Trouble::new("cannot derive a key"))?;
    Ok(key)
}

/// Bytes from the system's generator.
pub(super) fn random<const N: usize>() -> std::result::Result<[u8; N], Trouble> {
    <[u8; N]>::try_generate()
        .map_err(|error| Trouble::new(format!("the system gives no random bytes: {error}")))
}

pub(super) const KIND: &str = "X25519";
const INFO: &[u8] = b"age-encryption.org/v1/X25519";
const PUBLIC: &str = "age";
const SECRET: &str = "age-secret-key-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_the_place_of_a_recipient_is_not_said() {
        let secret = Identity::generate().unwrap().secret_text().to_string();
        for text in [secret.clone(), format!(" {secret}"), format!("# public key: x\n{secret}\n")] {
            let trouble = text.parse::<Recipient>().unwrap_err().to_string();
            assert!(!trouble.contains(&secret[..20]), "{trouble}");
        }
    }
}
