//! MW1308 `unknown-element-type`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::weights::{FlawKind, Weights};

use super::report;
use crate::Check;

/// The element type of a tensor is not known.
pub(super) struct UnknownElement;

impl Check for UnknownElement {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1308",
        name: "unknown-element-type",
        severity: Severity::Medium,
        title: "the element type of a tensor is not known",
        why: "What the elements are decides how many bytes a tensor takes. A type that neither the \
         format nor this version of modelward knows leaves the tensor's bytes unjudged.",
        advice: "Find out which library reads this type; if it is a new one, update modelward.",
        class: Class::MaliciousFile,
        cwe: &[1287],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        report(weights, FlawKind::UnknownElement, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::{Gguf, one};
        crate::Samples {
            fires: vec![
                one(r#"{"dtype":"EVIL","shape":[4],"data_offsets":[0,16]}"#, &[0; 16]),
                one(r#"{"dtype":"f32","shape":[4],"data_offsets":[0,16]}"#, &[0; 16]),
                Gguf::new(1, 0).tensor("t", &[8], 4, 0).data(32),
                Gguf::new(1, 0).tensor("t", &[8], u32::MAX, 0).data(32),
            ],
            silent: vec![
                one(r#"{"dtype":"F8_E4M3FNUZ","shape":[4],"data_offsets":[0,4]}"#, &[0; 4]),
                Gguf::new(1, 0).tensor("t", &[32], 39, 0).data(32),
            ],
        }
    }
}
