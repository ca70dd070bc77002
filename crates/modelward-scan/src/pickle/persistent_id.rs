//! `pickle-foreign-persistent-id`: persistent ids that are none of torch's.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct PersistentId;

impl Check for PersistentId {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1116",
        name: "pickle-foreign-persistent-id",
        severity: Severity::Medium,
        title: "the file hands its loader an id that is none of torch's",
        why: "A persistent id is passed to a function of the loader. Torch's own is a tuple that \
              names a storage; what a loader makes of any other cannot be told from the file.",
        advice: "Find out which library writes such ids; ask for safetensors.",
        class: Class::MaliciousFile,
        cwe: &[502],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::PersistentId, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![b"\x80\x02X\x03\x00\x00\x00abcQ.".to_vec(), b"Pmine\n.".to_vec()],
            silent: vec![b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ.".to_vec()],
        }
    }
}
