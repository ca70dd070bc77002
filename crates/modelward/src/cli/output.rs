//! Where reports go: standard output, or a file that is either the old one or the whole new one.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use modelward_core::Report;

use crate::{
    cli::{Failure, Screen},
    content::cause,
    listing::shown,
    report::{self, Colour, Form, Run},
};

mod beside;
mod overwrite;
mod replace;

pub(super) use self::beside::Beside;

/// Where the reports of a run go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Output<'a> {
    /// Standard output, which takes one form.
    Stream(Form),
    /// A file of one form.
    File(Form, &'a Path),
    /// A folder, with a file for each form.
    Folder(&'a [Form], &'a Path),
}

impl<'a> Output<'a> {
    /// Where the forms go, if they fit there and overwrite nothing that is to be read. Asked
    /// before any work is done.
    pub(super) fn new(
        forms: &'a [Form],
        path: Option<&'a Path>,
        targets: &[PathBuf],
    ) -> Result<Self, Failure> {
        let output = match (forms, path.filter(|path| *path != Path::new("-"))) {
            ([form], None) => Self::Stream(*form),
            ([form], Some(file)) if !file.is_dir() => Self::File(*form, file),
            ([_], Some(folder)) => {
                let message = format!("expected a file, found the folder `{}`", shown(folder));
                return Err(Failure::new(message).help("a folder is for several forms"));
            }
            (forms, Some(folder)) if !folder.exists() || folder.is_dir() => {
                Self::Folder(forms, folder)
            }
            (_, Some(file)) => {
                let message = format!("expected a folder, found the file `{}`", shown(file));
                return Err(
                    Failure::new(message).help("several forms are written as several files")
                );
            }
            (_, None) => {
                return Err(Failure::new("expected a folder for several forms of report")
                    .help("add `-o DIR`, or give one `--format`"));
            }
        };
        overwrite::refuse(&output.files(), targets)?;
        Ok(output)
    }

    /// The form of what goes to standard output.
    pub(super) fn on_screen(&self) -> Option<Form> {
        match self {
            Self::Stream(form) => Some(*form),
            Self::File(..) | Self::Folder(..) => None,
        }
    }

    /// The files that will be written.
    fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::Stream(_) => Vec::new(),
            Self::File(_, file) => vec![(*file).to_owned()],
            Self::Folder(forms, folder) => {
                forms.iter().map(|form| folder.join(form.file)).collect()
            }
        }
    }

    /// Write a report in each form.
    pub(super) fn write(&self, report: &Report, run: Run) -> Result<(), Failure> {
        match self {
            Self::Stream(form) => {
                let mut out = io::BufWriter::new(io::stdout().lock());
                report::write_of_run(report, *form, run, &mut out)
                    .and_then(|()| out.flush())
                    .map_err(|error| Failure::output(&error))
            }
            Self::File(form, file) => write_file(report, *form, run, file),
            Self::Folder(forms, folder) => {
                fs::create_dir_all(folder).map_err(|error| refused(folder, &error))?;
                forms
                    .iter()
                    .try_for_each(|form| write_file(report, *form, run, &folder.join(form.file)))
            }
        }
    }
}

fn write_file(report: &Report, form: Form, run: Run, path: &Path) -> Result<(), Failure> {
    let run = Run { colour: Colour::Off, ..run };
    replace(path, |out| report::write_of_run(report, form, run, out))
}

/// Whether two paths are of one file, be it there or not.
pub(super) fn is_one(a: &Path, b: &Path) -> bool {
    overwrite::is_one(a, b)
}

/// Refuse to write to a file that is read.
pub(super) fn refuse_targets(
    outputs: &[Option<&PathBuf>],
    targets: &[PathBuf],
) -> Result<(), Failure> {
    let outputs = outputs.iter().flatten().map(|path| (*path).clone()).collect::<Vec<_>>();
    overwrite::refuse(&outputs, targets)
}

/// Replace a file by what is written, or leave it as it is.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    replace::replace(path, write).map_err(|error| refused(path, &error))
}

/// Write a report on standard output, as people read it.
pub(super) fn say_report(report: &Report, screen: Screen) -> io::Result<()> {
    let plain = report::form("plain").ok_or(io::ErrorKind::NotFound)?;
    report::write(report, plain, screen.output, &mut io::stdout())
}

/// Say on standard error what the user should know and what is no failure.
pub(super) fn warn(failure: &Failure, screen: Screen) {
    say("warning", "33", failure, screen);
}

/// Say on standard error what the user may want to know.
pub(super) fn note(failure: &Failure, screen: Screen) {
    say("note", "36", failure, screen);
}

fn say(head: &str, code: &str, failure: &Failure, screen: Screen) {
    let head = match screen.error {
        Colour::On => format!("\x1b[{code}m{head}\x1b[0m"),
        Colour::Off => head.to_owned(),
    };
    // Where nobody listens there is nobody to tell.
    let _ = writeln!(io::stderr(), "{head}: {failure}");
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    let is_closed_pipe = error.kind() == io::ErrorKind::BrokenPipe;
    let message = format!("cannot write `{}`: {}", shown(path), cause(error));
    let failure =
        Failure::new(message).help("check that the folder is there and may be written to");
    Failure { is_closed_pipe, ..failure }
}
