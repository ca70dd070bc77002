//! Unpacking an archive into a folder of which nobody knows yet.

use std::{
    collections::HashSet,
    fs::{self, OpenOptions},
    io::{Read, Write},
    path::Path,
};

use super::walk::{Forward, Found, Ranges, Walk};
use crate::{
    Trouble,
    seal::{
        disk::{Stopped, go_on},
        fault::{Fault, Result},
    },
};

/// What was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Unpack an archive into an empty folder. What lies there is whole once this succeeds; until then
/// nobody else should see the folder. Links, devices, and names that are absolute, lead outside,
/// come twice or differ in case only are refused.
pub fn unpack(from: impl Read, into: &Path, stopped: Stopped<'_>) -> Result<Unpacked> {
    let (mut from, mut walk) = (Forward::new(from), Walk::default());
    let (mut done, mut made) = (Unpacked::default(), HashSet::new());
    while let Some(found) = walk.next(&mut from)? {
        let folder = if found.is_folder { &found.name[..] } else { above(&found.name) };
        if !made.contains(folder) {
            let path = into.join(folder);
            fs::create_dir_all(&path).map_err(|e| Trouble::io("create", &path, &e))?;
            made.insert(folder.to_owned());
        }
        if !found.is_folder {
            file(&mut from, &found, into, stopped)?;
            done.files = done.files.saturating_add(1);
            done.bytes = done.bytes.saturating_add(found.len);
        }
    }
    Ok(done)
}

/// Name each file of an archive, and its length, after reading it to its end.
pub fn list(from: impl Read, each: &mut dyn FnMut(&str, u64)) -> Result<Unpacked> {
    let (mut from, mut walk) = (Forward::new(from), Walk::default());
    let mut done = Unpacked::default();
    while let Some(found) = walk.next(&mut from)? {
        if !found.is_folder {
            each(&found.name, found.len);
            done.files = done.files.saturating_add(1);
            done.bytes = done.bytes.saturating_add(found.len);
        }
    }
    Ok(done)
}

fn file(from: &mut dyn Ranges, found: &Found, into: &Path, stopped: Stopped<'_>) -> Result<()> {
    let path = into.join(&found.name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // The user's mask takes from these what it takes from any file.
        options.mode(if found.executable { 0o777 } else { 0o666 });
    }
    let mut file = options.open(&path).map_err(|e| Trouble::io("create", &path, &e))?;
    let (mut at, end) = (found.at, found.at.saturating_add(found.len));
    let mut buffer = vec![0; BUFFER];
    while at < end {
        go_on(stopped)?;
        let left = usize::try_from(end.saturating_sub(at)).unwrap_or(BUFFER).min(BUFFER);
        let part = buffer.get_mut(..left).unwrap_or_default();
        let read = from.read(at, part)?;
        if read < left {
            return Err(Fault::in_member(&found.name, "is cut short by the end of the archive"));
        }
        file.write_all(part).map_err(|e| Trouble::io("write", &path, &e))?;
        at = at.saturating_add(read as u64);
    }
    Ok(())
}

/// The folder that a member lies in.
fn above(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

const BUFFER: usize = 256 << 10;
