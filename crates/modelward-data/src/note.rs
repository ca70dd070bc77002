//! What reading tells beside the rows: flaws that leave them readable, and what was not read.

use modelward_core::Rule;
use modelward_formats::{Gap, Refusal};

/// A flaw of the bytes that leaves the rows readable.
#[derive(Clone, Debug)]
pub struct Note {
    /// The rule that it breaks.
    pub rule: &'static Rule,
    /// The file.
    pub file: String,
    /// The line of a text, from 1.
    pub line: Option<u64>,
    /// What was expected and what came, in one line.
    pub why: String,
}

/// A file, or the rest of one, that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The file.
    pub file: String,
    /// The line of a text, from 1.
    pub line: Option<u64>,
    /// The first byte that could not be read.
    pub at: Option<u64>,
    /// What kind of gap it leaves.
    pub gap: Gap,
    /// What was expected and what came, in one line.
    pub why: String,
}

impl Unread {
    /// A file that was not read.
    pub fn new(file: impl Into<String>, gap: Gap, why: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, at: None, gap, why: why.into() }
    }

    /// A file whose reader refused it.
    pub fn refused(file: impl Into<String>, refusal: &Refusal) -> Self {
        let Refusal { at, gap, why } = refusal;
        Self { file: file.into(), line: None, at: Some(*at), gap: *gap, why: why.to_string() }
    }

    /// From this line of the text on.
    #[must_use]
    pub fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// From this byte on.
    #[must_use]
    pub fn at(mut self, at: u64) -> Self {
        self.at = Some(at);
        self
    }
}
