//! Checksums that do not fit the content.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::zip::Archive;

use crate::Check;

/// MW1203.
pub(super) struct ZipChecksumLie;

impl Check for ZipChecksumLie {
    type Asset = Archive;

    const RULE: Rule = Rule {
        id: "MW1203",
        name: "zip-checksum-lie",
        severity: Severity::Medium,
        title: "the checksum of a zip member does not fit its content",
        why: "Python refuses such a member and so do scanners written in it; loaders written in other languages, among them the one of PyTorch, do not look at the checksum and load the content. It may also be plain damage.",
        advice: "Download the file again and compare its digest with the publisher's; if the checksum is still wrong, do not load it.",
        class: Class::Integrity,
        cwe: &[354],
    };

    fn check(archive: &Archive, out: &mut Findings<'_>) {
        let mut left = MOST_IN_ALL;
        for member in &archive.members {
            let sizes = member.headers().flat_map(|header| [header.size, header.compressed]);
            let size = sizes.max().unwrap_or(0);
            // Storages of a large checkpoint are not read for this: their content is judged by no
            // loader, and reading them all would take longer than the rest of the scan.
            if size > most(member.name()) || size > left || member.is_encrypted() {
                continue;
            }
            left = left.saturating_sub(size);
            if archive.has_checksum(member) == Some(false) {
                let message =
                    format!("the checksum of `{}` does not fit its content", member.shown());
                let shown = "CRC-32 of the content differs from the one in its header";
                out.report(message, Evidence::bytes(member.at(), shown));
            }
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, zip};
        let lie = ZipMember::new("m.pkl", b"the content")
            .with(|member| member.both(|fields| fields.crc ^= 1));
        crate::Samples { fires: vec![zip(&[lie])], silent: ordinary() }
    }
}

/// The largest member whose content is read for this.
fn most(name: &[u8]) -> u64 {
    if name.ends_with(b".pkl") { 64 << 20 } else { 1 << 20 }
}

/// The most that is read of one archive for this.
const MOST_IN_ALL: u64 = 64 << 20;
