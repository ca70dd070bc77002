//! Flags that keep some readers from a member and others not.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::zip::{Archive, ENCRYPTED, MASKED, Member, PATCH, STRONG_ENCRYPTION};

use crate::Check;

/// MW1204.
pub(super) struct ZipFlagLie;

impl Check for ZipFlagLie {
    type Asset = Archive;

    const RULE: Rule = Rule {
        id: "MW1204",
        name: "zip-flag-lie",
        severity: Severity::High,
        title: "a zip member claims to be encrypted and is not",
        why: "A flag that says that a member is encrypted or patched makes scanners pass it by. Where only one of its two headers says so, or where the content is plain after all, there are loaders that read it as it is.",
        advice: "Do not load it; no ordinary tool writes such an archive.",
        class: Class::MaliciousFile,
        cwe: &[436],
    };

    fn check(archive: &Archive, out: &mut Findings<'_>) {
        for member in &archive.members {
            if let Some(lie) = lie(archive, member) {
                let message = format!("`{}` {lie}", member.shown());
                let flags = member.headers().map(|header| format!("flags {:#06x}", header.flags));
                let shown = flags.collect::<Vec<_>>().join(", ");
                out.report(message, Evidence::bytes(member.at(), shown));
            }
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, zip};
        let lie = |change: &dyn Fn(&mut ZipMember)| {
            let mut member = ZipMember::new("m.pkl", b"the content");
            change(&mut member);
            zip(&[member])
        };
        let mut fires = vec![];
        for flag in [ENCRYPTED, PATCH, STRONG_ENCRYPTION, MASKED] {
            fires.push(lie(&|member| member.local.flags = flag));
            fires.push(lie(&|member| member.directory().flags = flag));
            fires.push(lie(&|member| member.both(|fields| fields.flags = flag)));
        }
        let encrypted = lie(&|member| {
            member.both(|fields| (fields.flags, fields.crc) = (ENCRYPTED, 0x1234_5678));
        });
        crate::Samples { fires, silent: [ordinary(), vec![encrypted]].concat() }
    }
}

/// What is wrong with the flags of a member.
fn lie(archive: &Archive, member: &Member) -> Option<&'static str> {
    let flags = |mask: u16| member.headers().map(move |header| header.flags & mask != 0);
    let mask = ENCRYPTED | STRONG_ENCRYPTION | MASKED;
    let (any, all) = (flags(mask).any(|set| set), flags(mask).all(|set| set));
    if any && !all {
        return Some("is encrypted by one of its headers and plain by the other");
    }
    if flags(PATCH).any(|set| set) {
        return Some("claims to be a patch, which no reader takes");
    }
    // Only what is marked as encrypted is read in full here.
    let small = member.headers().all(|header| header.compressed <= MOST);
    if any && small && archive.has_checksum(member) == Some(true) {
        return Some("claims to be encrypted, and its plain content has the right checksum");
    }
    None
}

/// The largest member that is tried as plain.
const MOST: u64 = 64 << 20;
