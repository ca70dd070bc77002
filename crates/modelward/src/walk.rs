//! The files of a folder, in the order of their paths.
//!
//! Links are the difficulty. A link is followed where it stays inside the target, or inside the
//! cache folder of a Hugging Face repository (`models--owner--name`), whose snapshots are links
//! into its `blobs`. Any other link is a gap, and so is whatever is neither file nor folder.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs::{self, DirEntry},
    path::{Path, PathBuf},
};

use modelward_core::{Place, Skipped};
use modelward_formats::{Gap, Limits, Refusal};

use crate::{
    content::{Content, cause},
    listing::{Listed, Listing, below, shown},
};

mod git;

/// List a folder.
pub(crate) fn folder(target: &Path, name: String, limits: &Limits) -> Listing {
    let listing = Listing { shown: name, folder: true, ..Listing::default() };
    let root = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
    let boundary = boundary(&root).to_owned();
    let mut walk = Walk { listing, boundary, most: limits.members, ..Walk::default() };
    walk.visited.insert(root.clone());
    walk.pending.push((root.clone(), String::new()));
    walk.root = root;
    while let Some((folder, relative)) = walk.pending.pop() {
        walk.entries(&folder, &relative);
    }
    walk.finish()
}

/// A walk under way.
#[derive(Default)]
struct Walk {
    listing: Listing,
    root: PathBuf,
    /// The folder that no link may lead out of.
    boundary: PathBuf,
    /// Folders still to list: where they are, and where they are from the target down.
    pending: Vec<(PathBuf, String)>,
    /// Folders that were listed, by their paths without links.
    visited: HashSet<PathBuf>,
    /// Files that links name.
    linked: HashSet<PathBuf>,
    /// Files of git's own.
    git: u64,
    /// The most files of one target.
    most: u64,
    /// Whether there are more.
    full: bool,
}

impl Walk {
    fn entries(&mut self, folder: &Path, relative: &str) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.refuse(relative, Gap::Unreadable, cause(&error)),
        };
        for entry in entries {
            match entry {
                Ok(entry) => {
                    let step = shown(Path::new(&entry.file_name()));
                    let relative = below(relative, &step);
                    self.entry(&entry, relative);
                }
                Err(error) => self.refuse(relative, Gap::Unreadable, cause(&error)),
            }
        }
    }

    fn entry(&mut self, entry: &DirEntry, relative: String) {
        if self.full {
            return;
        }
        if self.listing.files.len() as u64 >= self.most {
            self.full = true;
            self.pending.clear();
            let why = format!("more than the limit of {} files", self.most);
            return self.refuse("", Gap::ManyMembers, why);
        }
        let path = entry.path();
        // Not through a link, and looked up from its folder on.
        match entry.metadata() {
            Err(error) => self.refuse(&relative, Gap::Unreadable, cause(&error)),
            Ok(metadata) if metadata.is_symlink() => self.link(&path, relative),
            Ok(metadata) if metadata.is_dir() => {
                self.visited.insert(path.clone());
                self.pending.push((path, relative));
            }
            Ok(metadata) if metadata.is_file() && git::is_own(&path, &relative) => {
                self.git = self.git.saturating_add(1);
            }
            Ok(metadata) if metadata.is_file() => self.file(path, relative, metadata.len()),
            Ok(_) => {
                let why = "a pipe, a socket or a device, which is never opened";
                self.refuse(&relative, Gap::SpecialFile, why);
            }
        }
    }

    fn link(&mut self, path: &Path, relative: String) {
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) => {
                let why = format!("a link that leads nowhere: {}", cause(&error));
                return self.refuse(&relative, Gap::SpecialFile, why);
            }
        };
        if !real.starts_with(&self.boundary) {
            let why = format!("a link out of the target, to `{}`", shown(&real));
            return self.refuse(&relative, Gap::SpecialFile, why);
        }
        match fs::metadata(&real) {
            Ok(metadata) if metadata.is_file() => {
                self.linked.insert(real.clone());
                self.file(real, relative, metadata.len());
            }
            // Listed once, under its own name: a few links to folders could name more paths
            // than there are atoms.
            Ok(metadata) if metadata.is_dir() && real.starts_with(&self.root) => {
                let why = "a link to a folder of the target, which is read under its own name";
                self.skip(&relative, why.into());
            }
            Ok(metadata) if metadata.is_dir() && self.visited.insert(real.clone()) => {
                self.pending.push((real, relative));
            }
            Ok(metadata) if metadata.is_dir() => {
                self.skip(&relative, "a second link to a folder that is read already".into());
            }
            Ok(_) => {
                let why = "a link to a pipe, a socket or a device, which is never opened";
                self.refuse(&relative, Gap::SpecialFile, why);
            }
            Err(error) => self.refuse(&relative, Gap::Unreadable, cause(&error)),
        }
    }

    fn file(&mut self, path: PathBuf, relative: String, len: u64) {
        let place = Place::file(below(&self.listing.shown, &relative));
        self.listing.files.push(Listed::new(relative, place, Content::Disk { path, len }));
    }

    fn refuse(&mut self, relative: &str, gap: Gap, why: impl Into<std::borrow::Cow<'static, str>>) {
        let place = self.place(relative);
        self.listing.refused.push((place, Refusal::new(0, gap, why)));
    }

    fn skip(&mut self, relative: &str, why: String) {
        let place = self.place(relative);
        self.listing.skipped.push(Skipped { place, why });
    }

    fn place(&self, relative: &str) -> Place {
        if relative.is_empty() {
            return Place::file(&self.listing.shown);
        }
        Place::file(below(&self.listing.shown, relative))
    }

    fn finish(mut self) -> Listing {
        let linked = std::mem::take(&mut self.linked);
        let before = self.listing.files.len();
        self.listing.files.retain(|file| {
            let linked = file.content.path().is_some_and(|path| linked.contains(path));
            !(linked && is_blob(&file.relative))
        });
        let blobs = before.saturating_sub(self.listing.files.len());
        if blobs > 0 {
            self.skip(
                "",
                format!("{blobs} blobs that are read under the names their snapshots give them"),
            );
        }
        if self.git > 0 {
            let why =
                format!("{} files of git's own: objects, packs, index, sample hooks", self.git);
            self.skip("", why);
        }
        if self.listing.files.is_empty() && self.listing.refused.is_empty() {
            self.refuse("", Gap::MissingPart, "expected files, found none");
        }
        let Listing { files, refused, skipped, .. } = &mut self.listing;
        files.sort_by(|a, b| a.relative.cmp(&b.relative));
        refused.sort_by(|a, b| a.0.cmp(&b.0));
        skipped.sort_by(|a, b| a.place.cmp(&b.place));
        self.listing
    }
}

/// The folder that no link of a target may lead out of.
pub(crate) fn boundary(root: &Path) -> &Path {
    repository(root).unwrap_or(root)
}

/// The cache folder of the Hugging Face repository that a folder lies in.
fn repository(root: &Path) -> Option<&Path> {
    root.ancestors().find(|folder| {
        let name = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let kind = ["models--", "datasets--", "spaces--"];
        kind.iter().any(|kind| name.starts_with(kind)) && folder.join("blobs").is_dir()
    })
}

/// Whether a file is named by its digest in a repository's `blobs`.
fn is_blob(relative: &str) -> bool {
    let mut steps = relative.rsplit('/');
    let name = steps.next().unwrap_or_default();
    steps.next() == Some("blobs") && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
