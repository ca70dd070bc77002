//! `modelward bom`: the bill of materials of a model.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use modelward_core::{Report, Rule};
use modelward_formats::{Limits, Tree};
use modelward_provenance::bom::{self, FileEntry, Origin, Scan, Source, Subject, cyclonedx};

use crate::{
    Options,
    cli::{Failure, Screen, output, quantity, reporting, showing::Showing},
    listing::{Listing, shown},
    standards, target,
};

mod files;

/// Write the bill of materials of a model: what it is, what it is made of, what was found in it.
///
/// Everything comes from the bytes of the model, and nothing from the network: its card, its
/// configurations, its tensor tables. What somebody merely declares is marked with the file that
/// declares it; numbers of parameters are counted. Findings of a scan stand in it as vulnerabilities.
/// The same bytes give the same document. A time is told where SOURCE_DATE_EPOCH gives one.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, EXIT_CODES].concat())]
pub(super) struct Arguments {
    /// A folder, or a file.
    #[arg(value_name = "PATH")]
    target: PathBuf,
    /// Form of the document: CycloneDX 1.7 or 1.6, or SPDX 3.0.1 with its AI profile.
    #[arg(long, value_name = "SPEC", default_value = "1.7")]
    spec: Spec,
    /// Write the document to this file; `-` is standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there and no older bill of materials.
    #[arg(long)]
    force: bool,
    /// Where the model was had from, `hf:OWNER/NAME@COMMIT`; a Hugging Face cache tells that itself.
    #[arg(long, value_name = "SOURCE", value_parser = Source::parse)]
    source: Option<Source>,
    /// Leave out the scan, and with it the vulnerabilities.
    #[arg(long)]
    no_scan: bool,
    /// Policy that says which findings are let through; without it, `modelward.toml` in the working
    /// directory.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Threads to work with; by default as many as the processor has.
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = quantity::threads)]
    threads: usize,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Spec {
    #[value(name = "1.7")]
    CycloneDx17,
    #[value(name = "1.6")]
    CycloneDx16,
    #[value(name = "spdx")]
    Spdx,
}

const EXAMPLES: &str = "\
Examples:
  modelward bom ./model-dir -o model.cdx.json
  modelward bom ./model-dir --source hf:org/name@5c38ec7c405ec4b44b94cc5a9bb96e735b38267a --spec 1.6
  modelward bom model.gguf --spec spdx --no-scan";

const EXIT_CODES: &str = "

Exit codes:
  0  the document was written, whatever was found
  2  wrong usage, or a failure
  3  the document was written, but something of the model was not read";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    let Arguments { target, output, .. } = arguments;
    let listing = list(target)?;
    let output = output.as_deref().filter(|path| *path != Path::new("-"));
    if let Some(path) = output {
        refuse_overwriting(path, arguments.force)?;
    }
    let created = created()?;
    let policy = match arguments.no_scan {
        true => modelward_core::Policy::default(),
        false => reporting::policy_of(
            arguments.policy.as_deref(),
            &[target],
            arguments.showing.quiet,
            screen,
        )?,
    };
    let (progress, shown) = arguments.showing.begin("reading");
    let files::Files { entries, missing } = files::read(&listing, output, arguments.threads);
    let facts = facts(&listing, output, arguments.source.clone(), target);
    let options = Options {
        policy,
        policy_file: arguments.policy.clone(),
        threads: arguments.threads,
        progress: Some(progress),
        ..Options::default()
    };
    let report = (!arguments.no_scan).then(|| scan(target, output, &options));
    drop(shown);
    let subject = Subject {
        facts: &facts,
        files: &entries,
        missing: &missing,
        scan: report.as_ref().map(|report| Scan { report, cwes }),
        created: created.as_deref(),
        version: env!("CARGO_PKG_VERSION"),
    };
    let document = match arguments.spec {
        Spec::CycloneDx17 => cyclonedx::write(&subject, cyclonedx::Version::V1_7),
        Spec::CycloneDx16 => cyclonedx::write(&subject, cyclonedx::Version::V1_6),
        Spec::Spdx => bom::spdx::write(&subject),
    };
    let written = |out: &mut dyn Write| out.write_all(document.as_bytes());
    match output {
        Some(path) => output::replace(path, written)?,
        None => {
            let mut out = io::stdout().lock();
            written(&mut out).and_then(|()| out.flush()).map_err(|e| Failure::output(&e))?;
        }
    }
    if !subject.is_incomplete() {
        return Ok(0);
    }
    if !arguments.showing.quiet {
        let scanned = report.as_ref().map_or(0, |report| report.unread.len());
        let unread = missing.len().max(scanned);
        let why = format!("{unread} pieces of the model were not read; the document says which");
        let help = "look for `modelward:unread` among its properties";
        output::warn(&Failure::new(why).help(help), screen);
    }
    Ok(3)
}

/// The files of the target.
fn list(target: &Path) -> Result<Listing, Failure> {
    let name = shown(target);
    if target == Path::new("-") {
        return Err(Failure::new("expected a file or a folder, found standard input")
            .help("save it to a file; a file that is called `-` is `./-`"));
    }
    let refused = |why: String| Failure::new(format!("cannot read `{name}`: {why}"));
    fs::metadata(target).map_err(|error| {
        refused(crate::content::cause(&error)).at(name.as_str()).help("check the spelling")
    })?;
    let listing = target::all(&[target], &Limits::default()).pop().unwrap_or_default();
    match (listing.files.first(), listing.refused.first()) {
        (None, Some((_, refusal))) => Err(refused(refusal.why.clone().into_owned())),
        (None, None) => Err(refused("expected files, found none".into())),
        _ => Ok(listing),
    }
}

/// What is known of the model.
fn facts(
    listing: &Listing,
    output: Option<&Path>,
    source: Option<Source>,
    target: &Path,
) -> bom::Facts {
    let bytes = listing.files.iter().filter(|file| !files::is_output(file, output));
    let bytes = bytes.map(|file| (file.relative.clone(), file.content.on_demand()));
    let tree = Tree::new(bytes.collect());
    let real = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
    // The name that the user has for a file of a cache is a link to one that is a digest.
    let named = if listing.folder { &real } else { target };
    let name = named.file_name().map(|name| shown(Path::new(name))).unwrap_or_default();
    let absolute = std::path::absolute(target).unwrap_or_else(|_| target.to_owned());
    let places = vec![shown(&real), shown(&absolute)];
    bom::facts(&tree, Origin { name, source, places }, Limits::default())
}

/// Scan the target. What the last run wrote is no part of the model.
fn scan(target: &Path, output: Option<&Path>, options: &Options) -> Report {
    let mut report = crate::scan(&[target], options);
    let own = output.and_then(|path| fs::canonicalize(path).ok());
    let is_own = |path: &str| own.is_some() && fs::canonicalize(path).ok() == own;
    report.judged.retain(|(finding, _)| !is_own(finding.place.path()));
    report.unread.retain(|unread| !is_own(unread.place.path()));
    report
}

fn cwes(rule: &Rule) -> Vec<u16> {
    if rule.cwe.is_empty() { standards(rule.class).cwe.clone() } else { rule.cwe.to_vec() }
}

/// The time that the document tells, from `SOURCE_DATE_EPOCH`.
fn created() -> Result<Option<String>, Failure> {
    let Some(value) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let seconds = value.to_str().and_then(|text| text.parse().ok());
    let time = seconds.and_then(bom::rfc3339).ok_or_else(|| {
        let value = value.to_string_lossy();
        let message =
            format!("expected seconds since 1970 in `SOURCE_DATE_EPOCH`, found `{value}`");
        Failure::new(message).help("unset it, and the document tells no time")
    })?;
    Ok(Some(time))
}

/// A document takes the place of an older one, and of nothing else.
fn refuse_overwriting(path: &Path, force: bool) -> Result<(), Failure> {
    let there = fs::metadata(path).ok().filter(fs::Metadata::is_file);
    if there.is_none_or(|file| file.len() == 0) || force || is_bill(path) {
        return Ok(());
    }
    let message = format!("`{}` is there, and is no older bill of materials", shown(path));
    Err(Failure::new(message).help("write elsewhere, or replace it with `--force`"))
}

fn is_bill(path: &Path) -> bool {
    const LOOK: u64 = 1024;
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(LOOK).read_to_end(&mut head));
    let head = String::from_utf8_lossy(&head);
    let marks = ["\"bomFormat\": \"CycloneDX\"", "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"];
    read.is_ok() && head.starts_with('{') && marks.iter().any(|mark| head.contains(mark))
}
