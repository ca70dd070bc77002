//! What a scan went by, in digests: whoever reads its report later can tell whether a scan of today
//! would ask the same.

use modelward_core::{Basis, Policy};
use modelward_formats::Limits;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::rules::rules;

/// The basis of a scan under a policy and within limits.
///
/// `rules` is SHA-256 over a line of JSON for each rule, `[id, name, severity, title, why, advice]`;
/// `policy` is SHA-256 over what of the policy judges, in JSON: `{"deny", "allow", "pickle"}`. Time is in
/// milliseconds, memory in bytes.
pub(crate) fn of(policy: &Policy, limits: &Limits) -> Basis {
    let mut all = Sha256::new();
    for rule in rules() {
        let record = [rule.id, rule.name, rule.severity.name(), rule.title, rule.why, rule.advice];
        all.update(line(&record));
    }
    let judge = Judge {
        deny: policy.deny.name(),
        allow: policy
            .rules
            .iter()
            .map(|allowed| (&*allowed.rule, allowed.path.as_deref(), &*allowed.reason))
            .collect(),
        pickle: policy.names.iter().map(|name| (&*name.entry, &*name.reason)).collect(),
    };
    let time = u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX);
    Basis {
        rules: all.finalize().into(),
        policy: Sha256::digest(line(&judge)).into(),
        limits: vec![
            ("depth", limits.depth),
            ("expanded", limits.expanded),
            ("members", limits.members),
            ("memory", limits.memory),
            ("opcodes", limits.opcodes),
            ("ratio", limits.ratio),
            ("time", time),
        ],
    }
}

/// What of a policy judges.
#[derive(Serialize)]
struct Judge<'a> {
    deny: &'static str,
    allow: Vec<(&'a str, Option<&'a str>, &'a str)>,
    pickle: Vec<(&'a str, &'a str)>,
}

fn line(record: &impl Serialize) -> Vec<u8> {
    // Texts and lists of texts: there is nothing in them that JSON cannot say.
    let mut line = serde_json::to_vec(record).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use modelward_core::Severity;

    use super::*;

    #[test]
    fn another_policy_is_another_basis() {
        let limits = Limits::default();
        let usual = of(&Policy::default(), &limits);
        assert_eq!(usual, of(&Policy::default(), &limits));
        let strict = of(&Policy { deny: Severity::Low, ..Policy::default() }, &limits);
        assert!(usual.policy != strict.policy && usual.rules == strict.rules);
    }
}
