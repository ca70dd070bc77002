//! How a report is shown. One file a form; each takes a [`Report`] and knows nothing else.
//!
//! A report is full of text that came out of hostile files. Each form escapes it, once, where it
//! is written: see [`escape`].

use std::io::{self, Write};

use modelward_core::Report;

mod escape;
mod gaps;
pub(crate) mod group;
mod html;
pub mod json;
mod plain;
mod sarif;

pub(crate) use crate::report::escape::escape;
pub use crate::report::json::schema;

/// A form of report.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Its name, as `--format` takes it.
    pub name: &'static str,
    /// The name of its file, where several forms are written into one folder.
    pub file: &'static str,
    /// Whether it shows the SHA-256 of each file.
    pub digests: bool,
    /// Whether it shows the exhibits of measurements.
    pub exhibits: bool,
    write: fn(&Report, Run, &mut dyn Write) -> io::Result<()>,
}

/// What a form is told of the run beside its report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Whether to use colours.
    pub(crate) colour: Colour,
    /// What the process will end with.
    pub(crate) exit_code: u8,
}

/// Whether a form for the terminal may use colours. They say nothing that the words do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Colours of the terminal.
    On,
    /// No colours.
    Off,
}

/// Every form.
pub const FORMS: &[Form] = &[
    Form {
        name: "plain",
        file: "report.txt",
        digests: false,
        exhibits: false,
        write: |report, run, out| plain::write(report, run.colour, out),
    },
    Form {
        name: "json",
        file: "report.json",
        digests: true,
        exhibits: false,
        write: |report, _, out| json::write(report, out),
    },
    Form {
        name: "sarif",
        file: "report.sarif",
        digests: true,
        exhibits: false,
        write: |report, run, out| sarif::write(report, run.exit_code, out),
    },
    Form {
        name: "html",
        file: "report.html",
        digests: true,
        exhibits: true,
        write: |report, _, out| html::write(report, out),
    },
];

/// The form of this name.
pub fn form(name: &str) -> Option<Form> {
    FORMS.iter().copied().find(|form| form.name == name)
}

/// Write a report in a form.
pub fn write(report: &Report, form: Form, colour: Colour, out: &mut dyn Write) -> io::Result<()> {
    write_of_run(report, form, Run { colour, exit_code: report.exit_code() }, out)
}

/// Write the report of a run whose exit code may tell of more than the report.
pub(crate) fn write_of_run(
    report: &Report,
    form: Form,
    run: Run,
    out: &mut dyn Write,
) -> io::Result<()> {
    (form.write)(report, run, out)
}

/// A digest in hexadecimal digits.
fn hex(digest: &modelward_core::Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod samples;
