//! MW1301 `safetensors-header-size`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::weights::{FlawKind, Weights};

use super::report;
use crate::Check;

/// The length of the header is impossible.
pub(super) struct HeaderSize;

impl Check for HeaderSize {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1301",
        name: "safetensors-header-size",
        severity: Severity::High,
        title: "the length of the header is impossible",
        why: "A safetensors file begins with the length of its header. A length beyond the file, or \
         beyond the 100 MB that the format allows, makes careless loaders allocate or read what \
         is not there, and hides the real header from scanners that believe it.",
        advice: "Do not load the file; download it again and compare its digest with the publisher's.",
        class: Class::MaliciousFile,
        cwe: &[789, 1284],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        report(weights, FlawKind::HeaderSize, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::{lying, one, safetensors};
        crate::Samples {
            fires: vec![lying(u64::MAX), lying(1 << 63), lying(4096)],
            silent: vec![
                one(r#"{"dtype":"F32","shape":[4],"data_offsets":[0,16]}"#, &[0; 16]),
                safetensors("{}", &[]),
            ],
        }
    }
}
