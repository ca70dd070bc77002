//! A set divided into what stays and what goes, which is proven to come back before it has a name.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{
    REASONS, create,
    digest::{Digest, Summed, Tree},
    divide::Division,
    failed, folder, free,
    gather::{self, Gathered},
    manifest::{Manifest, relative},
    parent,
    reasons::Reasons,
    restore::Parts,
};
use crate::{Set, Trouble, check::Failed, read};

/// What is to be cleaned.
pub struct Order<'a> {
    /// The set.
    pub set: &'a Set,
    /// Where it lies.
    pub original: &'a Path,
    /// How it was opened.
    pub options: &'a read::Options,
    /// The rows that go, each with why.
    pub reasons: &'a Reasons,
    /// Where the cleaned set is written.
    pub cleaned: &'a Path,
    /// The folder for what is taken out.
    pub quarantine: &'a Path,
    /// The command line, for the manifest.
    pub command: &'a [String],
}

/// What became of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// How many rows it had.
    pub rows: u64,
    /// How many were taken out.
    pub removed: u64,
    /// What the original is known by.
    pub original: Digest,
    /// What the cleaned set is known by.
    pub cleaned: Digest,
}

/// Take rows out of a set: writes the rest and what is needed to put them back to places where nothing is yet.
///
/// # Errors
/// Where something cannot be read or written, is there already, or would not come back.
pub fn clean(order: &Order<'_>) -> Result<Cleaned, Failed> {
    let Order { set, original, cleaned, quarantine, .. } = order;
    free(cleaned)?;
    free(quarantine)?;
    let real = fs::canonicalize(original).map_err(|error| failed(original, &error))?;
    let is_folder = real.is_dir();
    let places = [home(cleaned)?, home(quarantine)?];
    if places[0].starts_with(&places[1]) || places[1].starts_with(&places[0]) {
        return Err(Trouble::new("expected two places, neither of which lies in the other").into());
    }
    if let Some(inside) = places.iter().find(|place| is_folder && place.starts_with(&real)) {
        let why = format!("expected a place outside of the set, got `{}`", inside.display());
        return Err(Trouble::new(why).into());
    }
    let gathered = gather::gather(set, order.reasons)?;
    if set.format == "images" && !is_folder && gathered.removed > 0 {
        let why = "expected a folder of images: one image alone is one row";
        return Err(Trouble::new(why).into());
    }
    // Both stand under other names until all is proven.
    let hidden = tempfile::Builder::new().prefix(".quarantine-").tempdir_in(parent(quarantine));
    let hidden = hidden.map_err(|error| failed(quarantine, &error))?;
    let inside = hidden.path().join("parts");
    DirBuilder::new().mode(0o700).create(&inside).map_err(|error| failed(quarantine, &error))?;
    let beside = Beside::new(cleaned, is_folder)?;
    let mut division = Division::new(order, &inside, &gathered)?;
    if is_folder {
        folder::each(&real, &mut |path, is_folder| {
            let to = beside.path().join(path);
            if is_folder {
                fs::create_dir(&to).map_err(|error| failed(&to, &error))?;
                return Ok(division.folder(path)?);
            }
            division.file(path, &real.join(path), &to)
        })?;
    } else {
        division.file("", &real, beside.path())?;
    }
    let mut divided = division.finish()?;
    let reasons = write_reasons(order, &gathered, &inside)?;
    divided.parts.insert(REASONS.to_owned(), reasons);
    let (whole, rest) = (divided.original.finish(is_folder), divided.cleaned.finish(is_folder));
    let manifest = Manifest {
        command: order.command.to_vec(),
        format: set.format.to_owned(),
        rows: gathered.rows,
        removed: gathered.removed,
        name: original.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        folder: is_folder,
        original: whole.clone(),
        cleaned: rest.clone(),
        beside: relative(&places[1], &places[0]).to_str().unwrap_or_default().to_owned(),
        absolute: places[0].to_string_lossy().into_owned(),
        parts: divided.parts,
    };
    manifest.write(&inside)?;
    prove(order, &inside, &beside, &gathered, &manifest)?;
    // What was taken out lies safe before the rest has its name; an empty folder that came meanwhile is
    // somebody else's.
    sync(&inside)?;
    free(quarantine)?;
    fs::rename(&inside, quarantine).map_err(|error| failed(quarantine, &error))?;
    if let Err(trouble) = beside.put(cleaned) {
        // Without the cleaned set the quarantine is of nothing.
        let _ = fs::remove_dir_all(quarantine);
        return Err(trouble.into());
    }
    let Gathered { rows, removed, .. } = gathered;
    Ok(Cleaned { rows, removed, original: whole, cleaned: rest })
}

/// The place of something that is not there yet, without links on the way.
fn home(path: &Path) -> Result<PathBuf, Trouble> {
    let above = fs::canonicalize(parent(path)).map_err(|error| failed(path, &error))?;
    let name = path.file_name().ok_or_else(|| {
        Trouble::new(format!("expected a path that ends in a name, got `{}`", path.display()))
    })?;
    Ok(above.join(name))
}

/// Write why each row went.
fn write_reasons(order: &Order<'_>, gathered: &Gathered, inside: &Path) -> Result<Digest, Trouble> {
    let path = inside.join(REASONS);
    let file = create(&path)?;
    let mut lines = Summed::new(BufWriter::new(&file));
    for (row, why) in order.reasons.range(..gathered.rows) {
        let why = why.iter().map(super::Reason::json).collect::<Vec<_>>();
        writeln!(lines, "{}", json!({ "row": row, "why": why }))
            .map_err(|error| failed(&path, &error))?;
    }
    lines.flush().map_err(|error| failed(&path, &error))?;
    Ok(lines.finish())
}

/// Hold what comes back against the original, and the cleaned set, read again, against the rows that were to
/// stay.
fn prove(
    order: &Order<'_>,
    inside: &Path,
    beside: &Beside,
    gathered: &Gathered,
    manifest: &Manifest,
) -> Result<(), Failed> {
    let read = Manifest::read(inside)?;
    let mut whole = Tree::new();
    let mut parts = Parts::open(inside, beside.path(), manifest.folder)?;
    parts.each(|parts, record| {
        if !record.is_folder() {
            whole.add(&parts.put(record, io::sink())?);
        }
        Ok(())
    })?;
    if read != *manifest || whole.finish(manifest.folder) != manifest.original {
        let why = "expected the original to come back, got other bytes: it changed meanwhile";
        return Err(Trouble::new(why).into());
    }
    let left = gathered.rows.saturating_sub(gathered.removed);
    let counts = !gathered.kept.is_empty() || matches!(order.set.format, "webdataset" | "images");
    if !counts || left == 0 || gathered.removed == 0 {
        return Ok(());
    }
    let set = read::open(beside.path(), order.options)?;
    let (rows, kept) = gather::kept(&set)?;
    if rows != left || kept != gathered.kept {
        let why = format!(
            "expected the {left} rows that stay in the cleaned set, read {rows} or others from it"
        );
        return Err(Trouble::new(why).into());
    }
    Ok(())
}

/// Have the system write what it holds back.
fn sync(inside: &Path) -> Result<(), Trouble> {
    for entry in fs::read_dir(inside).map_err(|error| failed(inside, &error))? {
        let path = entry.map_err(|error| failed(inside, &error))?.path();
        if path.is_file() {
            let synced = File::open(&path).and_then(|file| file.sync_all());
            synced.map_err(|error| failed(&path, &error))?;
        }
    }
    Ok(())
}

/// The cleaned set under another name, beside its own.
enum Beside {
    File(tempfile::NamedTempFile),
    Folder { inside: PathBuf, _hidden: tempfile::TempDir },
}

impl Beside {
    fn new(cleaned: &Path, is_folder: bool) -> Result<Self, Trouble> {
        let made = || {
            if is_folder {
                let hidden =
                    tempfile::Builder::new().prefix(".clean-").tempdir_in(parent(cleaned))?;
                let inside = hidden.path().join("set");
                fs::create_dir(&inside)?;
                return Ok(Self::Folder { inside, _hidden: hidden });
            }
            let mut builder = tempfile::Builder::new();
            let mode = Permissions::from_mode(0o666);
            Ok(Self::File(builder.permissions(mode).tempfile_in(parent(cleaned))?))
        };
        made().map_err(|error: io::Error| failed(cleaned, &error))
    }

    fn path(&self) -> &Path {
        match self {
            Self::File(file) => file.path(),
            Self::Folder { inside, .. } => inside,
        }
    }

    /// Give it its name, unless something has it.
    fn put(self, cleaned: &Path) -> Result<(), Trouble> {
        match self {
            Self::File(file) => {
                file.as_file().sync_all().map_err(|error| failed(cleaned, &error))?;
                let put = file.persist_noclobber(cleaned);
                put.map(drop).map_err(|error| failed(cleaned, &error.error))
            }
            Self::Folder { inside, .. } => {
                free(cleaned)?;
                fs::rename(&inside, cleaned).map_err(|error| failed(cleaned, &error))
            }
        }
    }
}
