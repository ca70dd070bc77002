//! What a file takes from the files beside it, and what of those is taken.

use std::ops::Range;

use modelward_core::Place;
use modelward_formats::{Bytes, onnx::External};

/// Data that a model takes from another file.
#[derive(Clone, Debug)]
pub struct Need {
    /// The model.
    pub place: Place,
    /// The file, relative to the folder of the model, and which of its bytes.
    pub external: External,
}

/// What lies where a model takes data from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// A file of this length.
    File(u64),
    /// What is no file of the folder: a link out of it, a device.
    Outside,
    /// Nothing.
    Nothing,
}

impl Need {
    pub(crate) fn new(place: &Place, external: External) -> Self {
        Self { place: place.clone(), external }
    }

    /// The range of the file that is taken, if the file is so long.
    pub fn range(&self, length: u64) -> Option<Range<u64>> {
        let External { offset, length: taken, .. } = self.external;
        let end = taken.map_or(Some(length), |taken| offset.checked_add(taken))?;
        (offset <= end && end <= length).then_some(offset..end)
    }
}

/// The ranges of a file that nobody takes and that are no padding, in order.
pub(crate) fn untaken(bytes: &Bytes, taken: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut taken = taken.to_vec();
    taken.sort_by_key(|range| (range.start, range.end));
    let (mut at, mut left) = (0, Vec::new());
    for range in taken.iter().chain([&(bytes.len()..bytes.len())]) {
        if range.start > at && !is_padding(bytes, &(at..range.start)) {
            left.push(at..range.start);
        }
        at = at.max(range.end);
    }
    left
}

/// Zeros up to the next page: how writers align tensors so that they can be mapped.
fn is_padding(bytes: &Bytes, range: &Range<u64>) -> bool {
    let length = range.end.saturating_sub(range.start);
    let zeros = |bytes: Vec<u8>| bytes.iter().all(|&byte| byte == 0);
    length <= LARGEST_PADDING && bytes.take(range.start, length).is_ok_and(zeros)
}

/// What Windows aligns maps to; ONNX aligns to it, or to 4 KiB.
const LARGEST_PADDING: u64 = 64 << 10;
