//! The files of a folder on disk, as they are sealed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::name::Names;
use crate::{
    Trouble,
    seal::{
        disk::special,
        fault::{Fault, Result},
    },
};

/// What is done with links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// A link is refused.
    Refused,
    /// A link to a file counts as that file.
    Followed,
}

/// A folder to be sealed.
#[derive(Debug)]
pub struct Folder {
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// A folder without members; all others are known by what lies in them.
    pub(super) is_folder: bool,
    /// A link that is followed.
    pub(super) is_link: bool,
}

impl Folder {
    /// All regular files below a folder, in byte order of their names; trouble where something else
    /// lies there.
    pub fn list(root: &Path, links: Links) -> Result<Self> {
        let mut entries = Vec::new();
        let mut left = vec![(root.to_owned(), String::new())];
        while let Some((path, name)) = left.pop() {
            let read = fs::read_dir(&path).map_err(|e| Trouble::io("read", &path, &e))?;
            let mut is_empty = true;
            for entry in read {
                is_empty = false;
                let entry = entry.map_err(|e| Trouble::io("read", &path, &e))?;
                let (path, leaf) = (entry.path(), entry.file_name());
                let Some(leaf) = leaf.to_str() else {
                    let why = format!("cannot seal `{}`: its name is not UTF-8", path.display());
                    return Err(Trouble::new(why).help("rename it").into());
                };
                let name = if name.is_empty() { leaf.to_owned() } else { format!("{name}/{leaf}") };
                let kind = entry.file_type().map_err(|e| Trouble::io("read", &path, &e))?;
                if kind.is_dir() {
                    left.push((path, name));
                } else {
                    check(&path, kind, links)?;
                    let is_link = kind.is_symlink();
                    entries.push(Entry { name, path, is_folder: false, is_link });
                }
                if entries.len().saturating_add(left.len()) > MOST {
                    let why = format!("`{}` holds more than {MOST} files", root.display());
                    return Err(Trouble::new(why).into());
                }
            }
            if is_empty && !name.is_empty() {
                entries.push(Entry { name, path, is_folder: true, is_link: false });
            }
        }
        if entries.is_empty() {
            let why = format!("expected a folder with files, found `{}` empty", root.display());
            return Err(Trouble::new(why).into());
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut names = Names::default();
        for Entry { name, is_folder, .. } in &entries {
            // What could not be unpacked everywhere is not sealed.
            names.take(name.as_bytes(), *is_folder).map_err(|fault| match fault {
                Fault::Broken(defect) => {
                    Trouble::new(format!("cannot seal `{}`: it {}", defect.file, defect.why))
                        .help("rename or remove it")
                        .into()
                }
                trouble @ Fault::Trouble(_) => trouble,
            })?;
        }
        Ok(Self { entries })
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.entries.iter().filter(|entry| !entry.is_folder).count()
    }
}

fn check(path: &Path, kind: fs::FileType, links: Links) -> Result<()> {
    let shown = path.display();
    if kind.is_symlink() {
        if links == Links::Refused {
            return Err(Trouble::new(format!("cannot seal `{shown}`: it is a link"))
                .help("to seal the files that links lead to: `--follow-links`")
                .into());
        }
        let there = fs::metadata(path).map_err(|e| Trouble::io("follow", path, &e))?;
        if there.is_dir() {
            let why = format!("cannot seal `{shown}`: it is a link to a folder");
            return Err(Trouble::new(why).help("links are followed to files only").into());
        }
        return if there.is_file() { Ok(()) } else { Err(special(path, "seal").into()) };
    }
    if kind.is_file() { Ok(()) } else { Err(special(path, "seal").into()) }
}

/// Files of the largest folder.
const MOST: usize = 1_000_000;
