//! What the verbs of signatures share: how files are read, and what of them is known already.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use clap::Args;
use modelward_core::Report;
use modelward_provenance::{digest::Digest, oms::Observer, tree};

use crate::{
    Progress,
    cli::{Failure, quantity},
    content::cause,
    listing::shown,
    nearest,
};

/// What is left out, and how long it may take.
#[derive(Args, Clone, Debug)]
pub(super) struct Reach {
    /// Leave out this file or folder: an exact path below the model; may be given again.
    #[arg(long, value_name = "PATH")]
    pub(super) ignore: Vec<String>,
    /// Stop after this long.
    #[arg(long, value_name = "TIME", value_parser = quantity::time)]
    max_time: Option<Duration>,
}

impl Reach {
    /// When reading has to end.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.max_time.and_then(|time| Instant::now().checked_add(time))
    }
}

/// The SHA-256 that a scan computed of the files of a target, by their names from the target down.
pub(super) fn digests(target: &Path, report: &Report) -> BTreeMap<String, Digest> {
    let shown = shown(target);
    let single = target.is_file();
    let digests = report.files.iter().filter_map(|file| {
        let name = match shown.trim_end_matches('/') {
            _ if single => target.file_name().filter(|_| file.path == shown)?.to_str()?,
            // Of the working directory, paths have nothing in front.
            "" | "." => &file.path,
            folder => file.path.strip_prefix(folder)?.strip_prefix('/')?,
        };
        // Where a name is escaped, another file may have what is written here for its name.
        let plain = !name.contains('\\');
        plain.then_some((name.to_owned(), Digest::from(file.sha256?)))
    });
    digests.collect()
}

/// Read a file of the user's that is small: a key, certificates, a bundle.
pub(super) fn read(path: &Path, what: &str, most: u64) -> Result<Vec<u8>, Failure> {
    let refused =
        |why: String| Failure::new(format!("cannot read {what} `{}`: {why}", path.display()));
    let metadata = path.metadata().map_err(|error| {
        let failure = refused(cause(&error));
        match near(path) {
            Some(near) => failure.help(format!("did you mean `{}`?", near.display())),
            None => failure,
        }
    })?;
    if !metadata.is_file() {
        return Err(refused("expected a file".into()));
    }
    let mut bytes = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes));
    read.map_err(|error| refused(cause(&error)))?;
    if bytes.len() as u64 > most {
        return Err(refused(format!("expected at most {most} bytes")));
    }
    Ok(bytes)
}

/// A file beside where one ought to be, by a name that is near.
fn near(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = folder.unwrap_or(Path::new(".")).read_dir().ok()?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let names = names.take(1000).collect::<Vec<_>>();
    let near = nearest(path.file_name()?.to_str()?, names.iter().map(String::as_str))?;
    Some(folder.map_or_else(|| PathBuf::from(near), |folder| folder.join(near)))
}

/// Counts what is read, for the progress line, and hands the bytes on.
pub(super) struct Watch<'a> {
    pub(super) progress: Arc<Progress>,
    pub(super) next: &'a dyn Observer,
}

impl Observer for Watch<'_> {
    fn window(&self, file: &tree::File, at: u64, bytes: &[u8]) -> io::Result<()> {
        let before = self.progress.bytes.fetch_add(bytes.len() as u64, Relaxed);
        // The line is drawn ten times a second; once every 16 MiB it gets new words.
        if before >> 24 != before.saturating_add(bytes.len() as u64) >> 24 {
            self.progress.say(format!("{} MiB read", before >> 20));
        }
        self.next.window(file, at, bytes)
    }
}

/// A number of bytes as people say it: `3.0 GB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    let unit = UNITS.iter().find(|(unit, _)| bytes >= *unit);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(unit, name)| format!("{:.1} {name}", bytes as f64 / *unit as f64),
    )
}

/// Keys and certificates are shorter.
pub(super) const MOST_KEY: u64 = 1 << 20;
/// The largest trusted root of Sigstore, which is about 10 KB.
pub(super) const MOST_ROOT: u64 = 4 << 20;
/// A bundle of the largest model that can be signed.
pub(super) const MOST_BUNDLE: u64 = 256 << 20;
/// The largest lock that is read, in bytes.
pub(super) const MOST_LOCK: u64 = 64 << 20;
