//! `pickle-computed-name`: imports and calls of what the program computes.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct ComputedName;

impl Check for ComputedName {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1106",
        name: "pickle-computed-name",
        severity: Severity::High,
        title: "what is imported or called is computed by the program itself",
        why: "The name of what is imported, or the function that is called, is no constant of the \
              file but the result of another call. Picklers never write this; it hides from \
              readers of the file what loading it will run.",
        advice: "Do not load the file.",
        class: Class::MaliciousFile,
        cwe: &[502],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::ComputedName, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                b"\x80\x04]\x8c\x06system\x93)R.".to_vec(),
                b"\x80\x04cmodels\nmake\n)R)R.".to_vec(),
            ],
            silent: vec![b"\x80\x04\x8c\x06models\x8c\x04Mine\x93)\x81.".to_vec(), b"N.".to_vec()],
        }
    }
}
