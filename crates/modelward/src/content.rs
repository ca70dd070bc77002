//! Where the bytes of a listed file come from, and how a file on disk is opened: never a pipe or
//! a device, never through a link that appeared after the listing.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
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
    /// Bytes that are at hand.
    Memory(Bytes),
}

impl Content {
    /// The bytes, with the file held open.
    pub(crate) fn open(&self) -> Result<Bytes, Refusal> {
        match self {
            Self::Disk { path, .. } => {
                let (file, len) = open(path)?;
                Bytes::file(file, len).map_err(|error| Refusal::io(0, &error))
            }
            Self::Memory(bytes) => Ok(bytes.clone()),
        }
    }

    /// The path of a file on disk.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Disk { path, .. } => Some(path),
            Self::Memory(_) => None,
        }
    }

    /// The bytes, with the file opened anew at each read: a folder may hold more files than a
    /// process may hold open.
    pub(crate) fn on_demand(&self) -> Bytes {
        match self {
            Self::Disk { path, len } => {
                Bytes::new(Arc::new(OnDemand { path: path.clone(), len: *len }))
            }
            Self::Memory(bytes) => bytes.clone(),
        }
    }
}

/// Open a regular file for reading, and nothing else; with its length.
pub(crate) fn open(path: &Path) -> Result<(File, u64), Refusal> {
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
        Ok(metadata) if metadata.is_file() => Ok((file, metadata.len())),
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
