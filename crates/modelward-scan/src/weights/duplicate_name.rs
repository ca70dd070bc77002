//! MW1303 `duplicate-tensor-name`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::weights::{FlawKind, Weights};

use super::report;
use crate::Check;

/// Two tensors or two keys have one name.
pub(super) struct DuplicateName;

impl Check for DuplicateName {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1303",
        name: "duplicate-tensor-name",
        severity: Severity::High,
        title: "two tensors or two keys have one name",
        why: "A name may stand once. Where it stands twice, one loader keeps the first and another \
         the last: what was reviewed is not what runs. A second `tokenizer.chat_template` hides \
         behind the first in the same way.",
        advice: "Do not use the file; ask the publisher for one that is written by the official \
         library.",
        class: Class::MaliciousFile,
        cwe: &[436, 694],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        report(weights, FlawKind::DuplicateName, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::{Gguf, one, pair};
        crate::Samples {
            fires: vec![
                pair("a", 16, 32),
                pair("\\u0061", 16, 32),
                one(r#"{"dtype":"F32","dtype":"U8","shape":[4],"data_offsets":[0,16]}"#, &[0; 16]),
                Gguf::new(0, 2).text("k", "first").text("k", "second").finish(),
                Gguf::new(2, 0).tensor("t", &[8], 0, 0).tensor("t", &[8], 0, 32).data(64),
            ],
            silent: vec![
                pair("b", 16, 32),
                Gguf::new(0, 2).text("k", "first").text("l", "second").finish(),
                Gguf::new(2, 0).tensor("t", &[8], 0, 0).tensor("u", &[8], 0, 32).data(64),
            ],
        }
    }
}
