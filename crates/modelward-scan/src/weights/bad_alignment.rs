//! MW1310 `gguf-bad-alignment`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::weights::{FlawKind, Weights};

use super::report;
use crate::Check;

/// Data are not aligned or ordered as declared.
pub(super) struct BadAlignment;

impl Check for BadAlignment {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1310",
        name: "gguf-bad-alignment",
        severity: Severity::Medium,
        title: "data are not aligned or ordered as declared",
        why: "A GGUF file declares an alignment, a power of two, and every tensor begins at a \
         multiple of it, in the order of the table. An alignment of 0 makes loaders divide by \
         it; data elsewhere are found by some loaders and not by others.",
        advice: "Convert the model again with the current tools of llama.cpp.",
        class: Class::MaliciousFile,
        cwe: &[369, 1284],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        report(weights, FlawKind::Alignment, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::Gguf;
        crate::Samples {
            fires: vec![
                Gguf::new(0, 1).number("general.alignment", 0).finish(),
                Gguf::new(0, 1).number("general.alignment", 48).finish(),
                Gguf::new(0, 1).text("general.alignment", "32").finish(),
                Gguf::new(1, 0).tensor("t", &[8], 0, 8).data(40),
                Gguf::new(2, 0).tensor("t", &[8], 0, 32).tensor("u", &[8], 0, 0).data(64),
            ],
            silent: vec![
                Gguf::new(0, 1).number("general.alignment", 64).finish(),
                Gguf::new(2, 0).tensor("t", &[8], 0, 0).tensor("u", &[8], 0, 32).data(64),
            ],
        }
    }
}
