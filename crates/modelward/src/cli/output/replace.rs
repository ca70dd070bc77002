//! Writing in place of a file: what a link leads to, with the permissions that it had. A pipe or a
//! device is written to, never replaced.

use std::{
    fs::{self, Metadata, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool, atomic::Ordering::SeqCst},
};

use tempfile::NamedTempFile;

/// Replace a file by what is written, or leave it as it is.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let path = end_of_links(path)?;
    match fs::metadata(&path) {
        Ok(there) if there.is_file() => whole(&path, Some(&there), write),
        Ok(_) => into(&path, write),
        Err(error) if error.kind() == io::ErrorKind::NotFound => whole(&path, None, write),
        Err(error) => Err(error),
    }
}

/// What a path leads to, whether that is there or not.
pub(super) fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    // What is open already (`/dev/stdout`, `/dev/fd/3`) has no other path that could be opened.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Ok(path.to_owned());
    }
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(next) => path = folder(&path).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// The folder that a path lies in.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Write to what is no regular file. It may block, so a signal that ends the process ends it.
fn into(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = io::BufWriter::new(OpenOptions::new().write(true).open(path)?);
    write(&mut out)?;
    out.flush()
}

/// Write a file beside its place and move it there once it is whole. A signal that ends the
/// process is held back until the file beside it is gone or in its place.
fn whole(
    path: &Path,
    there: Option<&Metadata>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let stopped = Arc::new(AtomicBool::new(false));
    let ending = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];
    let held = ending.map(|signal| signal_hook::flag::register(signal, stopped.clone()));
    let written = beside(folder(path), there)
        .and_then(|file| {
            let mut out = io::BufWriter::new(file);
            write(&mut out)?;
            out.into_inner().map_err(io::IntoInnerError::into_error)
        })
        .and_then(|file| {
            if stopped.load(SeqCst) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            file.persist(path).map(drop).map_err(|error| error.error)
        });
    for id in held.into_iter().flatten() {
        signal_hook::low_level::unregister(id);
    }
    written
}

/// A file with the permissions of the one that is there, or else of any new one, not the private
/// ones of a temporary one.
fn beside(folder: &Path, there: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".modelward-");
    #[cfg(unix)]
    if there.is_none() {
        use std::os::unix::fs::PermissionsExt;
        // The user's mask takes from these what it takes from any file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let file = builder.tempfile_in(folder)?;
    if let Some(there) = there {
        file.as_file().set_permissions(there.permissions())?;
    }
    Ok(file)
}

/// Links that Linux follows before it gives up.
const MOST_LINKS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_while_writing_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        let interrupted = replace(&path, |out| {
            out.write_all(b"half")?;
            signal_hook::low_level::raise(signal_hook::consts::SIGINT)
        });
        assert!(interrupted.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        replace(&path, |out| out.write_all(b"whole")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }
}
