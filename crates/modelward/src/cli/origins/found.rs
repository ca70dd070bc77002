//! Defects of origins, as an audit tells them.

use modelward_core::{Finding, Place, Severity};
use modelward_provenance::Defect;
use modelward_scan::provenance;

/// A defect as a finding. What voids a signature is never mild: the whole model is not what was signed.
pub(super) fn finding(defect: &Defect, place: String) -> Finding {
    let mut finding = provenance::finding(defect, Place::file(place));
    if provenance::voids(defect.kind) {
        finding.severity = finding.severity.max(Severity::Medium);
    }
    finding
}
