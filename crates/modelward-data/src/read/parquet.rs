//! Parquet: each row group is a piece, read page by page.
//!
//! Footer and page headers are read by our own readers, which hold every size against the bytes that
//! are there and the limits before anything is allocated, and unpack the pages; the values in the
//! unpacked pages are decoded by the `parquet` crate. The schema that arrow's writers leave beside the
//! real one is not looked at.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use modelward_formats::{
    Bytes, Gap,
    parquet::{Codec, Footer},
};
use parquet::{
    arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels, parquet_to_arrow_schema},
    basic::Compression,
    file::metadata::{ParquetMetaData, ParquetMetaDataReader},
};

use super::{Options, Source, budget, guard::guarded, shape};
use crate::{Limits, Piece, Rows, Set, Unread};

mod group;
mod pages;
mod rewrite;

use self::group::Reading;
pub(super) use self::rewrite::write;

/// Whether bytes begin as a Parquet file does.
pub(super) fn is(head: &[u8]) -> bool {
    head.starts_with(b"PAR1") || head.starts_with(b"PARE")
}

/// A Parquet file.
struct File {
    name: String,
    bytes: Bytes,
    footer: Footer,
    metadata: ParquetMetaData,
    levels: FieldLevels,
    /// The columns as they are read.
    read: SchemaRef,
    /// The columns as they are shown.
    schema: SchemaRef,
    limits: Limits,
}

/// Open a Parquet file.
pub(super) fn open(source: &Source, bytes: &Bytes, options: &Options) -> Result<Set, Unread> {
    let file = Arc::new(file(source, bytes, options)?);
    let (name, schema) = (file.name.clone(), file.schema.clone());
    let notes = shape::twice(&name, &schema);
    let groups = 0..file.footer.row_groups.len();
    let pieces = groups.map(|at| Arc::new(Group { file: file.clone(), at }) as Arc<dyn Piece>);
    Ok(Set { name, format: "parquet", schema, pieces: pieces.collect(), notes })
}

/// Read what stands at the end of a Parquet file.
fn file(source: &Source, bytes: &Bytes, options: &Options) -> Result<File, Unread> {
    let name = source.name.clone();
    let unread = |gap, why: String| Unread::new(&name, gap, why);
    let limits = options.limits;
    let footer = modelward_formats::parquet::read(bytes, &budget(&limits))
        .ok_or_else(|| unread(Gap::UnknownFormat, "expected a Parquet file".into()))?
        .map_err(|refusal| source.refused(&refusal))?;
    let length = footer.place.end.saturating_sub(footer.place.start);
    let most = limits.memory / FOOTER_SHARE;
    if length > most {
        let why = format!("a footer of {length} bytes, more than the {most} that memory allows");
        return Err(unread(Gap::LargeMemory, why).at(footer.place.start));
    }
    if footer.columns > limits.columns {
        let why = format!("expected at most {} columns, got {}", limits.columns, footer.columns);
        return Err(unread(Gap::LargeMemory, why).at(footer.place.start));
    }
    let raw = bytes.take(footer.place.start, length).map_err(|refusal| source.refused(&refusal))?;
    let decoded = guarded(|| {
        let metadata = ParquetMetaDataReader::decode_metadata(&raw)?;
        let columns = metadata.file_metadata().schema_descr();
        let read = parquet_to_arrow_schema(columns, None)?;
        let levels = parquet_to_arrow_field_levels(columns, ProjectionMask::all(), None)?;
        parquet::errors::Result::Ok((metadata, read, levels))
    });
    let (metadata, read, levels) = match decoded {
        Some(Ok(decoded)) => decoded,
        Some(Err(error)) => {
            let why = format!("expected the schema of a Parquet file: {}", told(&error));
            return Err(unread(Gap::Malformed, why).at(footer.place.start));
        }
        None => {
            let why = "expected the schema of a Parquet file, got one that cannot be decoded";
            return Err(unread(Gap::Malformed, why.into()).at(footer.place.start));
        }
    };
    let columns = metadata.file_metadata().schema_descr().num_columns();
    let groups = metadata.num_row_groups();
    let whole = metadata.row_groups().iter().all(|group| group.num_columns() == columns);
    if columns != footer.columns || groups != footer.row_groups.len() || !whole {
        let why = format!("expected {columns} columns in every row group");
        return Err(unread(Gap::Malformed, why).at(footer.place.start));
    }
    // Neither schema keeps what the file's own metadata say: nothing of it is acted upon.
    let read = Arc::new(Schema::new(read.fields().clone()));
    let schema = shape::shown(&read);
    Ok(File { name, bytes: bytes.clone(), footer, metadata, levels, read, schema, limits })
}

/// One row group of a file.
struct Group {
    file: Arc<File>,
    at: usize,
}

impl Piece for Group {
    fn name(&self) -> &str {
        &self.file.name
    }

    fn rows(&self) -> Option<u64> {
        self.file.footer.row_groups.get(self.at).map(|group| group.rows)
    }

    fn open(&self) -> Result<Box<dyn Rows + '_>, Unread> {
        Ok(Box::new(Reading::new(&self.file, self.at)?))
    }
}

/// How the chunks of a column are compressed.
fn codec(compression: Compression) -> Option<Codec> {
    Some(match compression {
        Compression::UNCOMPRESSED => Codec::Plain,
        Compression::SNAPPY => Codec::Snappy,
        Compression::GZIP(_) => Codec::Gzip,
        Compression::BROTLI(_) => Codec::Brotli,
        Compression::LZ4 => Codec::Lz4,
        Compression::ZSTD(_) => Codec::Zstd,
        Compression::LZ4_RAW => Codec::Lz4Raw,
        Compression::LZO => return None,
    })
}

/// What the crate says went wrong, without its own words before it.
fn told(error: &parquet::errors::ParquetError) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("Parquet error: ").unwrap_or(&text).trim_end_matches('.');
    text.to_owned()
}

/// A decoded footer takes up to so many times its bytes, and may take a part of the memory.
const FOOTER_SHARE: u64 = 64;

#[cfg(test)]
mod tests;
