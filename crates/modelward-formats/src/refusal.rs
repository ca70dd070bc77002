//! Why bytes were not read.

use std::{borrow::Cow, fmt, io};

/// Bytes that a reader will not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Offset of the first byte that could not be read.
    pub at: u64,
    /// What kind of gap it leaves.
    pub gap: Gap,
    /// What was expected there and what came, in words.
    pub why: Cow<'static, str>,
}

/// The kinds of gap that an unread piece leaves in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gap {
    /// No format that we know.
    UnknownFormat,
    /// The bytes end before the format says, or break its grammar.
    Truncated,
    /// The content is encrypted.
    Encrypted,
    /// A format or version that is recognised and not read.
    Unsupported,
    /// A part that the file names lies elsewhere and is not there.
    MissingPart,
    /// A FIFO, a device, a socket, a link out of the target.
    SpecialFile,
    /// The operating system gave an error.
    Unreadable,
    /// The bytes break the grammar of a model file, or say a thing twice.
    Malformed,
    /// A graph that no runtime can run as it stands: values that nobody gives, circles.
    InvalidGraph,
    /// Archives nested deeper than the limit.
    DeepNesting,
    /// A compressed piece grows by more than the limit.
    HighExpansionRatio,
    /// More expanded bytes than the limit.
    LargeExpansion,
    /// More archive members than the limit.
    ManyMembers,
    /// More opcodes than the limit.
    LongProgram,
    /// More memory than the limit.
    LargeMemory,
    /// More time than the limit.
    LongReading,
    /// A declared length that reaches beyond the file.
    OversizedLength,
}

impl Gap {
    /// Every kind, in the order of its rule's number.
    pub const ALL: [Self; 17] = [
        Self::UnknownFormat,
        Self::Truncated,
        Self::Encrypted,
        Self::Unsupported,
        Self::MissingPart,
        Self::SpecialFile,
        Self::Unreadable,
        Self::Malformed,
        Self::InvalidGraph,
        Self::DeepNesting,
        Self::HighExpansionRatio,
        Self::LargeExpansion,
        Self::ManyMembers,
        Self::LongProgram,
        Self::LargeMemory,
        Self::LongReading,
        Self::OversizedLength,
    ];
}

impl Refusal {
    /// A refusal of bytes that end too early or break the grammar of their format.
    pub fn truncated(at: u64, why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(at, Gap::Truncated, why)
    }

    /// A refusal that leaves a gap of this kind.
    pub fn new(at: u64, gap: Gap, why: impl Into<Cow<'static, str>>) -> Self {
        Self { at, gap, why: why.into() }
    }

    /// A refusal because the operating system would not give the bytes.
    pub fn io(at: u64, error: &io::Error) -> Self {
        // A decoder below reports a broken or oversized stream through the same channel.
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            Some(refusal) => refusal.clone(),
            None if error.kind() == io::ErrorKind::InvalidData
                || error.kind() == io::ErrorKind::UnexpectedEof =>
            {
                Self::truncated(at, error.to_string())
            }
            None => Self::new(at, Gap::Unreadable, error.to_string()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {:#x}", self.why, self.at)
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::other(refusal)
    }
}
