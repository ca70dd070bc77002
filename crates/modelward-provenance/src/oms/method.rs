//! What is hashed at once (OpenSSF Model Signing v1.0, section 6).

use std::num::NonZeroU64;

/// What is hashed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Each file.
    Files,
    /// Each piece of a file of so many bytes; the last one may be shorter.
    Shards(NonZeroU64),
}
