//! GGUF, versions 1 to 3, little and big endian, as ggml reads and writes them.
//!
//! The file is a header of two counts, named values, a table of tensors, and aligned data. Every
//! count is an attacker's number: none is believed before it is held against the file's length.

use std::{ops::Range, sync::Arc};

use crate::{
    Asset, Budget, Bytes, Format, Gap, Refusal,
    gguf::fields::Fields,
    weights::{FlawKind, Flaws, Tensor, Weights, claim},
};

mod element;
mod fields;
mod table;
mod values;

/// Files of quantised tensors with named values.
pub static GGUF: Format = Format { name: "gguf", read };

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    if !bytes.has(0, MAGIC) {
        return None;
    }
    Some(weights(bytes, budget).map(|weights| Box::new(weights) as Box<dyn Asset>))
}

fn weights(bytes: &Bytes, budget: &Arc<Budget>) -> Result<Weights, Refusal> {
    let (version, big_endian) = version(bytes)?;
    let mut flaws = Flaws::default();
    let mut fields = Fields::new(bytes, MAGIC.len() as u64, version, big_endian, &mut flaws);
    fields.u32()?;
    let tensor_count = fields.count("tensors", table::SMALLEST_ENTRY)?;
    let value_count = fields.count("values", values::SMALLEST_ENTRY)?;
    let values = values::read(&mut fields, value_count, budget);
    let mut gaps = Vec::from_iter(values.gap);
    let mut tensors = Vec::new();
    if gaps.is_empty() {
        let table = table::read(&mut fields, tensor_count, budget);
        tensors = table.tensors;
        gaps.extend(table.gap);
    }
    let end = fields.position();
    let alignment = values.alignment;
    let unowned = if gaps.is_empty() {
        let start = end.checked_next_multiple_of(alignment).unwrap_or(u64::MAX);
        place(&mut tensors, start, bytes.len());
        judge_offsets(&tensors, start, alignment, &mut flaws);
        claim(bytes, &tensors, end.min(bytes.len())..bytes.len(), alignment, &mut flaws)
    } else {
        // Without a whole table nobody owns the rest: all of it is judged in its own right.
        tensors.clear();
        Vec::from_iter((end < bytes.len()).then_some(end..bytes.len()))
    };
    Ok(Weights {
        format: GGUF.name,
        bytes: bytes.clone(),
        big_endian,
        tensors,
        texts: values.texts,
        flaws: flaws.finish(),
        unowned,
        gaps,
    })
}

/// The whole numbers and truths among the named values, and how many elements each array has, up to
/// where the file breaks its format. At most 1024 of them.
pub fn numbers(bytes: &Bytes, budget: &Arc<Budget>) -> Vec<(Box<str>, u64)> {
    let read = || {
        let (version, big_endian) = version(bytes)?;
        let mut flaws = Flaws::default();
        let mut fields = Fields::new(bytes, MAGIC.len() as u64, version, big_endian, &mut flaws);
        fields.u32()?;
        fields.count("tensors", table::SMALLEST_ENTRY)?;
        let count = fields.count("values", values::SMALLEST_ENTRY)?;
        Ok::<_, Refusal>(values::read(&mut fields, count, budget).numbers)
    };
    if bytes.has(0, MAGIC) { read().unwrap_or_default() } else { Vec::new() }
}

/// The version, and whether the file is written with the highest byte first: then the small
/// number stands in the upper half.
fn version(bytes: &Bytes) -> Result<(u32, bool), Refusal> {
    let at = MAGIC.len() as u64;
    let written = bytes.u32_le(at)?;
    let big_endian = written.trailing_zeros() >= 16;
    let version = if big_endian { written.swap_bytes() } else { written };
    if (1..=3).contains(&version) {
        return Ok((version, big_endian));
    }
    let why = format!("expected GGUF version 1, 2 or 3, got {version}");
    Err(Refusal::new(at, Gap::Unsupported, why))
}

/// Turn offsets into ranges of the file. A tensor of unknown type reaches up to the next one.
fn place(tensors: &mut [Tensor], start: u64, file_end: u64) {
    let mut starts = Vec::with_capacity(tensors.len());
    for tensor in tensors.iter_mut() {
        let Range { start: from, end } = tensor.range;
        tensor.range = from.saturating_add(start)..end.saturating_add(start);
        starts.push(tensor.range.start);
    }
    starts.sort_unstable();
    for tensor in tensors.iter_mut().filter(|tensor| tensor.element.is_none()) {
        let next = starts.partition_point(|&at| at <= tensor.range.start);
        let next = starts.get(next).copied().unwrap_or(file_end);
        tensor.range.end = next.max(tensor.range.start);
    }
}

/// Offsets are multiples of the alignment, ascend, and the sizes never add up beyond 63 bits.
fn judge_offsets(tensors: &[Tensor], start: u64, alignment: u64, flaws: &mut Flaws) {
    let mut total = Some(0_u64);
    let mut before = 0;
    for tensor in tensors {
        let Tensor { name, at, range, .. } = tensor;
        let offset = range.start.saturating_sub(start);
        if !offset.is_multiple_of(alignment) {
            let why = format!("offset {offset} of tensor `{name}` is no multiple of {alignment}");
            flaws.note(FlawKind::Alignment, *at, why);
        }
        if offset < before {
            let why = format!("offset {offset} of tensor `{name}` lies before the tensor above it");
            flaws.note(FlawKind::Alignment, *at, why);
        }
        before = offset;
        // CVE-2025-53630: the sum wrapped around, and too little was allocated. CVE-2026-27940:
        // so did the sum with the table's own memory; half of 64 bits leaves room for that.
        let length = tensor.length().unwrap_or(0);
        let padded = length.checked_next_multiple_of(alignment);
        let sum = total.zip(padded).and_then(|(total, padded)| total.checked_add(padded));
        let sum = sum.filter(|&sum| sum <= i64::MAX.unsigned_abs());
        if total.is_some() && sum.is_none() {
            let why = format!("the sizes of the tensors up to `{name}` add up beyond 63 bits");
            flaws.note(FlawKind::CountOverflow, *at, why);
        }
        total = sum;
    }
}

/// The first bytes of a file.
const MAGIC: &[u8] = b"GGUF";

#[cfg(test)]
mod tests;
