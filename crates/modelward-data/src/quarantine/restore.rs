//! A set put together again from its cleaned form and its quarantine.

use std::{
    fs::{self, File, Permissions},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{
    FILES, PLACES, REMOVED, create,
    digest::{Digest, Summed, Tree, copy, regular},
    failed, free,
    manifest::{Manifest, changed},
    mode,
    pack::unpack,
    parent, private,
    record::{LONGEST_LINE, Record, Way, number},
    splice,
};
use crate::Trouble;

/// A set that was put together again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What it is known by.
    pub digest: Digest,
    /// How many files it has.
    pub files: u64,
    /// Whether it is a folder.
    pub folder: bool,
}

/// Put a set together again from its quarantine and write it to `output`, which may not be there. `cleaned`
/// is where the cleaned set lies, if no longer where it was written. It ends early where it `stops`.
///
/// # Errors
/// Where a byte of the quarantine or of the cleaned set is another than it was: then nothing is written.
pub fn restore(
    quarantine: &Path,
    cleaned: Option<&Path>,
    output: &Path,
    stops: &dyn Fn() -> bool,
) -> Result<Restored, Trouble> {
    let go_on = || if stops() { Err(Trouble::new("stopped by a signal")) } else { Ok(()) };
    free(output)?;
    let manifest = Manifest::read(quarantine)?;
    let cleaned = match cleaned {
        Some(cleaned) => cleaned.to_owned(),
        None => manifest.cleaned_at(quarantine),
    };
    let within = |folder: &Path| match (fs::canonicalize(parent(output)), fs::canonicalize(folder))
    {
        (Ok(above), Ok(folder)) => above.starts_with(folder),
        _ => false,
    };
    if within(quarantine) || (manifest.folder && within(&cleaned)) {
        let shown = output.display();
        let why = format!("expected a place outside of what is read, got `{shown}`");
        return Err(Trouble::new(why));
    }
    let mut parts = Parts::open(quarantine, &cleaned, manifest.folder)?;
    let mut original = Tree::new();
    let mut files = 0_u64;
    if !manifest.folder {
        let file = tempfile::Builder::new().prefix(".restore-").tempfile_in(parent(output));
        let file = file.map_err(|error| failed(output, &error))?;
        let mut mode = 0o600;
        parts.each(|parts, record| {
            go_on()?;
            mode = record.mode;
            files = files.saturating_add(1);
            if files > 1 || !record.path.is_empty() {
                return Err(changed("the list of files"));
            }
            original.add(&parts.put(record, BufWriter::new(file.as_file()))?);
            Ok(())
        })?;
        if original.finish(false) != manifest.original || files != 1 {
            return Err(changed("the original"));
        }
        let ready = file.as_file().set_permissions(Permissions::from_mode(mode));
        ready.and_then(|()| file.as_file().sync_all()).map_err(|error| failed(output, &error))?;
        go_on()?;
        file.persist_noclobber(output).map_err(|error| failed(output, &error.error))?;
        return Ok(Restored { digest: manifest.original, files, folder: false });
    }
    let folder = private(".restore-", parent(output)).map_err(|error| failed(output, &error))?;
    let inside = folder.path().join("set");
    fs::create_dir(&inside).map_err(|error| failed(output, &error))?;
    parts.each(|parts, record| {
        go_on()?;
        if record.path.is_empty() {
            return Err(changed("the list of files"));
        }
        let path = inside.join(&record.path);
        if record.way == Way::Folder {
            let made = fs::create_dir(&path);
            let mode = Permissions::from_mode(record.mode | 0o700);
            let made = made.and_then(|()| fs::set_permissions(&path, mode));
            return made.map_err(|error| failed(&path, &error));
        }
        files = files.saturating_add(1);
        let file = create(&path)?;
        original.add(&parts.put(record, BufWriter::new(&file))?);
        let done = file.set_permissions(Permissions::from_mode(record.mode));
        done.map_err(|error| failed(&path, &error))
    })?;
    if original.finish(true) != manifest.original {
        return Err(changed("the original"));
    }
    free(output)?;
    go_on()?;
    // The folder itself stands in no line; the cleaned one has what it had.
    let mode = Permissions::from_mode(mode(&cleaned)?);
    fs::set_permissions(&inside, mode).map_err(|error| failed(output, &error))?;
    fs::rename(&inside, output).map_err(|error| failed(output, &error))?;
    Ok(Restored { digest: manifest.original, files, folder: true })
}

/// What a set is put together from.
pub(super) struct Parts<'a> {
    quarantine: &'a Path,
    cleaned: &'a Path,
    folder: bool,
    removed: BufReader<File>,
    places: BufReader<File>,
    /// The number of the last file of the quarantine that was put somewhere.
    last: u64,
}

impl<'a> Parts<'a> {
    pub(super) fn open(
        quarantine: &'a Path,
        cleaned: &'a Path,
        folder: bool,
    ) -> Result<Self, Trouble> {
        let found = fs::metadata(cleaned).map_err(|error| failed(cleaned, &error))?;
        if found.is_dir() != folder {
            let what = if folder { "a folder" } else { "a file" };
            let shown = cleaned.display();
            return Err(Trouble::new(format!("expected {what} at `{shown}`, found none")));
        }
        let part = |name: &str| {
            let file = regular(&quarantine.join(name))?;
            Ok::<_, Trouble>(BufReader::with_capacity(1 << 16, file))
        };
        Ok(Self {
            quarantine,
            cleaned,
            folder,
            removed: part(REMOVED)?,
            places: part(PLACES)?,
            last: 0,
        })
    }

    /// Go through what became of each file, in order.
    pub(super) fn each(
        &mut self,
        mut visit: impl FnMut(&mut Self, &Record) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let path = self.quarantine.join(FILES);
        let mut lines = BufReader::new(regular(&path)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut within = lines.by_ref().take(LONGEST_LINE);
            within.read_until(b'\n', &mut line).map_err(|error| failed(&path, &error))?;
            if line.is_empty() {
                return Ok(());
            }
            let record = Record::parse(&line).filter(|_| line.ends_with(b"\n"));
            visit(self, &record.ok_or_else(|| changed("the list of files"))?)?;
        }
    }

    /// Write one file as it was; gives what it is known by, which is what the record says.
    pub(super) fn put(&mut self, record: &Record, out: impl Write) -> Result<Digest, Trouble> {
        let kept = self.kept(&record.path);
        if let Some(cleaned) = &record.cleaned
            && Digest::of(&kept)? != *cleaned
        {
            return Err(changed(&format!("`{}`", kept.display())));
        }
        if let Way::Taken(name) | Way::Packed(name) = &record.way {
            // Each has its own: what one file holds is not written again and again.
            let number = number(name).filter(|number| *number > self.last);
            self.last = number.ok_or_else(|| changed("the list of files"))?;
        }
        let mut out = Summed::new(out);
        let part = |name: &str| self.quarantine.join(name);
        // What comes is the file or something else: no more of it is read than the file has.
        let most = record.original.bytes.saturating_add(1);
        let (path, written) = match &record.way {
            Way::Same => (kept.clone(), copy(&mut regular(&kept)?.take(most), &mut out).map(drop)),
            Way::Taken(name) => {
                let from = regular(&part(name))?;
                (part(name), copy(&mut from.take(most), &mut out).map(drop))
            }
            Way::Packed(name) => {
                let from = regular(&part(name))?;
                let length = from.metadata().map_or(0, |metadata| metadata.len());
                let most = most.min(length.saturating_mul(MOST_RATIO));
                let unpacked = unpack(from).and_then(|from| copy(&mut from.take(most), &mut out));
                (part(name), unpacked.map(drop))
            }
            Way::Spliced(count) => {
                let mut from = BufReader::with_capacity(1 << 16, regular(&kept)?);
                let (removed, places) = (&mut self.removed, &mut self.places);
                (kept.clone(), splice::join(&mut from, removed, places, *count, &mut out))
            }
            Way::Folder => (kept.clone(), Err(io::ErrorKind::IsADirectory.into())),
        };
        written.and_then(|()| out.flush()).map_err(|error| failed(&path, &error))?;
        let digest = out.finish();
        if digest != record.original {
            let name = if record.path.is_empty() { "the original" } else { &record.path };
            return Err(changed(name));
        }
        Ok(digest)
    }

    /// Where a file of the cleaned set lies.
    fn kept(&self, path: &str) -> PathBuf {
        if self.folder { self.cleaned.join(path) } else { self.cleaned.to_owned() }
    }
}

/// What is packed is at most so many times as long as what it is packed into: a quarantine may come from
/// anywhere.
pub(super) const MOST_RATIO: u64 = 1000;
