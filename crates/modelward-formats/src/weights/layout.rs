//! Who owns which bytes: every byte of the data belongs to exactly one tensor.

use std::ops::Range;

use super::{FlawKind, Flaws, Tensor};
use crate::Bytes;

/// Hold the tensors' ranges against the data's range, and against each other. Gives the ranges
/// that no tensor owns. Around tensors zeros may fill up to the next multiple of `padding`, counted
/// from the start of the file; 1 allows none.
pub(crate) fn claim(
    bytes: &Bytes,
    tensors: &[Tensor],
    data: Range<u64>,
    padding: u64,
    flaws: &mut Flaws,
) -> Vec<Range<u64>> {
    let mut claims = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        if within(tensor, &data, flaws) {
            claims.push(tensor);
        }
    }
    claims.sort_by_key(|tensor| (tensor.range.start, tensor.range.end));
    let mut unowned = Vec::new();
    let mut before: Option<&Tensor> = None;
    let mut owned = data.start;
    for tensor in claims {
        let Range { start, end } = tensor.range;
        if start < owned {
            let other = before.map_or("", |other| &other.name);
            let why = format!(
                "tensor `{}` begins at byte {start:#x}, inside tensor `{other}`, which ends at \
                 {owned:#x}",
                tensor.name,
            );
            flaws.note(FlawKind::Overlap, tensor.at, why);
        } else if !is_padding(bytes, owned..start, padding) {
            unowned.push(owned..start);
        }
        if end > owned {
            (owned, before) = (end, Some(tensor));
        }
    }
    if !is_padding(bytes, owned..data.end, padding) {
        unowned.push(owned..data.end);
    }
    for range in &unowned {
        let length = range.end.saturating_sub(range.start);
        let why = if range.end == data.end {
            format!("{length} bytes behind the last tensor belong to none")
        } else {
            format!("{length} bytes between tensors belong to none")
        };
        flaws.note(FlawKind::Unowned, range.start, why);
    }
    unowned
}

/// Whether a tensor's range lies in the data.
fn within(tensor: &Tensor, data: &Range<u64>, flaws: &mut Flaws) -> bool {
    let Range { start, end } = tensor.range;
    let name = &tensor.name;
    let why = if end < start {
        format!("the range of tensor `{name}` ends before it begins")
    } else if end > data.end {
        format!("tensor `{name}` ends at byte {end:#x}, but the file ends at {:#x}", data.end)
    } else {
        return true;
    };
    flaws.note(FlawKind::OutOfBounds, tensor.at, why);
    false
}

/// Whether a range between two tensors is nothing, or zeros up to the next multiple.
fn is_padding(bytes: &Bytes, range: Range<u64>, padding: u64) -> bool {
    /// More than any alignment in use; a longer stretch may hide something even among zeros.
    const MOST: u64 = 4096;
    let length = range.end.saturating_sub(range.start);
    let upmost = range.start.checked_next_multiple_of(padding).unwrap_or(u64::MAX);
    length == 0
        || (range.end <= upmost && length <= MOST)
            && bytes.take(range.start, length).is_ok_and(|found| found.iter().all(|&b| b == 0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tensor(range: Range<u64>) -> Tensor {
        Tensor { name: "t".into(), element: None, shape: Box::default(), range, at: 0 }
    }

    proptest! {
        /// Every byte of the data is owned by a tensor, or reported: none is lost.
        #[test]
        fn each_byte_is_owned_or_reported(
            cuts in proptest::collection::vec((0_u64..64, 0_u64..16), 0..8),
        ) {
            let bytes = Bytes::from(vec![1; 64]);
            let tensors: Vec<_> =
                cuts.iter().map(|&(at, len)| tensor(at..at.saturating_add(len))).collect();
            let mut flaws = Flaws::default();
            let unowned = claim(&bytes, &tensors, 0..64, 1, &mut flaws);
            for byte in 0..64 {
                let owners = tensors
                    .iter()
                    .filter(|tensor| tensor.range.end <= 64 && tensor.range.contains(&byte));
                let free = unowned.iter().any(|range| range.contains(&byte));
                let owners = owners.count();
                prop_assert_eq!(owners == 0, free);
                prop_assert!(owners < 2 || flaws.has(FlawKind::Overlap));
            }
            let outside = tensors.iter().any(|tensor| tensor.range.end > 64);
            prop_assert_eq!(outside, flaws.has(FlawKind::OutOfBounds));
        }
    }
}
