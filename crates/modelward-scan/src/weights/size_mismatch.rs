//! MW1307 `tensor-size-mismatch`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::weights::{FlawKind, Weights};

use super::report;
use crate::Check;

/// Shape and type of a tensor do not give its length.
pub(super) struct SizeMismatch;

impl Check for SizeMismatch {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1307",
        name: "tensor-size-mismatch",
        severity: Severity::Medium,
        title: "shape and type of a tensor do not give its length",
        why: "The number of elements times their width is the length of the range. Where it is not, \
         or where the product wraps around, a loader that trusts one of the two reads or writes \
         beyond the other.",
        advice: "Do not use the file; ask the publisher for one that is written by the official \
         library.",
        class: Class::MaliciousFile,
        cwe: &[190, 1284],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        report(weights, FlawKind::SizeMismatch, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::one;
        crate::Samples {
            fires: vec![
                one(r#"{"dtype":"F32","shape":[5],"data_offsets":[0,16]}"#, &[0; 16]),
                one(r#"{"dtype":"F4","shape":[3],"data_offsets":[0,2]}"#, &[0; 2]),
                one(
                    r#"{"dtype":"F32","shape":[4611686018427387904,4,4],"data_offsets":[0,16]}"#,
                    &[0; 16],
                ),
            ],
            silent: vec![
                one(r#"{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}"#, &[0; 16]),
                one(r#"{"dtype":"F4","shape":[4],"data_offsets":[0,2]}"#, &[0; 2]),
                one(r#"{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}"#, &[0; 3]),
                one(r#"{"dtype":"C64","shape":[],"data_offsets":[0,8]}"#, &[0; 8]),
            ],
        }
    }
}
