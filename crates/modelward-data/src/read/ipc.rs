//! Arrow IPC: streams, files, and the folders in which `datasets` saves streams.
//!
//! The messages are framed here: every length is held against the bytes that are left and the limits
//! before anything is allocated, and compressed buffers are unpacked here too, into exactly what they say
//! and no more. Arrays are built by arrow's own decoder with its full validation.
//!
//! Source: Apache Arrow Columnar Format 1.5, "Serialization and Interprocess Communication".

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::{MessageHeader, reader::StreamDecoder, root_as_footer};
use arrow_schema::{Schema, SchemaRef};
use modelward_formats::{Bytes, Gap, Refusal};

use super::{Options, Source, budget, guard::guarded, meter::Meter, shape};
use crate::{Chunk, Limits, Note, Piece, Rows, Set, Unread, limits::BATCH_ROWS};

mod message;
mod rewrite;

use self::message::Message;
pub(super) use self::rewrite::write;

/// Whether bytes begin as an Arrow file or stream does.
pub(super) fn is(head: &[u8]) -> bool {
    head.starts_with(FILE) || head.starts_with(&CONTINUES)
}

/// Open an Arrow file or stream.
pub(super) fn open(source: &Source, bytes: &Bytes, options: &Options) -> Result<Set, Unread> {
    let piece = Stream::open(source, bytes, options)?;
    let notes = shape::twice(&source.name, &piece.schema);
    Ok(set(source, vec![piece], notes))
}

fn set(source: &Source, pieces: Vec<Stream>, notes: Vec<Note>) -> Set {
    let schema =
        pieces.first().map_or_else(|| Arc::new(Schema::empty()), |piece| piece.schema.clone());
    let pieces = pieces.into_iter().map(|piece| Arc::new(piece) as Arc<dyn Piece>);
    Set { name: source.name.clone(), format: "arrow", schema, pieces: pieces.collect(), notes }
}

/// Open a folder that `datasets` saved; `None` where it holds no `state.json`.
pub(super) fn folder(source: &Source, options: &Options) -> Option<Result<Set, Unread>> {
    let within = |name: &str| Source {
        path: source.path.join(name),
        name: format!("{}/{name}", source.name.trim_end_matches('/')),
    };
    let state = within("state.json");
    if !state.path.is_file() {
        let splits = within("dataset_dict.json");
        return splits.path.is_file().then(|| {
            let why = "expected one split of a data set, got the folder of all: name one in it";
            Err(Unread::new(&source.name, Gap::Unsupported, why))
        });
    }
    Some(saved(source, &state, within, options))
}

fn saved(
    source: &Source,
    state: &Source,
    within: impl Fn(&str) -> Source,
    options: &Options,
) -> Result<Set, Unread> {
    let malformed = |why: &str| Unread::new(&state.name, Gap::Malformed, why.to_owned());
    let bytes = state.bytes()?;
    if bytes.len() > MOST_STATE {
        return Err(malformed("expected a short list of files"));
    }
    let text = bytes.take(0, bytes.len()).map_err(|refusal| state.refused(&refusal))?;
    let json: serde_json::Value =
        serde_json::from_slice(&text).map_err(|_| malformed("expected JSON"))?;
    let files = json.get("_data_files").and_then(serde_json::Value::as_array);
    let files = files.ok_or_else(|| malformed("expected `_data_files`"))?;
    let mut pieces: Vec<Stream> = Vec::new();
    for file in files {
        let name = file.get("filename").and_then(serde_json::Value::as_str);
        let name = name.ok_or_else(|| malformed("expected the `filename` of each data file"))?;
        if name.contains(['/', '\\']) || name.starts_with('.') {
            let why = format!("expected a file in this folder, got `{name}`");
            return Err(malformed(&why));
        }
        let source = within(name);
        let piece = Stream::open(&source, &source.bytes()?, options)?;
        if let Some(first) = pieces.first().filter(|first| first.schema != piece.schema) {
            let why = format!("expected the columns of `{}`", first.source.name);
            return Err(Unread::new(&source.name, Gap::Malformed, why));
        }
        pieces.push(piece);
    }
    let notes = pieces.first().map(|piece| shape::twice(&source.name, &piece.schema));
    Ok(set(source, pieces, notes.unwrap_or_default()))
}

/// A stream, or the stream within a file.
struct Stream {
    source: Source,
    bytes: Bytes,
    /// Batches that the footer of a file lists.
    batches: Option<usize>,
    /// The columns as they are read.
    read: SchemaRef,
    /// The columns as they are shown.
    schema: SchemaRef,
    limits: Limits,
}

impl Stream {
    fn open(source: &Source, bytes: &Bytes, options: &Options) -> Result<Self, Unread> {
        let limits = options.limits;
        let refused = |refusal: Refusal| source.refused(&refusal);
        let (bytes, batches) = if bytes.has(0, FILE) {
            within_file(bytes).map(|(bytes, batches)| (bytes, Some(batches))).map_err(refused)?
        } else {
            (bytes.clone(), None)
        };
        let mut decoder = StreamDecoder::new();
        let first = Message::read(&bytes, 0, &limits).map_err(refused)?;
        let Some(first) = first.filter(|first| first.kind == MessageHeader::Schema) else {
            return Err(refused(Refusal::new(0, Gap::Malformed, "expected a schema first")));
        };
        // The decoder looks at a schema once something follows it.
        let schema = guarded(|| {
            decoder.decode(&mut Buffer::from(first.framed()))?;
            decoder.decode(&mut Buffer::from(END.to_vec()))?;
            Ok(decoder.schema())
        });
        let read = match schema {
            Some(Ok(Some(schema))) => Arc::new(schema.as_ref().clone()),
            Some(Err(error)) => return Err(refused(broken(&error))),
            _ => {
                let why = "a schema that its decoder gives up on";
                return Err(refused(Refusal::new(0, Gap::Malformed, why)));
            }
        };
        if read.fields().len() > limits.columns {
            let (most, got) = (limits.columns, read.fields().len());
            let why = format!("expected at most {most} columns, got {got}");
            return Err(refused(Refusal::new(0, Gap::LargeMemory, why)));
        }
        let schema = shape::shown(&read);
        Ok(Self { source: source.clone(), bytes, batches, read, schema, limits })
    }
}

/// The stream in a file, and how many batches the footer lists.
fn within_file(bytes: &Bytes) -> Result<(Bytes, usize), Refusal> {
    let magic = bytes.len().saturating_sub(6);
    if magic < 18 || !bytes.has(magic, b"ARROW1") {
        return Err(Refusal::truncated(magic, "expected `ARROW1` at the end of an Arrow file"));
    }
    let at = magic.saturating_sub(4);
    let length = u64::from(bytes.u32_le(at)?);
    let start = at.checked_sub(length).filter(|start| *start >= 8);
    let start = start.ok_or_else(|| {
        let why = format!("a footer of {length} bytes, longer than the file");
        Refusal::new(at, Gap::OversizedLength, why)
    })?;
    if length > MOST_METADATA {
        let why = format!("a footer of {length} bytes, more than {MOST_METADATA}");
        return Err(Refusal::new(start, Gap::LargeMemory, why));
    }
    let footer = bytes.take(start, length)?;
    let footer = root_as_footer(&footer)
        .map_err(|_| Refusal::truncated(start, "expected the footer of an Arrow file"))?;
    let batches = footer.recordBatches().map_or(0, |batches| batches.len());
    // Writers fill up with zeros, some to 8 bytes and some to 64.
    let mut first = 8_u64;
    while first < 64 && bytes.u32_le(first)? == 0 {
        first = first.saturating_add(8);
    }
    Ok((bytes.slice(first, start.saturating_sub(first))?, batches))
}

fn broken(error: &arrow_schema::ArrowError) -> Refusal {
    let text = error.to_string();
    let text = text.split_once(": ").map_or(text.as_str(), |(_, text)| text).trim_end_matches('.');
    Refusal::new(0, Gap::Malformed, format!("expected arrays of Arrow: {text}"))
}

impl Piece for Stream {
    fn name(&self) -> &str {
        &self.source.name
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn open(&self) -> Result<Box<dyn Rows + '_>, Unread> {
        Ok(Box::new(Reading::new(self)))
    }
}

struct Reading<'a> {
    stream: &'a Stream,
    budget: Arc<modelward_formats::Budget>,
    meter: Meter,
    decoder: StreamDecoder,
    /// Offset of the next message.
    at: u64,
    /// Batches that were read.
    batches: usize,
    /// A batch, how many of its rows were handed over, and how many go at a time.
    left: Option<(RecordBatch, usize, usize)>,
    /// Whether a batch so far was compressed.
    packed: bool,
}

impl<'a> Reading<'a> {
    fn new(stream: &'a Stream) -> Self {
        let budget = budget(&stream.limits);
        let decoder = StreamDecoder::new();
        let meter = Meter::new(stream.bytes.len(), &stream.limits);
        Self { stream, budget, meter, decoder, at: 0, batches: 0, left: None, packed: false }
    }

    /// The next batch as it was written.
    fn batch(&mut self) -> Result<Option<RecordBatch>, Refusal> {
        loop {
            self.budget.tick(self.at)?;
            let message = Message::read(&self.stream.bytes, self.at, &self.stream.limits)?;
            let Some(message) = message else {
                let expected = self.stream.batches.unwrap_or(self.batches);
                if expected != self.batches {
                    let got = self.batches;
                    let why = format!("expected {expected} batches as the footer says, got {got}");
                    return Err(Refusal::new(self.at, Gap::Malformed, why));
                }
                return Ok(None);
            };
            let at = self.at;
            self.at = message.end;
            let decoder = &mut self.decoder;
            let is_batch = message.kind == MessageHeader::RecordBatch;
            self.packed |= message.packed;
            let framed = message.framed();
            let decoded = guarded(|| decoder.decode(&mut Buffer::from(framed)));
            match decoded {
                Some(Ok(Some(batch))) => {
                    self.batches = self.batches.saturating_add(1);
                    return Ok(Some(batch));
                }
                // A batch without a body is decoded once something follows it.
                Some(Ok(None)) if is_batch => self.batches = self.batches.saturating_add(1),
                Some(Ok(None)) => {}
                Some(Err(error)) => return Err(Refusal { at, ..broken(&error) }),
                None => {
                    let why = "a batch that its decoder gives up on";
                    return Err(Refusal::new(at, Gap::Malformed, why));
                }
            }
        }
    }
}

impl Rows for Reading<'_> {
    fn next(&mut self) -> Result<Option<Chunk>, Unread> {
        let source = &self.stream.source;
        loop {
            if let Some((batch, done, most)) = self.left.take() {
                let rows = batch.num_rows().saturating_sub(done).min(most);
                if rows > 0 {
                    let part = batch.slice(done, rows);
                    self.meter.take(&source.name, &part)?;
                    let rows = shape::show(&part, &self.stream.read, &self.stream.schema)
                        .map_err(|why| Unread::new(&source.name, Gap::Malformed, why))?;
                    self.left = Some((batch, done.saturating_add(part.num_rows()), most));
                    return Ok(Some(Chunk { rows, places: None }));
                }
            }
            match self.batch() {
                Ok(Some(batch)) => {
                    // Once: every text that is named is looked at for it.
                    let most = shape::fitting(&batch).min(BATCH_ROWS);
                    self.left = Some((batch, 0, most));
                }
                Ok(None) => return Ok(None),
                Err(refusal) => return Err(source.refused(&refusal)),
            }
        }
    }
}

/// What a file begins with.
const FILE: &[u8] = b"ARROW1\0\0";
/// What a message begins with.
const CONTINUES: [u8; 4] = [0xff; 4];
/// What a stream ends with.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
/// The most bytes of what stands before a body, and of a footer.
const MOST_METADATA: u64 = 16 << 20;
/// The most bytes of the list of a folder's files.
const MOST_STATE: u64 = 16 << 20;

#[cfg(test)]
mod tests;
