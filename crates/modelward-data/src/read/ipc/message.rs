//! One message of a stream: what it is, and its body with nothing compressed in it.

use arrow_ipc::{CompressionType, MessageHeader, RecordBatch, root_as_message};
use modelward_formats::{Bytes, Gap, Refusal, parquet::Codec};

use super::{CONTINUES, MOST_METADATA};
use crate::Limits;

/// A message.
pub(super) struct Message {
    pub(super) kind: MessageHeader,
    metadata: Vec<u8>,
    body: Vec<u8>,
    /// Offset of the byte behind it.
    pub(super) end: u64,
    /// Whether its buffers were compressed.
    pub(super) packed: bool,
}

impl Message {
    /// The message at an offset; `None` at the end of the stream.
    pub(super) fn read(bytes: &Bytes, at: u64, limits: &Limits) -> Result<Option<Self>, Refusal> {
        if at >= bytes.len() {
            return Ok(None);
        }
        let mut start = at;
        // Writers before version 0.15 wrote the length alone.
        if bytes.has(start, &CONTINUES) {
            start = start.saturating_add(4);
        }
        let length = u64::from(bytes.u32_le(start)?);
        if length == 0 {
            return Ok(None);
        }
        start = start.saturating_add(4);
        let left = bytes.len().saturating_sub(start);
        if length > left {
            let why = format!("a message of {length} bytes, but only {left} are left");
            return Err(Refusal::new(at, Gap::OversizedLength, why));
        }
        if length > MOST_METADATA {
            let why = format!("a message of {length} bytes, more than {MOST_METADATA}");
            return Err(Refusal::new(at, Gap::LargeMemory, why));
        }
        let mut metadata = bytes.take(start, length)?;
        let body_at = start.saturating_add(length);
        let malformed = |why: &'static str| Refusal::new(at, Gap::Malformed, why);
        let message = root_as_message(&metadata)
            .map_err(|_| malformed("expected a message of Arrow, got other bytes"))?;
        let kind = message.header_type();
        let body = u64::try_from(message.bodyLength())
            .map_err(|_| malformed("expected a body, got a negative length"))?;
        let left = bytes.len().saturating_sub(body_at);
        if body > left {
            let why = format!("a body of {body} bytes, but only {left} are left");
            return Err(Refusal::new(body_at, Gap::OversizedLength, why));
        }
        let most = limits.memory / 4;
        if body > most {
            let why = format!(
                "a batch of {body} bytes, more than the {most} that memory allows; write it in smaller ones"
            );
            return Err(Refusal::new(body_at, Gap::LargeMemory, why));
        }
        let mut content = bytes.take(body_at, body)?;
        let packing = packing(&message).map_err(|why| Refusal::new(at, Gap::Malformed, why))?;
        let packed = packing.is_some();
        if let Some(packing) = packing {
            let here = |refusal: Refusal| Refusal { at: body_at, ..refusal };
            content = packing.unpack(&mut metadata, &content, limits).map_err(here)?;
        }
        let end = body_at.saturating_add(body);
        Ok(Some(Self { kind, metadata, body: content, end, packed }))
    }

    /// The message as it stands in a stream.
    pub(super) fn framed(self) -> Vec<u8> {
        let length = u32::try_from(self.metadata.len()).unwrap_or(u32::MAX);
        [&CONTINUES[..], &length.to_le_bytes(), &self.metadata, &self.body].concat()
    }
}

/// How the buffers of a batch are compressed, and where the metadata say so.
struct Packing {
    codec: Codec,
    /// Where each buffer lies in the body: offset and length.
    buffers: Vec<(i64, i64)>,
    /// Where in the metadata that list lies.
    list: usize,
    /// Where in the metadata the length of the body lies.
    body: usize,
}

/// The packing of a batch or a dictionary; none where nothing is compressed.
fn packing(message: &arrow_ipc::Message<'_>) -> Result<Option<Packing>, &'static str> {
    let batch: Option<RecordBatch<'_>> = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => {
            message.header_as_dictionary_batch().and_then(|batch| batch.data())
        }
        _ => None,
    };
    let Some((batch, compression)) = batch.and_then(|batch| Some((batch, batch.compression()?)))
    else {
        return Ok(None);
    };
    let codec = match compression.codec() {
        CompressionType::LZ4_FRAME => Codec::Lz4,
        CompressionType::ZSTD => Codec::Zstd,
        _ => return Err("expected buffers compressed with LZ4 or Zstandard"),
    };
    let Some(buffers) = batch.buffers() else { return Ok(None) };
    let place =
        |table: &[u8], part: &[u8]| (part.as_ptr() as usize).checked_sub(table.as_ptr() as usize);
    let list = place(message._tab.buf(), buffers.bytes());
    let body = usize::from(message._tab.vtable().get(arrow_ipc::Message::VT_BODYLENGTH));
    let body = (body > 0).then(|| message._tab.loc().checked_add(body)).flatten();
    let (Some(list), Some(body)) = (list, body) else {
        return Err("expected the length of a body");
    };
    let buffers = buffers.iter().map(|buffer| (buffer.offset(), buffer.length())).collect();
    Ok(Some(Packing { codec, buffers, list, body }))
}

impl Packing {
    /// The body with every buffer marked as one that is not compressed, and metadata to match.
    fn unpack(self, metadata: &mut [u8], body: &[u8], limits: &Limits) -> Result<Vec<u8>, Refusal> {
        let malformed = |why: &'static str| Refusal::new(0, Gap::Malformed, why);
        let (most, mut sum) = (limits.memory / 4, 0_u64);
        let free = (body.len() as u64).saturating_mul(limits.ratio).max(FREE);
        let mut unpacked: Vec<u8> = Vec::new();
        let mut places = Vec::with_capacity(self.buffers.len());
        for &(offset, length) in &self.buffers {
            let range = usize::try_from(offset).ok().zip(usize::try_from(length).ok());
            let buffer = range.and_then(|(at, length)| body.get(at..at.checked_add(length)?));
            let buffer =
                buffer.ok_or_else(|| malformed("a buffer that reaches beyond its body"))?;
            let at = unpacked.len();
            if !buffer.is_empty() {
                let (size, packed) = buffer
                    .split_first_chunk::<8>()
                    .ok_or_else(|| malformed("expected the length of a compressed buffer"))?;
                let size = i64::from_le_bytes(*size);
                unpacked.extend_from_slice(&PLAIN);
                if size == -1 {
                    unpacked.extend_from_slice(packed);
                } else {
                    let size = u64::try_from(size)
                        .map_err(|_| malformed("expected a length, got a negative one"))?;
                    sum = sum.saturating_add(size);
                    if sum > free {
                        let why = format!(
                            "a batch that grows to {sum} bytes, more than {} times as much",
                            limits.ratio
                        );
                        return Err(Refusal::new(0, Gap::HighExpansionRatio, why));
                    }
                    if sum > most {
                        let why = format!(
                            "a batch that grows to {sum} bytes, more than the {most} that memory allows"
                        );
                        return Err(Refusal::new(0, Gap::LargeMemory, why));
                    }
                    let size = usize::try_from(size).unwrap_or(usize::MAX);
                    if size > 0 {
                        unpacked.extend(self.codec.unpack(packed.to_vec(), size)?);
                    }
                }
            }
            places.push((at, unpacked.len().saturating_sub(at)));
            unpacked.resize(unpacked.len().next_multiple_of(64), 0);
        }
        let mut at = self.list;
        for (offset, length) in places {
            for number in [offset, length] {
                at = patch(metadata, at, number)?;
            }
        }
        patch(metadata, self.body, unpacked.len())?;
        Ok(unpacked)
    }
}

/// Write a number of 64 bits; gives where the next one stands.
fn patch(metadata: &mut [u8], at: usize, number: usize) -> Result<usize, Refusal> {
    let lost = || Refusal::new(0, Gap::Malformed, "expected the list of a batch's buffers");
    let end = at.checked_add(8).ok_or_else(lost)?;
    let place = metadata.get_mut(at..end).ok_or_else(lost)?;
    place.copy_from_slice(&(number as u64).to_le_bytes());
    Ok(end)
}

/// The mark of a buffer that is not compressed.
const PLAIN: [u8; 8] = [0xff; 8];
/// What any batch may grow to.
const FREE: u64 = 16 << 20;
