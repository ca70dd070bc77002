//! `pickle-nested-payload`: a constant that is itself a file, and a harmful one.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::Asset;

use crate::Check;

/// The constants of a pickle in which something was found, when they were read as files.
#[derive(Debug, Default)]
pub(crate) struct Payloads {
    pub(crate) found: Vec<Payload>,
}

/// A constant in which something was found.
#[derive(Debug)]
pub(crate) struct Payload {
    /// Offset of the constant.
    pub(crate) at: u64,
    /// The worst of what was found.
    pub(crate) severity: Severity,
    /// What that was.
    pub(crate) message: String,
}

impl Asset for Payloads {
    fn format(&self) -> &'static str {
        "pickle"
    }
}

pub(crate) struct NestedPayload;

impl Check for NestedPayload {
    type Asset = Payloads;

    const RULE: Rule = Rule {
        id: "MW1114",
        name: "pickle-nested-payload",
        severity: Severity::Medium,
        title: "a constant of the pickle is itself a file with something unproven in it",
        why: "A text or bytes constant of this pickle is another pickle, an archive or a program, \
              as it is or in base64 or hexadecimal digits, and what it holds is not proven \
              harmless. Payloads are carried this way past scanners that look at the outer \
              program alone, and unpacked by whoever uses the object.",
        advice: "Do not load the file. Ask its author what the constant is for.",
        class: Class::MaliciousFile,
        cwe: &[502, 506],
    };

    fn check(payloads: &Payloads, out: &mut Findings<'_>) {
        for payload in &payloads.found {
            let shown = Evidence::bytes(payload.at, payload.message.as_str());
            out.report_as(payload.severity, "a constant carries another file", shown);
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        let inner = b"\x80\x02cposix\nsystem\nX\x07\x00\x00\x00echo hi\x85R.";
        let constant = |bytes: &[u8]| {
            let len = u8::try_from(bytes.len()).unwrap();
            [b"\x80\x04C".as_slice(), &[len], bytes, b"."].concat()
        };
        let hexadecimal = inner.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        crate::Samples {
            fires: vec![
                constant(inner),
                constant(hexadecimal.as_bytes()),
                constant(b"gAJjcG9zaXgKc3lzdGVtClgHAAAAZWNobyBoaYVSLg=="),
            ],
            silent: vec![
                constant(b"\x80\x04K\x01K\x02K\x03\x87\x94."),
                constant(b"an ordinary constant"),
                inner.to_vec(),
            ],
        }
    }
}
