//! A copy of what is verified, made from the same read: what is loaded from it is what was hashed.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    Trouble,
    oms::hashing::Observer,
    tree::{File, open::cause},
};

/// A folder that only this user may read, filled while files are hashed, and gone unless it is kept.
#[derive(Debug)]
pub struct Copy {
    folder: TempDir,
    place: Option<PathBuf>,
}

impl Copy {
    /// A copy that will lie at a path where nothing is yet. Until it is kept it lies beside it.
    ///
    /// # Errors
    /// Where something is there, or where its folder may not be written to.
    pub fn beside(place: &Path) -> Result<Self, Trouble> {
        if place.symlink_metadata().is_ok() {
            let why =
                format!("expected nothing at `{}`, found a file or a folder", place.display());
            return Err(
                Trouble::new(why).help("a copy never mixes with what is there; name a new folder")
            );
        }
        let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent);
        let folder = folder.map_err(|error| Trouble::io("write beside", place, &error))?;
        Ok(Self { folder, place: Some(place.to_owned()) })
    }

    /// A copy in the folder for temporary files, which goes with this value.
    ///
    /// # Errors
    /// Where that folder may not be written to.
    pub fn temporary() -> Result<Self, Trouble> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir();
        let folder =
            folder.map_err(|error| Trouble::io("write to", &std::env::temp_dir(), &error))?;
        Ok(Self { folder, place: None })
    }

    /// Where the copy lies now.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Move the copy to its place, where it has one, and keep it.
    ///
    /// # Errors
    /// Where something is there by now, or where the system refuses.
    pub fn keep(self) -> Result<PathBuf, Trouble> {
        let Some(place) = self.place else { return Ok(self.folder.keep()) };
        // Renaming a folder fails where another that is not empty, or a file, is there.
        fs::rename(self.folder.path(), &place)
            .map_err(|error| Trouble::io("write", &place, &error))?;
        drop(self.folder.keep());
        Ok(place)
    }
}

impl Observer for Copy {
    fn window(&self, file: &File, at: u64, bytes: &[u8]) -> io::Result<()> {
        let path = self.folder.path().join(&file.name);
        let write = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let copy = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
            write_at(&copy, bytes, at)
        };
        write().map_err(|error| io::Error::other(format!("cannot copy it: {}", cause(&error))))
    }
}

#[cfg(unix)]
fn write_at(file: &fs::File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(not(unix))]
fn write_at(mut file: &fs::File, bytes: &[u8], at: u64) -> io::Result<()> {
    use std::io::{Seek, Write};
    file.seek(io::SeekFrom::Start(at))?;
    file.write_all(bytes)
}

/// What a copy is called until it is kept.
const PREFIX: &str = ".modelward-copy-";
