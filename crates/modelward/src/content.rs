//! Where the bytes of a listed file come from, and how a file on disk is opened: never a pipe or
//! a device, never through a link that appeared after the listing.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use modelward_formats::{Bytes, Gap, Refusal, Source};

/// The bytes of a listed file.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// A regular file.
    Disk {
        /// Its path, with no link left in it.
        path: PathBuf,
        /// Its length when it was listed.
        len: u64,
    },
    /// A regular file that was open already, when it was listed.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there, standard input is read at once"))]
    Open(Arc<File>, Bytes, Stamp),
    /// Bytes that are at hand.
    Memory(Bytes),
}

/// A file that is being read.
pub(crate) struct Opened<'a> {
    /// Its bytes.
    pub(crate) bytes: Bytes,
    from: &'a Content,
    before: Option<Stamp>,
}

impl Content {
    /// The bytes, with the file held open.
    pub(crate) fn open(&self) -> Result<Opened<'_>, Refusal> {
        let (bytes, before) = match self {
            Self::Disk { path, .. } => {
                let (file, metadata) = open(path)?;
                let bytes = Bytes::file(file, metadata.len());
                (bytes.map_err(|error| Refusal::io(0, &error))?, Some(Stamp::of(&metadata)))
            }
            Self::Open(_, bytes, before) => (bytes.clone(), Some(*before)),
            Self::Memory(bytes) => (bytes.clone(), None),
        };
        Ok(Opened { bytes, from: self, before })
    }

    /// The path of a file on disk.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Disk { path, .. } => Some(path),
            Self::Open(..) | Self::Memory(_) => None,
        }
    }

    /// The bytes, with the file opened anew at each read: a folder may hold more files than a
    /// process may hold open.
    pub(crate) fn on_demand(&self) -> Bytes {
        match self {
            Self::Disk { path, len } => {
                Bytes::new(Arc::new(OnDemand { path: path.clone(), len: *len }))
            }
            Self::Open(_, bytes, _) | Self::Memory(bytes) => bytes.clone(),
        }
    }
}

impl Opened<'_> {
    /// Whether the file is still the one that was opened, asked once all of it was judged. Asked
    /// by its path: that costs the least, and a file that was replaced is another one.
    pub(crate) fn unchanged(&self) -> Result<(), Refusal> {
        // What was read at once was judged and hashed from the same bytes.
        if self.bytes.len() <= Bytes::AT_ONCE {
            return Ok(());
        }
        let after = match self.from {
            Content::Disk { path, .. } => fs::symlink_metadata(path).ok(),
            Content::Open(file, ..) => file.metadata().ok(),
            Content::Memory(_) => return Ok(()),
        };
        if after.as_ref().map(Stamp::of) == self.before {
            return Ok(());
        }
        Err(Refusal::new(0, Gap::Unreadable, "the file changed while it was read"))
    }
}

/// What differs once somebody has written to a file, or put another in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            // The time of a change cannot be set back, as that of a modification can.
            #[cfg(unix)]
            inode: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Open a regular file for reading, and nothing else.
pub(crate) fn open(path: &Path) -> Result<(File, Metadata), Refusal> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe that took the file's place since the listing must not block, nor a link lead on.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    let file =
        options.open(path).map_err(|error| Refusal::new(0, Gap::Unreadable, cause(&error)))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok((file, metadata)),
        Ok(_) => Err(Refusal::new(0, Gap::SpecialFile, "expected a regular file")),
        Err(error) => Err(Refusal::new(0, Gap::Unreadable, cause(&error))),
    }
}

/// What the operating system said, as modelward says it: lower case, without the number.
pub(crate) fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A file that is opened for each read.
#[derive(Debug)]
struct OnDemand {
    path: PathBuf,
    len: u64,
}

impl Source for OnDemand {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        use std::io::{Read, Seek};
        let (mut file, _) = open(&self.path)?;
        file.seek(io::SeekFrom::Start(at))?;
        file.read(into)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_that_changes_while_it_is_read_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.pkl");
        let old = vec![b'o'; 300_000];
        let fresh = || {
            fs::write(&path, &old).unwrap();
            Content::Disk { path: path.clone(), len: 300_000 }
        };
        let content = fresh();
        assert!(content.open().unwrap().unchanged().is_ok());
        let changes: [fn(&Path); 3] = [
            |path| OpenOptions::new().append(true).open(path).unwrap().write_all(b"er").unwrap(),
            |path| {
                let other = path.with_extension("other");
                fs::write(&other, "new").unwrap();
                fs::rename(other, path).unwrap();
            },
            |path| fs::remove_file(path).unwrap(),
        ];
        for change in changes {
            let content = fresh();
            let opened = content.open().unwrap();
            change(&path);
            assert_eq!(opened.unchanged().unwrap_err().gap, Gap::Unreadable);
        }
    }
}
