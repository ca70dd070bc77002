//! A program inside a container of something else.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::{Expects, executable::Executable};

use super::{
    LIBRARIES,
    executable_as_model::{as_model, program},
};
#[cfg(test)]
use crate::Samples;
use crate::{Check, file::File};

pub(crate) struct ExecutableInside;

impl Check for ExecutableInside {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1007",
        name: "executable-inside-model",
        severity: Severity::High,
        title: "a program lies inside a model or an archive",
        why: "Tensors, images and configurations have no use for a program. One that lies among \
              them waits for a loader's flaw, or for a script that unpacks and starts it.",
        advice: "Do not unpack the file; ask for the weights alone, in safetensors.",
        class: Class::MaliciousFile,
        cwe: &[506],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        let library =
            file.extension().is_some_and(|extension| LIBRARIES.contains(&extension.as_str()));
        if file.depth == 0 || library || as_model(file).is_some() {
            return;
        }
        match program(file) {
            // A script is an ordinary member of an archive, and never an ordinary tensor.
            Some(Executable::Script(_)) if file.expects == Expects::Anything => {}
            Some(program) => {
                let message = format!("`{}` is {}", file.name, program.kind());
                out.report(message, Evidence::bytes(0, program.kind()));
            }
            None => {}
        }
    }

    #[cfg(test)]
    fn samples() -> Samples {
        let image = b"RIFF\x04\0\0\0WEBP".to_vec();
        let with = |rest: &[u8]| [image.as_slice(), rest].concat();
        Samples {
            fires: vec![with(b"\x7fELF\x02\x01\x01\0")],
            silent: vec![image.clone(), with(b"text"), b"\x7fELF\x02\x01\x01\0".to_vec()],
        }
    }
}
