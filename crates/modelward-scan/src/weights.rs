//! Checks of weight files: tensors, arrays, their tables; and of the graphs that come with them.

use modelward_core::{Evidence, Findings};
use modelward_formats::{
    Bytes,
    weights::{FlawKind, Weights},
};

use crate::Entry;

mod altered_bits;
mod array_layout;
mod bad_alignment;
mod count_overflow;
mod duplicate_name;
mod graph_custom_operation;
mod header_size;
mod header_syntax;
pub(crate) mod operations;
mod out_of_bounds;
mod overlap;
#[cfg(test)]
mod samples;
mod script_in_metadata;
mod size_mismatch;
mod tensor_shape;
mod torchscript_file_operation;
mod unknown_element;
mod unowned_bytes;

pub(crate) const CHECKS: &[Entry] = &[
    Entry::of::<altered_bits::AlteredBits>(),
    Entry::of::<array_layout::ArrayLayout>(),
    Entry::of::<bad_alignment::BadAlignment>(),
    Entry::of::<count_overflow::CountOverflow>(),
    Entry::of::<duplicate_name::DuplicateName>(),
    Entry::of::<header_size::HeaderSize>(),
    Entry::of::<header_syntax::HeaderSyntax>(),
    Entry::of::<out_of_bounds::OutOfBounds>(),
    Entry::of::<overlap::Overlap>(),
    Entry::of::<script_in_metadata::ScriptInMetadata>(),
    Entry::of::<size_mismatch::SizeMismatch>(),
    Entry::of::<tensor_shape::TensorShape>(),
    Entry::of::<unknown_element::UnknownElement>(),
    Entry::of::<unowned_bytes::UnownedBytes>(),
    Entry::of::<graph_custom_operation::GraphCustomOperation>(),
    Entry::of::<torchscript_file_operation::TorchScriptFileOperation>(),
];

/// Report every flaw of one kind, with the bytes that break the rule.
fn report(weights: &Weights, kind: FlawKind, out: &mut Findings<'_>) {
    for flaw in weights.flaws.iter().filter(|flaw| flaw.kind == kind) {
        out.report(&*flaw.why, shown(&weights.bytes, flaw.at));
    }
}

/// The first bytes at an offset, as evidence.
pub(crate) fn shown(bytes: &Bytes, at: u64) -> Evidence {
    let head = bytes.tail(at).head(SHOWN).unwrap_or_default();
    let shown = head.iter().map(|&byte| match byte {
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    });
    Evidence::bytes(at, shown.collect::<String>())
}

/// How many bytes are shown.
const SHOWN: u64 = 48;
