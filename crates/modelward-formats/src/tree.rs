//! The listing of a whole target folder.
//!
//! It is an asset of its own because some questions no single file can answer: whether the code
//! that a configuration names lies in the folder at all.

use std::collections::BTreeMap;

use crate::{Asset, Bytes};

/// Every file of a folder, by its path relative to the folder, with `/` between the components.
#[derive(Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, Bytes>,
}

impl Tree {
    /// A listing of these files: relative path and content. The order does not matter.
    pub fn new(files: Vec<(String, Bytes)>) -> Self {
        Self { files: files.into_iter().collect() }
    }

    /// Every file, in the order of the paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes))
    }

    /// Whether there is a file of this relative path.
    pub fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
}

impl Asset for Tree {
    fn format(&self) -> &'static str {
        "folder"
    }
}
