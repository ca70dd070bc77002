//! The table of tensors.

use std::sync::Arc;

use super::{element, fields::Fields};
use crate::{
    Budget, Refusal,
    weights::{FlawKind, Flaws, Tensor},
};

/// What the table holds.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The tensors; their ranges count from the start of the data.
    pub(super) tensors: Vec<Tensor>,
    /// Why reading stopped before the last tensor, if it did.
    pub(super) gap: Option<Refusal>,
}

/// A name's length, a number of dimensions, a type, an offset; as in version 1.
pub(super) const SMALLEST_ENTRY: u64 = 20;

/// Read this many tensors.
pub(super) fn read(fields: &mut Fields<'_, '_>, count: u64, budget: &Arc<Budget>) -> Table {
    let mut table = Table::default();
    for _ in 0..count {
        let tensor = budget.tick(fields.position()).and_then(|()| tensor(fields));
        match tensor {
            Ok(tensor) => table.tensors.push(tensor),
            Err(refusal) => {
                table.gap = Some(refusal);
                break;
            }
        }
    }
    note_duplicates(&table.tensors, fields.flaws);
    table
}

fn tensor(fields: &mut Fields<'_, '_>) -> Result<Tensor, Refusal> {
    let at = fields.position();
    let name = fields.name()?;
    let dimensions = fields.u32()?;
    if dimensions > MOST_DIMENSIONS {
        let why = format!(
            "tensor `{name}` has {dimensions} dimensions, more than the {MOST_DIMENSIONS} of ggml",
        );
        fields.flaws.note(FlawKind::Shape, at, &*why);
        if dimensions > MOST_READ {
            return Err(Refusal::truncated(at, why));
        }
    }
    let shape = (0..dimensions).map(|_| fields.size()).collect::<Result<Box<_>, _>>()?;
    let kind = fields.u32()?;
    let offset = fields.u64()?;
    fields.spend(at, shape.len().saturating_mul(8) as u64)?;
    let element = element::numbered(kind);
    let mut tensor = Tensor { name, element, shape, range: offset..offset, at };
    if element.is_none() {
        let why = format!("tensor `{}` is of unknown type {kind}", tensor.name);
        fields.flaws.note(FlawKind::UnknownElement, at, why);
    }
    let length = length(&tensor, fields.flaws);
    tensor.range.end = offset.saturating_add(length);
    Ok(tensor)
}

/// The bytes of a tensor, in the arithmetic of ggml, where each of these once wrapped around
/// (CVE-2026-33298). What cannot be computed is noted, and taken as nothing.
fn length(tensor: &Tensor, flaws: &mut Flaws) -> u64 {
    let Tensor { name, shape, at, .. } = tensor;
    let signed = i64::MAX.unsigned_abs();
    let why = if shape.iter().any(|&size| size > signed) {
        format!("a dimension of tensor `{name}` is negative: {shape:?}")
    } else {
        let empty = shape.contains(&0);
        let elements = if empty { Some(0) } else { tensor.elements() };
        let Some(elements) = elements.filter(|&elements| elements < signed) else {
            let why =
                format!("the dimensions of tensor `{name}` multiply beyond 63 bits: {shape:?}");
            flaws.note(FlawKind::Shape, *at, why);
            return 0;
        };
        let Some(element) = tensor.element else { return 0 };
        let row = shape.first().copied().unwrap_or(1);
        if row.is_multiple_of(element.block) {
            match element.bytes(elements) {
                Some(length) => return length,
                None => format!("the size of tensor `{name}` does not fit 64 bits: {shape:?}"),
            }
        } else {
            let (kind, block) = (element.name, element.block);
            format!(
                "rows of {row} elements in tensor `{name}` are no whole blocks of {block} {kind}"
            )
        }
    };
    flaws.note(FlawKind::Shape, *at, why);
    0
}

fn note_duplicates(tensors: &[Tensor], flaws: &mut Flaws) {
    let mut names = tensors.iter().map(|tensor| (&tensor.name, tensor.at)).collect::<Vec<_>>();
    names.sort_unstable();
    for pair in names.windows(2) {
        if let [(name, _), (again, at)] = pair
            && name == again
        {
            flaws.note(FlawKind::DuplicateName, *at, format!("tensor `{name}` stands twice"));
        }
    }
}

/// `GGML_MAX_DIMS`.
const MOST_DIMENSIONS: u32 = 4;

/// A few more are read all the same, so that the rest of the table is.
const MOST_READ: u32 = 64;
