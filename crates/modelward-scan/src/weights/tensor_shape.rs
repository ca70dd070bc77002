//! MW1311 `gguf-tensor-shape`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::weights::{FlawKind, Weights};

use super::report;
use crate::Check;

/// The dimensions of a tensor are too many, negative or too large.
pub(super) struct TensorShape;

impl Check for TensorShape {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1311",
        name: "gguf-tensor-shape",
        severity: Severity::High,
        title: "the dimensions of a tensor are too many, negative or too large",
        why: "ggml reads at most four dimensions into a fixed array and multiplies them in 63 bits. \
         More of them overwrite what lies behind the array; a product that wraps around gives a \
         small buffer for a large tensor (CVE-2026-33298).",
        advice: "Do not load the file; update llama.cpp and whatever else reads GGUF, and download the \
         file again.",
        class: Class::MaliciousFile,
        cwe: &[190, 787],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        report(weights, FlawKind::Shape, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::Gguf;
        crate::Samples {
            fires: vec![
                Gguf::new(1, 0).tensor("t", &[1, 1, 1, 1, 8], 0, 0).data(32),
                Gguf::new(1, 0).dimensions("t", u32::MAX).finish(),
                Gguf::new(1, 0).tensor("t", &[1 << 32, 1 << 32], 0, 0).data(64),
                Gguf::new(1, 0).tensor("t", &[u64::MAX], 0, 0).data(64),
                Gguf::new(1, 0).tensor("t", &[8], 2, 0).data(32),
            ],
            silent: vec![
                Gguf::new(1, 0).tensor("t", &[2, 2, 2, 1], 0, 0).data(32),
                Gguf::new(1, 0).tensor("t", &[], 0, 0).data(4),
                Gguf::new(1, 0).tensor("t", &[32], 2, 0).data(18),
            ],
        }
    }
}
