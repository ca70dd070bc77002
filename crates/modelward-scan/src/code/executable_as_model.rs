//! A program where weights are expected.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::executable::Executable;

use super::MODELS;
#[cfg(test)]
use crate::Samples;
use crate::{Check, file::File};

pub(crate) struct ExecutableAsModel;

impl Check for ExecutableAsModel {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1006",
        name: "executable-as-model",
        severity: Severity::Critical,
        title: "a program is offered where a model is expected",
        why: "No model format is a program of the operating system. A file that is called like a \
              model and begins like a program is made to be started by mistake, or by a second \
              step of an attack that only needs it to be there.",
        advice: "Do not start or load it. Delete it, and tell whoever published it.",
        class: Class::MaliciousFile,
        cwe: &[434],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        if let Some(program) = as_model(file) {
            let shown = match &program {
                Executable::Script(line) => format!("#!{line}"),
                other => other.kind().to_owned(),
            };
            let message = format!("`{}` is {}", file.name, program.kind());
            out.report(message, Evidence::bytes(0, shown));
        }
    }

    #[cfg(test)]
    fn samples() -> Samples {
        Samples {
            fires: vec![
                b"\x7fELF\x02\x01\x01\0".to_vec(),
                b"#!/bin/sh\ncurl http://127.0.0.1 | sh\n".to_vec(),
                b"MZqFpD='\n".to_vec(),
            ],
            silent: vec![b"{}".to_vec(), b"# a comment\n".to_vec(), b"MZ begins a text".to_vec()],
        }
    }

    #[cfg(test)]
    fn sample_name() -> &'static str {
        "pytorch_model.bin"
    }
}

/// The program that a file called like a model is.
pub(super) fn as_model(file: &File) -> Option<Executable> {
    let model = file.extension().is_some_and(|extension| MODELS.contains(&extension.as_str()));
    match program(file)? {
        Executable::Portable => Some(Executable::Portable),
        program => model.then_some(program),
    }
}

/// The program that a file is, whatever it is called.
pub(super) fn program(file: &File) -> Option<Executable> {
    let script = || file.is("script").then(|| Executable::script(&file.bytes)).flatten();
    if file.is("executable") { Executable::of(&file.bytes) } else { script() }
}
