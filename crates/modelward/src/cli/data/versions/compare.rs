//! Two versions of a data set side by side.

use std::{
    collections::HashMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use modelward_data::{
    Limits, Set, Unread, check,
    manifest::{self as rows, Difference, Saved, Table},
    read,
};
use modelward_formats::credentials::redacted;
use modelward_provenance::manifest::{Manifest as Files, Options};

use super::root;
use crate::{cli::Failure, listing::shown};

/// What is compared, and how.
pub(in super::super) struct Pair<'a> {
    pub(in super::super) old: &'a Path,
    pub(in super::super) new: &'a Path,
    /// The column by which rows are known.
    pub(in super::super) key: Option<&'a str>,
    pub(in super::super) limits: Limits,
    pub(in super::super) threads: usize,
}

/// Where two sets differ.
pub(in super::super) struct Compared {
    pub(in super::super) old: Seen,
    pub(in super::super) new: Seen,
    /// Files that only one side has, and those whose bytes differ.
    pub(in super::super) removed: Vec<String>,
    pub(in super::super) added: Vec<String>,
    pub(in super::super) changed: Vec<String>,
    pub(in super::super) rows: Difference,
    /// Of some rows that changed the cells that did.
    pub(in super::super) cells: Vec<(u64, Vec<Cell>)>,
    /// Files of either side that were not read, each with why: they may differ or not.
    pub(in super::super) unread: Vec<(PathBuf, String)>,
}

/// A cell that changed: its column, what stood there, and what does now.
pub(in super::super) type Cell = (String, String, String);

/// One side, as it is shown.
pub(in super::super) struct Seen {
    pub(in super::super) path: PathBuf,
    pub(in super::super) rows: u64,
    pub(in super::super) columns: usize,
}

/// Why sets were not compared.
pub(in super::super) enum Failed {
    Unread(Unread),
    Failure(Failure),
}

impl From<Unread> for Failed {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

impl From<check::Failed> for Failed {
    fn from(failed: check::Failed) -> Self {
        match failed {
            check::Failed::Unread(unread) => Self::Unread(unread),
            check::Failed::Trouble(trouble) => Self::Failure(trouble.into()),
        }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<modelward_core::Trouble> for Failed {
    fn from(trouble: modelward_core::Trouble) -> Self {
        Self::Failure(trouble.into())
    }
}

impl Compared {
    /// Whether anything differs: a file, a column or a row.
    pub(in super::super) fn differs(&self) -> bool {
        let files = [&self.removed, &self.added, &self.changed];
        self.rows.is_some() || files.iter().any(|files| !files.is_empty())
    }
}

/// One side.
enum Side {
    Saved(Box<Saved>),
    Set(Set),
}

impl Pair<'_> {
    /// Compare them.
    pub(in super::super) fn compare(&self) -> Result<Compared, Failed> {
        let (old, new) = (self.open(self.old)?, self.open(self.new)?);
        let (in_old, in_new) = (old.columns(), new.columns());
        let key = match (self.key, &old, &new) {
            (Some(key), ..) => Some(key.to_owned()),
            (None, Side::Saved(saved), _) | (None, _, Side::Saved(saved)) => {
                saved.table.key.clone()
            }
            _ => None,
        };
        for (side, path) in [(&old, self.old), (&new, self.new)] {
            if let Side::Saved(saved) = side
                && saved.table.key != key
            {
                let key = key.unwrap_or_default();
                let message =
                    format!("expected a manifest with the key `{key}`: `{}`", shown(path));
                let help =
                    format!("make it anew: `modelward data manifest PATH --key {key} -o M.json`");
                return Err(Failure::new(message).help(help).into());
            }
        }
        // A manifest knows rows by all its columns alone; two sets are compared by those that they share.
        let only = match (&old, &new) {
            (Side::Saved(_), _) => names(&in_old),
            (_, Side::Saved(_)) => names(&in_new),
            _ => shared(&names(&in_old), &names(&in_new)),
        };
        let table = |side: Side| match side {
            Side::Saved(saved) => Ok((saved.table, None)),
            Side::Set(set) => {
                let has = shared(&only, &names(&rows::columns_of(&set)));
                let key = key.as_deref();
                let table = Table::of(&set, Some(&has), key, self.threads)?;
                Ok::<_, Failed>((table, Some(set)))
            }
        };
        let files = [self.files(&old, self.old)?, self.files(&new, self.new)?];
        let ((old, old_set), (new, new_set)) = (table(old)?, table(new)?);
        let memory = self.limits.memory / 4;
        let mut difference = rows::diff(&old, &new, memory)
            .map_err(|error| Failure::new(format!("cannot use a temporary file: {error}")))?;
        if only.is_empty() {
            let blind = Some("the sets share no column".to_owned());
            difference = Difference { blind, ..Difference::default() };
        }
        difference.columns(&in_old, &in_new);
        let unread = [(self.old, &files[0]), (self.new, &files[1])];
        let unread = unread.into_iter().flat_map(|(path, files)| {
            let unread = files.unread.iter().filter(|unread| unread.part.is_none());
            unread.map(move |unread| (path.join(&unread.file), unread.why.clone()))
        });
        let unread = unread.collect();
        let [(removed, added), (changed, _)] = of_files(&files[0], &files[1]);
        let cells = match (&old_set, &new_set) {
            (Some(old), Some(new)) => cells(old, new, &only, &difference)?,
            _ => Vec::new(),
        };
        let seen = |path: &Path, table: &Table, columns: &[_]| Seen {
            path: path.to_owned(),
            rows: table.rows,
            columns: columns.len(),
        };
        Ok(Compared {
            old: seen(self.old, &old, &in_old),
            new: seen(self.new, &new, &in_new),
            removed,
            added,
            changed,
            rows: difference,
            cells,
            unread,
        })
    }

    /// Open a side: a manifest or a set.
    fn open(&self, path: &Path) -> Result<Side, Failed> {
        let options = read::Options { limits: self.limits, label: None };
        if is_manifest(path) {
            let file = File::open(path)
                .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", shown(path))))?;
            let saved = rows::read(file, self.limits.memory)?;
            if root(&saved.table).as_ref() != Some(&saved.merkle) {
                let why =
                    "the manifest contradicts itself: its stretches of rows give another root";
                return Err(Failure::new(why)
                    .help("it was changed after it was made; make it anew from the data")
                    .into());
            }
            return Ok(Side::Saved(Box::new(saved)));
        }
        Ok(Side::Set(read::open(path, &options)?))
    }

    /// The files of a side.
    fn files(&self, side: &Side, path: &Path) -> Result<Files, Failed> {
        match side {
            Side::Saved(saved) => Ok(Files::parse(saved.files.as_bytes())?),
            Side::Set(_) => {
                let mut options = Options { threads: self.threads, ..Options::default() };
                options.limits = self.limits.formats();
                Ok(Files::of(path, &options)?)
            }
        }
    }
}

impl Side {
    fn columns(&self) -> Vec<(String, String)> {
        match self {
            Self::Saved(saved) => saved.table.columns.clone(),
            Self::Set(set) => rows::columns_of(set),
        }
    }
}

fn names(columns: &[(String, String)]) -> Vec<String> {
    columns.iter().map(|(name, _)| name.clone()).collect()
}

/// What stands in both lists, in the order of the first, as often as in either.
fn shared(one: &[String], other: &[String]) -> Vec<String> {
    let mut left = HashMap::<&str, usize>::new();
    for name in other {
        let count = left.entry(name).or_default();
        *count = count.saturating_add(1);
    }
    let shared = one.iter().filter(|name| match left.get_mut(name.as_str()) {
        Some(count) if *count > 0 => {
            *count = count.saturating_sub(1);
            true
        }
        _ => false,
    });
    shared.cloned().collect()
}

/// Files that the new side lacks, has beside, and has with other bytes. Two single files are the same file,
/// whatever they are called, and where both hold the same rows of another form that is said of the rows.
fn of_files(old: &Files, new: &Files) -> [(Vec<String>, Vec<String>); 2] {
    if let ([one], [other]) = (old.files.as_slice(), new.files.as_slice()) {
        let differ = one.sha256 != other.sha256;
        let changed = differ.then(|| other.path.clone()).into_iter().collect();
        return [(Vec::new(), Vec::new()), (changed, Vec::new())];
    }
    let lacks = |one: &Files, other: &Files| {
        let lacking = one.files.iter().filter(|file| other.file(&file.path).is_none());
        lacking.map(|file| file.path.clone()).collect::<Vec<_>>()
    };
    let changed = old
        .files
        .iter()
        .filter(|file| new.file(&file.path).is_some_and(|other| other.sha256 != file.sha256));
    let changed = changed.map(|file| file.path.clone()).collect();
    [(lacks(old, new), lacks(new, old)), (changed, Vec::new())]
}

/// The cells of some rows that changed.
fn cells(
    old: &Set,
    new: &Set,
    only: &[String],
    difference: &Difference,
) -> Result<Vec<(u64, Vec<Cell>)>, Failed> {
    let pairs = difference.changed.iter().take(MOST_CELLS).collect::<Vec<_>>();
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let mut before = rows::cells(old, only, &pairs.iter().map(|pair| pair.0).collect::<Vec<_>>())?;
    let mut after = rows::cells(new, only, &pairs.iter().map(|pair| pair.1).collect::<Vec<_>>())?;
    let told = pairs.into_iter().map(|(from, to)| {
        let pairs = before.remove(from).unwrap_or_default().into_iter().zip(only);
        let pairs = pairs.zip(after.remove(to).unwrap_or_default());
        let other = pairs.filter(|((was, _), is)| was != is);
        (*from, other.map(|((was, name), is)| (name.clone(), brief(&was), brief(&is))).collect())
    });
    Ok(told.collect())
}

/// As much of a cell as is shown, without credentials: one that was cut would be known no more.
fn brief(cell: &str) -> String {
    redacted(cell).chars().take(MOST_SHOWN).collect()
}

/// Whether a file begins as a manifest of a data set does.
pub(in super::super) fn is_manifest(path: &Path) -> bool {
    let regular = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    let mut head = Vec::new();
    let read = |head: &mut Vec<u8>| {
        let file = File::open(path).ok()?;
        file.take(HEAD.len() as u64).read_to_end(head).ok()
    };
    regular && read(&mut head).is_some() && head == HEAD
}

/// What a manifest begins with.
const HEAD: &[u8] = b"{\"data_manifest\":";
/// Characters of a cell that are shown.
const MOST_SHOWN: usize = 80;
/// Rows of which the cells are shown.
const MOST_CELLS: usize = 20;
