//! Names that are one name on some file systems.

use std::collections::HashMap;

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::listing::{Kind, Listing, shown};
use unicode_normalization::UnicodeNormalization;

use crate::Check;

/// MW1211.
pub(super) struct MemberNameCollision;

impl Check for MemberNameCollision {
    type Asset = Listing;

    const RULE: Rule = Rule {
        id: "MW1211",
        name: "member-name-collision",
        severity: Severity::Medium,
        title: "names in an archive that are one name on some systems",
        why: "Windows and macOS take names that differ in case, in Unicode form or in the kind of slash for one. Unpacked there, one member silently overwrites the other; the scanner saw two, the user gets one.",
        advice: "Unpack it on a system that tells the names apart, and ask the publisher to rename one.",
        class: Class::MaliciousFile,
        cwe: &[178],
    };

    fn check(listing: &Listing, out: &mut Findings<'_>) {
        let mut seen: HashMap<String, &[u8]> = HashMap::new();
        for member in listing.members.iter().filter(|member| member.kind != Kind::Folder) {
            let first = *seen.entry(key(&member.name)).or_insert(&member.name);
            if first != member.name {
                let (one, two) = (shown(first), member.shown());
                let message = format!("`{two}` and `{one}` are one name on some systems");
                out.report(message, Evidence::bytes(member.at, two));
            }
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, tar, zip};
        let both =
            |one: &str, two: &str| zip(&[ZipMember::new(one, b"1"), ZipMember::new(two, b"2")]);
        crate::Samples {
            fires: vec![
                both("Data.pkl", "data.pkl"),
                both("a/b", "a\\b"),
                both("\u{e9}", "e\u{301}"),
                tar(&[(b'0', "a/b", "", b"1"), (b'0', "a//B", "", b"2")]),
            ],
            silent: [ordinary(), vec![both("a", "b"), both("x/a", "y/a")]].concat(),
        }
    }
}

/// What all names have in common that some file system takes for one.
fn key(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name).replace('\\', "/");
    let steps = name.split('/').filter(|step| !step.is_empty() && *step != ".");
    let steps = steps.map(|step| step.trim_end_matches(['.', ' ']));
    let path = steps.collect::<Vec<_>>().join("/");
    path.nfd().flat_map(char::to_lowercase).nfc().collect()
}
