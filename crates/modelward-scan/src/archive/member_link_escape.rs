//! Links that lead out of the folder that an archive is unpacked into.

use std::collections::HashSet;

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::listing::{Kind, Listed, Listing, shown};

use super::path::{escape, link_escape, steps};
use crate::Check;

/// MW1208.
pub(super) struct MemberLinkEscape;

impl Check for MemberLinkEscape {
    type Asset = Listing;

    const RULE: Rule = Rule {
        id: "MW1208",
        name: "member-link-escape",
        severity: Severity::High,
        title: "a link in an archive leads out of its folder",
        why: "A link to a file outside makes the loader read that file as part of the model, or lets a later member be written through it. Unpackers that follow it hand over keys or overwrite them.",
        advice: "Do not unpack it; ask the publisher for an archive without links.",
        class: Class::MaliciousFile,
        cwe: &[59, 61],
    };

    fn check(listing: &Listing, out: &mut Findings<'_>) {
        let mut links = HashSet::new();
        for member in &listing.members {
            if let Some((target, why)) = leads_out(member, &links) {
                let name = member.shown();
                let message = match target {
                    Some(target) => format!("`{name}` is a link to `{}`, {why}", shown(target)),
                    None => format!("`{name}` {why}"),
                };
                out.report(message, Evidence::bytes(member.at, name));
            }
            if matches!(member.kind, Kind::SymbolicLink(_)) {
                links.insert(steps(&member.name).collect::<Vec<_>>());
            }
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, tar, zip};
        let link = |name: &str, target: &str| {
            let link =
                |member: &mut ZipMember| member.both(|fields| fields.attributes = 0o120_777 << 16);
            zip(&[ZipMember::new(name, target.as_bytes()).with(link)])
        };
        let fires = vec![
            link("a", "/etc/passwd"),
            link("a/b", "../../c"),
            tar(&[(b'2', "a", "../b", b"")]),
            tar(&[(b'1', "a", "../b", b"")]),
            tar(&[(b'2', "a", "b", b""), (b'0', "a/c", "", b"text")]),
            tar(&[(b'2', "a", ".", b""), (b'2', "d/b", "../a/a/..", b"")]),
        ];
        let silent =
            [ordinary(), vec![link("a/b", "../c"), tar(&[(b'2', "a/b", "c", b"")])]].concat();
        crate::Samples { fires, silent }
    }
}

/// Where a member leads, and why that is out of the folder.
fn leads_out<'a>(
    member: &'a Listed,
    links: &HashSet<Vec<&[u8]>>,
) -> Option<(Option<&'a [u8]>, &'static str)> {
    let through = |path: &[u8]| {
        let steps = steps(path).collect::<Vec<_>>();
        (1..steps.len()).any(|end| steps.get(..end).is_some_and(|head| links.contains(head)))
    };
    match &member.kind {
        Kind::SymbolicLink(target) => {
            // What a link leads through decides where `..` leads, so the two do not go together.
            let climbs = steps(target).any(|step| step == b"..");
            let winds = climbs && through_any(target, links);
            let why = link_escape(&member.name, target)
                .or(winds.then_some("which climbs through another link"))?;
            Some((Some(target), why))
        }
        Kind::HardLink(target) => {
            let why =
                escape(target).or(through(target).then_some("which leads through another link"))?;
            Some((Some(target), why))
        }
        _ if through(&member.name) => Some((None, "is written through a link")),
        _ => None,
    }
}

/// Whether a step of a path is the last step of some link's name.
fn through_any(path: &[u8], links: &HashSet<Vec<&[u8]>>) -> bool {
    steps(path).any(|step| links.iter().any(|link| link.last() == Some(&step)))
}
