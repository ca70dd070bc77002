//! `pickle-further-stream`: what lies behind the first STOP.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};

use super::judge::Judged;
use crate::Check;

pub(crate) struct FurtherStream;

impl Check for FurtherStream {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1108",
        name: "pickle-further-stream",
        severity: Severity::Medium,
        title: "bytes behind the end of the pickle are run by other readers, or belong to nothing",
        why: "A reader stops at the first STOP. Behind it may lie another stream, which a second \
              call of the reader runs, or bytes that only another loader understands. Several \
              harmless streams in one file are ordinary; unproven ones behind a harmless one are \
              a hiding place, and so are bytes that are no pickle.",
        advice: "Find out what wrote the bytes behind the pickle; do not load the file twice from \
                 one handle.",
        class: Class::MaliciousFile,
        cwe: &[502, 436],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        let unproven = judged
            .effects
            .iter()
            .find(|effect| judged.further.first().is_some_and(|&second| effect.at >= second));
        if let Some(effect) = unproven {
            let message = "a stream behind the first one does what is not proven harmless";
            let severity = if effect.harmful { Severity::High } else { Severity::Medium };
            out.report_as(severity, message, Evidence::bytes(effect.at, effect.shown.as_str()));
        }
        if let Some(at) = judged.tail {
            let message = "bytes behind the last stream belong to nothing";
            out.report(message, Evidence::bytes(at, "bytes that are no pickle"));
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                b"N.cos\nsystem\n(S'id'\ntR.".to_vec(),
                b"\x80\x02N.\n\n\x80\x02cmodels\nMine\n)\x81.".to_vec(),
                b"\x80\x02N.\xff\xfe\xfd bytes of something else".to_vec(),
            ],
            silent: vec![b"N.N.\x80\x04K\x01.".to_vec(), b"\x80\x02N.\n\0\0".to_vec()],
        }
    }
}
