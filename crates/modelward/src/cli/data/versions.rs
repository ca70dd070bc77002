//! `modelward data manifest` and `data diff`: what a data set consists of, and where two versions differ.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use modelward_data::{
    check::Failed,
    manifest::{self as rows, Table},
    read,
};
use modelward_provenance::{
    digest::{Digest, Function},
    manifest::{self, Manifest as Files, merkle},
};

use super::{check::Spending, told};
use crate::{
    cli::{Failure, Screen, output, quantity, showing::Showing},
    listing::shown,
    report::escape,
};

pub(super) mod compare;
mod tell;

use self::compare::{Compared, Pair};
pub(super) use self::tell::listed;

/// List what a data set consists of: its files and its rows, by their digests.
///
/// The manifest is JSON, and the same for the same bytes, whatever the folder is called and however many threads read
/// it: of each file SHA-256 and BLAKE3, of each row group of Parquet its bytes, of each stretch of rows the SHA-256
/// of their values, a Merkle root over these, and 128 bits of BLAKE3 for every row, by which `data diff` names the
/// rows that differ. Sign it as any file: `modelward sign M.json --key signer.pem -o M.sig`.
#[derive(Args, Debug)]
#[command(after_help = MANIFEST)]
pub(super) struct Manifest {
    /// The data set: a file or a folder.
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Where the manifest goes; without it to standard output.
    #[arg(short, long, value_name = "M.json")]
    output: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long, requires = "output")]
    force: bool,
    /// The column by whose values a row is known from one version to the next.
    #[arg(long, value_name = "COL", conflicts_with = "no_rows")]
    key: Option<String>,
    /// Leave the digests of single rows out: `data diff` then names stretches of rows.
    #[arg(long)]
    no_rows: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Tell where two versions of a data set differ: files, columns, and the rows removed, added and changed.
///
/// Each side is a data set of any form or a manifest of one. Rows are compared by their values: a set that was
/// converted to another form, or whose whole numbers became floats, has the same rows. By `--key` a row that has the
/// same key and other values is changed; without it one at the same place, where both sets have as many rows. The
/// numbers of removed rows are those of the old side, of added ones those of the new.
#[derive(Args, Debug)]
#[command(after_help = DIFF)]
pub(super) struct Diff {
    /// The old side.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new side.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// The column by whose values a row is known.
    #[arg(long, value_name = "COL")]
    key: Option<String>,
    /// In which form differences are told.
    #[arg(long, value_enum, value_name = "FORM", default_value = "plain")]
    format: Form,
    #[command(flatten)]
    reading: Reading,
}

/// How sets are read.
#[derive(Args, Debug)]
struct Reading {
    #[command(flatten)]
    spending: Spending,
    /// Threads to work with; by default as many as the processor has.
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = quantity::threads)]
    threads: usize,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Plain,
    Json,
}

const MANIFEST: &str = "\
Examples:
  modelward data manifest train.parquet -o train.json
  modelward data manifest photos/ -o photos.json
  modelward data manifest train.csv --key id -o train.json

Exit codes:
  0  the manifest was written
  2  wrong usage, or a failure; nothing was written
  3  not all could be read";

const DIFF: &str = "\
Examples:
  modelward data diff old.csv new.csv --key id
  modelward data diff train.json train.parquet
  modelward data diff old/ new/ --format json

Exit codes:
  0  both are the same
  1  they differ
  2  wrong usage, or a failure
  3  no difference was found, but not all could be read";

impl Reading {
    fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }
}

/// Write the manifest of a set.
pub(super) fn manifest(arguments: &Manifest, screen: Screen) -> Result<u8, Failure> {
    let path = &arguments.path;
    let to = arguments.output.as_ref().filter(|to| *to != Path::new("-"));
    if let Some(to) = to {
        output::refuse_targets(&[Some(to)], std::slice::from_ref(path))?;
        // In the folder it would be one of its files for whoever compares them.
        let above = to.parent().filter(|above| !above.as_os_str().is_empty());
        let above = above.unwrap_or(Path::new(".")).canonicalize();
        let inside = path.canonicalize().is_ok_and(|set| above.is_ok_and(|it| it.starts_with(set)));
        if inside && path.is_dir() {
            let message = format!("expected a place outside of the set, got `{}`", shown(to));
            return Err(Failure::new(message).help("a manifest in its set would be a part of it"));
        }
        if to.exists() && !arguments.force {
            let message = format!("expected no file at `{}`, found one", shown(to));
            return Err(Failure::new(message).help("write over it with `--force`"));
        }
    }
    let (_, showing) = arguments.reading.showing.begin("reading");
    let limits = arguments.reading.spending.limits();
    let options = read::Options { limits, label: None };
    let threads = arguments.reading.threads();
    let table = read::open(path, &options).map_err(Failed::from);
    let table = table.and_then(|set| Table::of(&set, None, arguments.key.as_deref(), threads));
    let table = match table {
        Ok(table) => table,
        Err(Failed::Unread(unread)) => return told::say_unread(&unread, screen),
        Err(Failed::Trouble(trouble)) => return Err(trouble.into()),
    };
    let table = if arguments.no_rows { table.without_rows() } else { table };
    let mut files = manifest::Options { contents: true, threads, ..manifest::Options::default() };
    files.limits = limits.formats();
    let mut files = Files::of(path, &files)?;
    if let Some(contents) = &mut files.contents {
        // Arrays of numpy are columns here, and told by their rows.
        contents.tensors.clear();
        contents.models.clear();
    }
    files.unread.retain(|unread| unread.part.is_none());
    drop(showing);
    let merkle = root(&table).ok_or_else(|| Failure::new("expected digests of the rows"))?;
    let json = files.json();
    let write = |out: &mut dyn Write| rows::write(&table, &json, &merkle, out);
    match to {
        Some(to) => {
            output::replace(to, |out| write(out))?;
            let (count, columns) = (table.rows, table.columns.len());
            let groups = files.contents.as_ref().map_or(0, |contents| contents.row_groups.len());
            let groups = match groups {
                0 => String::new(),
                1 => ", 1 row group".to_owned(),
                many => format!(", {many} row groups"),
            };
            let line = format!(
                "{}: {} {}{groups}, {count} rows x {columns} columns, root sha256:{}, rows sha256:{merkle}",
                shown(to),
                files.files.len(),
                if files.files.len() == 1 { "file" } else { "files" },
                files.root()
            );
            writeln!(io::stdout(), "{}", escape(&line)).map_err(|error| Failure::output(&error))?;
        }
        None => {
            let mut out = io::BufWriter::new(io::stdout().lock());
            let written = write(&mut out).and_then(|()| out.flush());
            written.map_err(|error| Failure::output(&error))?;
        }
    }
    for unread in &files.unread {
        let note = Failure::new(format!("not read: {}", unread.why));
        output::warn(&note.at(unread.file.clone()), screen);
    }
    Ok(if files.unread.is_empty() { 0 } else { 3 })
}

/// The root over the stretches of rows: of the tree of `modelward manifest`, with a leaf for each stretch by its
/// file and first row.
fn root(table: &Table) -> Option<String> {
    let leaves = table.groups.iter().map(|group| {
        let digest = Digest::parse(&group.sha256, Function::Sha256)?;
        Some(merkle::leaf(&format!("{}#{}", group.file, group.first), &digest))
    });
    Some(merkle::root(&leaves.collect::<Option<Vec<_>>>()?).to_string())
}

/// Tell where two sets differ.
pub(super) fn diff(arguments: &Diff, screen: Screen) -> Result<u8, Failure> {
    let (_, showing) = arguments.reading.showing.begin("reading");
    let pair = Pair {
        old: &arguments.old,
        new: &arguments.new,
        key: arguments.key.as_deref(),
        limits: arguments.reading.spending.limits(),
        threads: arguments.reading.threads(),
    };
    let compared = pair.compare();
    drop(showing);
    let compared: Compared = match compared {
        Ok(compared) => compared,
        Err(compare::Failed::Unread(unread)) => return told::say_unread(&unread, screen),
        Err(compare::Failed::Failure(failure)) => return Err(failure),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = match arguments.format {
        Form::Plain => tell::plain(&compared, &mut out),
        Form::Json => tell::json(&compared, &mut out),
    };
    written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
    for (file, why) in &compared.unread {
        output::warn(&Failure::new(format!("not read: {why}")).at(shown(file)), screen);
    }
    Ok(match (compared.differs(), compared.unread.is_empty()) {
        (true, _) => 1,
        (false, false) => 3,
        (false, true) => 0,
    })
}
