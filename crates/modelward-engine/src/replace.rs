//! Writing in place of a file: what a link leads to, with the permissions that it had. A pipe or a
//! device is written to, never replaced.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Seek},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// Replace a file by what is written, or leave it as it is: it is written beside its place, and moved there once it is
/// whole.
///
/// # Errors
/// Where it cannot be written, or `write` says so.
pub fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let path = end_of_links(path)?;
    let there = match fs::metadata(&path) {
        Ok(there) if there.is_file() => Some(there),
        Ok(_) => return into(&path, write),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mut file = beside(folder(&path), there.as_ref())?;
    write(file.as_file_mut())?;
    file.as_file().sync_all()?;
    file.persist(&path).map(drop).map_err(|error| error.error)
}

/// What a path leads to, whether that is there or not.
///
/// # Errors
/// Where links lead on and on.
pub fn end_of_links(path: &Path) -> io::Result<PathBuf> {
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
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Write to what is no regular file, which nobody can go back in.
fn into(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut out = OpenOptions::new().write(true).open(path)?;
    let mut whole = tempfile::tempfile()?;
    write(&mut whole)?;
    whole.rewind()?;
    io::copy(&mut whole, &mut out).map(drop)
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

#[cfg(all(test, unix))]
mod tests {
    use std::{io::Write, os::unix::fs::PermissionsExt, process::Command};

    use super::*;

    #[test]
    fn what_a_link_leads_to_is_replaced_with_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        replace(&link, |out| out.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(replace(&link, |_| Err(io::ErrorKind::Other.into())).is_err());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    fn a_pipe_is_written_to_and_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        replace(&pipe, |out| out.write_all(b"whole")).unwrap();
        assert_eq!(reader.join().unwrap(), b"whole");
        assert!(!fs::metadata(&pipe).unwrap().is_file());
    }
}
