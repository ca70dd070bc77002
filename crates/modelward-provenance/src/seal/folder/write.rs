//! Writing a folder as an archive.

use std::{fs::Metadata, io::Write};

use super::{
    listing::{Entry, Folder},
    tar::{BLOCK, EXTENDED, FILE, FOLDER, GLOBAL, Header, MARK, fits, padding, record},
};
use crate::seal::{
    disk::{Stopped, copy_file, open, open_plain},
    fault::Result,
};

impl Folder {
    /// Write the archive; gives the bytes of all files. Trouble where a file changes meanwhile, or
    /// once `stopped` says so.
    pub fn write(&self, into: &mut dyn Write, stopped: Stopped<'_>) -> Result<u64> {
        special(into, GLOBAL, "pax_global_header", &record("comment", MARK))?;
        let mut total = 0_u64;
        for entry in &self.entries {
            total = total.saturating_add(member(entry, into, stopped)?);
        }
        into.write_all(&[0; 2 * BLOCK])?;
        Ok(total)
    }
}

fn member(entry: &Entry, into: &mut dyn Write, stopped: Stopped<'_>) -> Result<u64> {
    let Entry { name, path, is_folder, is_link } = entry;
    if *is_folder {
        head(into, FOLDER, &format!("{name}/"), 0, false)?;
        return Ok(0);
    }
    // What was no link when it was listed must not lead elsewhere now.
    let (file, before) = if *is_link { open(path, "seal")? } else { open_plain(path)? };
    head(into, FILE, name, before.len(), is_executable(&before))?;
    let copied = copy_file(file, &before, path, into, stopped)?;
    let padding = usize::try_from(padding(copied)).unwrap_or(0);
    into.write_all([0; BLOCK].get(..padding).unwrap_or_default())?;
    Ok(copied)
}

/// A header, with an extended one before it where it does not fit.
fn head(into: &mut dyn Write, kind: u8, name: &str, size: u64, executable: bool) -> Result<()> {
    if fits(name, size) {
        let header = Header { kind, name: name.as_bytes().to_vec(), size, executable };
        return Ok(into.write_all(&header.block())?);
    }
    let records = [record("path", name), record("size", &size.to_string())].concat();
    special(into, EXTENDED, "././@PaxHeader", &records)?;
    // Readers that do not know extended headers see a name that cannot be taken for another.
    let plain = |byte: u8| if byte.is_ascii_graphic() { byte } else { b'_' };
    let short = name.bytes().map(plain).take(99).collect();
    let size = if size < 1 << 33 { size } else { 0 };
    let header = Header { kind, name: short, size, executable };
    Ok(into.write_all(&header.block())?)
}

/// A header that speaks of others.
fn special(into: &mut dyn Write, kind: u8, name: &str, records: &[u8]) -> Result<()> {
    let size = records.len() as u64;
    let header = Header { kind, name: name.as_bytes().to_vec(), size, executable: false };
    into.write_all(&header.block())?;
    into.write_all(records)?;
    let padding = usize::try_from(padding(size)).unwrap_or(0);
    Ok(into.write_all([0; BLOCK].get(..padding).unwrap_or_default())?)
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}
