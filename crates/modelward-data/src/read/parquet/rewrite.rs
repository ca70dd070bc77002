//! Parquet with fewer rows: the same schema and key-value metadata, the same row groups, column by column
//! with the values and levels as they are read.

use std::{fs::File as Out, io::BufWriter, sync::Arc, sync::atomic::Ordering::Relaxed};

use modelward_formats::{Bytes, Gap};
use parquet::{
    arrow::arrow_reader::RowGroups,
    basic::{Compression, Encoding},
    column::{
        reader::{ColumnReader, ColumnReaderImpl, get_column_reader},
        writer::ColumnWriterImpl,
    },
    data_type::{
        BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
        Int64Type, Int96Type,
    },
    errors::ParquetError,
    file::{
        properties::{WriterProperties, WriterVersion},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::ColumnDescPtr,
};

use super::{
    File, Options, Source, file, group, guarded,
    pages::{Feed, Ledger},
    told,
};
use crate::{Unread, read::rewrite::Choice};

/// Write a Parquet file with some of its rows.
pub(in super::super) fn write(
    source: &Source,
    bytes: &Bytes,
    options: &Options,
    choice: &Choice<'_>,
    out: &Out,
) -> Result<(), Unread> {
    let file = file(source, bytes, options)?;
    match guarded(|| copy(&file, choice, out)) {
        Some(Ok(())) => Ok(()),
        Some(Err(Failed::Unread(unread))) => Err(unread),
        Some(Err(Failed::Parquet(error))) => {
            Err(Unread::new(&file.name, Gap::Malformed, format!("not written: {}", told(&error))))
        }
        None => {
            let why =
                "expected pages that can be written anew, got one that their writer gives up on";
            Err(Unread::new(&file.name, Gap::Unsupported, why))
        }
    }
}

enum Failed {
    Unread(Unread),
    Parquet(ParquetError),
}

impl From<ParquetError> for Failed {
    fn from(error: ParquetError) -> Self {
        Self::Parquet(error)
    }
}

fn copy(file: &File, choice: &Choice<'_>, out: &Out) -> Result<(), Failed> {
    let schema = file.metadata.file_metadata().schema_descr().root_schema_ptr();
    let mut writer =
        SerializedFileWriter::new(BufWriter::new(out), schema, Arc::new(properties(file)))?;
    let mut first = 0_u64;
    for (group, of_group) in file.footer.row_groups.iter().enumerate() {
        let begin = first;
        first = first.saturating_add(of_group.rows);
        let within = Part { choice, begin, rows: of_group.rows };
        if within.is_empty() {
            continue;
        }
        let mut next = writer.next_row_group()?;
        for at in 0..file.footer.columns {
            let Some(mut column) = next.next_column()? else { break };
            copy_column(file, group, at, &within, &mut column)?;
            column.close()?;
        }
        next.close()?;
    }
    writer.close()?;
    Ok(())
}

/// The rows of a group that are written.
struct Part<'a> {
    choice: &'a Choice<'a>,
    /// The first row's number in the file.
    begin: u64,
    rows: u64,
}

impl Part<'_> {
    fn is_empty(&self) -> bool {
        let end = self.begin.saturating_add(self.rows);
        self.choice.count(end) == self.choice.count(self.begin)
    }
}

/// What the first row group and the footer say of how the file is written.
fn properties(file: &File) -> WriterProperties {
    let metadata = file.metadata.file_metadata();
    let groups = file.metadata.row_groups();
    let mut properties = WriterProperties::builder()
        .set_key_value_metadata(metadata.key_value_metadata().cloned())
        .set_max_row_group_row_count(None)
        .set_writer_version(match metadata.version() {
            2.. => WriterVersion::PARQUET_2_0,
            _ => WriterVersion::PARQUET_1_0,
        });
    let sorted = groups.first().and_then(|group| group.sorting_columns());
    if groups.iter().all(|group| group.sorting_columns() == sorted) {
        properties = properties.set_sorting_columns(sorted.cloned());
    }
    for column in groups.iter().take(1).flat_map(|group| group.columns()) {
        let path = column.column_path().clone();
        let named = column.encodings().any(|encoding| {
            matches!(encoding, Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY)
        });
        properties = properties
            .set_column_compression(path.clone(), compression(column.compression()))
            .set_column_dictionary_enabled(path, named);
    }
    properties.build()
}

/// The same compression; Snappy for what is read here and not written.
fn compression(of: Compression) -> Compression {
    match of {
        Compression::UNCOMPRESSED => Compression::UNCOMPRESSED,
        Compression::GZIP(_) => Compression::GZIP(parquet::basic::GzipLevel::default()),
        Compression::LZ4 | Compression::LZ4_RAW => Compression::LZ4_RAW,
        _ => Compression::SNAPPY,
    }
}

fn copy_column(
    file: &File,
    group: usize,
    at: usize,
    part: &Part<'_>,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<(), Failed> {
    let column = file.metadata.file_metadata().schema_descr().column(at);
    let mut batch = group::batch_rows(file, group);
    let mut done = 0_u64;
    loop {
        let ledger = group::Reading::ledger(file, group, part.rows, batch);
        let feed = Feed { file, group, ledger: ledger.clone() };
        let copied = pages(&feed, at).and_then(|pages| {
            macro_rules! of {
                ($($variant:ident => $type:ty),*) => {
                    match get_column_reader(column.clone(), pages) {
                        $(ColumnReader::$variant(mut reader) => copy_values::<$type>(
                            &mut reader,
                            writer.typed::<$type>(),
                            &column,
                            part,
                            (&mut done, batch),
                            &ledger,
                        ),)*
                    }
                };
            }
            of!(BoolColumnReader => BoolType, Int32ColumnReader => Int32Type,
                Int64ColumnReader => Int64Type, Int96ColumnReader => Int96Type,
                FloatColumnReader => FloatType, DoubleColumnReader => DoubleType,
                ByteArrayColumnReader => ByteArrayType,
                FixedLenByteArrayColumnReader => FixedLenByteArrayType)
        });
        let Err(error) = copied else { return Ok(()) };
        let smaller = ledger.smaller.load(Relaxed);
        if smaller > 0 && smaller < batch {
            batch = smaller;
            continue;
        }
        let refusal = ledger.refusal.lock().ok().and_then(|mut refusal| refusal.take());
        return Err(match refusal {
            Some(refusal) => Failed::Unread(Unread::refused(&file.name, &refusal)),
            None => Failed::Parquet(error),
        });
    }
}

fn pages(
    feed: &Feed<'_>,
    column: usize,
) -> parquet::errors::Result<Box<dyn parquet::column::page::PageReader>> {
    let mut pages = feed.column_chunks(column)?;
    pages.next().unwrap_or_else(|| Err(ParquetError::General("expected a chunk".into())))
}

/// Copy what is chosen of a column, from the rows on that are done.
fn copy_values<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    writer: &mut ColumnWriterImpl<'_, T>,
    column: &ColumnDescPtr,
    part: &Part<'_>,
    (done, batch): (&mut u64, usize),
    ledger: &Ledger,
) -> parquet::errors::Result<()> {
    let fewer = || ParquetError::General("expected as many rows as the footer says".into());
    let mut skip = *done;
    while skip > 0 {
        let skipped = reader.skip_records(usize::try_from(skip).unwrap_or(usize::MAX))?;
        skip = skip.checked_sub(skipped as u64).filter(|_| skipped > 0).ok_or_else(fewer)?;
    }
    let (most_definition, repeats) = (column.max_def_level(), column.max_rep_level() > 0);
    let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
    let (mut some, mut of_some, mut again) = (Vec::new(), Vec::new(), Vec::new());
    while *done < part.rows {
        let left = usize::try_from(part.rows.saturating_sub(*done)).unwrap_or(usize::MAX);
        values.clear();
        definitions.clear();
        repetitions.clear();
        ledger.begin();
        let (records, _, levels) = reader.read_records(
            left.min(batch),
            Some(&mut definitions),
            Some(&mut repetitions),
            &mut values,
        )?;
        if records == 0 {
            return Err(fewer());
        }
        let of = part.choice.of(part.begin.saturating_add(*done), records);
        some.clear();
        of_some.clear();
        again.clear();
        let mut next = values.drain(..);
        let mut kept = of.iter();
        let mut keep = false;
        for level in 0..levels {
            let repetition = repetitions.get(level).copied().unwrap_or(0);
            if repetition == 0 {
                keep = *kept.next().ok_or_else(fewer)?;
            }
            let definition = definitions.get(level).copied().unwrap_or(0);
            let value = if most_definition == 0 || definition == most_definition {
                Some(next.next().ok_or_else(fewer)?)
            } else {
                None
            };
            if keep {
                of_some.push(definition);
                again.push(repetition);
                some.extend(value);
            }
        }
        drop(next);
        if !again.is_empty() {
            let definitions = (most_definition > 0).then_some(of_some.as_slice());
            writer.write_batch(&some, definitions, repeats.then_some(again.as_slice()))?;
        }
        *done = done.saturating_add(records as u64);
    }
    Ok(())
}
