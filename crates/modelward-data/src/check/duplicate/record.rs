//! What is kept of a row.

/// The hash of a row, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) hash: [u64; 2],
    pub(super) row: u64,
}
