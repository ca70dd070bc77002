//! What the user points at, opened as a set: content decides, not the name.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use modelward_formats::{Budget, Bytes, Gap, Refusal};

use crate::{Kind, Limits, Matrix, Set, Unread, kind};

mod arrays;
mod guard;
mod images;
mod ipc;
mod meter;
mod notes;
mod parquet;
pub(crate) mod rewrite;
mod shape;
pub(crate) mod text;
mod webdataset;

pub(crate) use self::guard::guarded;

/// How a set is read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What it may cost.
    pub limits: Limits,
    /// The key or column that holds the labels, if the user said so.
    pub label: Option<String>,
}

/// One file of a set.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path, without links.
    pub path: PathBuf,
    /// The path as it is shown.
    pub name: String,
}

/// Open a file or a folder as a set.
///
/// # Errors
/// Where it is not there, or is none of the formats, or cannot be read.
pub fn open(path: &Path, options: &Options) -> Result<Set, Unread> {
    open_as(path, path, options)
}

/// The same of what goes by another path, or will.
pub(crate) fn open_as(path: &Path, shown: &Path, options: &Options) -> Result<Set, Unread> {
    let name = shown.display().to_string();
    // What lies in it has one stroke behind its name.
    let plain = name.trim_end_matches('/');
    let name = if plain.is_empty() { name } else { plain.to_owned() };
    let real = std::fs::canonicalize(path)
        .map_err(|error| Unread::refused(&name, &Refusal::io(0, &error)))?;
    let source = Source { path: real, name };
    if source.path.is_dir() {
        return of_folder(&source, options);
    }
    of_file(&source, options)
}

/// Open a folder.
fn of_folder(source: &Source, options: &Options) -> Result<Set, Unread> {
    if let Some(set) = ipc::folder(source, options) {
        return set;
    }
    if let Some(set) = images::folder(source, options) {
        return set;
    }
    if let Some(set) = text::folder(source, options) {
        return set;
    }
    Err(Unread::new(&source.name, Gap::UnknownFormat, "expected a folder of data files or images"))
}

/// Read rows of numbers, `[rows, width]`, from an npy, or from an npz that holds one array.
///
/// # Errors
/// Where it is none, or would take more than a quarter of the memory.
pub fn matrix(path: &Path, options: &Options) -> Result<Matrix, Unread> {
    let set = open(path, options)?;
    let most = usize::try_from(options.limits.memory / 16).unwrap_or(usize::MAX);
    let [field] = set.schema.fields().as_ref() else {
        return Err(Unread::new(
            &set.name,
            Gap::Malformed,
            "expected one array of rows of numbers",
        ));
    };
    if !matches!(kind(field), Kind::Numbers(_)) {
        let why = format!("expected rows of numbers in `{}`", field.name());
        return Err(Unread::new(&set.name, Gap::Malformed, why));
    }
    let mut all = Matrix::default();
    set.walk(|batch| {
        let some = Matrix::of(&batch.rows, [0]);
        if all.data.len().saturating_add(some.data.len()) > most {
            let why = format!("expected at most {most} numbers, as memory allows");
            return Err(Unread::new(&set.name, Gap::LargeMemory, why));
        }
        all.columns = some.columns;
        all.names = some.names;
        all.data.extend(some.data);
        Ok(())
    })?;
    Ok(all)
}

/// Open one file.
fn of_file(source: &Source, options: &Options) -> Result<Set, Unread> {
    let bytes = source.bytes()?;
    let mut head = vec![0; HEAD];
    let read = bytes.read_at(0, &mut head).map_err(|refusal| source.refused(&refusal))?;
    head.truncate(read);
    if arrays::is(&head) {
        return arrays::open(source, &bytes, options);
    }
    if images::is(&head) {
        return images::single(source, &bytes, options);
    }
    if webdataset::is(&head) {
        return webdataset::open(source, &bytes, options);
    }
    if ipc::is(&head) {
        return ipc::open(source, &bytes, options);
    }
    if parquet::is(&head) {
        return parquet::open(source, &bytes, options);
    }
    if let Some(set) = text::open(source, &bytes, options) {
        return set;
    }
    Err(Unread::new(&source.name, Gap::UnknownFormat, "expected a data set").at(0))
}

impl Source {
    /// The bytes of the file, which has to be a regular one.
    pub(crate) fn bytes(&self) -> Result<Bytes, Unread> {
        let refused = |error: std::io::Error| Unread::refused(&self.name, &Refusal::io(0, &error));
        let metadata = std::fs::symlink_metadata(&self.path).map_err(refused)?;
        if !metadata.is_file() {
            return Err(Unread::new(&self.name, Gap::SpecialFile, "expected a regular file"));
        }
        let file = File::open(&self.path).map_err(refused)?;
        let length = file.metadata().map_err(refused)?.len();
        Bytes::file(file, length).map_err(refused)
    }

    fn refused(&self, refusal: &Refusal) -> Unread {
        Unread::refused(&self.name, refusal)
    }
}

/// A fresh budget for one file.
pub(crate) fn budget(limits: &Limits) -> Arc<Budget> {
    Budget::new(limits.formats())
}

/// Bytes of a file that are looked at to tell what it is.
const HEAD: usize = 64 << 10;
