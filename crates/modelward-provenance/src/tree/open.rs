//! Opening a file: never a pipe or a device, never through a link that appeared meanwhile; and whether
//! it is still the same afterwards.

use std::{
    fs::{self, Metadata, OpenOptions},
    io,
    path::Path,
    time::SystemTime,
};

use super::File;

/// What a file is, whatever its name: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(u64, u64);

/// What the file at a path is, where the system tells.
#[cfg(unix)]
pub fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|metadata| Identity::of(&metadata))
}

/// What the file at a path is, where the system tells.
#[cfg(not(unix))]
pub fn identity(_: &Path) -> Option<Identity> {
    None
}

impl Identity {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(metadata.dev(), metadata.ino())
    }

    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Self {
        Self(0, 0)
    }
}

/// What differs once somebody has written to a file, or put another in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    identity: Identity,
    #[cfg(unix)]
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            identity: Identity::of(metadata),
            // The time of a change cannot be set back, as that of a modification can.
            #[cfg(unix)]
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Open a listed file for reading: the one that was listed, and no other.
pub(crate) fn open(file: &File) -> io::Result<fs::File> {
    let opened = regular(&file.path)?;
    if Stamp::of(&opened.metadata()?) != file.stamp {
        return Err(io::Error::other("it changed since the model was listed"));
    }
    Ok(opened)
}

/// Whether the file that was read is still the one that was listed, asked by what was opened and by
/// its path: one that was replaced is another one.
pub(crate) fn unchanged(file: &File, opened: &fs::File) -> io::Result<()> {
    let is_listed = |metadata: Metadata| Stamp::of(&metadata) == file.stamp;
    if is_listed(opened.metadata()?) && is_listed(fs::symlink_metadata(&file.path)?) {
        return Ok(());
    }
    Err(io::Error::other("it changed while it was read"))
}

/// Open a regular file for reading, and nothing else.
pub(crate) fn regular(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe that took the file's place since the listing must not block, nor a link lead on.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("expected a regular file"));
    }
    Ok(file)
}

#[cfg(unix)]
pub(crate) fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
pub(crate) fn is_executable(_: &Metadata) -> bool {
    false
}

/// What the system said, without its number.
pub(crate) fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
