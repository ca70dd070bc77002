//! Several members of one name.

use std::collections::HashMap;

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::listing::{Kind, Listing};

use crate::Check;

/// MW1202.
pub(super) struct DuplicateMember;

impl Check for DuplicateMember {
    type Asset = Listing;

    const RULE: Rule = Rule {
        id: "MW1202",
        name: "duplicate-member",
        severity: Severity::High,
        title: "two members of an archive have one name",
        why: "Which of the two a loader takes depends on the loader: Python takes the last, others the first. The harmless one is shown to the scanner, the other one is loaded.",
        advice: "Do not load it; unpack it in a safe place and look at each of the two.",
        class: Class::MaliciousFile,
        cwe: &[694],
    };

    fn check(listing: &Listing, out: &mut Findings<'_>) {
        let mut seen = HashMap::new();
        // `tar --append` puts a newer copy behind the old one, so there it is no lie by itself.
        let severity = if listing.appendable { Severity::Medium } else { Self::RULE.severity };
        for member in listing.members.iter().filter(|member| member.kind != Kind::Folder) {
            if let Some(first) = seen.insert(&member.name, member.at) {
                let shown = format!("`{}`, also at byte {first:#x}", member.shown());
                let message = format!("`{}` is there more than once", member.shown());
                out.report_as(severity, message, Evidence::bytes(member.at, shown));
            }
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, tar, zip};
        let twice = [ZipMember::new("m/data.pkl", b"one"), ZipMember::new("m/data.pkl", b"two")];
        crate::Samples {
            fires: vec![zip(&twice), tar(&[(b'0', "a", "", b"one"), (b'0', "a", "", b"two")])],
            silent: ordinary(),
        }
    }
}
