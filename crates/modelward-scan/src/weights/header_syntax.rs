//! MW1302 `safetensors-header-syntax`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::weights::{FlawKind, Weights};

use super::report;
use crate::Check;

/// The header is not written as the format demands.
pub(super) struct HeaderSyntax;

impl Check for HeaderSyntax {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1302",
        name: "safetensors-header-syntax",
        severity: Severity::Medium,
        title: "the header is not written as the format demands",
        why: "The header is strict JSON of a fixed shape. Where it is not, loaders differ in what \
         they make of it: one refuses the file, another sees other tensors, and a scanner may \
         see neither.",
        advice: "Save the tensors again with the official library; if the file came like this, do not \
         use it.",
        class: Class::MaliciousFile,
        cwe: &[436, 1286],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        report(weights, FlawKind::HeaderSyntax, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::{one, safetensors};
        crate::Samples {
            fires: vec![
                one(r#"{"dtype":"F32","shape":[4.0],"data_offsets":[0,16]}"#, &[0; 16]),
                one(r#"{"dtype":"F32","shape":[4],"data_offsets":[0,16],"run":"id"}"#, &[0; 16]),
                one(r#"[["F32",[4],[0,16]]]"#, &[0; 16]),
                safetensors(&format!(r#"{{"a":{}"#, "[".repeat(20_000)), &[]),
                safetensors(" {}", &[]),
                safetensors("{}\n", &[]),
                safetensors(r#"{"__metadata__":{"a":1}}"#, &[]),
            ],
            silent: vec![
                one(r#"{"dtype":"F32","shape":[4],"data_offsets":[0,16]}"#, &[0; 16]),
                safetensors("{}      ", &[]),
                safetensors(r#"{"__metadata__":{"a":"\u00e4\n"}}"#, &[]),
            ],
        }
    }
}
