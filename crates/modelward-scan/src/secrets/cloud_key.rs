//! `cloud-key`: keys of cloud providers.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::credentials::CLOUD_KEYS;

use super::report;
use crate::{Check, file::File};

pub(crate) struct CloudKey;

impl Check for CloudKey {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1801",
        name: "cloud-key",
        severity: Severity::High,
        title: "the file holds a key of a cloud provider",
        why: "Whoever downloads the model reads the credential, and acts in the name of whoever left it there. \
              A cloud key opens storage, machines and bills. It is found by the prefix that its provider \
              gave it, and never tried.",
        advice: "Revoke the credential now, then remove it: what was published once stays in copies.",
        class: Class::Secrets,
        cwe: &[798],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        report(file, CLOUD_KEYS, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        // Put together here, so that no scanner takes this file for a leak.
        crate::Samples {
            fires: vec![[b"{\"key\": \"AKIA".as_slice(), b"Q3EGR7UXWP2MZK5D\"}"].concat()],
            silent: vec![
                b"key: AKIAIOSFODNN7EXAMPLE".to_vec(),
                b"key: AKIAXXXXXXXXXXXXXXXX".to_vec(),
            ],
        }
    }
}
