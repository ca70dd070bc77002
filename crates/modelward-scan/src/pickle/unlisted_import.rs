//! `pickle-unlisted-import`: imports of names that are on no list and never called.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct UnlistedImport;

impl Check for UnlistedImport {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1103",
        name: "pickle-unlisted-import",
        severity: Severity::Medium,
        title: "loading this file imports code that is not known to be harmless",
        why: "Importing a module runs its code, even where the name is never called. A module of \
              that name may lie beside the model and be imported instead of a library.",
        advice: "Look at the module that is imported. If you trust it, allow exactly this name \
                 with `modelward policy add`; otherwise ask for safetensors.",
        class: Class::MaliciousFile,
        cwe: &[502, 829],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::UnlistedImport, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                b"\x80\x02cmodels\nMine\n.".to_vec(),
                b"\x80\x04\x8c\x06models\x8c\x04Mine\x930N.".to_vec(),
                b"\x80\x02]clocal_helper\nvalue\na.".to_vec(),
            ],
            silent: vec![
                b"\x80\x02ctorch\nFloatStorage\n.".to_vec(),
                b"\x80\x04cmodels\nMine\n)\x81.".to_vec(),
            ],
        }
    }
}
