//! `pickle-extension-code`: extension codes.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct ExtensionCode;

impl Check for ExtensionCode {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1109",
        name: "pickle-extension-code",
        severity: Severity::High,
        title: "the file uses an extension code, whose meaning lies outside the file",
        why: "The opcodes EXT1, EXT2 and EXT4 name a function by a number that a registry of the \
              loading process gives a meaning. What loading this file calls cannot be told from \
              the file.",
        advice: "Do not load the file.",
        class: Class::MaliciousFile,
        cwe: &[502],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::ExtensionCode, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                b"\x80\x02\x82\x01)R.".to_vec(),
                b"\x80\x02\x84\x01\x00\x00\x00)R.".to_vec(),
            ],
            silent: vec![b"\x80\x02K\x82.".to_vec(), b"N.".to_vec()],
        }
    }
}
