//! From a header and a secret to the key of a file.

use std::{
    fmt::Write,
    io::{self, BufRead},
};

use super::{
    fault::{Fault, Result},
    header::{FileKey, Header, malformed},
    passphrase::{self, Passphrase},
    stream::{Cipher, NONCE},
    x25519::{self, Identity},
};
use crate::Trouble;

/// What opens a file.
#[derive(Debug)]
pub enum Secret {
    /// Any of these identities.
    Identities(Vec<Identity>),
    /// A passphrase, and the highest work factor that is tried with it: 2^`most_work` KiB of memory.
    Passphrase {
        /// The passphrase.
        passphrase: Passphrase,
        /// [`USUAL_WORK`](passphrase::USUAL_WORK), unless the user says otherwise.
        most_work: u8,
    },
}

/// Read what stands before the chunks.
pub(super) fn begin(from: &mut dyn BufRead, secret: &Secret) -> Result<Cipher> {
    let header = Header::read(from)?;
    let file_key = unlock(&header, secret)?;
    let mut nonce = [0; NONCE];
    from.read_exact(&mut nonce).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::broken("the file is cut short after its header"),
        _ => error.into(),
    })?;
    Cipher::new(&file_key, &nonce)
}

/// The file key, once the header is known to be as it was written.
fn unlock(header: &Header, secret: &Secret) -> Result<FileKey> {
    let (mut with_passphrase, mut with_key) = (0_usize, 0_usize);
    // What the format says of the known kinds holds for all, whoever they are for.
    for stanza in &header.stanzas {
        with_key = with_key.saturating_add(x25519::parts(stanza)?.is_some().into());
        with_passphrase =
            with_passphrase.saturating_add(passphrase::parts(stanza)?.is_some().into());
    }
    if with_passphrase > 0 && header.stanzas.len() > 1 {
        return Err(malformed("a passphrase stands beside other recipients"));
    }
    for stanza in &header.stanzas {
        let found = match secret {
            Secret::Identities(identities) => {
                let found = identities.iter().map(|identity| identity.unwrap(stanza));
                found.filter_map(std::result::Result::transpose).next().transpose()?
            }
            Secret::Passphrase { passphrase, most_work } => {
                passphrase.unwrap(stanza, *most_work)?
            }
        };
        if let Some(key) = found {
            header.authenticate(&key)?;
            return Ok(key);
        }
    }
    Err(no_match(header, secret, with_key, with_passphrase).into())
}

/// Why nothing fits, and what would.
fn no_match(header: &Header, secret: &Secret, with_key: usize, with_passphrase: usize) -> Trouble {
    let sealed_for = match with_key {
        1 => "one recipient".to_owned(),
        count => format!("{count} recipients"),
    };
    match secret {
        Secret::Identities(_) if with_passphrase > 0 => {
            Trouble::new("the file is sealed with a passphrase, not for an identity")
                .help("open it with `--passphrase`, or `--passphrase-file FILE`")
        }
        Secret::Passphrase { .. } if with_passphrase == 0 => {
            let why = format!("the file is sealed for {sealed_for}, not with a passphrase");
            Trouble::new(why).help("open it with `--identity FILE`")
        }
        Secret::Passphrase { .. } => Trouble::new("the passphrase does not open the file")
            .help("it is another one, or the file's header was changed"),
        Secret::Identities(identities) => {
            let mut why = match &identities[..] {
                [_] => "the identity does not open the file".to_owned(),
                many => format!("none of the {} identities opens the file", many.len()),
            };
            let others = header.stanzas.len().saturating_sub(with_key);
            // Writing to a string cannot fail.
            let _ = write!(why, ", which is sealed for {sealed_for} of X25519");
            if others > 0 {
                let _ = write!(why, " and {others} of kinds that are not supported");
            }
            Trouble::new(why).help("it is sealed for somebody else, or its header was changed")
        }
    }
}
