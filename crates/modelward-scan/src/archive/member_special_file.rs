//! Devices, FIFOs and sockets in archives.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::listing::{Kind, Listing};

use crate::Check;

/// MW1209.
pub(super) struct MemberSpecialFile;

impl Check for MemberSpecialFile {
    type Asset = Listing;

    const RULE: Rule = Rule {
        id: "MW1209",
        name: "member-special-file",
        severity: Severity::High,
        title: "an archive holds a device, a FIFO or a socket",
        why: "Unpacking as root makes a device through which the machine's memory or disk is read and written; a FIFO blocks whoever opens it. No model needs either.",
        advice: "Do not unpack it.",
        class: Class::MaliciousFile,
        cwe: &[73],
    };

    fn check(listing: &Listing, out: &mut Findings<'_>) {
        for member in &listing.members {
            if let Kind::Special(what) = member.kind {
                let name = member.shown();
                out.report(format!("`{name}` is {what}"), Evidence::bytes(member.at, name));
            }
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, tar, zip};
        let fifo =
            |member: &mut ZipMember| member.both(|fields| fields.attributes = 0o010_644 << 16);
        let mut fires = vec![zip(&[ZipMember::new("a", b"").with(fifo)])];
        fires.extend([b'3', b'4', b'6'].map(|kind| tar(&[(kind, "a", "", b"")])));
        crate::Samples { fires, silent: ordinary() }
    }
}
