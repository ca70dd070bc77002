//! `pickle-frame-straddle`: frames that no pickler writes.
//!
//! Source: PEP 3154; CPython `pickle.py`, `_Unframer`, against `_pickle.c`, `load_frame`.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct FrameStraddle;

impl Check for FrameStraddle {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1110",
        name: "pickle-frame-straddle",
        severity: Severity::High,
        title: "the frames of the stream are broken, and readers of Python differ on it",
        why: "Protocol 4 wraps opcodes in frames. Python's two unpicklers treat an opcode that \
              crosses the edge of a frame differently, so one of them may run what the other \
              refuses, and a scanner built on either sees only half.",
        advice: "Do not load the file.",
        class: Class::MaliciousFile,
        cwe: &[436],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::FrameStraddle, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                b"\x80\x04\x95\x04\x00\x00\x00\x00\x00\x00\x00K\x01\x8c\x01a\x86.".to_vec(),
                b"\x80\x04\x95\x03\x00\x00\x00\x00\x00\x00\x00K\x01\x8c\x01a\x86.".to_vec(),
                b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00K\x01.".to_vec(),
            ],
            silent: vec![
                b"\x80\x04\x95\x03\x00\x00\x00\x00\x00\x00\x00K\x01.".to_vec(),
                b"\x80\x04K\x01.".to_vec(),
            ],
        }
    }
}
