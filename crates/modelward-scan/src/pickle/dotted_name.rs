//! `pickle-dotted-name`: names whose dots lead through attributes.
//!
//! The name of a nested class is milder: it is not proven harmless, and no more.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct DottedName;

impl Check for DottedName {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1105",
        name: "pickle-dotted-name",
        severity: Severity::Critical,
        title: "a name walks through attributes to reach something else",
        why: "From protocol 4 on, a name with dots is looked up step by step: \
              `torch.serialization` and `os.system` together give `os.system`, though the module \
              named is an innocent one. Scanners that look at the module alone are blind to it.",
        advice: "Do not load the file.",
        class: Class::MaliciousFile,
        cwe: &[502],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::DottedName, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                b"\x80\x05cmodels\nhelper.run\n)R.".to_vec(),
                b"\x80\x04\x8c\x0bcollections\x8c&OrderedDict.__init__.__globals__.items\x93)R."
                    .to_vec(),
                b"\x80\x05cmodels\nOuter.Inner\n)\x81.".to_vec(),
            ],
            silent: vec![
                b"\x80\x04cmodels\nInner\n)\x81.".to_vec(),
                b"ccollections\nOrderedDict\n(tR.".to_vec(),
            ],
        }
    }
}
