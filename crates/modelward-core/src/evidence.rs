//! Why we believe a finding.

/// What was seen or measured. No finding is made without one.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// Bytes at an offset, and how to read them.
    Bytes {
        /// Offset from the start of the piece that the finding's place names.
        at: u64,
        /// The bytes in words: a decompiled call, a decoded header.
        shown: String,
    },
    /// A number against the limit it crossed.
    Measured {
        /// What was measured, with its unit.
        what: &'static str,
        /// What it came to.
        value: f64,
        /// The limit it crossed.
        limit: f64,
    },
    /// Something that ought to be there and is not.
    Absent {
        /// What was looked for.
        looked_for: String,
    },
}

impl Evidence {
    /// Bytes at an offset, and how to read them.
    pub fn bytes(at: u64, shown: impl Into<String>) -> Self {
        Self::Bytes { at, shown: shown.into() }
    }
}
