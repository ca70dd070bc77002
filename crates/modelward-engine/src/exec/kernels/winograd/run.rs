//! Neighbouring tiles.

/// Points at which products are taken.
pub(super) const POINTS: usize = 16;

/// Tiles that are transformed at once, at most: floats behind the end that may be read and written.
pub(super) const LANES: usize = 16;

/// Neighbouring tiles of one row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) panel: usize,
    pub(super) lane: usize,
    pub(super) len: usize,
    pub(super) image: usize,
    /// The row and the column of the first among the tiles.
    pub(super) place: [usize; 2],
    /// Where its first place lies in the first channel of the output.
    pub(super) to: usize,
    /// How many of its two rows of the output there are, and how many places of each.
    pub(super) places: [usize; 2],
}

/// Whether two runs fill one vector together.
#[inline(always)]
pub(super) fn together(runs: &[Run], at: usize, width: usize) -> bool {
    match (runs.get(at), runs.get(at + 1)) {
        (Some(one), Some(next)) => {
            one.len * 2 <= width && next.len * 2 <= width && one.panel == next.panel
        }
        _ => false,
    }
}
