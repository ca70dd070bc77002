//! Seals: a file or a folder, encrypted at rest so that age opens it (age-encryption.org/v1).
//!
//! Recipients are key pairs of X25519, or one passphrase. A folder is sealed as a tar archive that
//! is the same for the same content ([`folder`]). [`Opened`] reads ranges of a sealed file into
//! memory, without ever writing what it holds.

use std::{
    fmt,
    io::{self, BufRead, Read, Write},
};

use crate::Trouble;

mod armor;
mod bech32;
mod disk;
mod fault;
pub mod folder;
mod header;
mod key_file;
mod opened;
mod passphrase;
mod stream;
mod unlock;
mod wrap;
mod x25519;

pub use self::{
    disk::{Stopped, copy, file},
    fault::{Fault, Result},
    key_file::{Kept, identities, read_identities, read_passphrase, read_recipients, recipients},
    opened::Opened,
    passphrase::{MOST_WORK, Passphrase, USUAL_WORK, WORK},
    unlock::Secret,
    x25519::{Identity, Recipient},
};
use self::{
    header::FileKey,
    stream::{Cipher, NONCE, Opener, Sealer},
};

/// Who can open what is sealed.
#[derive(Clone, Debug)]
pub enum Lock {
    /// Each of these; at least one.
    Recipients(Vec<Recipient>),
    /// Whoever knows the passphrase. Trying one costs 2^`work` KiB of memory ([`WORK`]).
    Passphrase {
        /// The passphrase.
        passphrase: Passphrase,
        /// Its work factor, at most [`MOST_WORK`].
        work: u8,
    },
}

/// A writer that seals what it is given, as bytes or in ASCII armour.
#[derive(Debug)]
pub struct Seal<W: Write>(Sealer<Form<W>>);

#[derive(Debug)]
enum Form<W> {
    Bytes(W),
    Armor(armor::Armor<W>),
}

impl<W: Write> Seal<W> {
    /// Begin a sealed file. Without [`finish`](Self::finish) it does not open.
    pub fn new(lock: &Lock, in_armor: bool, into: W) -> Result<Self> {
        let file_key = FileKey::new(x25519::random()?);
        let stanzas = match lock {
            Lock::Recipients(recipients) if recipients.is_empty() => {
                return Err(Trouble::new("expected a recipient, found none").into());
            }
            Lock::Recipients(recipients) => {
                recipients.iter().map(|recipient| recipient.wrap(&file_key)).collect()
            }
            Lock::Passphrase { passphrase, work } => {
                passphrase.wrap(&file_key, *work).map(|stanza| vec![stanza])
            }
        };
        let mut into = match in_armor {
            true => Form::Armor(armor::Armor::new(into)),
            false => Form::Bytes(into),
        };
        header::write(&stanzas?, &file_key, &mut into)?;
        let nonce = x25519::random::<NONCE>()?;
        into.write_all(&nonce)?;
        Ok(Self(Sealer::new(into, Cipher::new(&file_key, &nonce)?)))
    }

    /// Seal the end.
    pub fn finish(self) -> io::Result<W> {
        match self.0.finish()? {
            Form::Bytes(into) => Ok(into),
            Form::Armor(armor) => armor.finish(),
        }
    }
}

impl<W: Write> Write for Seal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Write for Form<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Bytes(into) => into.write(bytes),
            Self::Armor(armor) => armor.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Bytes(into) => into.flush(),
            Self::Armor(armor) => armor.flush(),
        }
    }
}

/// A reader of what is sealed. It gives only bytes that are authenticated, but that they are all is
/// known no sooner than it ends without an error; errors hold a [`Fault`]. In constant memory.
pub struct Unseal<'a>(Opener<Box<dyn BufRead + Send + 'a>>);

impl<'a> Unseal<'a> {
    /// Read the header of a sealed file, which may be in ASCII armour, and find its key.
    pub fn new(sealed: impl Read + Send + 'a, secret: &Secret) -> Result<Self> {
        let mut from = armor::open(sealed)?;
        let cipher = unlock::begin(&mut *from, secret)?;
        Ok(Self(Opener::new(from, cipher)))
    }
}

impl Read for Unseal<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl fmt::Debug for Unseal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unseal")
    }
}
