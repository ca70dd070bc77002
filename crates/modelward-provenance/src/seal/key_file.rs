//! Files of identities, and files of recipients: one a line, with comments.

use zeroize::Zeroizing;

use super::x25519::{Identity, Recipient};
use crate::Trouble;

/// The identities of a text, as `age-keygen` writes it.
pub fn identities(text: &Zeroizing<String>) -> Result<Vec<Identity>, Trouble> {
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
