//! `pickle-forbidden-argument`: calls of listed names with arguments outside their rule.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct ForbiddenArgument;

impl Check for ForbiddenArgument {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1104",
        name: "pickle-forbidden-argument",
        severity: Severity::High,
        title: "a harmless function is called with arguments that make it harmful or unknown",
        why: "Some functions that checkpoints need are harmless only with the right arguments: \
              `_codecs.encode` with `latin1` makes bytes, with other codecs it unpacks bombs; \
              `numpy.dtype` with made-up flags makes numpy take bytes for pointers. The call does \
              not look as any real pickler writes it.",
        advice: "Do not load the file. Ask its author how it was written, or ask for safetensors.",
        class: Class::MaliciousFile,
        cwe: &[502],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::ForbiddenArgument, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                b"c_codecs\nencode\n(S\'x\'\nS\'zip\'\ntR.".to_vec(),
                b"\x80\x04cbuiltins\ngetattr\nctorch\nFloatStorage\n\x8c\x08__dict__\x86R."
                    .to_vec(),
                b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x00)K\x01tR.".to_vec(),
                b"\x80\x02cfractions\nFraction\nU\x0b1e999999999\x85R.".to_vec(),
                // A name that may only be called, handed on however deep.
                b"\x80\x02]]]]]]c_codecs\nencode\naaaaaa.".to_vec(),
                b"\x80\x02ccollections\nOrderedDict\n]K\x01c_codecs\nencode\n\x85\x85\x85\x85\x86a\x85R."
                    .to_vec(),
            ],
            silent: vec![
                b"c_codecs\nencode\n(S\'x\'\nS\'latin1\'\ntR.".to_vec(),
                b"\x80\x04ccollections\nOrderedDict\n)R.".to_vec(),
                b"\x80\x02cfractions\nFraction\nU\x04-1/3\x85R.".to_vec(),
            ],
        }
    }
}
