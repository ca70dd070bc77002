//! A recipient that is a passphrase (age-encryption.org/v1, "The scrypt recipient type"; RFC 7914).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use scrypt::Params;
use zeroize::Zeroizing;

use super::{
    fault::Result,
    header::{FileKey, Stanza, bytes_of, malformed},
    wrap,
    x25519::random,
};
use crate::Trouble;

/// A passphrase.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// A passphrase that is not empty.
    pub fn new(text: String) -> std::result::Result<Self, Trouble> {
        let text = Zeroizing::new(text);
        if text.is_empty() {
            return Err(Trouble::new("expected a passphrase, found none"));
        }
        Ok(Self(text))
    }

    /// The file key, under this passphrase. It costs 2^`work` times 1 KiB of memory, and as much time.
    pub(super) fn wrap(&self, file_key: &FileKey, work: u8) -> Result<Stanza> {
        let salt = random::<16>()?;
        let key = self.key(&salt, work)?;
        let arguments = vec![KIND.to_owned(), STANDARD_NO_PAD.encode(salt), work.to_string()];
        Ok(Stanza { arguments, body: wrap::seal(&key, file_key)? })
    }

    /// The file key, if the stanza was made with this passphrase; trouble where trying would cost
    /// more than 2^`most`.
    pub(super) fn unwrap(&self, stanza: &Stanza, most: u8) -> Result<Option<FileKey>> {
        let Some((salt, work, body)) = parts(stanza)? else { return Ok(None) };
        if work > most {
            let why = format!("the passphrase's work factor is {work}, over the limit of {most}");
            let cost = 1_u64.checked_shl(work.saturating_sub(10).into()).unwrap_or(0);
            return Err(Trouble::new(why)
                .help(format!(
                    "trying it takes {cost} MiB of memory; if you trust the file: \
                     `--max-work-factor {work}`"
                ))
                .into());
        }
        Ok(wrap::open(&*self.key(&salt, work)?, &body))
    }

    fn key(&self, salt: &[u8; 16], work: u8) -> Result<Zeroizing<[u8; 32]>> {
        let salt = [LABEL, salt].concat();
        let mut key = Zeroizing::new([0; 32]);
        let derived = Params::new(work, 8, 1)
            .ok()
            .and_then(|params| scrypt::scrypt(self.0.as_bytes(), &salt, &params, &mut *key).ok());
        derived.ok_or_else(|| Trouble::new("cannot derive a key from the passphrase"))?;
        Ok(key)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase")
    }
}

/// Salt, work factor, wrapped key.
type Parts = ([u8; 16], u8, [u8; 32]);

/// What a stanza of this kind holds.
pub(super) fn parts(stanza: &Stanza) -> Result<Option<Parts>> {
    let [kind, arguments @ ..] = &stanza.arguments[..] else { return Ok(None) };
    if kind != KIND {
        return Ok(None);
    }
    let [salt, work] = arguments else {
        return Err(malformed("a passphrase has other arguments than salt and work factor"));
    };
    let salt = bytes_of(salt).ok_or_else(|| malformed("a salt is not 16 bytes in base64"))?;
    if work.starts_with('0') || !work.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed("a work factor is no decimal number"));
    }
    let work = work.parse().ok().filter(|work| *work <= MOST_WORK);
    let work = work.ok_or_else(|| malformed("a work factor is over 22, which takes over 4 GiB"))?;
    let body = stanza.body[..].try_into();
    let body = body.map_err(|_| malformed("a key wrapped by passphrase is not 32 bytes"))?;
    Ok(Some((salt, work, body)))
}

pub(super) const KIND: &str = "scrypt";
const LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
/// What a passphrase costs that we seal with, as in `age`: 256 MiB.
pub const WORK: u8 = 18;
/// What is tried by default: 1 GiB.
pub const USUAL_WORK: u8 = 20;
/// What may be tried at most, as in `age`: 4 GiB.
pub const MOST_WORK: u8 = 22;
