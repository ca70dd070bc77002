//! One compressed stream, or several of a kind in a row: what gzip, bzip2, xz, lzma, zstd, lz4
//! and zlib files have in common.

use std::{ops::ControlFlow, sync::Arc};

use crate::{
    Asset, Budget, Bytes, Expects, Part, Refusal,
    expand::{Codec, expand, skip_zeros},
    listing::Listing,
};

/// A compressed stream and what it holds.
#[derive(Debug)]
pub struct Compressed {
    format: &'static str,
    content: Bytes,
    refusal: Option<Refusal>,
    trailing: Option<Bytes>,
    listing: Listing,
}

impl Compressed {
    /// What was decoded, also where the stream breaks later.
    pub fn content(&self) -> &Bytes {
        &self.content
    }

    /// Why the stream could not be decoded to its end.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Decode bytes that are known to be of a codec.
    pub(crate) fn read(
        format: &'static str,
        codec: Codec,
        bytes: &Bytes,
        budget: &Arc<Budget>,
    ) -> Self {
        let expanded = expand(bytes, codec, budget);
        let behind = expanded.end.map(|end| skip_zeros(bytes, end)).filter(|&at| at < bytes.len());
        let trailing = behind.map(|at| bytes.tail(at));
        let span = behind.zip(trailing.as_ref().map(Bytes::len));
        let listing = Listing { trailing: span, ..Listing::default() };
        let (content, refusal) = (expanded.bytes, expanded.refusal);
        Self { format, content, refusal, trailing, listing }
    }

    /// Whether enough was decoded to believe that the bytes are of this codec, where its header
    /// alone says little.
    pub(crate) fn is_plausible(&self) -> bool {
        self.refusal.is_none() || self.content.len() >= PLAUSIBLE
    }

    pub(crate) fn boxed(self) -> Option<Result<Box<dyn Asset>, Refusal>> {
        Some(Ok(Box::new(self)))
    }
}

impl Asset for Compressed {
    fn format(&self) -> &'static str {
        self.format
    }

    fn facet(&self) -> Option<&dyn Asset> {
        Some(&self.listing)
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        let part = |name: &str, bytes, expects| Part { name: name.into(), bytes, expects };
        // What was decoded before a break is examined all the same: a loader that streams acts
        // upon it before it meets the break.
        if self.refusal.is_none() || !self.content.is_empty() {
            let content = Ok(self.content.clone());
            if visit(part("decompressed", content, Expects::Anything)).is_break() {
                return;
            }
        }
        if let Some(refusal) = &self.refusal
            && visit(part("decompressed", Err(refusal.clone()), Expects::Anything)).is_break()
        {
            return;
        }
        if let Some(trailing) = &self.trailing {
            let _ = visit(part("trailing bytes", Ok(trailing.clone()), Expects::Data));
        }
    }
}

/// Random bytes that pass a header check rarely decode to this much.
const PLAUSIBLE: u64 = 64;
