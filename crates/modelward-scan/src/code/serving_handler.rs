//! Code that a model server imports with the model.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::{Budget, json::Json};

#[cfg(test)]
use crate::Samples;
use crate::{Check, file::File};

pub(crate) struct ServingHandler;

impl Check for ServingHandler {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1706",
        name: "serving-handler-code",
        severity: Severity::Medium,
        title: "a model server imports code that comes with this model",
        why: "TorchServe runs the handler that an archive's manifest names, and inference \
              endpoints run `handler.py`. Both are Python programs that come with the model and \
              run on the server.",
        advice: "Read the handler before you serve the model, or serve it with a built-in one.",
        class: Class::UnsafeCode,
        cwe: &[829],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        if file.name == "handler.py" && file.head().contains("EndpointHandler") {
            let evidence = Evidence::bytes(0, "class EndpointHandler");
            out.report(
                "inference endpoints run the class `EndpointHandler` of this file",
                evidence,
            );
        }
        if file.name == "MANIFEST.json" && file.folder.as_deref() == Some("MAR-INF") {
            let json = Json::read(&file.bytes, &Budget::default()).unwrap_or_default();
            for named in json.references.iter().filter(|named| named.path == "model.handler") {
                // A name without a file is a handler that TorchServe itself has.
                if named.text.contains(".py") {
                    let message = format!("TorchServe runs `{}` of this archive", named.text);
                    let shown = format!("\"handler\": {:?}", named.text);
                    out.report(message, Evidence::bytes(named.at, shown));
                }
            }
        }
    }

    #[cfg(test)]
    fn samples() -> Samples {
        Samples {
            fires: vec![
                br#"{"runtime": "python", "model": {"handler": "handler.py:handle"}}"#.to_vec(),
            ],
            silent: vec![br#"{"model": {"handler": "image_classifier"}}"#.to_vec()],
        }
    }

    #[cfg(test)]
    fn sample_name() -> &'static str {
        "model.mar/MAR-INF/MANIFEST.json"
    }
}
