//! `pickle-unlisted-call`: calls of names that are on no list.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct UnlistedCall;

impl Check for UnlistedCall {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1102",
        name: "pickle-unlisted-call",
        severity: Severity::Medium,
        title: "loading this file calls code that is not known to be harmless",
        why: "A pickle is a program, and this one calls a function or makes an instance of a \
              class that is on no list of harmless names. It may be the author's own class, or it \
              may run anything: from the file alone nobody can tell. Lists of forbidden names are \
              always one name short, so modelward keeps the opposite list.",
        advice: "Look at the code behind the name. If you trust it, allow exactly this name with \
                 `modelward policy add`; otherwise ask for safetensors.",
        class: Class::MaliciousFile,
        cwe: &[502],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::UnlistedCall, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                b"\x80\x04cmodels\nMine\n)\x81.".to_vec(),
                b"cruncommands\nrun\n(S\'id\'\ntR.".to_vec(),
                b"\x80\x02ctorch\nnever_heard_of\n)R.".to_vec(),
            ],
            silent: vec![
                b"ccollections\nOrderedDict\n(tR.".to_vec(),
                b"\x80\x02cmodels\nMine\n.".to_vec(),
                b"].".to_vec(),
            ],
        }
    }
}
