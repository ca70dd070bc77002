//! `modelward sign`: a signature after OpenSSF Model Signing v1.0.

use std::{
    io::{self, Write},
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use clap::{Args, ValueEnum};
use modelward_provenance::{
    digest::Function,
    oms::{self, Method, Nobody, Order, Reading, Signed},
};

use crate::{
    Progress,
    cli::{
        Failure, Screen,
        keys::{self, KeyArgs},
        output,
        provenance::{MOST_KEY, Reach, Watch, failure, read, size},
        quantity,
    },
    content::cause,
};

/// Sign the files of a model, after OpenSSF Model Signing v1.0.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The folder of the model, or a model of one file.
    #[arg(value_name = "DIR")]
    target: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    /// The certificate of the key, in PEM; certificates of its authorities may follow in the same file.
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// A certificate between that one and the root, in PEM; may be given again.
    #[arg(long, value_name = "FILE", requires = "cert")]
    chain: Vec<PathBuf>,
    /// Where to write the signature.
    #[arg(short, long, value_name = "SIG")]
    output: PathBuf,
    /// Write over a file that is there.
    #[arg(long)]
    force: bool,
    /// The hash of the files.
    #[arg(long, value_name = "HASH", value_enum, default_value = "sha256")]
    hash: Hash,
    /// Hash whole files, or each piece of them by itself.
    #[arg(long, value_name = "METHOD", value_enum, default_value = "files")]
    method: Pieces,
    /// Bytes of a piece, with `--method shards`; by default 1 GB.
    #[arg(long, value_name = "SIZE", value_parser = quantity::bytes)]
    shard_size: Option<u64>,
    /// Follow links, and sign what they lead to under their own names.
    #[arg(long)]
    allow_symlinks: bool,
    #[command(flatten)]
    reach: Reach,
    /// Threads to work with; by default as many as the processor has.
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = quantity::threads)]
    threads: usize,
    /// Say nothing where nothing is wrong.
    #[arg(short, long)]
    quiet: bool,
    /// Show no progress.
    #[arg(long)]
    no_progress: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Hash {
    Sha256,
    Blake2b,
    Blake3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Pieces {
    Files,
    Shards,
}

const EXAMPLES: &str = "\
Examples:
  modelward sign ./model --key signer.pem -o model.sig
  modelward sign ./model --key leaf.key --cert leaf.pem --chain authority.pem -o model.sig
  modelward sign ./model --key signer.pem --hash blake3 --ignore training.log -o model.sig

Signed are the regular files by their paths and bytes. Not covered are modes, times, extended attributes and
empty folders, and at the top level `.git`, `.gitattributes`, `.github` and `.gitignore`.

Exit codes:
  0  the signature was written
  2  wrong usage, or a failure; nothing was written";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    let start = Instant::now();
    let method = method(arguments)?;
    let place = arguments.output.display();
    if arguments.output.is_dir() {
        return Err(Failure::new(format!(
            "expected a file to write to, found the folder `{place}`"
        )));
    }
    if !arguments.force && arguments.output.symlink_metadata().is_ok() {
        return Err(Failure::new(format!("there is a file at `{place}` already"))
            .help("write elsewhere, or write over it with `--force`"));
    }
    // Asked before any work is done.
    let folder = arguments.output.parent().filter(|folder| !folder.as_os_str().is_empty());
    tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map_err(|error| {
        Failure::new(format!("cannot write `{place}`: {}", cause(&error)))
            .help("check that the folder is there and may be written to")
    })?;
    let key = keys::signing_key(&arguments.key)?;
    let certificates = match &arguments.cert {
        None => Vec::new(),
        Some(leaf) => {
            let mut text = read(leaf, "the certificate", MOST_KEY)?;
            for path in &arguments.chain {
                text.push(b'\n');
                text.extend(read(path, "the certificate", MOST_KEY)?);
            }
            oms::chain(&text, &key).map_err(failure)?
        }
    };
    let progress = Arc::new(Progress::default());
    let shown = (!arguments.quiet && !arguments.no_progress).then(|| progress.show()).flatten();
    progress.say("listing".into());
    let watch = Watch { progress, next: &Nobody };
    let order = Order {
        key: &key,
        certificates: &certificates,
        method,
        function: match arguments.hash {
            Hash::Sha256 => Function::Sha256,
            Hash::Blake2b => Function::Blake2b,
            Hash::Blake3 => Function::Blake3,
        },
        ignore: &arguments.reach.ignore,
        allow_symlinks: arguments.allow_symlinks,
        output: Some(&arguments.output),
        reading: Reading {
            threads: arguments.threads,
            deadline: arguments.reach.deadline(),
            observer: &watch,
            known: None,
        },
    };
    let signed = oms::sign(&arguments.target, &order);
    drop(shown);
    let signed = signed.map_err(failure)?;
    output::replace(&arguments.output, |out| out.write_all(&signed.bundle))?;
    if !arguments.quiet {
        for warning in &signed.warnings {
            output::warn(&Failure::new(warning.clone()), screen);
        }
        let line = line(&signed, arguments, start.elapsed().as_secs_f64());
        writeln!(io::stdout(), "{line}").map_err(|error| Failure::output(&error))?;
    }
    Ok(0)
}

fn method(arguments: &Arguments) -> Result<Method, Failure> {
    match (arguments.method, arguments.shard_size) {
        (Pieces::Files, None) => Ok(Method::Files),
        (Pieces::Files, Some(_)) => {
            Err(Failure::new("`--shard-size` has no meaning for whole files")
                .help("add `--method shards`, or leave it out"))
        }
        (Pieces::Shards, size) => {
            let size = NonZeroU64::new(size.unwrap_or(SHARD));
            size.map(Method::Shards)
                .ok_or_else(|| Failure::new("expected a `--shard-size` of at least 1 byte"))
        }
    }
}

/// What was signed, in a line.
fn line(signed: &Signed, arguments: &Arguments, seconds: f64) -> String {
    let name = |value: Option<clap::builder::PossibleValue>| {
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    };
    let files = if signed.files == 1 { "file" } else { "files" };
    let method = name(arguments.method.to_possible_value());
    let hash = name(arguments.hash.to_possible_value());
    crate::report::escape(&format!(
        "signed {} {files}, {}, root sha256:{} ({method}, {hash}) in {seconds:.1} s; not covered: {}",
        signed.files,
        size(signed.bytes),
        signed.root,
        signed.exclusions.join(" ")
    ))
}

/// The size of a shard that the specification has for a default.
const SHARD: u64 = 1_000_000_000;
