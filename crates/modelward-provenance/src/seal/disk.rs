//! Files on disk that are sealed: opened without blocking, and known to be the same when they were read.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read, Write},
    path::Path,
    time::SystemTime,
};

use super::fault::Result;
use crate::{Trouble, tree};

/// Whether the work should end, since a signal came.
pub type Stopped<'a> = &'a dyn Fn() -> bool;

/// Write the content of a regular file; gives its length. Trouble where it changes meanwhile, or
/// once `stopped` says so.
pub fn file(path: &Path, into: &mut dyn Write, stopped: Stopped<'_>) -> Result<u64> {
    let (file, before) = open(path, "seal")?;
    copy_file(file, &before, path, into, stopped)
}

/// Open a regular file, and nothing else; a pipe that took its place does not block.
pub(super) fn open(path: &Path, doing: &str) -> std::result::Result<(File, Metadata), Trouble> {
    let opened = || -> io::Result<(File, Metadata)> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            let flags = rustix::fs::OFlags::NONBLOCK;
            options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
        }
        let file = options.open(path)?;
        let metadata = file.metadata()?;
        Ok((file, metadata))
    };
    let (file, metadata) = opened().map_err(|e| Trouble::io("read", path, &e))?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(special(path, doing)) }
}

/// Open a regular file that is no link.
pub(super) fn open_plain(path: &Path) -> std::result::Result<(File, Metadata), Trouble> {
    let opened = tree::open::regular(path).and_then(|file| {
        let metadata = file.metadata()?;
        Ok((file, metadata))
    });
    opened.map_err(|error| Trouble::io("read", path, &error))
}

pub(super) fn special(path: &Path, doing: &str) -> Trouble {
    Trouble::new(format!("cannot {doing} `{}`: it is no regular file", path.display()))
        .help("pipes, sockets and devices are never opened")
}

/// Write what a file that was opened just now holds.
pub(super) fn copy_file(
    mut file: File,
    before: &Metadata,
    path: &Path,
    into: &mut dyn Write,
    stopped: Stopped<'_>,
) -> Result<u64> {
    let len = before.len();
    // One byte more tells whether the file has grown.
    let mut from = (&mut file).take(len.saturating_add(1));
    let copied = copy(&mut from, into, stopped)?;
    let after = file.metadata().map_err(|e| Trouble::io("read", path, &e))?;
    if copied != len || stamp(&after) != stamp(before) {
        let why = format!("`{}` changed while it was sealed", path.display());
        return Err(Trouble::new(why).help("seal again once nothing writes to it").into());
    }
    Ok(copied)
}

/// Write all that a reader gives; gives its length. Trouble once `stopped` says so.
pub fn copy(from: &mut dyn Read, into: &mut dyn Write, stopped: Stopped<'_>) -> Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut copied = 0_u64;
    loop {
        go_on(stopped)?;
        let read = match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            return Ok(copied);
        }
        copied = copied.saturating_add(read as u64);
        into.write_all(buffer.get(..read).unwrap_or_default())?;
    }
}

/// Trouble once the work should end.
pub(super) fn go_on(stopped: Stopped<'_>) -> Result<()> {
    if stopped() { Err(Trouble::new("stopped by a signal").into()) } else { Ok(()) }
}

/// What differs once somebody has written to a file.
fn stamp(metadata: &Metadata) -> (u64, Option<SystemTime>, i64, i64) {
    #[cfg(unix)]
    use std::os::unix::fs::MetadataExt;
    #[cfg(unix)]
    let changed = (metadata.ctime(), metadata.ctime_nsec());
    #[cfg(not(unix))]
    let changed = (0, 0);
    (metadata.len(), metadata.modified().ok(), changed.0, changed.1)
}

const BUFFER: usize = 256 << 10;
