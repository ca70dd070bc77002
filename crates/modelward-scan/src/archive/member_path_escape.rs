//! Names that lead out of the folder that an archive is unpacked into.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::listing::{Listing, shown};

use super::path::escape;
use crate::Check;

/// MW1207.
pub(super) struct MemberPathEscape;

impl Check for MemberPathEscape {
    type Asset = Listing;

    const RULE: Rule = Rule {
        id: "MW1207",
        name: "member-path-escape",
        severity: Severity::High,
        title: "unpacking writes outside of its folder",
        why: "A member whose name is absolute or climbs with `..` is written wherever it says, over a script or a key of the user who unpacks the model.",
        advice: "Do not unpack it; ask the publisher for an archive without such names.",
        class: Class::MaliciousFile,
        cwe: &[22],
    };

    fn check(listing: &Listing, out: &mut Findings<'_>) {
        for member in &listing.members {
            let names = std::iter::once(&member.name).chain(&member.aliases);
            if let Some((name, why)) = names.filter_map(|name| Some((name, escape(name)?))).next() {
                let name = shown(name);
                out.report(format!("`{name}` is {why}"), Evidence::bytes(member.at, name));
            }
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, tar, zip};
        let mut fires =
            vec![tar(&[(b'0', "../../a", "", b"text")]), tar(&[(b'0', "/etc/a", "", b"")])];
        for name in ["../a", "/a", "a/../../b", "..\\a", "C:\\a", "\\\\host\\a"] {
            fires.push(zip(&[ZipMember::new(name, b"text")]));
        }
        let local = |member: &mut ZipMember| member.local.name = b"../a".to_vec();
        fires.push(zip(&[ZipMember::new("safe", b"text").with(local)]));
        let dots = zip(&[ZipMember::new("./a..b/..c", b"text")]);
        crate::Samples { fires, silent: [ordinary(), vec![dots]].concat() }
    }
}
