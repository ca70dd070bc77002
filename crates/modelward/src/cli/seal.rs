//! `modelward seal`: encrypt a file or a folder at rest.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use modelward_provenance::{
    Trouble,
    seal::{
        self, Fault, Lock, Recipient, Seal, WORK,
        folder::{Folder, Links},
        read_recipients,
    },
};

use crate::{
    Progress,
    cli::{
        Failure, Screen, output::Beside, passphrase::PassphraseArguments, showing::Counted,
        showing::Showing,
    },
    listing::shown,
};

/// Encrypt a file or a folder, so that `modelward unseal` or `age` opens it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The file or folder.
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Who can open it: `age1...`; may be given again.
    #[arg(long, short, value_name = "RECIPIENT")]
    recipient: Vec<String>,
    /// A file with a recipient a line; may be given again.
    #[arg(long, value_name = "FILE")]
    recipients_file: Vec<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    /// Where to write; by default beside the path, with `.age` behind its name.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write text instead of bytes.
    #[arg(long)]
    armor: bool,
    /// Seal the files that links in the folder lead to.
    #[arg(long)]
    follow_links: bool,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    showing: Showing,
}

const EXAMPLES: &str = "\
Examples:
  modelward keygen --age -o identity.txt
  modelward seal ./model --recipient age1... -o model.age
  modelward seal weights.safetensors --passphrase
  age -d -i identity.txt model.age | tar x -C model

A file is sealed as it is. A folder becomes a tar archive, which is the same for the same content:
regular files by name, no owner, no time, of the mode only whether a file is executable.

Exit codes:
  0  sealed
  2  wrong usage, or a failure; nothing was written";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    let path = &arguments.path;
    let metadata = fs::metadata(path).map_err(|e| Trouble::io("seal", path, &e))?;
    let place = arguments.output.clone().map_or_else(|| beside(path), Ok)?;
    let links = if arguments.follow_links { Links::Followed } else { Links::Refused };
    let folder = match metadata.is_dir() {
        true => {
            outside(&place, path)?;
            Some(Folder::list(path, links).map_err(failure)?)
        }
        false => None,
    };
    let lock = lock(arguments, screen)?;
    let beside = Beside::new(&place, arguments.force)?;
    let (progress, showing) = arguments.showing.begin("sealing");
    let sealed = make(&beside, path, folder.as_ref(), &lock, arguments.armor, &progress);
    drop(showing);
    let bytes = sealed.map_err(failure)?;
    beside.put()?;
    let what = folder.map_or_else(String::new, |folder| match folder.files() {
        1 => "1 file, ".to_owned(),
        files => format!("{files} files, "),
    });
    let whom = match &lock {
        Lock::Passphrase { .. } => "with a passphrase".to_owned(),
        Lock::Recipients(recipients) => match &recipients[..] {
            [_] => "for 1 recipient".to_owned(),
            many => format!("for {} recipients", many.len()),
        },
    };
    say(&format!("sealed {what}{bytes} bytes {whom}: {}", shown(&place)))
}

/// Seal into what is not in its place yet; gives the bytes of all files.
fn make(
    beside: &Beside,
    path: &Path,
    folder: Option<&Folder>,
    lock: &Lock,
    armor: bool,
    progress: &Arc<Progress>,
) -> seal::Result<u64> {
    let made = beside.path();
    let file = File::create_new(&made).map_err(|e| Trouble::io("create", &made, &e))?;
    let mut into = Seal::new(lock, armor, Counted::new(BufWriter::new(file), "sealing", progress))?;
    let stopped = || beside.is_stopped();
    let bytes = match folder {
        Some(folder) => folder.write(&mut into, &stopped)?,
        None => seal::file(path, &mut into, &stopped)?,
    };
    into.finish()?.flush()?;
    Ok(bytes)
}

fn lock(arguments: &Arguments, screen: Screen) -> Result<Lock, Failure> {
    let Arguments { recipient, recipients_file, passphrase, .. } = arguments;
    let has_recipients = !recipient.is_empty() || !recipients_file.is_empty();
    if passphrase.is_given() {
        if has_recipients {
            return Err(Failure::new("expected recipients or a passphrase, found both")
                .help("age seals with a passphrase, or for recipients"));
        }
        let passphrase = passphrase.read(true, screen)?;
        return Ok(Lock::Passphrase { passphrase, work: WORK });
    }
    if !has_recipients {
        return Err(Failure::new("expected somebody who can open it, found nobody").help(
            "`--recipient age1...`, `--recipients-file FILE` or `--passphrase`; \
             a key pair is made by `modelward keygen --age`",
        ));
    }
    // Not by the parser of the command line, which says a value that it refuses, be it a secret.
    let recipients = recipient.iter().map(|text| text.parse::<Recipient>());
    let mut recipients = recipients.collect::<Result<Vec<_>, Trouble>>()?;
    for path in recipients_file {
        recipients.extend(read_recipients(path)?);
    }
    Ok(Lock::Recipients(recipients))
}

/// The path with `.age` behind its name.
fn beside(path: &Path) -> Result<PathBuf, Failure> {
    let Some(name) = path.file_name() else {
        return Err(Failure::new("expected a name for the sealed file").help("add `-o FILE`"));
    };
    let mut name = name.to_owned();
    name.push(".age");
    Ok(path.with_file_name(name))
}

/// Refuse to write into the folder that is sealed.
fn outside(place: &Path, folder: &Path) -> Result<(), Failure> {
    let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = fs::canonicalize(parent.unwrap_or(Path::new(".")));
    if let (Ok(parent), Ok(folder)) = (parent, fs::canonicalize(folder))
        && parent.starts_with(folder)
    {
        let message = format!("`{}` lies in the folder that is sealed", shown(place));
        return Err(Failure::new(message).help("write elsewhere: `-o FILE`"));
    }
    Ok(())
}

fn failure(fault: Fault) -> Failure {
    match fault {
        Fault::Broken(defect) => Failure::new(defect.to_string()),
        Fault::Trouble(trouble) => trouble.into(),
    }
}

fn say(line: &str) -> Result<u8, Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", crate::report::escape(line)).map_err(|error| Failure::output(&error))?;
    Ok(0)
}
