//! `pickle-shadowed-memo`: names out of overwritten memo slots.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct ShadowedMemo;

impl Check for ShadowedMemo {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1115",
        name: "pickle-shadowed-memo",
        severity: Severity::High,
        title: "a name is taken from a memo slot that was overwritten",
        why: "Picklers write each memo slot once. Here a slot was written twice and its second \
              content is used as a name, so that a reader who looks at the first sees an innocent \
              one.",
        advice: "Do not load the file.",
        class: Class::MaliciousFile,
        cwe: &[436, 502],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::ShadowedMemo, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![b"\x80\x04\x8c\x0ctorch._utilsq\x000\x8c\x02osq\x000h\x00\x8c\x06system\x93\x8c\x02id\x85R.".to_vec()],
            silent: vec![b"\x80\x04\x8c\x06modelsq\x000h\x00\x8c\x04Mine\x93)\x81.".to_vec()],
        }
    }
}
