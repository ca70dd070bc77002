//! Arrow with fewer rows: the same schema with all that it says, batch by batch.

use std::{fs::File, io::BufWriter};

use arrow_array::{BooleanArray, RecordBatch};
use arrow_ipc::{
    CompressionType, root_as_footer,
    writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter},
};
use arrow_schema::ArrowError;
use arrow_select::filter::filter_record_batch;
use modelward_formats::{Bytes, Refusal};

use super::{MOST_METADATA, Options, Reading, Source, Stream, broken, guarded};
use crate::{Unread, read::rewrite::Choice};

/// Write an Arrow file or stream with some of its rows. Buffers that were compressed are so again, by LZ4.
pub(in super::super) fn write(
    source: &Source,
    bytes: &Bytes,
    options: &Options,
    choice: &Choice<'_>,
    out: &File,
) -> Result<(), Unread> {
    let stream = Stream::open(source, bytes, options)?;
    let refused = |refusal: Refusal| source.refused(&refusal);
    let arrow = |error: ArrowError| source.refused(&broken(&error));
    let mut reading = Reading::new(&stream);
    let (mut first, mut writer) = (0_u64, None);
    loop {
        let batch = reading.batch().map_err(refused)?;
        if writer.is_none() {
            // Whether it is compressed is seen in the first batch.
            let file = stream.batches.is_some();
            let made = guarded(|| Writer::new(out, &stream, file, reading.packed));
            writer = Some(made.ok_or_else(|| gives_up(source))?.map_err(arrow)?);
        }
        let Some(writer) = &mut writer else { break };
        let Some(batch) = batch else { break };
        let of = choice.of(first, batch.num_rows());
        first = first.saturating_add(batch.num_rows() as u64);
        if of.contains(&true) || batch.num_rows() == 0 {
            let written = guarded(|| {
                let some = filter_record_batch(&batch, &BooleanArray::from(of))?;
                writer.write(&some)
            });
            written.ok_or_else(|| gives_up(source))?.map_err(arrow)?;
        }
    }
    let Some(mut writer) = writer else { return Ok(()) };
    if stream.batches.is_some() {
        for (key, value) in footer(bytes) {
            writer.say(key, value);
        }
    }
    guarded(|| writer.finish()).ok_or_else(|| gives_up(source))?.map_err(arrow)
}

fn gives_up(source: &Source) -> Unread {
    let why = "expected batches that can be written anew, got one that their writer gives up on";
    Unread::new(&source.name, modelward_formats::Gap::Unsupported, why)
}

/// What the footer of a file says beside the schema.
fn footer(bytes: &Bytes) -> Vec<(String, String)> {
    let read = || {
        let at = bytes.len().checked_sub(10)?;
        let length = u64::from(bytes.u32_le(at).ok()?);
        let footer = bytes.take(at.checked_sub(length)?, length.min(MOST_METADATA)).ok()?;
        let footer = root_as_footer(&footer).ok()?;
        let said = footer.custom_metadata()?.iter();
        let said = said.filter_map(|said| Some((said.key()?.to_owned(), said.value()?.to_owned())));
        Some(said.collect())
    };
    read().unwrap_or_default()
}

/// Either form of Arrow.
enum Writer<'a> {
    File(Box<FileWriter<BufWriter<&'a File>>>),
    Stream(Box<StreamWriter<BufWriter<&'a File>>>),
}

impl<'a> Writer<'a> {
    fn new(out: &'a File, stream: &Stream, file: bool, packed: bool) -> Result<Self, ArrowError> {
        let lz4 = packed.then_some(CompressionType::LZ4_FRAME);
        let options = IpcWriteOptions::default().try_with_compression(lz4)?;
        let out = BufWriter::new(out);
        Ok(if file {
            // A file holds one dictionary for a column, which may grow.
            let options = options.with_dictionary_handling(DictionaryHandling::Delta);
            Self::File(Box::new(FileWriter::try_new_with_options(out, &stream.read, options)?))
        } else {
            Self::Stream(Box::new(StreamWriter::try_new_with_options(out, &stream.read, options)?))
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        match self {
            Self::File(writer) => writer.write(batch),
            Self::Stream(writer) => writer.write(batch),
        }
    }

    fn say(&mut self, key: String, value: String) {
        if let Self::File(writer) = self {
            writer.write_metadata(key, value);
        }
    }

    fn finish(&mut self) -> Result<(), ArrowError> {
        match self {
            Self::File(writer) => writer.finish().and_then(|()| writer.flush()),
            Self::Stream(writer) => writer.finish().and_then(|()| writer.flush()),
        }
    }
}
