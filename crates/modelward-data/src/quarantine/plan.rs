//! Where a set lies and where what it is divided into is to go: looked at before anything else is done, and held
//! against what is there when it is done.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use modelward_formats::Refusal;
use sha2::{Digest as _, Sha256};

use super::{failed, folder, free, parent};
use crate::{Trouble, Unread, check::Failed};

/// Where a set lies, and where what it is divided into goes.
#[derive(Debug)]
pub struct Plan {
    /// The set.
    pub(super) original: PathBuf,
    /// Where the cleaned set is written.
    pub(super) cleaned: PathBuf,
    /// The folder for what is taken out.
    pub(super) quarantine: PathBuf,
    /// The set, without links on the way.
    pub(super) real: PathBuf,
    /// The cleaned set and the quarantine, without links on the way.
    pub(super) places: [PathBuf; 2],
    folder: bool,
    seen: [u8; 32],
}

impl Plan {
    /// Look at the places: there is a set, and nothing where it is to go.
    ///
    /// # Errors
    /// Where that is not so, or one place lies in another.
    pub fn new(original: &Path, cleaned: &Path, quarantine: &Path) -> Result<Self, Failed> {
        free(cleaned)?;
        free(quarantine)?;
        let real = fs::canonicalize(original).map_err(|error| {
            Unread::refused(original.display().to_string(), &Refusal::io(0, &error))
        })?;
        let folder = real.is_dir();
        let places = [home(cleaned)?, home(quarantine)?];
        if places[0].starts_with(&places[1]) || places[1].starts_with(&places[0]) {
            let why = "expected two places, neither of which lies in the other";
            return Err(Trouble::new(why).into());
        }
        if let Some(inside) = places.iter().find(|place| folder && place.starts_with(&real)) {
            let why = format!("expected a place outside of the set, got `{}`", inside.display());
            return Err(Trouble::new(why).into());
        }
        let seen = seen(&real)?;
        let [original, cleaned, quarantine] = [original, cleaned, quarantine].map(Path::to_owned);
        Ok(Self { original, cleaned, quarantine, real, places, folder, seen })
    }

    /// Whether the set is a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.folder
    }

    /// The set is what it was when this was made.
    pub(super) fn holds(&self) -> Result<(), Trouble> {
        if seen(&self.real)? == self.seen {
            return Ok(());
        }
        let shown = self.original.display();
        let why = format!(
            "expected `{shown}` as it was when its rows were looked at, it changed meanwhile"
        );
        Err(Trouble::new(why).help("run it again once nothing writes to it any more"))
    }
}

/// The place of something that is not there yet, without links on the way.
fn home(path: &Path) -> Result<PathBuf, Trouble> {
    let above = fs::canonicalize(parent(path)).map_err(|error| failed(path, &error))?;
    let name = path.file_name().ok_or_else(|| {
        Trouble::new(format!("expected a path that ends in a name, got `{}`", path.display()))
    })?;
    Ok(above.join(name))
}

/// What tells whether a file, or one of a folder, was written to: which it is, how long, and when it was last.
fn seen(real: &Path) -> Result<[u8; 32], Trouble> {
    let mut all = Sha256::new();
    let mut add = |path: &str, at: &Path| {
        let found: Metadata = fs::symlink_metadata(at).map_err(|error| failed(at, &error))?;
        all.update((path.len() as u64).to_le_bytes());
        all.update(path);
        let numbers = [found.dev(), found.ino(), if found.is_dir() { 0 } else { found.len() }];
        numbers.iter().for_each(|number| all.update(number.to_le_bytes()));
        let times = [found.mtime(), found.mtime_nsec()];
        times.iter().for_each(|number| all.update(number.to_le_bytes()));
        Ok::<_, Trouble>(())
    };
    add("", real)?;
    if real.is_dir() {
        folder::each(real, &mut |path, _| add(path, &real.join(path)))?;
    }
    Ok(all.finalize().into())
}
