//! The files of a model, as a signature sees them (OpenSSF Model Signing v1.0, section 6).
//!
//! A model is a folder or a single file. Of a folder every regular file counts, by its relative path
//! with `/`, byte for byte. What is no regular file is never opened; it is kept as an [`Oddity`], and
//! whoever signs or verifies says what becomes of it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::Trouble;

pub(crate) mod cache;
pub(crate) mod open;
mod walk;

pub use self::open::{Identity, identity};

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Paths that are left out, each with what lies below it; see [`DEFAULT_EXCLUSIONS`].
    pub exclusions: BTreeSet<String>,
    /// Whether links are followed, wherever they lead.
    pub follow: bool,
    /// Files that are left out by what they are, wherever they lie: the signatures.
    pub without: Vec<Identity>,
}

/// The files of a model.
#[derive(Debug)]
pub struct Tree {
    /// The folder or the file, without links.
    pub root: PathBuf,
    /// The name of the folder or the file.
    pub name: String,
    /// Whether it is a single file.
    pub single: bool,
    /// The files, in the order of their names by code point.
    pub files: Vec<File>,
    /// What is there and no regular file, in the order of their names.
    pub odd: Vec<Odd>,
    /// The exclusions that left something out.
    pub excluded: Vec<String>,
}

/// A regular file of a model.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path below the model, with `/`.
    pub name: String,
    /// Where its bytes are, with no link left in it.
    pub path: PathBuf,
    /// Its length when it was listed.
    pub len: u64,
    /// Whether anybody may execute it.
    pub executable: bool,
    /// What a cache says its content is, by the name of the blob.
    pub blob: Option<cache::Blob>,
    pub(crate) stamp: open::Stamp,
}

/// Something that is there and no regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odd {
    /// Its path below the model; bytes that are not UTF-8 are written `\xff`.
    pub name: String,
    /// What it is.
    pub what: Oddity,
}

/// What is no regular file, and what is a file that cannot be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A link, where links are not followed, and where it leads.
    Link(String),
    /// A link that was followed to a place outside the model, and that place.
    Outside(String),
    /// A link that is not followed and leads outside the model or its cache, and that place.
    Escape(String),
    /// A link to a folder that it lies in.
    Cycle(String),
    /// A link that leads nowhere.
    Broken(String),
    /// A pipe, a socket, a device.
    Special,
    /// A name that is not UTF-8.
    NotUtf8,
    /// What the system did not let us read, and why.
    Unreadable(String),
}

impl Oddity {
    /// What it is, with its article.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Link(_)
            | Self::Outside(_)
            | Self::Escape(_)
            | Self::Cycle(_)
            | Self::Broken(_) => "a link",
            Self::Special => "a pipe, a socket or a device",
            Self::NotUtf8 => "a name that is not UTF-8",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

impl Tree {
    /// List a model.
    ///
    /// # Errors
    /// Where there is no file or folder of this name, or more files than can be listed.
    pub fn list(target: &Path, options: &Options) -> Result<Self, Trouble> {
        let root = fs::canonicalize(target).map_err(|error| Trouble::io("read", target, &error))?;
        let metadata = fs::metadata(&root).map_err(|error| Trouble::io("read", target, &error))?;
        // A file of a cache is a link to a blob: the user's name for it is the one that counts.
        let named = if metadata.is_file() { target } else { &root };
        let name = named.file_name().and_then(|name| name.to_str()).map(ToOwned::to_owned);
        if metadata.is_dir() {
            // A root has no name.
            return walk::folder(root, name.unwrap_or_else(|| "model".into()), options);
        }
        if !metadata.is_file() {
            let shown = target.display();
            let why = format!("expected a file or a folder, found a pipe or a device at `{shown}`");
            return Err(Trouble::new(why));
        }
        let name = name.ok_or_else(|| {
            Trouble::new(format!("the name of `{}` is not UTF-8", target.display()))
                .help("names in a signature are UTF-8; rename the file")
        })?;
        let file = File {
            name: name.clone(),
            blob: cache::blob(&root),
            len: metadata.len(),
            executable: open::is_executable(&metadata),
            stamp: open::Stamp::of(&metadata),
            path: root.clone(),
        };
        let files = vec![file];
        Ok(Self { root, name, single: true, files, odd: Vec::new(), excluded: Vec::new() })
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.len))
    }

    /// The file of a name.
    pub fn find(&self, name: &str) -> Option<&File> {
        let at = self.files.binary_search_by(|file| file.name.as_str().cmp(name)).ok()?;
        self.files.get(at)
    }
}

/// The path of a file below a folder, where it lies there, whether it is there or not.
pub fn below(folder: &Path, file: &Path) -> Option<String> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new(".")).canonicalize().ok()?;
    let relative = parent.strip_prefix(folder.canonicalize().ok()?).ok()?.join(file.file_name()?);
    let steps = relative.iter().map(|step| step.to_str()).collect::<Option<Vec<_>>>()?;
    let name = steps.join("/");
    crate::oms::name::exclusion_flaw(&name).is_none().then_some(name)
}

/// What every signature leaves out, at the top level only (section 6.2).
pub const DEFAULT_EXCLUSIONS: [&str; 4] = [".git", ".gitattributes", ".github", ".gitignore"];

#[cfg(test)]
mod tests;
