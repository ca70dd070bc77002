//! Zips that are made to grow.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::zip::Archive;

use crate::Check;

/// MW1210.
pub(super) struct ArchiveBomb;

impl Check for ArchiveBomb {
    type Asset = Archive;

    const RULE: Rule = Rule {
        id: "MW1210",
        name: "archive-bomb",
        severity: Severity::High,
        title: "an archive that is made to exhaust whoever unpacks it",
        why: "Members that share one piece of data, or that claim to grow by hundreds of times, turn kilobytes into terabytes when they are unpacked.",
        advice: "Do not unpack it.",
        class: Class::Denial,
        cwe: &[409],
    };

    fn check(archive: &Archive, out: &mut Findings<'_>) {
        let shared = archive.overlaps();
        if let Some(&at) = shared.first() {
            let members = shared.len();
            let shown = format!("{members} members start within the data of another");
            out.report("members share their data with one another", Evidence::bytes(at, shown));
        }
        let size = archive.claimed();
        let limit = archive.len().saturating_mul(RATIO).saturating_add(FREE);
        if size > limit {
            let (value, limit) = (size as f64, limit as f64);
            let evidence = Evidence::Measured { what: "bytes when unpacked", value, limit };
            out.report("the archive claims to grow beyond reason", evidence);
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, zip};
        let outer = ZipMember::new("a", b"text");
        let again = ZipMember::new("b", b"text").with(|member| {
            member.offset = Some(0);
            member.directory().name = b"b".to_vec();
        });
        let huge = ZipMember::new("a", b"text").with(|member| {
            member.both(|fields| (fields.method, fields.size) = (8, 1 << 30));
        });
        crate::Samples { fires: vec![zip(&[outer, again]), zip(&[huge])], silent: ordinary() }
    }
}

/// Deflate reaches 1032; content that is of use rarely passes 100.
const RATIO: u64 = 200;

/// What any archive may grow to.
const FREE: u64 = 16 << 20;
