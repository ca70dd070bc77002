//! `pickle-foreign-call`: calls and imports of names that are known to be dangerous.
//!
//! The table of dangers (`known/dangerous.names`) never lets anything pass; it raises the severity and
//! supplies the sentence.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct ForeignCall;

impl Check for ForeignCall {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1101",
        name: "pickle-foreign-call",
        severity: Severity::Critical,
        title: "loading this file calls or imports what is known to be dangerous",
        why: "A pickle is a program. Loading it imports the functions that it names and calls \
              them with arguments of its choice, before any weight is read. This one names a \
              function that runs commands, evaluates code, opens files or connections, or loads \
              another program. A checkpoint needs none of these. The list of dangerous names only \
              explains and raises the severity: what is on no list is reported all the same.",
        advice: "Do not load the file. Ask its author for safetensors, or rebuild the weights \
                 from a source that you trust.",
        class: Class::MaliciousFile,
        cwe: &[94, 502],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::ForeignCall, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                b"cos\nsystem\n(S\'id\'\ntR.".to_vec(),
                b"cposix\nsystem\n(S\'id\'\ntR.".to_vec(),
                b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.".to_vec(),
                b"(cos\nsystem\nS\'id\'\no.".to_vec(),
                b"(S\'id\'\nios\nsystem\n.".to_vec(),
                b"c__builtin__\neval\n(S\'1\'\ntR.".to_vec(),
                b"\x80\x02cos\nsystem\n0N.".to_vec(),
                b"cpathlib\nos.system\n(S\'id\'\ntR.".to_vec(),
            ],
            silent: vec![
                b"ccollections\nOrderedDict\n(tR.".to_vec(),
                b"S\'os.system\'\n.".to_vec(),
                b"\x80\x04cmodels\nMine\n)\x81.".to_vec(),
            ],
        }
    }
}
