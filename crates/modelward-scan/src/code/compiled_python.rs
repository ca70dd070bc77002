//! Compiled Python beside a model: code that nobody can read.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::marshal::Compiled;

#[cfg(test)]
use crate::Samples;
use crate::{Check, compiled::Account};

pub(crate) struct CompiledPython;

impl Check for CompiledPython {
    type Asset = Compiled;

    const RULE: Rule = Rule {
        id: "MW1710",
        name: "compiled-python-code",
        severity: Severity::Medium,
        title: "compiled Python comes with this model",
        why: "A `.pyc` file is a Python module as bytecode. Python imports it like a source file, \
              also where the source is missing or says something else, and nobody reads it. \
              Bytecode cannot be proven harmless.",
        advice: "Delete it: Python compiles the source again. Where there is no source, do not use \
                 the model.",
        class: Class::UnsafeCode,
        cwe: &[829],
    };

    fn check(compiled: &Compiled, out: &mut Findings<'_>) {
        let account = Account::at_import(&compiled.codes);
        let evidence = Evidence::bytes(0, account.shown);
        match account.danger {
            Some(danger) => {
                out.report_as(
                    Severity::High,
                    format!("compiled Python that {danger}, when it is imported"),
                    evidence,
                );
            }
            None => out.report("compiled Python, which runs when it is imported", evidence),
        }
    }

    #[cfg(test)]
    fn samples() -> Samples {
        // The smallest module of 3.8: `LOAD_CONST None, RETURN_VALUE`.
        let module = [
            b"\x55\x0d\r\n\0\0\0\0\0\0\0\0\0\0\0\0c".as_slice(),
            &[0; 24],
            b"s\x04\0\0\0d\0S\0)\x01N)\0)\0)\0)\0z\x04m.pyz\x08<module>\x01\0\0\0s\0\0\0\0",
        ]
        .concat();
        let cut = module.get(..60).unwrap().to_vec();
        Samples { fires: vec![module], silent: vec![cut, b"ab\r\ntext".to_vec()] }
    }
}
