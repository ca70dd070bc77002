//! What the central directory of a zip says, against what stands before and behind each member.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::zip::{Archive, Header, Member};

use crate::Check;

/// MW1201.
pub(super) struct ZipHeadersDisagree;

impl Check for ZipHeadersDisagree {
    type Asset = Archive;

    const RULE: Rule = Rule {
        id: "MW1201",
        name: "zip-headers-disagree",
        severity: Severity::High,
        title: "the two headers of a zip member contradict each other",
        why: "Each member of a zip has one header in the central directory and one before its data. Python goes by the first, streaming readers by the second. Where the two differ, each sees another file: the one that is scanned need not be the one that is loaded.",
        advice: "Do not load it; no ordinary tool writes such an archive.",
        class: Class::MaliciousFile,
        cwe: &[436],
    };

    fn check(archive: &Archive, out: &mut Findings<'_>) {
        for member in &archive.members {
            for lie in lies(archive, member) {
                let message = format!("the headers of `{}` disagree: {lie}", member.shown());
                out.report(message, Evidence::bytes(member.at(), lie));
            }
        }
        for directory in &archive.directories {
            let Some(end) = &directory.end_record else { continue };
            let (counted, held) = (end.members, directory.members);
            if !end.counts(held) {
                let lie =
                    format!("the end record counts {counted} members, its directory holds {held}");
                out.report(lie.clone(), Evidence::bytes(end.at, lie));
            }
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, zip};
        let lie = |change: fn(&mut ZipMember)| {
            zip(&[
                ZipMember::new("m.pkl", b"the content").with(change),
                ZipMember::new("b", b"text"),
            ])
        };
        let streamed = ZipMember::streamed("m.pkl", b"the content");
        let miscounted = {
            let mut bytes = zip(&[ZipMember::new("a", b"text"), ZipMember::new("b", b"text")]);
            let count = bytes.len().saturating_sub(12);
            bytes[count] = 1;
            bytes
        };
        crate::Samples {
            fires: vec![
                lie(|member| member.local.name = b"m.txt".to_vec()),
                lie(|member| member.directory().method = 99),
                lie(|member| member.local.method = 8),
                lie(|member| member.local.crc ^= 1),
                lie(|member| member.directory().size = 4),
                lie(|member| member.directory().compressed = 4),
                zip(&[streamed.with(|member| member.directory().crc ^= 1)]),
                miscounted,
            ],
            silent: ordinary(),
        }
    }
}

/// What the headers of a member state differently.
fn lies(archive: &Archive, member: &Member) -> Vec<String> {
    let (Some(central), Some(local)) = (&member.central, &member.local) else { return Vec::new() };
    let (central, before) = (&central.header, &local.header);
    let mut lies = Vec::new();
    if central.name != before.name || central.unicode_name != before.unicode_name {
        let (named, called) = (central.shown(), before.shown());
        lies.push(format!("the directory names it `{named}`, the header before it `{called}`"));
    }
    let mut differ = |what: &str, central: u64, other: u64, who: &str| {
        if central != other {
            lies.push(format!("{what} is {central} in the directory and {other} {who}"));
        }
    };
    differ("the method", central.method.into(), before.method.into(), HEADER);
    let left_out = |number: u64| local.deferred && (number == 0 || number == u64::from(u32::MAX));
    let numbers = |header: &Header| {
        [
            ("the checksum", u64::from(header.crc)),
            ("the compressed size", header.compressed),
            ("the size", header.size),
        ]
    };
    for ((what, central), (_, before)) in numbers(central).into_iter().zip(numbers(before)) {
        if !left_out(before) {
            differ(what, central, before, HEADER);
        }
    }
    if let Some(behind) = archive.descriptor(member).filter(|_| local.deferred) {
        differ("the checksum", central.crc.into(), behind.crc.into(), DESCRIPTOR);
        differ("the size", central.size, behind.size, DESCRIPTOR);
    }
    lies
}

const HEADER: &str = "in the header before it";
const DESCRIPTOR: &str = "in the descriptor behind it";
