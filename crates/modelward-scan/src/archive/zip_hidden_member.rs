//! Members that only one of a zip's two views shows.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::zip::Archive;

use crate::Check;

/// MW1205.
pub(super) struct ZipHiddenMember;

impl Check for ZipHiddenMember {
    type Asset = Archive;

    const RULE: Rule = Rule {
        id: "MW1205",
        name: "zip-hidden-member",
        severity: Severity::High,
        title: "a zip member that only some readers see",
        why: "A member that the central directory does not name is seen by readers that go from the start, and a name in the directory without a member behind it by those that go from the end. Either way somebody loads what somebody else was not shown.",
        advice: "Do not load it; unpack it in a safe place with a reader that goes from the start, and look at what is hidden.",
        class: Class::MaliciousFile,
        cwe: &[436],
    };

    fn check(archive: &Archive, out: &mut Findings<'_>) {
        // Without a directory nothing is hidden: the archive was cut short, which is a gap.
        if archive.directories.is_empty() {
            return;
        }
        for member in &archive.members {
            let how = match (&member.central, &member.local) {
                (None, Some(_)) => "stands in the archive, and its directory does not name it",
                (Some(_), None) => "is named by the directory, and there is no such member",
                _ => continue,
            };
            let message = format!("`{}` {how}", member.shown());
            out.report(message, Evidence::bytes(member.at(), member.shown()));
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, zip};
        let hidden = ZipMember::new("hidden.pkl", b"payload").with(|member| member.central = None);
        let nowhere = ZipMember::new("b", b"text").with(|member| member.offset = Some(7));
        let plain = ZipMember::new("a", b"text");
        let inside = ZipMember::new("a", &zip(std::slice::from_ref(&hidden)))
            .with(|member| member.directory().compressed = 4);
        crate::Samples {
            fires: vec![
                zip(&[plain.clone(), hidden.clone()]),
                zip(&[hidden, plain.clone()]),
                zip(&[plain, nowhere]),
                zip(&[inside]),
            ],
            silent: ordinary(),
        }
    }
}
