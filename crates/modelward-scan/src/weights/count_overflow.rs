//! MW1309 `gguf-count-overflow`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::weights::{FlawKind, Weights};

use super::report;
use crate::Check;

/// A count or length in the file does not fit the file.
pub(super) struct CountOverflow;

impl Check for CountOverflow {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1309",
        name: "gguf-count-overflow",
        severity: Severity::High,
        title: "a count or length in the file does not fit the file",
        why: "GGUF loaders allocate by the counts that the file declares. A count that multiplies or \
         adds up beyond 64 bits makes them allocate too little and then write beyond it \
         (CVE-2025-53630, CVE-2026-27940); one that is merely huge exhausts the memory.",
        advice: "Do not load the file; update llama.cpp and whatever else reads GGUF, and download the \
         file again.",
        class: Class::MaliciousFile,
        cwe: &[190, 789],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        report(weights, FlawKind::CountOverflow, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::Gguf;
        crate::Samples {
            fires: vec![
                Gguf::new(1 << 61, 0).finish(),
                Gguf::new(0, 1 << 62).text("a", "b").finish(),
                Gguf::new(0, 1).array("a", 6, 1 << 62).finish(),
                Gguf::new(0, 1).array("a", 8, 1 << 61).finish(),
                Gguf::new(2, 0)
                    .tensor("a", &[0x7fff_ffff_ffff_ffde], 24, 0)
                    .tensor("b", &[0x7fff_ffff_ffff_fffe], 24, 0x7fff_ffff_ffff_ffe0)
                    .data(64),
            ],
            silent: vec![
                Gguf::new(0, 1).text("a", "b").finish(),
                Gguf::new(0, 1).array("a", 6, 0).finish(),
                Gguf::new(2, 0).tensor("t", &[8], 0, 0).tensor("u", &[8], 0, 32).data(64),
            ],
        }
    }
}
