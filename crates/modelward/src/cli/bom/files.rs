//! The files of a model with their digests, each from one read.

use std::path::Path;

use modelward_formats::{Bytes, Refusal};
use modelward_provenance::digest::{Digest, Function, Hasher};
use rayon::prelude::*;

use super::FileEntry;
use crate::listing::{Listed, Listing};

/// The files of a model.
pub(super) struct Files {
    /// Those that were read, in the order of their paths.
    pub(super) entries: Vec<FileEntry>,
    /// Those that could not be read, and why.
    pub(super) missing: Vec<(String, String)>,
}

/// Read all files of a listing but the one that is to be written.
///
/// A manifest lists what a signature covers: no link but those into a cache, nothing of `.github`. A bill
/// names whatever a loader can reach, so it goes by the listing of the scan whose findings stand in it, and
/// reads the files by itself.
pub(super) fn read(listing: &Listing, output: Option<&Path>, threads: usize) -> Files {
    let files = listing.files.iter().filter(|file| !is_output(file, output)).collect::<Vec<_>>();
    let pool = (files.len() > 1 && threads != 1)
        .then(|| rayon::ThreadPoolBuilder::new().num_threads(threads).build());
    let read: Vec<Result<FileEntry, (String, String)>> = match pool {
        Some(Ok(pool)) => pool.install(|| files.par_iter().map(|file| entry(file)).collect()),
        // Where the system gives no threads, this one does the work.
        _ => files.iter().map(|file| entry(file)).collect(),
    };
    let refused = listing.refused.iter();
    let refused =
        refused.map(|(place, refusal)| (place.path().to_owned(), refusal.why.to_string()));
    let mut found = Files { entries: Vec::new(), missing: refused.collect() };
    for file in read {
        match file {
            Ok(entry) => found.entries.push(entry),
            Err(missing) => found.missing.push(missing),
        }
    }
    found
}

/// Whether a file is the one that is to be written: an older document is no part of the model.
pub(super) fn is_output(file: &Listed, output: Option<&Path>) -> bool {
    let output = output.and_then(|path| std::fs::canonicalize(path).ok());
    output.is_some() && file.content.path() == output.as_deref()
}

fn entry(file: &Listed) -> Result<FileEntry, (String, String)> {
    let read = || {
        let opened = file.content.open()?;
        let (sha256, blake3) = digests(&opened.bytes)?;
        opened.unchanged()?;
        let (path, bytes) = (file.relative.clone(), opened.bytes.len());
        Ok::<_, Refusal>(FileEntry { path, bytes, sha256, blake3 })
    };
    read().map_err(|refusal| (file.relative.clone(), refusal.why.into_owned()))
}

fn digests(bytes: &Bytes) -> Result<(Digest, Digest), Refusal> {
    let mut hashers = [Hasher::new(Function::Sha256), Hasher::new(Function::Blake3)];
    let mut window = vec![0; usize::try_from(bytes.len()).unwrap_or(WINDOW).min(WINDOW)];
    let mut at = 0_u64;
    while at < bytes.len() {
        let read = bytes.read_at(at, &mut window)?;
        let read_bytes = window.get(..read).unwrap_or_default();
        hashers.iter_mut().for_each(|hasher| hasher.update(read_bytes));
        at = at.saturating_add(read as u64);
    }
    let [sha256, blake3] = hashers.map(Hasher::finish);
    Ok((sha256, blake3))
}

/// Bytes read at once.
const WINDOW: usize = 256 << 10;
