//! Files in which readers find different archives.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::listing::Listing;

use crate::Check;

/// MW1206.
pub(super) struct SeveralArchives;

impl Check for SeveralArchives {
    type Asset = Listing;

    const RULE: Rule = Rule {
        id: "MW1206",
        name: "several-archives-in-one",
        severity: Severity::High,
        title: "several archives in one file",
        why: "Where a file holds two archives in a row, or two directories, some readers find the first and some the last. The one that is scanned need not be the one that is loaded.",
        advice: "Do not load it; take the archives apart in a safe place and scan each.",
        class: Class::MaliciousFile,
        cwe: &[436],
    };

    fn check(listing: &Listing, out: &mut Findings<'_>) {
        for fork in &listing.forks {
            let message = format!("readers part here: {}", fork.what);
            out.report(message, Evidence::bytes(fork.at, fork.what));
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::sample::{ZipMember, ordinary, tar, zip};
        let one = zip(&[ZipMember::new("a", b"text")]);
        let two = zip(&[ZipMember::new("b", b"text")]);
        let mut commented = [&*one, &two].concat();
        let comment = one.len().saturating_sub(2);
        commented[comment] = u8::try_from(two.len()).unwrap();
        let mut dangling = [&*one, b"PK\x05\x06", &[1; 18]].concat();
        dangling[comment] = 22;
        let first = tar(&[(b'0', "a", "", b"text")]);
        // A pax header that states a size of zero where the plain header covers a whole archive: what
        // is data to one reader are members to the other.
        let size = tar(&[(b'x', "pax", "", b"9 size=0\n"), (b'0', "a", "", &first)]);
        crate::Samples {
            fires: vec![
                [&*one, &two].concat(),
                [&*two, &one].concat(),
                commented,
                dangling,
                [&*first, &first].concat(),
                size,
            ],
            silent: ordinary(),
        }
    }
}
