//! `pickle-expansion-bomb`: programs that are made to exhaust their reader.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct ExpansionBomb;

impl Check for ExpansionBomb {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1113",
        name: "pickle-expansion-bomb",
        severity: Severity::High,
        title: "the program is made to exhaust whoever loads it",
        why: "A structure that doubles at each step, a memo index far beyond the file, or a \
              number of many thousand digits is a few bytes in the file, and gigabytes or hours \
              for its reader.",
        advice: "Do not load the file.",
        class: Class::Denial,
        cwe: &[409, 400],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::Expansion, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                [
                    b"\x80\x02]q\x00".to_vec(),
                    b"]q\x01(h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00eh\x01q\x00"
                        .repeat(30),
                    b".".to_vec(),
                ]
                .concat(),
                b"\x80\x02Nr\xf0\xff\xff\x7f.".to_vec(),
                [b"I".to_vec(), b"9".repeat(200_000), b"\n.".to_vec()].concat(),
            ],
            silent: vec![b"\x80\x02](K\x01K\x01e.".to_vec(), b"I99999999\n.".to_vec()],
        }
    }
}
