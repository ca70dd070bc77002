//! Where two manifests differ: which file, and in it which tensor or row group, and where both sides
//! are at hand which element.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::Serialize;

use super::{Contents, File, Manifest, Options, Unread, build};
use crate::{
    Trouble,
    tree::{self, Identity, Tree},
};

mod locate;
mod tensors;
mod value;

pub use self::{
    locate::{Difference, Place},
    tensors::{Named, Pair, Tensors},
};

/// One of two things that are compared.
#[derive(Debug)]
pub struct Side {
    /// What it consists of.
    pub manifest: Manifest,
    /// Where its files are, unless a manifest is all there is.
    pub tree: Option<Tree>,
}

/// Where two sides differ.
#[derive(Debug, Default, Serialize)]
pub struct Comparison {
    /// Files that have other bytes.
    pub changed: Vec<Changed>,
    /// Files under another path with the same bytes: the old one, the new one.
    pub moved: Vec<(String, String)>,
    /// Files that are gone.
    pub removed: Vec<String>,
    /// Files that are new.
    pub added: Vec<String>,
    /// Models whose tensors are all the same, in another container.
    pub converted: Vec<Converted>,
    /// Tensors that differ.
    pub tensors: Tensors,
    /// Row groups that differ.
    pub row_groups: Vec<Group>,
    /// What one side or the other did not read.
    pub unread: Vec<Missed>,
    /// Why tensors and row groups were not compared, where they were not.
    pub not_compared: Option<&'static str>,
}

/// A file that has other bytes.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// Its path on the old side.
    pub path: String,
    /// Its path on the new side, where two single files of other names were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Its lengths.
    pub bytes: (u64, u64),
    /// Its digests.
    pub sha256: (String, String),
    /// Where the bytes differ, if both are at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A model in another container.
#[derive(Debug, Serialize)]
pub struct Converted {
    /// Its files and their format on the old side.
    pub from: (Vec<String>, String),
    /// The same on the new side.
    pub to: (Vec<String>, String),
    /// How many tensors it has.
    pub tensors: u64,
    /// Whether the tensors have other names.
    pub renamed: bool,
}

/// A row group that differs.
#[derive(Debug, Serialize)]
pub struct Group {
    /// The file.
    pub file: String,
    /// Its number, from 0.
    pub index: u64,
    /// Its rows on both sides; `None` where it is not there.
    pub rows: (Option<u64>, Option<u64>),
}

/// What was not read.
#[derive(Debug, Serialize)]
pub struct Missed {
    /// `old` or `new`.
    pub side: &'static str,
    /// The file.
    pub file: String,
    /// The tensor or row group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What was expected and what came.
    pub why: String,
}

impl Side {
    /// A folder, a model file, or a manifest that was saved.
    ///
    /// # Errors
    /// Where there is none of these, or a manifest that contradicts itself.
    pub fn open(path: &Path, options: &Options) -> Result<Self, Trouble> {
        match saved(path)? {
            Some(manifest) => Ok(Self { manifest, tree: None }),
            None => Self::read(path, options, None),
        }
    }

    /// A folder or a model file; `without` is left out, wherever it lies.
    ///
    /// # Errors
    /// Where there is no file or folder of this name.
    pub fn read(
        path: &Path,
        options: &Options,
        without: Option<Identity>,
    ) -> Result<Self, Trouble> {
        let (exclusions, follow) = (options.exclusions(), false);
        let without = without.into_iter().collect();
        let tree = Tree::list(path, &tree::Options { exclusions, follow, without })?;
        Ok(Self { manifest: build::build(&tree, options), tree: Some(tree) })
    }
}

/// The manifest in a file; `None` where it holds something else.
///
/// # Errors
/// Where it cannot be read, or holds a manifest that contradicts itself.
pub fn saved(path: &Path) -> Result<Option<Manifest>, Trouble> {
    let metadata = std::fs::metadata(path).map_err(|error| Trouble::io("read", path, &error))?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let path = std::fs::canonicalize(path).map_err(|error| Trouble::io("read", path, &error))?;
    let file = tree::open::regular(&path).map_err(|error| Trouble::io("read", &path, &error))?;
    let mut text = Vec::new();
    let read = |file: std::fs::File, most: u64, text: &mut Vec<u8>| {
        use std::io::Read;
        file.take(most).read_to_end(text).map_err(|error| Trouble::io("read", &path, &error))
    };
    let head = file.try_clone().map_err(|error| Trouble::io("read", &path, &error))?;
    read(head, HEAD, &mut text)?;
    let begins = text.trim_ascii_start();
    let begins = begins.strip_prefix(b"{").map(<[u8]>::trim_ascii_start).unwrap_or_default();
    if !begins.starts_with(b"\"schema\"") {
        return Ok(None);
    }
    read(file, MOST_MANIFEST, &mut text)?;
    if text.len() as u64 > MOST_MANIFEST {
        return Err(Trouble::new(format!("`{}` is too large for a manifest", path.display())));
    }
    Manifest::parse(&text).map(Some)
}

impl Comparison {
    /// Whether anything differs.
    pub fn differs(&self) -> bool {
        let files = [self.removed.len(), self.added.len(), self.moved.len(), self.changed.len()];
        files.iter().any(|&count| count > 0)
            || !self.tensors.is_empty()
            || !self.row_groups.is_empty()
            || !self.converted.is_empty()
    }
}

/// Compare two sides.
pub fn compare(old: &Side, new: &Side, options: &Options) -> Comparison {
    let mut comparison = Comparison::default();
    comparison.files(old, new);
    // What is in a file that is the same on both sides is the same, read or not.
    let same = |path: &str| {
        let (one, other) = (old.manifest.file(path), new.manifest.file(path));
        one.zip(other).is_some_and(|(one, other)| one.sha256 == other.sha256)
    };
    for (side, which) in [(old, "old"), (new, "new")] {
        let unread = side.manifest.unread.iter().filter(|unread| !same(&unread.file));
        comparison.unread.extend(unread.map(|Unread { file, part, why }| {
            let (file, part, why) = (file.clone(), part.clone(), why.clone());
            Missed { side: which, file, part, why }
        }));
    }
    if !comparison.differs() {
        return comparison;
    }
    match (&old.manifest.contents, &new.manifest.contents) {
        (Some(before), Some(after)) => {
            comparison.row_groups = row_groups(before, after);
            comparison.conversions(before, after);
            comparison.tensors = tensors::compare(old, new, before, after, &comparison);
            comparison.tensors.locate(old, new, options);
        }
        (None, None) => comparison.not_compared = Some("neither side lists tensors"),
        (None, _) => comparison.not_compared = Some("the old side lists no tensors"),
        (_, None) => comparison.not_compared = Some("the new side lists no tensors"),
    }
    for changed in &mut comparison.changed {
        let to = changed.to.as_ref().unwrap_or(&changed.path);
        changed.place = locate::bytes(old, &changed.path, new, to);
    }
    comparison
}

impl Comparison {
    fn files(&mut self, old: &Side, new: &Side) {
        let (before, after) = (&old.manifest.files, &new.manifest.files);
        let single = |side: &Side| side.tree.as_ref().is_some_and(|tree| tree.single);
        if let ([one], [other]) = (before.as_slice(), after.as_slice())
            && one.path != other.path
            && single(old)
            && single(new)
        {
            if one.sha256 != other.sha256 {
                let changed = changed(one, other);
                self.changed.push(Changed { to: Some(other.path.clone()), ..changed });
            }
            return;
        }
        let mut removed = Vec::new();
        for file in before {
            match new.manifest.file(&file.path) {
                Some(other) if other.sha256 == file.sha256 => {}
                Some(other) => self.changed.push(changed(file, other)),
                None => removed.push(file),
            }
        }
        let added = after.iter().filter(|file| old.manifest.file(&file.path).is_none());
        let mut by_digest: BTreeMap<_, Vec<&File>> = BTreeMap::new();
        for file in removed.iter().rev() {
            by_digest.entry(&file.sha256).or_default().push(file);
        }
        let mut gone = removed.iter().map(|file| &file.path).collect::<BTreeSet<_>>();
        for file in added {
            match by_digest.get_mut(&file.sha256).and_then(Vec::pop) {
                Some(from) => {
                    gone.remove(&from.path);
                    self.moved.push((from.path.clone(), file.path.clone()));
                }
                None => self.added.push(file.path.clone()),
            }
        }
        self.removed.extend(gone.into_iter().cloned());
    }

    /// Models that are the same tensors in another container.
    fn conversions(&mut self, before: &Contents, after: &Contents) {
        let gone = |file: &String| self.removed.contains(file) || self.has_changed(file);
        let new = |file: &String| self.added.contains(file) || self.has_changed(file);
        let mut converted = Vec::new();
        for model in before.models.iter().filter(|model| model.files.iter().all(gone)) {
            let same = after.models.iter().find(|other| {
                other.content == model.content
                    && other.tensors == model.tensors
                    && (other.format != model.format || other.files.len() != model.files.len())
                    && other.files.iter().all(new)
            });
            converted.extend(same.map(|other| Converted {
                from: (model.files.clone(), model.format.clone()),
                to: (other.files.clone(), other.format.clone()),
                tensors: model.tensors,
                renamed: model.model != other.model,
            }));
        }
        self.converted = converted;
    }

    fn has_changed(&self, path: &str) -> bool {
        self.changed
            .iter()
            .any(|changed| changed.path == path || changed.to.as_deref() == Some(path))
    }
}

fn changed(one: &File, other: &File) -> Changed {
    Changed {
        path: one.path.clone(),
        to: None,
        bytes: (one.bytes, other.bytes),
        sha256: (one.sha256.to_string(), other.sha256.to_string()),
        place: None,
    }
}

fn row_groups(before: &Contents, after: &Contents) -> Vec<Group> {
    let mut groups: BTreeMap<(&str, u64), [Option<(u64, _)>; 2]> = BTreeMap::new();
    for (side, contents) in [before, after].into_iter().enumerate() {
        for group in &contents.row_groups {
            let places = groups.entry((&group.file, group.index)).or_default();
            if let Some(place) = places.get_mut(side) {
                *place = Some((group.rows, &group.sha256));
            }
        }
    }
    // A file that is on one side only is told of as a file.
    let files = |contents: &Contents| {
        contents.row_groups.iter().map(|group| group.file.clone()).collect::<BTreeSet<_>>()
    };
    let both = files(before).intersection(&files(after)).cloned().collect::<BTreeSet<_>>();
    groups
        .into_iter()
        .filter(|((file, _), [old, new])| old != new && both.contains(*file))
        .map(|((file, index), [old, new])| Group {
            file: file.into(),
            index,
            rows: (old.map(|(rows, _)| rows), new.map(|(rows, _)| rows)),
        })
        .collect()
}

/// How much of a file is looked at to tell a manifest.
const HEAD: u64 = 64;

/// The largest manifest that is read, in bytes.
const MOST_MANIFEST: u64 = 1 << 30;
