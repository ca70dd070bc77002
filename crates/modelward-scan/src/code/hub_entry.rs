//! `hubconf.py`, which `torch.hub.load` imports.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};

#[cfg(test)]
use crate::Samples;
use crate::{Check, file::File};

pub(crate) struct HubEntry;

impl Check for HubEntry {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1704",
        name: "hub-entry-code",
        severity: Severity::Medium,
        title: "`torch.hub.load` imports this file",
        why: "`hubconf.py` is a Python program. `torch.hub.load` downloads the repository and \
              imports it, so everything in it runs with the rights of whoever loads the model.",
        advice: "Read the file, and load the weights directly instead of through `torch.hub`.",
        class: Class::UnsafeCode,
        cwe: &[829],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        if file.name == "hubconf.py" && !file.bytes.is_empty() {
            let evidence = Evidence::bytes(0, first_line(&file.head()));
            out.report("`torch.hub.load` runs this file when it loads the repository", evidence);
        }
    }

    #[cfg(test)]
    fn samples() -> Samples {
        Samples { fires: vec![b"dependencies = ['torch']\n".to_vec()], silent: vec![Vec::new()] }
    }

    #[cfg(test)]
    fn sample_name() -> &'static str {
        "repository/hubconf.py"
    }
}

/// The first line of a program that says something.
pub(super) fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    line.unwrap_or_default().chars().take(120).collect()
}
