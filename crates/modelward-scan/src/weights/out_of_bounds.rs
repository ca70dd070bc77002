//! MW1306 `tensor-out-of-bounds`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::weights::{FlawKind, Weights};

use super::report;
use crate::Check;

/// A tensor reaches beyond the file.
pub(super) struct OutOfBounds;

impl Check for OutOfBounds {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1306",
        name: "tensor-out-of-bounds",
        severity: Severity::High,
        title: "a tensor reaches beyond the file",
        why: "A loader that believes such a range reads beyond its buffer. That leaks whatever lies \
         behind it in memory, as in CVE-2026-7482 where any client could read the memory of a \
         model server, or ends in a crash.",
        advice: "Do not load the file; download it again and compare its digest with the publisher's.",
        class: Class::MaliciousFile,
        cwe: &[125, 787],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        report(weights, FlawKind::OutOfBounds, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::{Gguf, one};
        crate::Samples {
            fires: vec![
                one(
                    r#"{"dtype":"F32","shape":[274877906944],"data_offsets":[0,1099511627776]}"#,
                    &[0; 16],
                ),
                one(r#"{"dtype":"F32","shape":[0],"data_offsets":[16,8]}"#, &[0; 16]),
                Gguf::new(1, 0).tensor("t", &[1 << 20], 0, 0).data(64),
                Gguf::new(1, 0).tensor("t", &[8], 0, 1 << 40).data(64),
            ],
            silent: vec![
                one(r#"{"dtype":"F32","shape":[4],"data_offsets":[0,16]}"#, &[0; 16]),
                Gguf::new(1, 0).tensor("t", &[8], 0, 0).data(32),
            ],
        }
    }
}
