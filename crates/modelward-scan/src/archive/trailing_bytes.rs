//! Bytes behind the end of an archive or a compressed stream.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::listing::Listing;

use crate::Check;

/// MW1004.
pub(super) struct TrailingBytes;

impl Check for TrailingBytes {
    type Asset = Listing;

    const RULE: Rule = Rule {
        id: "MW1004",
        name: "trailing-bytes",
        severity: Severity::Medium,
        title: "bytes behind the end of an archive or stream",
        why: "Loaders stop at the end that the format marks, or search for the archive from the end of the file. What lies behind is read by some and not by others, which is how a payload is shown to a loader and hidden from a scanner.",
        advice: "Find out what the bytes are; a file made by an ordinary tool has none.",
        class: Class::MaliciousFile,
        cwe: &[],
    };

    fn check(listing: &Listing, out: &mut Findings<'_>) {
        let Some((at, bytes)) = listing.trailing else { return };
        let shown = format!("{bytes} bytes that belong to no member");
        out.report(format!("{bytes} bytes lie behind the end"), Evidence::bytes(at, shown));
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, tar, zip};
        let plain = zip(&[ZipMember::new("a", b"text")]);
        let gzip = include_bytes!("../../../modelward-formats/tests/fixtures/compressed/tool.gz");
        crate::Samples {
            fires: vec![
                [&*plain, b"tail"].concat(),
                [&gzip[..], b"tail"].concat(),
                [&*tar(&[(b'0', "a", "", b"text")]), b"tail"].concat(),
            ],
            silent: [ordinary(), vec![[&gzip[..], &[0; 512]].concat()]].concat(),
        }
    }
}
