//! `pickle-unlisted-state`: states and items that are outside the rule of a listed class.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct UnlistedState;

impl Check for UnlistedState {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1111",
        name: "pickle-unlisted-state",
        severity: Severity::Medium,
        title: "an object is given a state or items that are not known to be harmless",
        why: "BUILD calls the `__setstate__` of an object or sets its attributes, and APPENDS and \
              SETITEMS call its methods. The class is listed, but not with such a state; \
              attributes whose names begin with two underscores can change what the object is.",
        advice: "Do not load the file unless you know how it was written; ask for safetensors.",
        class: Class::MaliciousFile,
        cwe: &[502, 915],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::UnlistedState, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81}X\x09\x00\x00\x00__class__Nsb."
                    .to_vec(),
                b"\x80\x02ctorch.nn.modules.linear\nLinear\n}X\x01\x00\x00\x00aNsb.".to_vec(),
                b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81K\x01b.".to_vec(),
            ],
            silent: vec![
                b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81}X\x01\x00\x00\x00aNsb.".to_vec(),
            ],
        }
    }
}
