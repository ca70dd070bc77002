//! The members `storages` and `tensors` of the tar files that torch 0.1 wrote: pickles with raw
//! numbers between them.
//!
//! A count; then for each storage a pickle of its key, its location and its class, a 64-bit count
//! of elements, and the elements; behind the last a pickle of the views. For each tensor a pickle
//! of its key, its storage's key and its class, the number of dimensions (32 bits, and 32 more
//! that mean nothing), sizes, strides, and the offset, of 64 bits each.
//!
//! Source: `torch/serialization.py`, `legacy_load` in `_legacy_load`; `THPStorage_(writeFileRaw)`.

use super::{
    Traces,
    constant::Encoding,
    legacy::element_width,
    program::{Inner, Observer, Program},
    value::{Kind, Shape, Value},
};
use crate::{Budget, Gap, Refusal};

/// Read on behind the first two pickles. Gives where it ends, or `None` where these are not the
/// count and the first entry of either member.
pub(super) fn read<O: Observer>(
    program: &mut Program<'_>,
    budget: &Budget,
    observer: &mut O,
    traces: &mut Traces,
) -> Option<Result<u64, Refusal>> {
    let [count, first] = *traces.streams.as_slice() else { return None };
    let Kind::Int(count) = count.result.kind() else { return None };
    if count == 0 {
        // No storages, and so no views.
        let views = program.heap().items_of(first.result, Shape::List)?;
        return views.is_empty().then_some(Ok(first.end));
    }
    let first_entry = entry(program, first.result)?;
    Some(walk(program, budget, observer, traces, (count, first_entry, first.end)))
}

/// What stands behind the pickle of an entry.
#[derive(Clone, Copy)]
enum Entry {
    /// A storage of elements of this many bytes.
    Storage(u64),
    /// The sizes and strides of a tensor.
    Tensor,
}

fn entry(program: &Program<'_>, value: Value) -> Option<Entry> {
    let [_, second, class] = *program.heap().items_of(value, Shape::Tuple)? else { return None };
    let Kind::Import(class) = class.kind() else { return None };
    let class = program.import(class)?.name.as_deref()?;
    match second.kind() {
        Kind::Text(_) => element_width(class).map(Entry::Storage),
        _ => class.ends_with("Tensor").then_some(Entry::Tensor),
    }
}

fn walk<O: Observer>(
    program: &mut Program<'_>,
    budget: &Budget,
    observer: &mut O,
    traces: &mut Traces,
    (count, mut here, mut at): (i64, Entry, u64),
) -> Result<u64, Refusal> {
    let mut left = count;
    loop {
        let length = match here {
            Entry::Storage(width) => {
                let elements = program.bytes().u64_le(at)?;
                at = at.saturating_add(8);
                elements.checked_mul(width)
            }
            Entry::Tensor => {
                let dimensions = u64::from(program.bytes().u32_le(at)?);
                at = at.saturating_add(8);
                dimensions.checked_mul(16).and_then(|shape| shape.checked_add(8))
            }
        };
        let length = length.filter(|&length| length <= program.bytes().len().saturating_sub(at));
        let Some(len) = length else {
            let why = "expected the data of a storage or the shape of a tensor, the file ends";
            return Err(Refusal::new(at, Gap::OversizedLength, why));
        };
        if matches!(here, Entry::Storage(_)) {
            program.inner.push(Inner { at, len, encoding: Encoding::Raw });
        }
        at = at.saturating_add(len);
        left = left.saturating_sub(1);
        let views = matches!(here, Entry::Storage(_));
        if left <= 0 && !views {
            return Ok(at);
        }
        let (stream, broken) = program.run(at, budget, observer);
        traces.streams.push(stream);
        at = stream.end;
        if let Some(refusal) = broken {
            return Err(refusal);
        }
        if left <= 0 {
            return Ok(at);
        }
        here = entry(program, stream.result).ok_or_else(|| {
            Refusal::truncated(stream.start, "expected the entry of a storage or a tensor")
        })?;
    }
}
