//! `modelward sign`: a signature after OpenSSF Model Signing v1.0.

use std::{
    fs,
    io::{self, Write},
    num::NonZeroU64,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::{Args, ValueEnum};
use modelward_provenance::{
    digest::Function,
    oms::{self, Method, Nobody, Order, Reading, Signed},
    report,
    x509::Moment,
};

use crate::{
    cli::{
        Failure, Screen,
        keys::{self, KeyArgs},
        output::{self, Beside},
        provenance::{MOST_BUNDLE, MOST_KEY, Reach, Watch, read, size},
        quantity,
        showing::Showing,
    },
    content::cause,
};

mod scanned;

use scanned::Scanned;

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
    /// Scan the model first, in the same read, and sign it only where nothing is denied or unread.
    #[arg(long)]
    scan: bool,
    /// With `--scan`, also write the signed report of the scan.
    #[arg(long, value_name = "SIG", requires = "scan")]
    report_to: Option<PathBuf>,
    /// With `--scan`, the policy to judge by; without it, `modelward.toml` in the working directory.
    #[arg(long, value_name = "FILE", requires = "scan")]
    policy: Option<PathBuf>,
    /// Sign this report instead, the JSON of a scan of this model as it is now.
    #[arg(long, value_name = "JSON", conflicts_with_all = ["scan", "hash", "method", "shard_size"])]
    report: Option<PathBuf>,
    #[command(flatten)]
    reach: Reach,
    /// Threads to work with; by default as many as the processor has.
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = quantity::threads)]
    threads: usize,
    #[command(flatten)]
    showing: Showing,
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
  modelward sign ./model --key signer.pem --scan -o model.sig --report-to report.sig
  modelward sign ./model --key leaf.key --cert leaf.pem --chain authority.pem -o model.sig
  modelward sign ./model --key signer.pem --hash blake3 --ignore training.log -o model.sig
  modelward sign ./model --report scan.json --key signer.pem -o report.sig

Signed are the regular files by their paths and bytes. Not covered are modes, times, extended attributes and
empty folders, and at the top level `.git`, `.gitattributes`, `.github` and `.gitignore`.
What `--scan` denies is not signed, `--force` or not: let it through in the policy, or sign without `--scan`.
A report may be signed whatever its verdict; `modelward verify --report` denies one that is not clean.

Exit codes:
  0  the signature was written
  1  with `--scan`: something is denied; nothing was written
  2  wrong usage, or a failure; nothing was written
  3  with `--scan`: something was not read; nothing was written";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    let start = Instant::now();
    let method = method(arguments)?;
    // Asked before any work is done.
    let mut outputs = vec![arguments.output.as_path()];
    outputs.extend(arguments.report_to.as_deref());
    outputs.iter().try_for_each(|output| writable(output, arguments.force))?;
    if arguments.report_to.as_ref().is_some_and(|report| output::is_one(report, &arguments.output))
    {
        return Err(Failure::new(
            "expected two files, one for the signature and one for the report",
        ));
    }
    let given = arguments.report.as_deref();
    let given = given.map(|report| read(report, "the report", MOST_BUNDLE)).transpose()?;
    let key = keys::signing_key(&arguments.key)?;
    let certificates = match &arguments.cert {
        None => Vec::new(),
        Some(leaf) => {
            let mut text = read(leaf, "the certificate", MOST_KEY)?;
            for path in &arguments.chain {
                text.push(b'\n');
                text.extend(read(path, "the certificate", MOST_KEY)?);
            }
            oms::chain(&text, &key)?
        }
    };
    let (progress, shown) = arguments.showing.begin("reading");
    let (known, scanned) = match arguments.scan {
        false => (None, None),
        true => match scanned::scan(arguments, &progress, screen)? {
            Scanned::Clean { digests, report } => (Some(digests), Some(report)),
            Scanned::Refused(code) => return Ok(code),
        },
    };
    progress.say("listing".into());
    let watch = Watch { progress, next: &Nobody };
    // Neither is what is written now part of the model, nor the report that is to be signed.
    let outputs = outputs.into_iter().chain(arguments.report.as_deref()).collect::<Vec<_>>();
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
        outputs: &outputs,
        reading: Reading {
            threads: arguments.threads,
            deadline: arguments.reach.deadline(),
            observer: &watch,
            known: known.as_ref(),
        },
    };
    let sign_report =
        |report: &[u8]| report::sign(&arguments.target, report, Moment::now(), &order);
    let signed = match &given {
        Some(report) => sign_report(report),
        None => oms::sign(&arguments.target, &order),
    };
    let report = arguments.report_to.as_ref().zip(scanned);
    let report = report.map(|(place, report)| sign_report(&report).map(|signed| (place, signed)));
    drop(shown);
    let (signed, report) = (signed?, report.transpose()?);
    if let Some((place, report)) = &report {
        put(place, arguments.force, &report.bundle)?;
    }
    put(&arguments.output, arguments.force, &signed.bundle)?;
    if !arguments.showing.quiet {
        for warning in &signed.warnings {
            output::warn(&Failure::new(warning.clone()), screen);
        }
        let line = line(&signed, arguments, start.elapsed().as_secs_f64());
        writeln!(io::stdout(), "{line}").map_err(|error| Failure::output(&error))?;
    }
    Ok(0)
}

/// Write a signature; only by force over what is there by now.
fn put(place: &Path, force: bool, bundle: &[u8]) -> Result<(), Failure> {
    if force {
        return output::replace(place, |out| out.write_all(bundle));
    }
    let beside = Beside::new(place, false)?;
    fs::write(beside.path(), bundle).map_err(|error| {
        Failure::new(format!("cannot write `{}`: {}", place.display(), cause(&error)))
    })?;
    beside.put()
}

/// Refuse a place where nothing may be written.
fn writable(output: &Path, force: bool) -> Result<(), Failure> {
    let place = output.display();
    if output == Path::new("-") {
        return Err(Failure::new("expected a file to write to, found `-`")
            .help("a signature is no text to read; `./-` is a file of that name"));
    }
    if output.is_dir() {
        let message = format!("expected a file to write to, found the folder `{place}`");
        return Err(Failure::new(message));
    }
    if !force && output.symlink_metadata().is_ok() {
        return Err(Failure::new(format!("there is a file at `{place}` already"))
            .help("write elsewhere, or write over it with `--force`"));
    }
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map(drop).map_err(|error| {
        Failure::new(format!("cannot write `{place}`: {}", cause(&error)))
            .help("check that the folder is there and may be written to")
    })
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
    let what = if arguments.report.is_some() { "signed the report of" } else { "signed" };
    let and = if arguments.report_to.is_some() { ", and the report of its scan" } else { "" };
    crate::report::escape(&format!(
        "{what} {} {files}, {}, root sha256:{} ({method}, {hash}){and} in {seconds:.1} s; not covered: {}",
        signed.files,
        size(signed.bytes),
        signed.root,
        signed.exclusions.join(" ")
    ))
}

/// The size of a shard that the specification has for a default.
const SHARD: u64 = 1_000_000_000;
