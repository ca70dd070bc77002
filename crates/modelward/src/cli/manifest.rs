//! `modelward manifest`: what a model consists of, and where two of them differ.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Subcommand, ValueEnum};
use modelward_provenance::{
    Trouble,
    manifest::{Manifest, Options, diff},
    tree,
};

use crate::{
    cli::{EXIT_CODES, Failure, Screen, output, quantity, showing::Showing},
    listing::shown,
    report::escape,
};

mod told;

/// List what a model or a data set consists of: files, tensors, row groups, with their digests.
///
/// The manifest is JSON, and the same for the same bytes, whatever the folder is called and however
/// many threads read it. `root` is the root that a signature of OpenSSF Model Signing states (method
/// `files`, sha256); `merkle` is the root of a tree in which one file can be proven alone. Modes,
/// times and empty folders are not in it.
#[derive(Args, Debug)]
#[command(
    after_help = [EXAMPLES, EXIT_CODES].concat(),
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The folder or file.
    #[arg(value_name = "PATH", required = true)]
    path: Option<PathBuf>,
    /// Also digest every tensor (safetensors, PyTorch, npy, npz, ONNX, GGUF) and every row group of
    /// Parquet files, from the same read.
    #[arg(long)]
    tensors: bool,
    /// Hold the folder or file against a manifest that was saved.
    #[arg(long, value_name = "MANIFEST", conflicts_with = "output")]
    check: Option<PathBuf>,
    /// Write the manifest to a file.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long, requires = "output")]
    force: bool,
    #[command(flatten)]
    reading: Reading,
    /// In which form differences are told.
    #[arg(long, value_enum, value_name = "FORM", default_value = "plain", requires = "check")]
    format: Form,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Diff(Diff),
}

/// Tell where two models differ: which file, which tensor or row group, and which element.
///
/// Each side is a folder, a model file, or a manifest that was saved with `--tensors`. Tensors that
/// were renamed are known by their digests, and so is a model in another container.
#[derive(Args, Debug)]
#[command(after_help = [DIFF_EXAMPLES, EXIT_CODES].concat())]
struct Diff {
    /// The old side.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new side.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[command(flatten)]
    reading: Reading,
    /// In which form differences are told.
    #[arg(long, value_enum, value_name = "FORM", default_value = "plain")]
    format: Form,
}

/// How files are read.
#[derive(Args, Debug)]
struct Reading {
    /// Leave out this file or folder: an exact path below the model; may be given again.
    #[arg(long, value_name = "PATH")]
    ignore: Vec<String>,
    /// Threads; 0 for as many as there are cores.
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = quantity::threads)]
    threads: usize,
    /// The most memory for the contents of one file.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = quantity::bytes)]
    max_memory: u64,
    /// The most time for one file.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = quantity::time)]
    max_time: Duration,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Plain,
    Json,
}

const EXAMPLES: &str = "\
Examples:
  modelward manifest ./model --tensors -o model.json   list every file and tensor
  modelward manifest ./model --check model.json        is it still the same?
  modelward manifest diff ./old ./new                  which tensor, which element?";

const DIFF_EXAMPLES: &str = "\
Examples:
  modelward manifest diff ./old ./new
  modelward manifest diff saved.json ./model --format json
  modelward manifest diff pytorch_model.bin model.safetensors";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    if let Some(Verb::Diff(Diff { old, new, reading, format })) = &arguments.verb {
        return compare(old, new, &reading.options(true), *format);
    }
    let Some(path) = &arguments.path else {
        return Err(Failure::new("expected a folder or a file"));
    };
    let options = arguments.reading.options(arguments.tensors);
    match &arguments.check {
        Some(saved) => check(path, saved, &options, arguments.format),
        None => list(arguments, path, &options, screen),
    }
}

impl Reading {
    fn options(&self, contents: bool) -> Options {
        let mut options = Options { contents, threads: self.threads, ..Options::default() };
        options.ignored = self.ignore.iter().cloned().collect::<BTreeSet<_>>();
        options.limits.memory = self.max_memory;
        options.limits.time = self.max_time;
        options
    }
}

/// Write the manifest of a folder or file.
fn list(
    arguments: &Arguments,
    path: &Path,
    options: &Options,
    screen: Screen,
) -> Result<u8, Failure> {
    let output = arguments.output.as_ref().filter(|output| *output != Path::new("-"));
    if let Some(output) = output {
        output::refuse_targets(&[Some(output)], std::slice::from_ref(&path.to_owned()))?;
        if output.exists() && !arguments.force {
            let message = format!("expected no file at `{}`, found one", shown(output));
            return Err(Failure::new(message).help("write over it with `--force`"));
        }
    }
    let (_, showing) = arguments.reading.showing.begin("reading");
    let manifest = Manifest::of(path, options).map_err(Failure::from);
    drop(showing);
    let manifest = manifest?;
    let Manifest { files, unread, .. } = &manifest;
    if files.is_empty() && unread.is_empty() {
        let why = format!("expected a file in `{}`, found none", shown(path));
        return Err(Trouble::new(why).into());
    }
    let text = manifest.json();
    match output {
        Some(output) => {
            output::replace(output, |out| out.write_all(text.as_bytes()))?;
            let line = told::summary(&manifest);
            writeln!(io::stdout(), "{line}").map_err(|error| Failure::output(&error))?;
        }
        None => {
            io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))?;
        }
    }
    for unread in unread.iter().take(MOST_SHOWN) {
        let part = unread.part.as_ref().map(|part| format!(", `{part}`")).unwrap_or_default();
        let note = Failure::new(format!("not read: {}", unread.why));
        output::warn(&note.at(format!("{}{part}", unread.file)), screen);
    }
    Ok(if unread.is_empty() { 0 } else { 3 })
}

fn compare(old: &Path, new: &Path, options: &Options, format: Form) -> Result<u8, Failure> {
    let old = diff::Side::open(old, options).map_err(|trouble| at(old, trouble))?;
    let new = diff::Side::open(new, options).map_err(|trouble| at(new, trouble))?;
    let comparison = diff::compare(&old, &new, options);
    tell(&comparison, &new.manifest, format)
}

fn check(path: &Path, saved: &Path, options: &Options, format: Form) -> Result<u8, Failure> {
    let manifest = diff::saved(saved).map_err(|trouble| at(saved, trouble))?;
    let manifest = manifest.ok_or_else(|| {
        Failure::new(format!("expected a manifest, found another file: `{}`", shown(saved)))
            .help("make one with `modelward manifest PATH -o FILE`")
    })?;
    let old = diff::Side { manifest, tree: None };
    let itself = tree::identity(saved);
    let read = |contents| {
        let options = Options { contents, ..options.clone() };
        diff::Side::read(path, &options, itself).map_err(Failure::from)
    };
    let mut new = read(false)?;
    // Tensors are asked for only where files differ: the same bytes hold the same tensors.
    if new.manifest.files != old.manifest.files && old.manifest.contents.is_some() {
        new = read(true)?;
    }
    tell(&diff::compare(&old, &new, options), &new.manifest, format)
}

fn tell(comparison: &diff::Comparison, now: &Manifest, format: Form) -> Result<u8, Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = match format {
        Form::Plain => told::plain(comparison, now, &mut out),
        Form::Json => told::json(comparison, &mut out),
    };
    written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
    Ok(match (comparison.differs(), comparison.unread.is_empty()) {
        (true, _) => 1,
        (false, false) => 3,
        (false, true) => 0,
    })
}

fn at(path: &Path, trouble: Trouble) -> Failure {
    Failure::from(trouble).at(escape(&shown(path)))
}

/// How many pieces that were not read are told of on the screen; the manifest has them all.
const MOST_SHOWN: usize = 20;
