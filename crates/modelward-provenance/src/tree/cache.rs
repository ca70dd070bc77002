//! The cache of Hugging Face: `models--org--name/{blobs,refs,snapshots/REVISION}`, where the files of
//! a snapshot are links to blobs that are named by their digests.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// What the name of a blob says of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blob {
    /// Its SHA-256.
    Sha256([u8; 32]),
    /// Its id in git: SHA-1 over `blob LENGTH\0` and the content.
    Git([u8; 20]),
}

/// The folder of the blobs that a snapshot links to.
pub(crate) fn blobs(snapshot: &Path) -> Option<PathBuf> {
    let folder = snapshot.parent()?;
    if folder.file_name() != Some(OsStr::new("snapshots")) {
        return None;
    }
    let blobs = folder.parent()?.join("blobs");
    // A link would make files of another folder those of the model.
    let is_folder = fs::symlink_metadata(&blobs).is_ok_and(|metadata| metadata.is_dir());
    is_folder.then_some(blobs)
}

/// What the name of a file in a folder of blobs says.
pub(crate) fn blob(path: &Path) -> Option<Blob> {
    if path.parent()?.file_name()? != OsStr::new("blobs") {
        return None;
    }
    let name = path.file_name()?.to_str()?;
    digits(name).map(Blob::Sha256).or_else(|| digits(name).map(Blob::Git))
}

/// So many bytes in lower-case hexadecimal.
fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !plain || text.len() != N.saturating_mul(2) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_are_named_by_digests() {
        let of = |name: &str| blob(&Path::new("x/blobs").join(name));
        assert_eq!(of(&"ab".repeat(32)), Some(Blob::Sha256([0xab; 32])));
        assert_eq!(of(&"01".repeat(20)), Some(Blob::Git([1; 20])));
        assert_eq!(of(&"AB".repeat(20)), None);
        assert_eq!(of(&format!("{}.incomplete", "ab".repeat(32))), None);
        assert_eq!(blob(&Path::new("x").join("ab".repeat(32))), None);
    }
}
