//! Machine code that lies beside a model.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::executable::Executable;

use super::{
    LIBRARIES,
    executable_as_model::{as_model, program},
};
#[cfg(test)]
use crate::Samples;
use crate::{Check, file::File};

pub(crate) struct Native;

impl Check for Native {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1707",
        name: "native-code-loaded",
        severity: Severity::Medium,
        title: "machine code comes with this model",
        why: "Libraries for custom operators and programs that come with a model run outside \
              every sandbox of the language that loads them, and cannot be read like a script.",
        advice: "Build the library from its sources yourself, or use a model that needs none.",
        class: Class::UnsafeCode,
        cwe: &[829],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        let library = file.extension().is_some_and(|name| LIBRARIES.contains(&name.as_str()))
            || file.name.contains(".so.");
        let program = program(file).filter(|p| !matches!(p, Executable::Script(_)));
        let Some(program) = program.filter(|_| as_model(file).is_none()) else { return };
        if file.depth == 0 || library {
            let message = format!("`{}` is {}", file.name, program.kind());
            out.report(message, Evidence::bytes(0, program.kind()));
        }
    }

    #[cfg(test)]
    fn samples() -> Samples {
        Samples {
            fires: vec![b"\x7fELF\x02\x01\x01\0".to_vec()],
            silent: vec![b"#!/bin/sh\n".to_vec(), b"text".to_vec()],
        }
    }

    #[cfg(test)]
    fn sample_name() -> &'static str {
        "custom_operators.so"
    }
}
