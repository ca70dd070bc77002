//! Bytes before the start of an archive.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::listing::Listing;

use crate::Check;

/// MW1005.
pub(super) struct LeadingBytes;

impl Check for LeadingBytes {
    type Asset = Listing;

    const RULE: Rule = Rule {
        id: "MW1005",
        name: "leading-bytes",
        severity: Severity::Medium,
        title: "bytes before the start of an archive",
        why: "A zip is found from its end, so anything may stand before it: a picture, a program, another model. One loader then reads the archive and another reads what stands before it.",
        advice: "Find out what the bytes are; an archive made by an ordinary tool has none, and one that unpacks itself is a program.",
        class: Class::MaliciousFile,
        cwe: &[],
    };

    fn check(listing: &Listing, out: &mut Findings<'_>) {
        let bytes = listing.leading;
        if bytes > 0 {
            let shown = format!("{bytes} bytes that belong to no member");
            out.report(format!("{bytes} bytes lie before the archive"), Evidence::bytes(0, shown));
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, zip};
        let plain = zip(&[ZipMember::new("a", b"text")]);
        crate::Samples {
            fires: vec![[b"GIF89a", &*plain].concat(), [b"\x7fELF", &*plain].concat()],
            silent: ordinary(),
        }
    }
}
