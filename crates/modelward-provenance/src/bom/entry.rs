//! The files of a model with their digests, and what follows from all of them.

use crate::digest::{Digest, Function, Hasher};

/// A file of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Where it is, from the model down, with `/` between the steps.
    pub path: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// SHA-256 of all of them.
    pub sha256: Digest,
    /// BLAKE3 of all of them.
    pub blake3: Digest,
}

/// The root digest of files in the order of their paths: that of OpenSSF Model Signing v1.0 with
/// `files` and `sha256`, SHA-256 over the SHA-256 of the files. What a signature leaves out by default
/// is no part of it.
pub fn root(files: &[FileEntry]) -> Digest {
    let mut hasher = Hasher::new(Function::Sha256);
    for file in files {
        let top = file.path.split('/').next().unwrap_or_default();
        if ![".git", ".gitattributes", ".github", ".gitignore"].contains(&top) {
            hasher.update(file.sha256.bytes());
        }
    }
    hasher.finish()
}
