//! `modelward data clean` and `data restore`: rows taken out of a text, and put back byte for byte.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use modelward_data::{
    Watch,
    check::{self, Failed, Request},
    quarantine, read,
};

use super::{check::Asking, told};
use crate::{
    cli::{Failure, Screen, output, showing::Showing},
    listing::shown,
    report::escape,
};

/// Take out of a text what a check found, so that it can be put back byte for byte.
///
/// The cleaned text has the bytes of the rows that stay, as they are. What was taken out lies in a folder of its own with the
/// reason for each row; that the original comes back is proven before anything is written. For now the data
/// are one file of CSV, TSV, JSON lines or lines of text, not packed.
#[derive(Args, Debug)]
#[command(after_help = CLEAN)]
pub(super) struct Clean {
    #[command(flatten)]
    asking: Asking,
    /// Where the cleaned text goes, where nothing is yet.
    #[arg(short, long, value_name = "CLEANED")]
    output: PathBuf,
    /// The folder for what is taken out, where nothing is yet.
    #[arg(long, value_name = "DIR")]
    quarantine: PathBuf,
    #[command(flatten)]
    showing: Showing,
}

const CLEAN: &str = "\
Examples:
  modelward data clean train.csv --label y --only trigger,label-error -o clean.csv --quarantine taken
  modelward data restore taken -o back.csv

Exit codes:
  0  the cleaned text was written, also where nothing was taken out
  2  wrong usage, or a failure; nothing was written
  3  not all could be read; nothing was written";

/// Put back what was taken out: the original, byte for byte.
#[derive(Args, Debug)]
#[command(after_help = RESTORE)]
pub(super) struct Restore {
    /// The folder with what was taken out.
    #[arg(value_name = "DIR")]
    quarantine: PathBuf,
    /// The cleaned text, where it lies no longer where it was written.
    #[arg(long, value_name = "CLEANED")]
    cleaned: Option<PathBuf>,
    /// Where the original goes, where nothing is yet.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

const RESTORE: &str = "\
Examples:
  modelward data restore taken -o back.csv

Exit codes:
  0  the original was written
  2  wrong usage, or a byte is not as it was written; nothing was written";

/// Clean a set.
pub(super) fn clean(arguments: &Clean, screen: Screen) -> Result<u8, Failure> {
    let asking = &arguments.asking;
    let limits = asking.limits();
    let (watched, showing) = arguments.showing.begin("reading");
    let request = Request {
        asked: asking.asked(),
        only: asking.only.clone(),
        seed: asking.seed,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        limits,
        probabilities: None,
        activations: None,
        schema: None,
        watch: Watch::new(move |doing| watched.say(doing)),
    };
    check::chosen(&request.only).map_err(Failure::from)?;
    let options = read::Options { limits, label: asking.label.clone() };
    let set = match read::open(&asking.path, &options) {
        Ok(set) => set,
        Err(unread) => return told::say_unread(&unread, screen),
    };
    let checked = match check::check(&set, None, &request) {
        Ok(checked) => checked,
        Err(Failed::Unread(unread)) => return told::say_unread(&unread, screen),
        Err(Failed::Trouble(trouble)) => return Err(trouble.into()),
    };
    let reasons = quarantine::reasons(&checked);
    let cleaned =
        quarantine::clean(&set, &asking.path, &reasons, &arguments.output, &arguments.quarantine);
    drop(showing);
    let cleaned = cleaned.map_err(Failure::from)?;
    for (check, done) in &checked.checks {
        if let Some(why) = done.beyond.as_ref().filter(|_| !arguments.showing.quiet) {
            let warning = Failure::new(format!("not all of `{}` was taken out: {why}", check.name));
            output::warn(&warning.help("clean what came out once more"), screen);
        }
    }
    say(&format!(
        "removed {} of {} rows; {} holds reasons and the way back; restore proven",
        cleaned.removed,
        cleaned.rows,
        shown(&arguments.quarantine)
    ))
}

/// Put a set together again.
pub(super) fn restore(arguments: &Restore) -> Result<u8, Failure> {
    let cleaned = arguments.cleaned.as_deref();
    let sha256 = quarantine::restore(&arguments.quarantine, cleaned, &arguments.output);
    let sha256 = sha256.map_err(Failure::from)?;
    say(&format!("{}: sha256 {sha256}, equal to the original", shown(&arguments.output)))
}

fn say(line: &str) -> Result<u8, Failure> {
    writeln!(io::stdout(), "{}", escape(line)).map_err(|error| Failure::output(&error))?;
    Ok(0)
}
