//! What is made beside its place, where nobody else sees it, and moved there once it is whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::{TempDir, TempPath};

use crate::{
    cli::{Failure, signals::Signals},
    content::cause,
    listing::shown,
};
use modelward_engine::replace::folder;

/// A file or folder in the making. Dropped before it is put in its place, it leaves nothing. A
/// signal that would end the process is held back meanwhile, and is to be asked for.
pub(in crate::cli) struct Beside {
    private: TempDir,
    place: PathBuf,
    force: bool,
    signals: Signals,
}

impl Beside {
    /// Begin what is to stand at a place where nothing stands yet, but for a file that `force`
    /// replaces, or an empty folder.
    pub(in crate::cli) fn new(place: &Path, force: bool) -> Result<Self, Failure> {
        vacant(place, force)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".modelward-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let private = builder.tempdir_in(folder(place)).map_err(|error| refused(place, &error))?;
        Ok(Self { private, place: place.to_owned(), force, signals: Signals::hold() })
    }

    /// Where it is made.
    pub(in crate::cli) fn path(&self) -> PathBuf {
        self.private.path().join("content")
    }

    /// Whether a signal came.
    pub(in crate::cli) fn is_stopped(&self) -> bool {
        self.signals.came().is_some()
    }

    /// Put it in its place.
    pub(in crate::cli) fn put(self) -> Result<(), Failure> {
        if self.is_stopped() {
            return Err(Failure::new("stopped by a signal"));
        }
        let (made, place) = (self.path(), &self.place);
        let put = if made.is_dir() || self.force {
            // A folder takes the place of an empty folder alone: the system sees to that.
            fs::rename(made, place)
        } else {
            TempPath::try_from_path(made)
                .and_then(|made| made.persist_noclobber(place).map_err(|error| error.error))
        };
        put.map_err(|error| refused(place, &error))
    }
}

/// Whether something may be put at a place.
fn vacant(place: &Path, force: bool) -> Result<(), Failure> {
    let there = match fs::symlink_metadata(place) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(place, &error)),
    };
    let name = shown(place);
    if there.is_dir() {
        let is_empty = fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_none());
        if is_empty {
            return Ok(());
        }
        let message = format!("the folder `{name}` is there and not empty");
        return Err(Failure::new(message).help("name a folder that is not there yet: `-o DIR`"));
    }
    if there.is_file() && force {
        return Ok(());
    }
    let message = format!("`{name}` is there already");
    Err(Failure::new(message).help(if there.is_file() {
        "to replace the file: `--force`; or write elsewhere: `-o FILE`"
    } else {
        "only a regular file is ever replaced; write elsewhere: `-o FILE`"
    }))
}

fn refused(place: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot write `{}`: {}", shown(place), cause(error)))
        .help("check that the folder is there and may be written to")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_until_it_is_put_and_nothing_is_replaced_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out");
        let entries = || fs::read_dir(folder.path()).unwrap().count();
        let beside = Beside::new(&place, false).unwrap();
        fs::write(beside.path(), "half").unwrap();
        drop(beside);
        assert_eq!(entries(), 0);

        let beside = Beside::new(&place, false).unwrap();
        fs::write(beside.path(), "whole").unwrap();
        fs::write(&place, "of somebody else, meanwhile").unwrap();
        assert!(beside.put().is_err());
        assert!(Beside::new(&place, false).is_err());
        let beside = Beside::new(&place, true).unwrap();
        fs::write(beside.path(), "whole").unwrap();
        beside.put().unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"whole");
        assert_eq!(entries(), 1);

        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        let beside = Beside::new(&place, false).unwrap();
        fs::create_dir(beside.path()).unwrap();
        fs::write(beside.path().join("w"), "w").unwrap();
        beside.put().unwrap();
        assert!(place.join("w").is_file());
        assert!(Beside::new(&place, true).is_err(), "a folder with content");
    }

    #[test]
    fn a_signal_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out");
        let beside = Beside::new(&place, false).unwrap();
        fs::write(beside.path(), "whole").unwrap();
        signal_hook::low_level::raise(signal_hook::consts::SIGTERM).unwrap();
        assert!(beside.is_stopped());
        assert!(beside.put().is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
