//! MW1304 `overlapping-tensors`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::weights::{FlawKind, Weights};

use super::report;
use crate::Check;

/// Two tensors share bytes.
pub(super) struct Overlap;

impl Check for Overlap {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1304",
        name: "overlapping-tensors",
        severity: Severity::High,
        title: "two tensors share bytes",
        why: "Each byte of the data belongs to one tensor. Where ranges overlap, writing to one \
         tensor changes another, and bytes that pass for numbers in one reading are something \
         else in another.",
        advice: "Do not use the file; ask the publisher for one that is written by the official \
         library.",
        class: Class::MaliciousFile,
        cwe: &[436],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        report(weights, FlawKind::Overlap, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::{Gguf, pair};
        crate::Samples {
            fires: vec![
                pair("b", 8, 24),
                Gguf::new(2, 0).tensor("t", &[16], 0, 0).tensor("u", &[8], 0, 32).data(64),
            ],
            silent: vec![
                pair("b", 16, 32),
                Gguf::new(2, 0).tensor("t", &[8], 0, 0).tensor("u", &[8], 0, 32).data(64),
            ],
        }
    }
}
