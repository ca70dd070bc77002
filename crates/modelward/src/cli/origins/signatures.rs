//! The signatures beside and in a target.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use modelward_provenance::{
    oms::{Bundle, Role},
    report::Attestation,
    tree::{self, Tree},
};

use crate::{
    cli::provenance::MOST_BUNDLE,
    content,
    listing::{below, shown},
};

/// The signatures of a target.
pub(super) struct Signatures {
    pub(super) target: PathBuf,
    pub(super) bundles: Vec<Found>,
    /// Signed reports, which belong to no model as its files.
    pub(super) reports: Vec<PathBuf>,
    /// Whether there are signatures that are not verified: too many, too large, or not to be read.
    pub(super) more: bool,
    /// Files that were looked at.
    looked: usize,
    /// Bytes that may still be kept.
    left: u64,
    /// Weights that no signature is about, by the name of the first.
    pub(super) unsigned: Option<String>,
    /// Files of any kind that no signature is about, by the name of the first.
    pub(super) uncovered: Option<String>,
    /// Whether it is one file.
    pub(super) single: bool,
}

/// A signature.
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// The path as the user would write it.
    pub(super) shown: String,
    pub(super) bytes: Vec<u8>,
    /// The model that it is about, from the target down; empty for the target itself.
    pub(super) model: String,
}

impl Signatures {
    /// Look for signatures; `None` where the target is not there or cannot be listed, which the scan says.
    pub(super) fn of(target: &Path) -> Option<Self> {
        let tree = Tree::list(target, &tree::Options::default()).ok()?;
        let mut found = Self {
            target: target.to_owned(),
            bundles: Vec::new(),
            reports: Vec::new(),
            more: false,
            looked: 0,
            left: MOST_BUNDLE,
            unsigned: None,
            uncovered: None,
            single: tree.single,
        };
        found.beside(&tree);
        for file in tree.files.iter().filter(|_| !tree.single) {
            if ENDINGS.iter().any(|ending| file.name.ends_with(ending)) {
                let model = file.name.rsplit_once('/').map_or("", |(folder, _)| folder);
                let shown = below(&shown(target), &file.name);
                found.take(file.path.clone(), shown, model.to_owned());
            }
        }
        let covered = |name: &str| {
            found.bundles.iter().any(|bundle| {
                let rest = name.strip_prefix(bundle.model.as_str());
                bundle.model.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'))
            })
        };
        let weights = |name: &str| Role::named(name) == Role::Weights;
        let uncovered = tree.files.iter().filter(|file| !covered(&file.name));
        let mut uncovered = uncovered.map(|file| file.name.clone());
        let first = uncovered.next();
        let mut all = first.clone().into_iter().chain(uncovered);
        let unsigned = all.find(|name| weights(name));
        (found.unsigned, found.uncovered) = (unsigned, first);
        Some(found)
    }

    /// Leave the signatures of models that are looked at by themselves.
    pub(super) fn leave(&mut self, models: &[PathBuf]) {
        let target = &self.target;
        let inner = models.iter().filter(|model| *model != target && model.starts_with(target));
        let inner = inner.collect::<Vec<_>>();
        self.bundles.retain(|bundle| !inner.iter().any(|model| bundle.path.starts_with(model)));
    }

    /// Those that are called after the target.
    fn beside(&mut self, tree: &Tree) {
        let place = match self.target.file_name() {
            Some(_) => self.target.clone(),
            None => tree.root.clone(),
        };
        for ending in ENDINGS {
            let Some(name) = place.file_name() else { return };
            let mut name = name.to_owned();
            name.push(ending);
            let path = place.with_file_name(name);
            if path.is_file() {
                self.take(path.clone(), shown(&path), String::new());
            }
        }
    }

    fn take(&mut self, path: PathBuf, shown: String, model: String) {
        self.looked = self.looked.saturating_add(1);
        let bytes = if self.looked > MOST { None } else { read(&path, self.left) };
        let Some(bytes) = bytes else {
            self.more = true;
            return;
        };
        if !looks_like_bundle(&bytes) {
            return;
        }
        if Bundle::read(&bytes).is_ok_and(|bundle| Attestation::is(&bundle.payload)) {
            return self.reports.push(path);
        }
        self.left = self.left.saturating_sub(bytes.len() as u64);
        self.bundles.push(Found { path, shown, bytes, model });
    }
}

/// The bytes of a regular file of at most so many.
fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    let real = fs::canonicalize(path).ok()?;
    let (file, _) = content::open(&real).ok()?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= most).then_some(bytes)
}

/// Whether bytes mean to be a bundle: signatures of other kinds have the same endings.
fn looks_like_bundle(bytes: &[u8]) -> bool {
    let begins = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    begins && bytes.windows(MARK.len()).any(|window| window == MARK)
}

/// What is in the media type of every bundle.
const MARK: &[u8] = b"vnd.dev.sigstore.bundle";
/// What the names of signatures end with.
const ENDINGS: [&str; 3] = [".sig", ".sigstore", ".sigstore.json"];
/// More files that are called as signatures are than a target has.
const MOST: usize = 256;
