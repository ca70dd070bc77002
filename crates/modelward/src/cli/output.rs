//! Where reports go: standard output, or a file that is either the old one or the whole new one.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering::SeqCst},
};

use modelward_core::Report;

use crate::{
    cli::{Failure, Screen},
    content::cause,
    listing::shown,
    report::{self, Colour, Form},
};

/// Whether the forms and the place for them fit, before any work is done.
pub(super) fn check(forms: &[Form], output: Option<&Path>) -> Result<(), Failure> {
    match output {
        None if forms.len() > 1 => {
            Err(Failure::new("expected a folder for several forms of report")
                .help("add `-o DIR`, or give one `--format`"))
        }
        Some(folder) if forms.len() > 1 && folder.exists() && !folder.is_dir() => {
            let message = format!("expected a folder, found the file `{}`", shown(folder));
            Err(Failure::new(message).help("several forms are written as several files"))
        }
        Some(file) if forms.len() == 1 && file.is_dir() => {
            let message = format!("expected a file, found the folder `{}`", shown(file));
            Err(Failure::new(message).help("a folder is for several forms"))
        }
        _ => Ok(()),
    }
}

/// Write a report in each form.
pub(super) fn write(
    report: &Report,
    forms: Vec<Form>,
    output: Option<&Path>,
    colour: Colour,
) -> Result<(), Failure> {
    let Some(output) = output else {
        let mut out = io::BufWriter::new(io::stdout().lock());
        return forms
            .into_iter()
            .try_for_each(|form| report::write(report, form, colour, &mut out))
            .and_then(|()| out.flush())
            .map_err(|error| Failure::output(&error));
    };
    match forms.as_slice() {
        [form] => write_file(report, *form, output),
        forms => {
            fs::create_dir_all(output).map_err(|error| refused(output, &error))?;
            forms.iter().try_for_each(|form| write_file(report, *form, &output.join(form.file)))
        }
    }
}

/// Write a file beside its place and move it there once it is whole.
fn write_file(report: &Report, form: Form, path: &Path) -> Result<(), Failure> {
    replace(path, |out| report::write(report, form, Colour::Off, out))
}

/// Replace a file by what is written, or leave it as it is. A signal that ends the process is
/// held back until the file beside it is gone or in its place.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let stopped = Arc::new(AtomicBool::new(false));
    let ending = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];
    let held = ending.map(|signal| signal_hook::flag::register(signal, stopped.clone()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = beside(folder.unwrap_or(Path::new(".")))
        .and_then(|file| {
            let mut out = io::BufWriter::new(file);
            write(&mut out)?;
            out.into_inner().map_err(io::IntoInnerError::into_error)
        })
        .and_then(|file| {
            if stopped.load(SeqCst) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            file.persist(path).map(drop).map_err(|error| error.error)
        });
    for id in held.into_iter().flatten() {
        signal_hook::low_level::unregister(id);
    }
    written.map_err(|error| refused(path, &error))
}

/// A new file with the permissions of an ordinary one, not the private ones of a temporary one.
fn beside(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".modelward-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The user's mask takes from these what it takes from any file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Say on standard error what the user should know and what is no failure.
pub(super) fn warn(failure: &Failure, screen: Screen) {
    let head = match screen.error {
        Colour::On => "\x1b[33mwarning\x1b[0m",
        Colour::Off => "warning",
    };
    // Where nobody listens there is nobody to tell.
    let _ = writeln!(io::stderr(), "{head}: {failure}");
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot write `{}`: {}", shown(path), cause(error)))
        .help("check that the folder is there and may be written to")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_while_writing_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        let interrupted = replace(&path, |out| {
            out.write_all(b"half")?;
            signal_hook::low_level::raise(signal_hook::consts::SIGINT)
        });
        assert!(interrupted.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        replace(&path, |out| out.write_all(b"whole")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }
}
