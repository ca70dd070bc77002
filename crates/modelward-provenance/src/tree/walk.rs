//! Listing a folder, without ever being led out of it.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, DirEntry, Metadata},
    path::{Path, PathBuf},
};

use super::{
    File, Identity, Odd, Oddity, Options, Tree, cache,
    open::{self, cause},
};
use crate::Trouble;

/// List a folder that is given without links.
pub(super) fn folder(root: PathBuf, name: String, options: &Options) -> Result<Tree, Trouble> {
    let blobs = cache::blobs(&root).and_then(|blobs| fs::canonicalize(blobs).ok());
    let mut walk = Walk {
        root: &root,
        blobs,
        options,
        files: Vec::new(),
        odd: Vec::new(),
        excluded: BTreeSet::new(),
        pending: vec![Pending { path: root.clone(), relative: String::new(), above: Vec::new() }],
    };
    // Where links are followed, a few folders can lead to each other in more ways than there are files.
    let mut folders = 0_usize;
    while let Some(folder) = walk.pending.pop() {
        folders = folders.saturating_add(1);
        walk.entries(&folder);
        let shown = root.display();
        if walk.files.len().max(walk.pending.len()) > MOST_FILES || folders > MOST_FOLDERS {
            let why = format!("expected at most {MOST_FILES} files in `{shown}`, found more");
            return Err(Trouble::new(why));
        }
        if walk.odd.len() > MOST_ODD {
            let why = format!(
                "expected regular files in `{shown}`, found more than {MOST_ODD} links, pipes and the like"
            );
            return Err(Trouble::new(why));
        }
    }
    let Walk { mut files, mut odd, excluded, .. } = walk;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    odd.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Tree { root, name, single: false, files, odd, excluded: excluded.into_iter().collect() })
}

struct Walk<'a> {
    root: &'a Path,
    /// Where links may lead though they are not followed: the blobs of a snapshot.
    blobs: Option<PathBuf>,
    options: &'a Options,
    files: Vec<File>,
    odd: Vec<Odd>,
    excluded: BTreeSet<String>,
    pending: Vec<Pending>,
}

/// A folder still to be listed.
struct Pending {
    path: PathBuf,
    relative: String,
    /// Where links were followed: the folders on the way here, so that none is entered twice.
    above: Vec<PathBuf>,
}

impl Walk<'_> {
    fn entries(&mut self, folder: &Pending) {
        let entries = match fs::read_dir(&folder.path) {
            Ok(entries) => entries,
            Err(error) => return self.odd(&folder.relative, Oddity::Unreadable(cause(&error))),
        };
        for entry in entries {
            if self.files.len().max(self.pending.len()) > MOST_FILES {
                return;
            }
            match entry {
                Ok(entry) => self.entry(&entry, folder),
                Err(error) => self.odd(&folder.relative, Oddity::Unreadable(cause(&error))),
            }
        }
    }

    fn entry(&mut self, entry: &DirEntry, folder: &Pending) {
        let step = entry.file_name();
        let Some(step) = step.to_str() else {
            return self.odd(&below(&folder.relative, &escaped(&step)), Oddity::NotUtf8);
        };
        let relative = below(&folder.relative, step);
        if self.options.exclusions.contains(&relative) {
            self.excluded.insert(relative);
            return;
        }
        let path = entry.path();
        match entry.metadata() {
            Err(error) => self.odd(&relative, Oddity::Unreadable(cause(&error))),
            Ok(metadata) if metadata.is_symlink() => self.link(path, relative, folder),
            Ok(metadata) if metadata.is_dir() => {
                self.pending.push(Pending { path, relative, above: folder.above.clone() });
            }
            Ok(metadata) => self.file(path, relative, &metadata),
        }
    }

    fn link(&mut self, path: PathBuf, relative: String, folder: &Pending) {
        let target = fs::read_link(&path).unwrap_or_default();
        let target = escaped(target.as_os_str());
        let real = match fs::canonicalize(&path) {
            Ok(real) => real,
            Err(_) => return self.odd(&relative, Oddity::Broken(target)),
        };
        let metadata = match fs::symlink_metadata(&real) {
            Ok(metadata) => metadata,
            Err(error) => return self.odd(&relative, Oddity::Unreadable(cause(&error))),
        };
        let blob = self.blobs.as_ref().is_some_and(|blobs| real.starts_with(blobs));
        if blob && metadata.is_file() {
            return self.file(real, relative, &metadata);
        }
        let inside = real.starts_with(self.root);
        if !self.options.follow {
            let what = if inside { Oddity::Link(target) } else { Oddity::Escape(target) };
            return self.odd(&relative, what);
        }
        if !inside {
            self.odd(&relative, Oddity::Outside(target.clone()));
        }
        if !metadata.is_dir() {
            return self.file(real, relative, &metadata);
        }
        // A folder that the link lies in, by its own path or by that of a link on the way.
        let way = fs::canonicalize(&folder.path).unwrap_or_else(|_| folder.path.clone());
        let around = |folder: &PathBuf| folder.starts_with(&real);
        if around(&way) || folder.above.iter().any(around) {
            return self.odd(&relative, Oddity::Cycle(target));
        }
        let mut above = folder.above.clone();
        above.push(way);
        if above.len() > MOST_LINKS {
            return self.odd(&relative, Oddity::Cycle(target));
        }
        self.pending.push(Pending { path: real, relative, above });
    }

    fn file(&mut self, path: PathBuf, name: String, metadata: &Metadata) {
        if !metadata.is_file() {
            return self.odd(&name, Oddity::Special);
        }
        if cfg!(unix) && self.options.without.contains(&Identity::of(metadata)) {
            return;
        }
        self.files.push(File {
            name,
            len: metadata.len(),
            executable: open::is_executable(metadata),
            blob: cache::blob(&path),
            stamp: open::Stamp::of(metadata),
            path,
        });
    }

    fn odd(&mut self, name: &str, what: Oddity) {
        if self.odd.len() <= MOST_ODD {
            self.odd.push(Odd { name: name.to_owned(), what });
        }
    }
}

fn below(folder: &str, step: &str) -> String {
    if folder.is_empty() { step.to_owned() } else { format!("{folder}/{step}") }
}

/// A name with the bytes that are not UTF-8 written `\xff`.
fn escaped(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Files of one model: more than any model has, few enough to hold their names.
pub(crate) const MOST_FILES: usize = 1 << 20;
/// Folders of one model, each as often as links lead to it.
const MOST_FOLDERS: usize = if cfg!(test) { 1 << 10 } else { MOST_FILES };
/// What may be odd.
const MOST_ODD: usize = 10_000;
/// Links to folders on the way to a file, as many as Linux follows.
const MOST_LINKS: usize = 40;
