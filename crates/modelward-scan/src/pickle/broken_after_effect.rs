//! `pickle-broken-after-effect`: a stream that breaks when the harm is done.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};

use super::judge::Judged;
use crate::Check;

pub(crate) struct BrokenAfterEffect;

impl Check for BrokenAfterEffect {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1107",
        name: "pickle-broken-after-effect",
        severity: Severity::High,
        title: "the stream breaks off after it has imported or called something unproven",
        why: "A reader runs a pickle as it goes. When it meets a broken opcode it stops with an \
              error, but what was imported and called before has happened. Attackers break the \
              stream on purpose, for scanners that read the whole file first see only the error.",
        advice: "Do not load the file.",
        class: Class::MaliciousFile,
        cwe: &[502],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        if let (Some((at, why)), false) = (&judged.broken, judged.effects.is_empty()) {
            let message = "the stream breaks off behind what it has already run";
            out.report(message, Evidence::bytes(*at, why.as_str()));
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                b"cos\nsystem\n(S'id'\ntR".to_vec(),
                b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R\xff\xff\xff.".to_vec(),
                b"\x80\x02cmodels\nMine\n)R\x80\x63.".to_vec(),
            ],
            silent: vec![
                b"cos\nsystem\n(S'id'\ntR.".to_vec(),
                b"\x80\x02]K\x01aK\x02".to_vec(),
                b"\x80\x02ccollections\nOrderedDict\n)R\xff".to_vec(),
            ],
        }
    }
}
