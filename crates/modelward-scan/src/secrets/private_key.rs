//! `private-key`: private keys in PEM.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::credentials::PRIVATE_KEYS;

use super::report;
use crate::{Check, file::File};

pub(crate) struct PrivateKey;

impl Check for PrivateKey {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1803",
        name: "private-key",
        severity: Severity::High,
        title: "the file holds a private key",
        why: "Whoever downloads the model reads the credential, and acts in the name of whoever left it there. \
              A private key signs, decrypts or logs in for its owner.",
        advice: "Revoke the credential now, then remove it: what was published once stays in copies.",
        class: Class::Secrets,
        cwe: &[798],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        report(file, PRIVATE_KEYS, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        // Put together here, so that no scanner takes this file for a leak.
        crate::Samples {
            fires: vec![[b"-----BEGIN PRIVATE".as_slice(), b" KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"].concat()],
            silent: vec![b"-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n".to_vec(), b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n".to_vec()],
        }
    }
}
