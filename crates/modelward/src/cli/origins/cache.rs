//! The models of a target: the snapshots of a cache of Hugging Face, or the target itself.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The models of a target, and whether these are all. A cache is known by its names and by holding
/// nothing else: what only looks like one is a model as a whole.
pub(super) fn models(target: &Path) -> (Vec<PathBuf>, bool) {
    let real = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
    let (mut models, mut is_whole, mut is_cache) = (Vec::new(), true, true);
    if is_repository(&real) {
        (models, is_whole) = snapshots(target);
    } else {
        // The folder of all repositories.
        for name in names(target).unwrap_or_default() {
            let path = target.join(&name);
            if is_repository(&real.join(&name)) {
                let (some, all) = snapshots(&path);
                is_whole &= all;
                models.extend(some);
            } else {
                is_cache &= BESIDE.contains(&name.as_str());
            }
        }
    }
    is_whole &= models.len() <= MOST;
    models.truncate(MOST);
    if models.is_empty() || !is_cache {
        models.push(target.to_owned());
    }
    (models, is_whole)
}

/// Whether a folder is a repository of a cache: by its name, its parts, and nothing beside them.
fn is_repository(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let named = ["models--", "datasets--", "spaces--"].iter().any(|kind| name.starts_with(kind));
    let is_folder = |part: &str| {
        fs::symlink_metadata(folder.join(part)).is_ok_and(|metadata| metadata.is_dir())
    };
    named
        && is_folder("blobs")
        && is_folder("snapshots")
        && names(folder)
            .is_some_and(|names| names.iter().all(|name| PARTS.contains(&name.as_str())))
}

/// The snapshots of a repository, and whether these are all.
fn snapshots(repository: &Path) -> (Vec<PathBuf>, bool) {
    let folder = repository.join("snapshots");
    let Some(names) = names(&folder) else { return (Vec::new(), false) };
    let is_whole = names.len() <= MOST;
    let paths = names.iter().take(MOST).map(|name| folder.join(name));
    // What is no folder there is no snapshot, and nothing that any library loads.
    (paths.filter(|path| path.is_dir()).collect(), is_whole)
}

/// The names in a folder, in order; `None` where they cannot be had, or one is not UTF-8.
fn names(folder: &Path) -> Option<Vec<String>> {
    let entries = folder.read_dir().ok()?;
    let names = entries.map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names = names.collect::<Option<Vec<_>>>()?;
    names.sort_unstable();
    Some(names)
}

/// More snapshots than are looked at.
pub(super) const MOST: usize = 1000;
/// What a repository consists of.
const PARTS: [&str; 5] = [".locks", ".no_exist", "blobs", "refs", "snapshots"];
/// What lies beside the repositories of a cache.
const BESIDE: [&str; 3] = [".locks", "CACHEDIR.TAG", "version.txt"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_is_known_for_certain_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let make = |path: &str| fs::create_dir_all(folder.path().join(path)).unwrap();
        let of = |path: &str| {
            let (models, is_whole) = models(&folder.path().join(path));
            assert!(is_whole);
            let inside = models.iter().map(|model| model.strip_prefix(folder.path()).unwrap());
            inside.map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        for part in ["blobs", "refs", "snapshots/0a"] {
            make(&format!("hub/models--a--b/{part}"));
            make(&format!("own/{part}"));
        }
        let snapshot = "hub/models--a--b/snapshots/0a";
        assert_eq!(of("hub/models--a--b"), [snapshot]);
        assert_eq!(of("hub"), [snapshot]);
        // A model with folders of these names is a model.
        assert_eq!(of("own"), ["own"]);
        make("models--c--d/blobs");
        make("models--c--d/snapshots");
        assert_eq!(of("models--c--d"), ["models--c--d"], "no snapshot");
        fs::write(folder.path().join("hub/models--a--b/config.json"), "{}").unwrap();
        assert_eq!(of("hub/models--a--b"), ["hub/models--a--b"]);
        make("mixed/models--a--b/blobs");
        make("mixed/models--a--b/snapshots/0a");
        fs::write(folder.path().join("mixed/weights.bin"), "").unwrap();
        assert_eq!(of("mixed"), ["mixed/models--a--b/snapshots/0a", "mixed"]);
    }
}
