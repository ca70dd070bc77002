//! What breaks the rules of ONNX, and the words for it.

use crate::{Gap, Refusal};

/// A rule of the format that the file breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Which rule.
    pub kind: FlawKind,
    /// Offset of what breaks it.
    pub at: u64,
    /// Whether a careless loader would reach where it must not.
    pub severe: bool,
    /// What was expected there and what came, in words.
    pub why: String,
}

/// The rules that a model file can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlawKind {
    /// Data are said to lie outside the folder of the model.
    ExternalPath,
    /// Shape and element type do not give the number of bytes.
    TensorMismatch,
    /// A name, or what it stands for, is there twice.
    AmbiguousName,
}

/// The long name of a domain.
pub(super) fn long(domain: &str) -> &str {
    if domain.is_empty() { ONNX } else { domain }
}

pub(super) fn invalid(at: u64, why: impl Into<String>) -> Refusal {
    Refusal::new(at, Gap::InvalidGraph, why.into())
}

/// The domain of ONNX's own operators.
pub(super) const ONNX: &str = "ai.onnx";

/// As much of a name as is shown.
pub(super) fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
