//! What is asked of verifying, and which paths signer and user leave out.

use std::{collections::BTreeSet, path::Path};

use crate::{
    Trouble,
    oms::{hashing::Reading, name, trust::Trust},
};

/// What to verify, and how.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Whom the user trusts.
    pub trust: Trust<'a>,
    /// Paths that the user wants left out.
    pub ignore: &'a [String],
    /// Whether files that nobody signed are left out.
    pub ignore_unsigned: bool,
    /// Whether signed files may be missing; then the model counts as not wholly read.
    pub partial: bool,
    /// The files of the signature and of signed reports, which are left out wherever they lie.
    pub signatures: &'a [&'a Path],
    /// Whether the SHA-256 of every signed file is wanted, whatever function signed it.
    pub sha256: bool,
    /// An older version of the model, which shows what changed in a file.
    pub against: Option<&'a Path>,
    /// How the files are read.
    pub reading: Reading<'a>,
}

/// Paths that a user wants left out, each in its only spelling.
///
/// # Errors
/// Where one is absolute, has `..` in it, or is a pattern.
pub fn exclusions(paths: &[String]) -> Result<BTreeSet<String>, Trouble> {
    let mut exclusions = BTreeSet::new();
    for path in paths {
        let plain = path.trim_start_matches("./");
        let plain = plain.strip_suffix('/').unwrap_or(plain);
        if let Some(flaw) = name::exclusion_flaw(plain) {
            let why = format!(
                "expected an exact path below the model to leave out, found `{path}`: {flaw}"
            );
            return Err(
                Trouble::new(why).help("name each file or folder by itself, as `sub/notes.txt`")
            );
        }
        exclusions.insert(plain.to_owned());
    }
    Ok(exclusions)
}

impl Request<'_> {
    /// Whether the user wants a path left out.
    pub(super) fn is_ignored(&self, file: &str) -> bool {
        self.ignore.iter().any(|path| {
            let path = path.trim_start_matches("./");
            name::lies_in(file, path.strip_suffix('/').unwrap_or(path))
        })
    }
}

/// The list of exclusions of everything that is signed.
pub(crate) type Exclusions = BTreeSet<String>;

/// What the names of unfinished downloads end with.
pub(super) const UNFINISHED: &str = ".incomplete";
