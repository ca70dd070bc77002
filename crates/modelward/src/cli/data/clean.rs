//! `modelward data clean` and `data restore`: rows taken out of a set, and the set put back byte for byte.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use modelward_data::{
    check::{self, Failed},
    prove,
    quarantine::{self, Digest, Reason, Restored},
};

mod proven;

use super::{
    check::{Asking, Prepared},
    told,
};
use crate::{
    cli::{Failure, Screen, output, quantity, showing::Showing, signals::Signals},
    listing::shown,
    report::escape,
};

/// Take out of a data set what a check found, so that it can be put back byte for byte.
///
/// The cleaned set is of the form of the original. Of CSV, TSV, JSON lines, lines of text, npy and WebDataset archives
/// the rows that stay are the same bytes, of folders of images the same files; gzip and zstd texts are packed again;
/// Parquet, Arrow and npz are written anew with the same values, types and metadata. Of a folder every file goes with
/// it. What was taken out lies in a folder of its own, which only its owner reads, with the reason for each row; that
/// the original comes back is proven before anything is written. The original is not touched.
#[derive(Args, Debug)]
#[command(after_help = CLEAN)]
pub(super) struct Clean {
    #[command(flatten)]
    asking: Asking,
    /// Where the cleaned set goes, where nothing is yet.
    #[arg(short, long, value_name = "CLEANED")]
    output: PathBuf,
    /// The folder for what is taken out, where nothing is yet.
    #[arg(long, value_name = "DIR")]
    quarantine: PathBuf,
    /// Take out the rows whose numbers stand in this file, parted by blanks or lines, in place of what the checks find;
    /// with `--only` beside it.
    #[arg(long, value_name = "ROWS.txt")]
    rows: Option<PathBuf>,
    /// Also measure what it is worth: learners are trained with the removed rows and without them and judged on the
    /// same other rows; where a trigger was found, it is put on rows that neither saw.
    #[arg(long)]
    prove: bool,
    /// Threads to work with; by default as many as the processor has.
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = quantity::threads)]
    threads: usize,
    /// In which form the outcome is told.
    #[arg(long, value_enum, value_name = "FORM", default_value = "plain")]
    format: Form,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Plain,
    Json,
}

const CLEAN: &str = "\
Examples:
  modelward data clean train.parquet --label y --only trigger,label-error -o clean.parquet --quarantine taken
  modelward data clean photos/ --only near-duplicate -o clean/ --quarantine taken
  modelward data clean train.csv --test test.csv --only leak -o clean.csv --quarantine taken
  modelward data clean train.csv --label y --only trigger -o clean.csv --quarantine taken --prove
  modelward data clean train.csv --rows looked-at.txt -o clean.csv --quarantine taken
  modelward data restore taken -o back.csv

Exit codes:
  0  the cleaned set was written, also where nothing was taken out
  2  wrong usage, or a failure; nothing was written
  3  not all could be read; nothing was written";

/// Put back what was taken out: the original, byte for byte.
///
/// The cleaned set is looked for where it lay beside the folder, then where it was written.
#[derive(Args, Debug)]
#[command(after_help = RESTORE)]
pub(super) struct Restore {
    /// The folder with what was taken out.
    #[arg(value_name = "DIR")]
    quarantine: PathBuf,
    /// The cleaned set, where it lies no longer where it was written.
    #[arg(long, value_name = "CLEANED")]
    cleaned: Option<PathBuf>,
    /// Where the original goes, a file or a folder, where nothing is yet.
    #[arg(short, long, value_name = "PATH")]
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
    let mut asking = arguments.asking.clone();
    // Where it goes is asked before anything is read, which may take long.
    let plan = quarantine::Plan::new(&asking.path, &arguments.output, &arguments.quarantine);
    let plan = match plan {
        Ok(plan) => plan,
        Err(Failed::Unread(unread)) => return told::say_unread(&unread, screen),
        Err(Failed::Trouble(trouble)) => return Err(trouble.into()),
    };
    let most = asking.limits().memory / ROW;
    let named = arguments.rows.as_deref().map(|path| rows(path, most)).transpose()?;
    // Whoever names the rows asks no check; the profile judges nothing.
    if named.is_some() && asking.only.is_empty() {
        asking.only.push("profile".to_owned());
    }
    let (watched, showing) = arguments.showing.begin("reading");
    let prepared = asking.prepare(arguments.threads, move |doing| watched.say(doing))?;
    let Prepared { set, test, request } = match prepared {
        Ok(prepared) => prepared,
        Err(unread) => return told::say_unread(&unread, screen),
    };
    let checked = match check::check(&set, test.as_ref(), &request) {
        Ok(checked) => checked,
        Err(Failed::Unread(unread)) => return told::say_unread(&unread, screen),
        Err(Failed::Trouble(trouble)) => return Err(trouble.into()),
    };
    let mut reasons = quarantine::reasons(&checked);
    for row in named.unwrap_or_default() {
        if row >= checked.rows {
            let message = format!("expected rows below {}, got {row}", checked.rows);
            return Err(
                Failure::new(message).help("rows are numbered from 0, the header not counted")
            );
        }
        let reason = Reason { check: "named", ..Reason::default() };
        reasons.entry(row).or_insert_with(|| Vec::with_capacity(1)).push(reason);
    }
    let proof = arguments.prove.then(|| prove::prove(&set, &request, &reasons, &checked));
    let proof = match proof.transpose() {
        Ok(proof) => proof,
        Err(Failed::Unread(unread)) => return told::say_unread(&unread, screen),
        Err(Failed::Trouble(trouble)) => return Err(trouble.into()),
    };
    let command = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    // What is half made holds rows of the set: a signal takes it away before it ends the process.
    let signals = Signals::hold();
    let cleaned = quarantine::clean(&quarantine::Order {
        set: &set,
        plan: &plan,
        options: &asking.options(),
        reasons: &reasons,
        command: &command.collect::<Vec<_>>(),
        stops: &|| signals.came().is_some(),
    });
    drop(signals);
    drop(showing);
    let cleaned = match cleaned {
        Ok(cleaned) => cleaned,
        Err(Failed::Unread(unread)) => return told::say_unread(&unread, screen),
        Err(Failed::Trouble(trouble)) => return Err(trouble.into()),
    };
    if let Some(reads) = &cleaned.reads {
        let (path, left) = (shown(&arguments.output), cleaned.rows.saturating_sub(cleaned.removed));
        let message = format!(
            "`{path}` holds the {left} rows of {} that stay, and without the others reads as {reads}",
            set.format
        );
        let help = "give it the ending of its form, such as `.csv`, or look at its first lines";
        output::warn(&Failure::new(message).help(help), screen);
    }
    for (check, done) in &checked.checks {
        if let Some(why) = done.beyond.as_ref().filter(|_| !arguments.showing.quiet) {
            let warning = Failure::new(format!("not all of `{}` was taken out: {why}", check.name));
            output::warn(&warning.help("clean what came out once more"), screen);
        }
    }
    let outcome = proven::Outcome { arguments, cleaned: &cleaned, reasons: &reasons, proof };
    match arguments.format {
        Form::Plain => outcome.lines().iter().try_for_each(|line| say(line).map(drop))?,
        Form::Json => {
            let json = format!("{:#}", outcome.json(set.format));
            writeln!(io::stdout(), "{json}").map_err(|error| Failure::output(&error))?;
        }
    }
    Ok(0)
}

/// The numbers of rows in a file, at most so many.
fn rows(path: &Path, most: u64) -> Result<BTreeSet<u64>, Failure> {
    let fails = |error| Failure::new(format!("cannot read `{}`: {error}", shown(path)));
    let mut text = String::new();
    let file = File::open(path).map_err(fails)?;
    file.take(MOST_ROWS).read_to_string(&mut text).map_err(fails)?;
    if text.len() as u64 >= MOST_ROWS {
        let message = format!("expected less than {MOST_ROWS} bytes of numbers: `{}`", shown(path));
        return Err(Failure::new(message));
    }
    let mut numbers = BTreeSet::new();
    for word in text.split_whitespace() {
        let number = word.parse().ok().filter(|_| word.bytes().all(|byte| byte.is_ascii_digit()));
        let odd = || Failure::new(format!("expected the number of a row, got `{word}`"));
        numbers.insert(number.ok_or_else(|| odd().at(shown(path)))?);
        if numbers.len() as u64 > most {
            let message =
                format!("expected at most {most} rows, as memory allows: `{}`", shown(path));
            return Err(Failure::new(message).help("allow more with `--max-memory`"));
        }
    }
    Ok(numbers)
}

/// The most bytes of a list of rows.
const MOST_ROWS: u64 = 64 << 20;
/// Bytes of memory that a row takes with why it goes.
const ROW: u64 = 256;

/// Put a set together again.
pub(super) fn restore(arguments: &Restore) -> Result<u8, Failure> {
    let cleaned = arguments.cleaned.as_deref();
    let signals = Signals::hold();
    let stops = || signals.came().is_some();
    let restored = quarantine::restore(&arguments.quarantine, cleaned, &arguments.output, &stops);
    drop(signals);
    let Restored { digest, files, folder } = restored.map_err(Failure::from)?;
    let files = if folder { format!("{files} files, ") } else { String::new() };
    let (output, Digest { bytes, sha256, .. }) = (shown(&arguments.output), digest);
    say(&format!("{output}: {files}{bytes} bytes, sha256 {sha256}, equal to the original"))
}

fn say(line: &str) -> Result<u8, Failure> {
    writeln!(io::stdout(), "{}", escape(line)).map_err(|error| Failure::output(&error))?;
    Ok(0)
}
