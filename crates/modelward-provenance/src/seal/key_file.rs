//! Files of identities, of recipients, and of a passphrase.

use std::{fs::Metadata, io::Read, path::Path};

use zeroize::Zeroizing;

use super::{
    disk::open,
    passphrase::Passphrase,
    x25519::{Identity, Recipient},
};
use crate::Trouble;

/// A secret that was read from a file.
#[derive(Debug)]
pub struct Kept<T> {
    /// The secret.
    pub secret: T,
    /// Whether others than the file's owner may read it.
    pub is_open_to_others: bool,
}

/// Read a file of identities, one a line, as `age-keygen` writes it.
pub fn read_identities(path: &Path) -> Result<Kept<Vec<Identity>>, Trouble> {
    let (text, is_open_to_others) = read(path)?;
    let secret = identities(&text).map_err(|trouble| in_file(path, trouble))?;
    Ok(Kept { secret, is_open_to_others })
}

/// Read a passphrase, which is the first line of its file.
pub fn read_passphrase(path: &Path) -> Result<Kept<Passphrase>, Trouble> {
    let (text, is_open_to_others) = read(path)?;
    let line = text.lines().next().unwrap_or_default();
    let secret = Passphrase::new(line.to_owned()).map_err(|trouble| in_file(path, trouble))?;
    Ok(Kept { secret, is_open_to_others })
}

/// Read a file of recipients, one `age1...` a line.
pub fn read_recipients(path: &Path) -> Result<Vec<Recipient>, Trouble> {
    recipients(&read(path)?.0).map_err(|trouble| in_file(path, trouble))
}

/// The identities of a text, as `age-keygen` writes it.
pub fn identities(text: &str) -> Result<Vec<Identity>, Trouble> {
    if text.starts_with("age-encryption.org/") || text.trim_start().starts_with("-----BEGIN AGE") {
        return Err(Trouble::new("expected identities, found a sealed file")
            .help("an identity that is itself sealed is unsealed first: `modelward unseal`"));
    }
    if text.contains("PRIVATE KEY-----") {
        return Err(Trouble::new("expected `AGE-SECRET-KEY-1...`, found a key in PEM")
            .help("identities of X25519 are made by `modelward keygen --age` or `age-keygen`"));
    }
    // A line with a secret is never shown.
    let read = |line: &str| line.parse::<Identity>();
    entries(text, read, "an identity, `AGE-SECRET-KEY-1...`")
}

/// The recipients of a text, one `age1...` a line.
pub fn recipients(text: &str) -> Result<Vec<Recipient>, Trouble> {
    entries(text, |line| line.parse::<Recipient>(), "a recipient, `age1...`")
}

/// The text of a small regular file, and whether others may read it.
fn read(path: &Path) -> Result<(Zeroizing<String>, bool), Trouble> {
    let (file, metadata) = open(path, "read")?;
    let mut text = Zeroizing::new(String::with_capacity(LARGEST));
    let most = (LARGEST as u64).saturating_add(1);
    let read = file.take(most).read_to_string(&mut text);
    read.map_err(|error| Trouble::io("read", path, &error))?;
    if text.len() > LARGEST {
        let why = format!("cannot read `{}`: expected at most 64 KiB of keys", path.display());
        return Err(Trouble::new(why));
    }
    Ok((text, is_open_to_others(&metadata)))
}

#[cfg(unix)]
fn is_open_to_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Metadata) -> bool {
    false
}

fn in_file(path: &Path, trouble: Trouble) -> Trouble {
    Trouble { why: format!("`{}`: {}", path.display(), trouble.why).into(), help: trouble.help }
}

fn entries<T>(
    text: &str,
    read: impl Fn(&str) -> Result<T, Trouble>,
    expected: &str,
) -> Result<Vec<T>, Trouble> {
    let mut entries = Vec::new();
    for (line, number) in text.lines().zip(1_usize..) {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if entries.len() >= MOST {
            return Err(Trouble::new(format!("more than {MOST} lines name a key")));
        }
        entries.push(read(line).map_err(|trouble| Trouble {
            why: format!("line {number}: {}", trouble.why).into(),
            help: trouble.help,
        })?);
    }
    if entries.is_empty() {
        return Err(Trouble::new(format!("expected {expected}, found none")));
    }
    Ok(entries)
}

/// More keys than any file has, few enough to be tried on any header.
const MOST: usize = 1000;
/// Bytes of the largest file of keys.
const LARGEST: usize = 64 << 10;
