//! Bytes that we do not trust, read into shapes that we do.
//!
//! One file or folder a format. A reader never executes, never allocates more than its input
//! allows, and never panics: what it cannot read it refuses, with the offset. It knows nothing
//! of rules or findings, so each reader can be fuzzed and used on its own.
//!
//! A format is recognised by its content, never by a file's name, and bytes may be of several
//! formats at once: [`read`] gives every reading that a loader somewhere would accept.

use std::{any::Any, ops::ControlFlow, sync::Arc};

mod budget;
mod bytes;
mod bzip2;
mod compressed;
pub mod credentials;
pub mod executable;
mod expand;
pub mod gguf;
mod gzip;
pub mod image;
pub mod jinja;
pub mod json;
pub mod listing;
mod lz4;
mod lzma;
pub mod marshal;
pub mod npy;
pub mod onnx;
pub mod parquet;
pub mod pickle;
pub mod picture;
mod protobuf;
pub mod recognised;
mod refusal;
pub mod safetensors;
pub mod sentencepiece;
pub mod sevenz;
pub mod signature;
pub mod tables;
pub mod tar;
mod template;
pub mod tensors;
pub mod text;
pub mod torchscript;
mod tree;
mod utf16;
pub mod weights;
mod xz;
pub mod yaml;
mod zfile;
pub mod zip;
mod zlib;
mod zstd;

pub use crate::{
    budget::{Budget, Limits},
    bytes::{Bytes, Cursor, Source},
    compressed::Compressed,
    refusal::{Gap, Refusal},
    tree::Tree,
};

/// Every format with a structure of its own, in the order in which they are tried.
pub const FORMATS: &[&Format] = &[
    &safetensors::SAFETENSORS,
    &gguf::GGUF,
    &npy::NPY,
    &gzip::FORMAT,
    &bzip2::FORMAT,
    &xz::FORMAT,
    &lzma::FORMAT,
    &zstd::FORMAT,
    &lz4::FORMAT,
    &zlib::FORMAT,
    &zfile::FORMAT,
    &zip::FORMAT,
    &tar::FORMAT,
    &sevenz::FORMAT,
    &executable::FORMAT,
    &pickle::FORMAT,
    &marshal::FORMAT,
    &sentencepiece::FORMAT,
    &onnx::FORMAT,
    &recognised::BINARY,
];

/// What has no structure that a loader would act upon; tried where nothing else recognises the
/// bytes.
pub const PLAIN: &[&Format] = &[
    &json::FORMAT,
    &yaml::FORMAT,
    &template::FORMAT,
    &executable::SCRIPT,
    &recognised::TEXT,
    &image::FORMAT,
    &utf16::FORMAT,
    &text::FORMAT,
    &text::EMPTY,
];

/// How one format is recognised and read.
#[derive(Debug)]
pub struct Format {
    /// The name users see, unless the asset knows a finer one.
    pub name: &'static str,
    /// Recognise and read.
    pub read: Reader,
}

/// Reads bytes of one format: `None` where they are not of this format.
pub type Reader = fn(&Bytes, &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>>;

/// A piece of a model in readable shape: a pickle program, a tensor table, an archive.
pub trait Asset: Any + Send + Sync {
    /// What it is, as users would call it: `pytorch-zip`, `pickle`, `gguf`.
    fn format(&self) -> &'static str;

    /// What of it could not be read, where the rest could.
    fn gaps(&self) -> Vec<Refusal> {
        Vec::new()
    }

    /// A second shape of the same bytes, for checks that hold for several formats: every archive
    /// has a [`listing::Listing`].
    fn facet(&self) -> Option<&dyn Asset> {
        None
    }

    /// Hand over every piece inside that is to be read in its own right.
    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        let _ = visit;
    }
}

/// A piece inside an asset, to be read in its own right.
#[derive(Debug)]
pub struct Part {
    /// The step down from the asset: a member's name, `tokenizer.chat_template`.
    pub name: String,
    /// Its bytes, or why they cannot be had.
    pub bytes: Result<Bytes, Refusal>,
    /// What the container expects there.
    pub expects: Expects,
}

/// What a container expects a piece of it to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expects {
    /// A file of any kind: what no format recognises is a gap.
    Anything,
    /// Numbers or text of the container's own: what no format recognises is no gap.
    Data,
    /// Numbers alone. Random ones look like a pickle or a stream now and then, so they are read
    /// only where that is past chance.
    Numbers,
    /// A chat template, which is a Jinja program even where it looks like plain text.
    Template,
}

/// One reading of some bytes.
pub struct Reading {
    /// The format that recognised them.
    pub format: &'static Format,
    /// What came of it.
    pub asset: Result<Box<dyn Asset>, Refusal>,
}

/// Read bytes under every format that recognises them; none where no format does.
pub fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Vec<Reading> {
    let bytes = &bytes.remembering();
    let under = |formats: &'static [&'static Format]| {
        let readings = formats.iter().filter_map(|&format| {
            (format.read)(bytes, budget).map(|asset| Reading { format, asset })
        });
        readings.collect::<Vec<_>>()
    };
    let mut readings = under(FORMATS);
    // Text may be made to look like another format, and is still what its own loader reads.
    if readings.is_empty() || begins_like_text(bytes) {
        readings.extend(under(PLAIN));
    }
    readings
}

/// Whether what should be numbers is a file: by a signature that numbers do not bear by chance, or
/// because it imports something as a pickle.
pub fn is_file_among_numbers(bytes: &Bytes) -> bool {
    signature::find(bytes).is_some() || pickle::acts(bytes)
}

/// Whether the first bytes are what a person may have written.
fn begins_like_text(bytes: &Bytes) -> bool {
    const LOOK: u64 = 4096;
    let head = bytes.head(LOOK).unwrap_or_default();
    let whole = match std::str::from_utf8(&head) {
        Ok(_) => true,
        // The last character may be cut.
        Err(error) => error.error_len().is_none(),
    };
    whole && head.iter().all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace())
}
