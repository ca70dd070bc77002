//! A set divided into what stays and what goes, which is proven to come back before it has a name.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

use serde_json::json;

use super::{
    REASONS, create,
    digest::{Digest, Summed, Tree},
    divide::Division,
    failed, folder, free,
    gather::{self, Gathered},
    manifest::{Manifest, relative},
    mode, parent,
    plan::Plan,
    private,
    reasons::Reasons,
    restore::Parts,
};
use crate::{Set, Trouble, check::Failed, read};

/// What is to be cleaned.
pub struct Order<'a> {
    /// The set.
    pub set: &'a Set,
    /// Where it lies, and where what it is divided into goes; made before the set was opened.
    pub plan: &'a Plan,
    /// How it was opened.
    pub options: &'a read::Options,
    /// The rows that go, each with why.
    pub reasons: &'a Reasons,
    /// The command line, for the manifest.
    pub command: &'a [String],
    /// Whether to stop and leave nothing.
    pub stops: &'a dyn Fn() -> bool,
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
    /// How it reads, where that is otherwise than as the rows that stay.
    pub reads: Option<String>,
}

impl Order<'_> {
    /// Go on, unless it is to stop.
    pub(super) fn go_on(&self) -> Result<(), Trouble> {
        if (self.stops)() { Err(Trouble::new("stopped by a signal")) } else { Ok(()) }
    }
}

/// Take rows out of a set: writes the rest and what is needed to put them back to places where nothing is yet.
///
/// # Errors
/// Where something cannot be read or written, is there already, or would not come back.
pub fn clean(order: &Order<'_>) -> Result<Cleaned, Failed> {
    let Order { set, plan, .. } = order;
    let Plan { original, cleaned, quarantine, .. } = plan;
    let real = &plan.real;
    let is_folder = plan.is_folder();
    // What the checks looked at is what rows are taken out of.
    plan.holds()?;
    let gathered = gather::gather(order)?;
    if set.format == "images" && !is_folder && gathered.removed > 0 {
        let why = "expected a folder of images: one image alone is one row";
        return Err(Trouble::new(why).into());
    }
    // Both stand under other names until all is proven.
    let hidden = private(".quarantine-", parent(quarantine));
    let hidden = hidden.map_err(|error| failed(quarantine, &error))?;
    let inside = hidden.path().join("parts");
    DirBuilder::new().mode(0o700).create(&inside).map_err(|error| failed(quarantine, &error))?;
    let beside = Beside::new(cleaned, is_folder)?;
    let to = beside.path();
    let mut division = Division::new(order, &inside, &gathered)?;
    if is_folder {
        folder::each(real, &mut |path, is_folder| {
            order.go_on()?;
            let to = to.join(path);
            if is_folder {
                fs::create_dir(&to).map_err(|error| failed(&to, &error))?;
                return Ok(division.folder(path, &real.join(path), &to)?);
            }
            division.file(path, &real.join(path), &to)
        })?;
    } else {
        division.file("", real, &to)?;
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
        beside: relative(&plan.places[1], &plan.places[0]).to_str().unwrap_or_default().to_owned(),
        absolute: plan.places[0].to_string_lossy().into_owned(),
        parts: divided.parts,
    };
    manifest.write(&inside)?;
    prove(order, &inside, &beside, &gathered, &manifest)?;
    let reads = otherwise(order, &beside, &gathered);
    plan.holds()?;
    // What was taken out lies safe before the rest has its name; an empty folder that came meanwhile is
    // somebody else's.
    sync(&inside).map_err(|error| failed(&inside, &error))?;
    free(quarantine)?;
    order.go_on()?;
    fs::rename(&inside, quarantine).map_err(|error| failed(quarantine, &error))?;
    if let Err(trouble) = beside.put(cleaned, mode(real)?) {
        // Without the cleaned set the quarantine is of nothing.
        let _ = fs::remove_dir_all(quarantine);
        return Err(trouble.into());
    }
    let Gathered { rows, removed, .. } = gathered;
    Ok(Cleaned { rows, removed, original: whole, cleaned: rest, reads })
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
    let path = beside.path();
    let mut parts = Parts::open(inside, &path, manifest.folder)?;
    parts.each(|parts, record| {
        order.go_on()?;
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
    let set = read::open(&path, order.options)?;
    let (rows, kept) = gather::kept(&set)?;
    if rows != left || kept != gathered.kept {
        let why = format!(
            "expected the {left} rows that stay in the cleaned set, read {rows} or others from it"
        );
        return Err(Trouble::new(why).into());
    }
    Ok(())
}

/// What a text reads as without some of its rows, where that is something else: what it is hangs on its first
/// lines, and on its name.
fn otherwise(order: &Order<'_>, beside: &Beside, gathered: &Gathered) -> Option<String> {
    let left = gathered.rows.saturating_sub(gathered.removed);
    let is_text = matches!(order.set.format, "csv" | "tsv" | "jsonl" | "text");
    if !is_text || left == 0 || gathered.removed == 0 {
        return None;
    }
    match read::open_as(&beside.path(), &order.plan.cleaned, order.options) {
        Ok(set) => {
            let rows = set.pieces.iter().filter_map(|piece| piece.rows());
            let rows = rows.fold(0, u64::saturating_add);
            let same = rows == left && set.format == order.set.format;
            (!same).then(|| format!("{rows} rows of {}", set.format))
        }
        Err(unread) => Some(format!("nothing: {}", unread.why)),
    }
}

/// Have the system write what it holds back.
fn sync(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync(&entry?.path())?;
        }
    }
    File::open(path)?.sync_all()
}

/// The cleaned set under another name, beside its own; nobody else's until it has that.
enum Beside {
    File(tempfile::NamedTempFile),
    Folder(tempfile::TempDir),
}

impl Beside {
    fn new(cleaned: &Path, is_folder: bool) -> Result<Self, Trouble> {
        let made = || {
            if is_folder {
                let hidden = private(".clean-", parent(cleaned))?;
                fs::create_dir(hidden.path().join(SET))?;
                return Ok(Self::Folder(hidden));
            }
            Ok(Self::File(tempfile::Builder::new().prefix(".clean-").tempfile_in(parent(cleaned))?))
        };
        made().map_err(|error: io::Error| failed(cleaned, &error))
    }

    fn path(&self) -> std::path::PathBuf {
        match self {
            Self::File(file) => file.path().to_owned(),
            Self::Folder(hidden) => hidden.path().join(SET),
        }
    }

    /// Give it its name, unless something has it; whoever may read the original may read it.
    fn put(self, cleaned: &Path, mode: u32) -> Result<(), Trouble> {
        let put = || match self {
            Self::File(file) => {
                file.as_file().set_permissions(Permissions::from_mode(mode))?;
                file.as_file().sync_all()?;
                file.persist_noclobber(cleaned).map(drop).map_err(|error| error.error)
            }
            Self::Folder(hidden) => {
                let set = hidden.path().join(SET);
                fs::set_permissions(&set, Permissions::from_mode(mode))?;
                fs::rename(&set, cleaned)
            }
        };
        free(cleaned)?;
        put().map_err(|error| failed(cleaned, &error))
    }
}

/// What a folder is called until it has its name.
const SET: &str = "set";
