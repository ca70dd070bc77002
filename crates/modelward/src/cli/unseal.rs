//! `modelward unseal`: open what was sealed, whole or not at all.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use modelward_core::{Place, Report, Verdict};
use modelward_provenance::{
    Defect, Trouble,
    seal::{
        self, Fault, MOST_WORK, Secret, USUAL_WORK, Unseal,
        folder::{Content, Kind, list, unpack},
        read_identities,
    },
};
use modelward_scan::provenance;

use crate::{
    cli::{
        Failure, Screen,
        output::{self, Beside},
        passphrase::{PassphraseArguments, warn_of_others},
        showing::Counted,
        showing::Showing,
    },
    content,
    listing::shown,
    report::escape,
};

/// Open a file that `modelward seal` or `age` has sealed.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The sealed file.
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// A file with the secret identity; may be given again.
    #[arg(long, short, value_name = "FILE", conflicts_with_all = ["passphrase", "passphrase_file"])]
    identity: Vec<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    /// Try a passphrase whose cost is up to 2^N KiB of memory.
    #[arg(long, value_name = "N", default_value_t = USUAL_WORK,
          value_parser = clap::value_parser!(u8).range(1..=i64::from(MOST_WORK)))]
    max_work_factor: u8,
    /// Where to write; by default beside the sealed file, without `.age`.
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Write what was sealed as one file, also where it is a folder.
    #[arg(long, conflicts_with_all = ["unpack", "list"])]
    raw: bool,
    /// Unpack a tar archive that something else than `modelward seal` has made.
    #[arg(long)]
    unpack: bool,
    /// Name what a sealed folder holds; write nothing.
    #[arg(long, conflicts_with_all = ["output", "force"])]
    list: bool,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    showing: Showing,
}

const EXAMPLES: &str = "\
Examples:
  modelward unseal model.age --identity identity.txt -o ./model
  modelward unseal weights.safetensors.age --passphrase
  modelward unseal model.age --identity identity.txt --list

Nothing appears under its name before the last byte is authenticated. Of a folder, links, devices
and names that lead outside, come twice or differ only in upper and lower case are refused.

Exit codes:
  0  unsealed
  1  the sealed file was changed or cut short, or holds what is refused; nothing was written
  2  wrong usage, another key or passphrase, or a failure; nothing was written";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    let Arguments { path, .. } = arguments;
    let secret = secret(arguments, screen)?;
    let unreadable = |why: &str| Failure::new(format!("cannot read `{}`: {why}", shown(path)));
    let real = std::fs::canonicalize(path).map_err(|error| unreadable(&content::cause(&error)))?;
    let (file, _) = content::open(&real).map_err(|refusal| unreadable(&refusal.why))?;
    let (progress, showing) = arguments.showing.begin("unsealing");
    let opened = open(arguments, Counted::new(file, "unsealing", &progress), &secret);
    drop(showing);
    match opened {
        Ok(line) => {
            say(&line)?;
            Ok(0)
        }
        Err(Stopped::Fault(Fault::Broken(defect))) => denied(&defect, path, screen),
        Err(Stopped::Fault(Fault::Trouble(trouble))) => Err(Failure::from(trouble).at(shown(path))),
        Err(Stopped::Failure(failure)) => Err(failure),
    }
}

/// Why nothing was unsealed.
enum Stopped {
    Fault(Fault),
    Failure(Failure),
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Open it; gives what to say.
fn open(arguments: &Arguments, file: Counted<File>, secret: &Secret) -> Result<String, Stopped> {
    let content = Content::new(Unseal::new(file, secret)?)?;
    let is_folder = match content.kind {
        _ if arguments.raw => false,
        Kind::Folder => true,
        Kind::Archive if arguments.unpack || arguments.list => true,
        Kind::Archive => {
            let why =
                "the sealed file is a tar archive that `modelward seal` did not make of a folder";
            let help = "to write the archive itself: `--raw`; to unpack it: `--unpack`";
            return Err(Failure::new(why).at(shown(&arguments.path)).help(help).into());
        }
        Kind::File if arguments.unpack || arguments.list => {
            let why = "expected a sealed folder, found a sealed file";
            return Err(Failure::new(why).at(shown(&arguments.path)).into());
        }
        Kind::File => false,
    };
    if arguments.list {
        let mut lines = String::new();
        let listed = list(content, &mut |name, bytes| {
            lines.push_str(&format!("{bytes:>14}  {}\n", escape(name)));
        })?;
        lines.push_str(&format!("{:>14}  bytes in {} files", listed.bytes, listed.files));
        return Ok(lines);
    }
    let place = place(arguments)?;
    let beside = Beside::new(&place, arguments.force)?;
    let (made, stopped) = (beside.path(), || beside.is_stopped());
    let line = if is_folder {
        std::fs::create_dir(&made).map_err(|e| Fault::from(Trouble::io("create", &made, &e)))?;
        let unpacked = unpack(content, &made, &stopped)?;
        format!("unsealed {} files, {} bytes", unpacked.files, unpacked.bytes)
    } else {
        let bytes = write(content, &made, &stopped)?;
        format!("unsealed {bytes} bytes")
    };
    beside.put()?;
    Ok(format!("{line}: {}", escape(&shown(&place))))
}

fn write(mut content: impl io::Read, made: &Path, stopped: seal::Stopped<'_>) -> seal::Result<u64> {
    let file = File::create_new(made).map_err(|e| Trouble::io("create", made, &e))?;
    let mut into = BufWriter::new(file);
    let bytes = seal::copy(&mut content, &mut into, stopped)?;
    into.flush()?;
    Ok(bytes)
}

fn secret(arguments: &Arguments, screen: Screen) -> Result<Secret, Failure> {
    if arguments.passphrase.is_given() {
        let passphrase = arguments.passphrase.read(false, screen)?;
        return Ok(Secret::Passphrase { passphrase, most_work: arguments.max_work_factor });
    }
    if arguments.identity.is_empty() {
        return Err(Failure::new("expected what opens it, found nothing")
            .help("`--identity FILE`, `--passphrase` or `--passphrase-file FILE`"));
    }
    let mut identities = Vec::new();
    for path in &arguments.identity {
        let kept = read_identities(path)?;
        warn_of_others(path, kept.is_open_to_others, screen);
        identities.extend(kept.secret);
    }
    Ok(Secret::Identities(identities))
}

/// Where to write.
fn place(arguments: &Arguments) -> Result<PathBuf, Failure> {
    if let Some(place) = &arguments.output {
        return Ok(place.clone());
    }
    let path = &arguments.path;
    if path.extension().is_some_and(|extension| extension == "age") {
        return Ok(path.with_extension(""));
    }
    let message = format!("`{}` does not end in `.age`, so its content has no name", shown(path));
    Err(Failure::new(message).help("name it: `-o PATH`"))
}

/// Report a broken seal. No policy lets one through: there is nothing behind it that could be used.
fn denied(defect: &Defect, path: &Path, screen: Screen) -> Result<u8, Failure> {
    let finding = provenance::finding(defect, Place::file(shown(path)));
    let judged = vec![(finding, Verdict::Deny)];
    let report = Report { target: vec![shown(path)], judged, ..Report::default() };
    output::say_report(&report, screen).map_err(|error| Failure::output(&error))?;
    Ok(report.exit_code())
}

fn say(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{text}").map_err(|error| Failure::output(&error))
}
