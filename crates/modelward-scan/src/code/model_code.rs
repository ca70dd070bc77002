//! Python files that are called like the custom code of a model.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};

use super::hub_entry::first_line;
#[cfg(test)]
use crate::Samples;
use crate::{Check, file::File};

pub(crate) struct ModelCode;

impl Check for ModelCode {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1709",
        name: "custom-model-code",
        severity: Severity::Medium,
        title: "a loader imports this file with the model",
        why: "Files such as `modeling_x.py` are the custom code of a model. Loaders import them \
              where a configuration names them and `trust_remote_code` is set, and importing runs \
              everything in them.",
        advice: "Read the file before you load the model with `trust_remote_code`.",
        class: Class::UnsafeCode,
        cwe: &[829],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        let stem = file.name.strip_suffix(".py");
        let called =
            stem.is_some_and(|stem| PREFIXES.iter().any(|prefix| stem.starts_with(prefix)));
        // In archives of sources such names are ordinary, and nothing imports them from there.
        if called && file.depth == 0 && !file.bytes.is_empty() {
            let evidence = Evidence::bytes(0, first_line(&file.head()));
            out.report("this is custom code, which loaders import with the model", evidence);
        }
    }

    #[cfg(test)]
    fn samples() -> Samples {
        Samples { fires: vec![b"import os\n".to_vec()], silent: vec![Vec::new()] }
    }

    #[cfg(test)]
    fn sample_name() -> &'static str {
        "model/modeling_x.py"
    }
}

/// How transformers calls the modules of a model.
const PREFIXES: &[&str] = &[
    "configuration_",
    "feature_extraction_",
    "image_processing_",
    "modeling_",
    "processing_",
    "tokenization_",
    "video_processing_",
];
