//! The rules of where a model comes from, and which defect breaks which.
//!
//! `modelward-provenance` finds the defects and knows no rule; here each kind of defect gets its rule,
//! and each defect the severity that fits what the file does.

use modelward_core::{Evidence, Finding, Place, Rule, Severity};
use modelward_provenance::{Defect, Kind, Weight};

mod audited;
mod files;
mod others;
mod signature;

pub use self::audited::{SIGNER_UNKNOWN, UNSIGNED_MODEL};

/// Every rule of this family, by number.
pub(crate) const RULES: &[&Rule] = &[
    &signature::INVALID,
    &signature::UNTRUSTED,
    &signature::OUTSIDE_VALIDITY,
    &signature::WRONG_PURPOSE,
    &signature::BUNDLE_MALFORMED,
    &signature::STATEMENT_UNSOUND,
    &signature::HINT_MISSING,
    &UNSIGNED_MODEL,
    &SIGNER_UNKNOWN,
    &files::CHANGED,
    &files::MISSING,
    &files::UNSIGNED,
    &files::UNSIGNED_BY_EXCLUSION,
    &files::LINK_OUTSIDE,
    &files::SPECIAL,
    &others::LOCK_MISMATCH,
    &others::LOCK_ENTRY_MISSING,
    &others::POINTER,
    &others::BLOB_MISMATCH,
    &others::REPORT_FOR_OTHER,
    &others::REPORT_NOT_CLEAN,
    &others::REPORT_MISSING,
    &others::SEAL_BROKEN,
];

/// The rule that a kind of defect breaks.
pub fn rule(kind: Kind) -> &'static Rule {
    match kind {
        Kind::SignatureInvalid => &signature::INVALID,
        Kind::SignerUntrusted => &signature::UNTRUSTED,
        Kind::OutsideValidity => &signature::OUTSIDE_VALIDITY,
        Kind::WrongPurpose => &signature::WRONG_PURPOSE,
        Kind::BundleMalformed => &signature::BUNDLE_MALFORMED,
        Kind::StatementUnsound => &signature::STATEMENT_UNSOUND,
        Kind::HintMissing => &signature::HINT_MISSING,
        Kind::FileChanged => &files::CHANGED,
        Kind::FileMissing => &files::MISSING,
        Kind::FileUnsigned => &files::UNSIGNED,
        Kind::UnsignedByExclusion => &files::UNSIGNED_BY_EXCLUSION,
        Kind::LinkOutside => &files::LINK_OUTSIDE,
        Kind::SpecialFile => &files::SPECIAL,
        Kind::LockMismatch => &others::LOCK_MISMATCH,
        Kind::LockEntryMissing => &others::LOCK_ENTRY_MISSING,
        Kind::PointerNotContent => &others::POINTER,
        Kind::BlobMismatch => &others::BLOB_MISMATCH,
        Kind::ReportForOther => &others::REPORT_FOR_OTHER,
        Kind::ReportNotClean => &others::REPORT_NOT_CLEAN,
        Kind::ReportMissing => &others::REPORT_MISSING,
        Kind::SealBroken => &others::SEAL_BROKEN,
    }
}

/// How bad a defect is: what the file does decides where the rule leaves it open.
pub fn severity(defect: &Defect) -> Severity {
    match (defect.kind, defect.weight) {
        (Kind::FileChanged, Weight::Text) => Severity::Low,
        (Kind::FileChanged | Kind::FileMissing | Kind::FileUnsigned, Weight::Load) => {
            Severity::High
        }
        (Kind::FileChanged | Kind::FileMissing | Kind::FileUnsigned, _) => Severity::Medium,
        (Kind::UnsignedByExclusion | Kind::LinkOutside, Weight::Load) => Severity::High,
        (Kind::UnsignedByExclusion | Kind::LinkOutside, _) => Severity::Low,
        (kind, _) => rule(kind).severity,
    }
}

/// Whether a signature that has this defect is none, whatever the defect can do: the specification
/// asks for every file to be there and equal, a changed picture included.
pub const fn voids(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::HintMissing | Kind::UnsignedByExclusion | Kind::LinkOutside | Kind::PointerNotContent
    )
}

/// A defect as a finding, at the place of its file or of the signature.
pub fn finding(defect: &Defect, place: Place) -> Finding {
    Finding {
        rule: rule(defect.kind),
        severity: severity(defect),
        place,
        message: defect.to_string(),
        evidence: Evidence::bytes(0, defect.shown.as_deref().unwrap_or(&defect.why)),
        allow: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_does_decides_how_bad_its_change_is() {
        let of = |kind, weight| {
            let (file, why) = ("a".to_owned(), "changed".to_owned());
            severity(&Defect { kind, file, why, shown: None, weight })
        };
        assert_eq!(of(Kind::FileChanged, Weight::Load), Severity::High);
        assert_eq!(of(Kind::FileChanged, Weight::Language), Severity::Medium);
        assert_eq!(of(Kind::FileChanged, Weight::Text), Severity::Low);
        assert_eq!(of(Kind::FileUnsigned, Weight::Text), Severity::Medium);
        assert_eq!(of(Kind::UnsignedByExclusion, Weight::Text), Severity::Low);
        assert_eq!(of(Kind::SignatureInvalid, Weight::Load), Severity::Critical);
        assert!(voids(Kind::FileChanged) && !voids(Kind::UnsignedByExclusion));
    }
}
