//! What a model or a data set consists of, and where two of them differ.
//!
//! A manifest lists every file with its SHA-256 and BLAKE3 and, where asked, every tensor and every
//! row group of Parquet, from one read of each file. It names no folder, no time and no machine: the
//! same bytes give the same manifest, whatever the number of threads.
//!
//! Its digests of the whole:
//! - `root`: SHA-256 over the SHA-256 of the files, in the order of their paths by code point. It is the
//!   root that a signature of OpenSSF Model Signing v1.0 with `files` and `sha256` states, since the
//!   same files count ([`tree`](crate::tree)).
//! - `merkle`: the root of the tree in [`merkle`], under which one file can be proven alone.

use std::path::Path;

use crate::{
    Trouble,
    digest::{Digest, Function, Hasher},
    tree::Tree,
};

pub mod build;
pub mod diff;

mod json;
pub mod merkle;
mod pass;
mod plan;
mod read;
pub mod tensor;

pub use self::{build::Options, tensor::Model};

/// A manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The files, in the order of their paths by code point.
    pub files: Vec<File>,
    /// What was asked for beyond files.
    pub contents: Option<Contents>,
    /// What was not read, in the order of the files.
    pub unread: Vec<Unread>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path below the model, with `/`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its BLAKE3.
    pub blake3: Digest,
}

/// What is in the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The tensors, in the order of the files, and by name within one.
    pub tensors: Vec<Tensor>,
    /// The row groups of Parquet files, in the order of the files.
    pub row_groups: Vec<RowGroup>,
    /// The tensors of each model together.
    pub models: Vec<Model>,
}

/// A tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The file it is in.
    pub file: String,
    /// Its name; empty where the file has one tensor and no names.
    pub name: String,
    /// What its elements are: `f32`, `bf16`, `q4_0`.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<u64>,
    /// Its digest; see [`tensor`].
    pub sha256: Digest,
}

/// A row group of a Parquet file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowGroup {
    /// The file it is in.
    pub file: String,
    /// Its number, from 0.
    pub index: u64,
    /// Its rows.
    pub rows: u64,
    /// Bytes of its column chunks.
    pub bytes: u64,
    /// SHA-256 over `modelward-row-group/v1\n` and, for each column chunk in the order of the columns,
    /// its length in eight bytes, the lowest first, and its bytes as they lie in the file.
    pub sha256: Digest,
}

/// What was not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    /// The file.
    pub file: String,
    /// The tensor or row group, where the file was read and this was not.
    pub part: Option<String>,
    /// What was expected and what came.
    pub why: String,
}

impl Manifest {
    /// Read a model or a data set: a folder or a file.
    ///
    /// # Errors
    /// Where there is no file or folder of this name. What cannot be read of it is [`Unread`].
    pub fn of(target: &Path, options: &Options) -> Result<Self, Trouble> {
        let listing = crate::tree::Options {
            exclusions: options.exclusions(),
            ..crate::tree::Options::default()
        };
        let tree = Tree::list(target, &listing)?;
        Ok(build::build(&tree, options))
    }

    /// Read a manifest that was written.
    ///
    /// # Errors
    /// Where the bytes are no manifest, or one that contradicts itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, Trouble> {
        json::parse(bytes)
    }

    /// The manifest as JSON, with a line for each file and tensor.
    pub fn json(&self) -> String {
        json::write(self)
    }

    /// The root of a signature with `files` and `sha256`.
    pub fn root(&self) -> Digest {
        let mut hasher = Hasher::new(Function::Sha256);
        self.files.iter().for_each(|file| hasher.update(file.sha256.bytes()));
        hasher.finish()
    }

    /// The leaves of the tree over the files.
    pub fn leaves(&self) -> Vec<Digest> {
        self.files.iter().map(|file| merkle::leaf(&file.path, &file.sha256)).collect()
    }

    /// The root of the tree over the files.
    pub fn merkle(&self) -> Digest {
        merkle::root(&self.leaves())
    }

    /// The file of a path.
    pub fn file(&self, path: &str) -> Option<&File> {
        let at = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(at)
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
    }
}

#[cfg(test)]
mod tests;
