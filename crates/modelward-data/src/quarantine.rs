//! Rows that are taken out of a set, so that the set can be put back byte for byte.
//!
//! The cleaned set is of the form of the original. Where rows are ranges of bytes (texts, npy, WebDataset) it
//! is the original without these ranges, and the folder of the quarantine, mode 0700, holds them and where they
//! stood. Of images the files themselves are moved. What cannot be cut (Parquet, Arrow, npz, packed texts) is
//! written anew, and the quarantine holds the whole original, packed. Beside these it has why each row went
//! (`quarantine.jsonl`), what became of each file (`files.jsonl`), and a manifest with the SHA-256 and BLAKE3
//! of all of it, of the original and of the cleaned set. What was not proven to come back is not written.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use std::{
    fs::{File, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::Trouble;

mod clean;
mod digest;
mod divide;
mod folder;
mod gather;
mod manifest;
mod pack;
mod plan;
mod reasons;
mod record;
mod restore;
mod saved;
mod splice;

pub(crate) use self::reasons::{count, field, text};
pub use self::{
    clean::{Cleaned, Order, clean},
    digest::Digest,
    plan::Plan,
    reasons::{Reason, Reasons, reasons},
    restore::{Restored, restore},
};

/// Make a file that only its owner reads.
fn create(path: &Path) -> Result<File, Trouble> {
    let made = OpenOptions::new().write(true).read(true).create_new(true).mode(0o600).open(path);
    made.map_err(|error| failed(path, &error))
}

/// Make a folder that only its owner reads, which is gone with what is in it once this is dropped.
fn private(prefix: &str, within: PathBuf) -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).permissions(Permissions::from_mode(0o700)).tempdir_in(within)
}

/// Who may do what with a file, or with a folder, which its owner may always write to.
fn mode(path: &Path) -> Result<u32, Trouble> {
    let metadata = std::fs::metadata(path).map_err(|error| failed(path, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    Ok(if metadata.is_dir() { mode | 0o700 } else { mode })
}

fn failed(path: &Path, error: &io::Error) -> Trouble {
    Trouble::new(format!("cannot read or write `{}`: {error}", path.display()))
}

/// The folder that something lies in.
fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Refuse to write where something is.
fn free(path: &Path) -> Result<(), Trouble> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => {
            let found = path.display();
            let why = format!("expected nothing at `{found}`, found something");
            Err(Trouble::new(why).help("name another place, or take away what is there"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(path, &error)),
    }
}

const MANIFEST: &str = "manifest.json";
const REASONS: &str = "quarantine.jsonl";
const FILES: &str = "files.jsonl";
const PLACES: &str = "places.txt";
const REMOVED: &str = "removed.bin";
const TAKEN: &str = "taken";

#[cfg(test)]
mod tests;
