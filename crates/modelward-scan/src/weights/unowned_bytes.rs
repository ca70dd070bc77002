//! MW1305 `unowned-bytes`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::{
    signature,
    weights::{FlawKind, Weights},
};

use super::shown;
use crate::Check;

/// Bytes in the data that no tensor owns.
pub(super) struct UnownedBytes;

impl Check for UnownedBytes {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1305",
        name: "unowned-bytes",
        severity: Severity::Medium,
        title: "bytes in the file belong to no tensor",
        why: "In these formats every byte is the header's or one tensor's. Bytes between or behind \
              the tensors are loaded by nobody, so they are room to carry something past a \
              scanner: a pickle, an archive or a program, which a second loader of the same file \
              may well act upon. What they hold is judged in its own right too.",
        advice: "Save the tensors again with the official library, which leaves the bytes out; if \
                 they are a program or an archive, do not use the file.",
        class: Class::MaliciousFile,
        cwe: &[436, 506],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        for flaw in weights.flaws.iter().filter(|flaw| flaw.kind == FlawKind::Unowned) {
            let evidence = shown(&weights.bytes, flaw.at);
            match signature::find(&weights.bytes.tail(flaw.at)) {
                Some(what) => {
                    let message = format!("{}, and they begin as {what}", flaw.why);
                    out.report_as(Severity::High, message, evidence);
                }
                None => out.report(&*flaw.why, evidence),
            }
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::{Gguf, one, pair};
        let four = r#"{"dtype":"F32","shape":[4],"data_offsets":[0,16]}"#;
        let behind = |bytes: &[u8]| one(four, &[&[0; 16], bytes].concat());
        crate::Samples {
            fires: vec![
                pair("b", 64, 80),
                behind(b"\x80\x02cos\nsystem\n(X\n\x00\x00\x00echo pwnedtR."),
                behind(b"PK\x03\x04"),
                behind(&[0]),
                one(r#"{"dtype":"F32","shape":[2],"data_offsets":[8,16]}"#, &[0; 16]),
                Gguf::new(1, 0).tensor("t", &[8], 0, 32).data(64),
                [Gguf::new(1, 0).tensor("t", &[8], 0, 0).data(32), b"\x7fELF".to_vec()].concat(),
                [Gguf::new(1, 0).tensor("t", &[7], 0, 0).data(28), b"code".to_vec()].concat(),
            ],
            silent: vec![
                pair("b", 16, 32),
                one(four, &[0; 16]),
                Gguf::new(1, 0).tensor("t", &[7], 0, 0).data(32),
                Gguf::new(1, 0).tensor("t", &[7], 0, 0).data(28),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use modelward_core::{Place, Severity};

    use crate::{Context, examine, weights::samples::one};

    #[test]
    fn bytes_that_begin_as_a_program_are_worse() {
        let four = r#"{"dtype":"F32","shape":[4],"data_offsets":[0,16]}"#;
        let severity = |tail: &[u8]| {
            let file = one(four, &[&[0; 16], tail].concat());
            let examined = examine(&Place::file("f"), &file.into(), &Context::default());
            let found = examined.findings.iter().find(|finding| finding.rule.id == "MW1305");
            found.unwrap().severity
        };
        assert_eq!(severity(b"\x7fELF\x02\x01\x01\0\0\0\0\0"), Severity::High);
        assert_eq!(severity(b"\x80\x02cos\nsystem\n"), Severity::High);
        assert_eq!(severity(&[0; 12]), Severity::Medium);
    }
}
