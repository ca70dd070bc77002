//! Checks of ONNX models: what a graph takes from elsewhere, uses, and says of its tensors.

use modelward_core::{Evidence, Findings, Severity};
use modelward_formats::onnx::{File, FlawKind};

use crate::Entry;

mod ambiguous_name;
pub(crate) mod external_path;
pub(crate) mod operators;
#[cfg(test)]
pub(crate) mod samples;
mod tensor_mismatch;
#[cfg(test)]
mod tests;

pub(crate) const CHECKS: &[Entry] = &[
    Entry::of::<ambiguous_name::AmbiguousName>(),
    Entry::of::<external_path::ExternalPath>(),
    Entry::of::<tensor_mismatch::TensorMismatch>(),
];

/// Report every flaw of one kind; those by which a careless loader reaches where it must not are
/// high, whatever the rule says in general.
fn report(file: &File, kind: FlawKind, out: &mut Findings<'_>) {
    for flaw in file.flaws.iter().filter(|flaw| flaw.kind == kind) {
        let severity = if flaw.severe { Severity::High } else { out.severity() };
        out.report_as(severity, &*flaw.why, shown(file, flaw.at));
    }
}

/// The first bytes at an offset, as evidence.
fn shown(file: &File, at: u64) -> Evidence {
    crate::weights::shown(&file.bytes, at)
}
