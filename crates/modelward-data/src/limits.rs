//! What reading and checking a data set may cost.

use std::time::Duration;

/// How much a run may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of memory of the whole process.
    pub memory: u64,
    /// Expanded bytes for each compressed byte.
    pub ratio: u64,
    /// Expanded bytes of one file.
    pub expanded: u64,
    /// Columns.
    pub columns: usize,
    /// Bytes of one cell.
    pub cell: usize,
    /// Pixels of one image.
    pub pixels: u64,
    /// Nesting of JSON.
    pub depth: usize,
    /// Files of a folder, members of an archive.
    pub files: u64,
    /// Time for one file.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 1 << 30,
            ratio: 200,
            expanded: 1 << 40,
            columns: 65_536,
            cell: 64 << 20,
            pixels: 1 << 27,
            depth: 64,
            files: 10_000_000,
            time: Duration::from_secs(24 * 3600),
        }
    }
}

impl Limits {
    /// What one file may cost to the readers of formats.
    pub fn formats(&self) -> modelward_formats::Limits {
        modelward_formats::Limits {
            ratio: self.ratio,
            expanded: self.expanded,
            members: self.files,
            memory: self.memory,
            time: self.time,
            ..modelward_formats::Limits::default()
        }
    }
}

/// The most rows of a batch.
pub(crate) const BATCH_ROWS: usize = 8192;
/// The most bytes of a batch, but for one row that is longer.
pub(crate) const BATCH_BYTES: usize = 8 << 20;
