//! `model-hub-token`: tokens of hubs and model services.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::credentials::HUB_TOKENS;

use super::report;
use crate::{Check, file::File};

pub(crate) struct ModelHubToken;

impl Check for ModelHubToken {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1802",
        name: "model-hub-token",
        severity: Severity::High,
        title: "the file holds a token of a model hub or a model service",
        why: "Whoever downloads the model reads the credential, and acts in the name of whoever left it there. \
              With the token of a hub an attacker replaces the models that others download. It is found \
              by the prefix that its issuer gave it, and never tried.",
        advice: "Revoke the credential now, then remove it: what was published once stays in copies.",
        class: Class::Secrets,
        cwe: &[798],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        report(file, HUB_TOKENS, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        // Put together here, so that no scanner takes this file for a leak.
        crate::Samples {
            fires: vec![
                [b"token: hf".as_slice(), b"_qW7eRtY2uIoP9aSdFgH4jKlZxCvB6nM01\n"].concat(),
            ],
            silent: vec![
                b"token: hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".to_vec(),
                b"hf_model_name".to_vec(),
            ],
        }
    }
}
